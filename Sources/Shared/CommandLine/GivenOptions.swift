/// The options given on the command line, each with its value, in order.
///
/// Not an array, because creating the first array is slow (see `ArgumentList`). Its memory lives as
/// long as the process, like the command line.
@safe
public struct GivenOptions<ID: Equatable & Sendable>: RandomAccessCollection, Sendable {
    public typealias Element = (option: Option<ID>, value: Argument?)

    private nonisolated(unsafe) var storage: UnsafeMutablePointer<Element>
    private var capacity = 8
    public let startIndex = 0
    public private(set) var endIndex = 0

    init() { unsafe storage = .allocate(capacity: capacity) }

    mutating func append(_ option: Option<ID>, _ value: Argument?) {
        if endIndex == capacity {
            let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
            unsafe larger.moveInitialize(from: storage, count: endIndex)
            unsafe storage.deallocate()
            unsafe storage = larger
            capacity *= 2
        }
        unsafe (storage + endIndex).initialize(to: (option, value))
        endIndex += 1
    }

    public subscript(index: Int) -> Element { unsafe storage[index] }

    /// The last option given with this ID, or nil if there is none.
    public subscript(_ id: ID) -> Option<ID>? { last { $0.option.id == id }?.option }
}
