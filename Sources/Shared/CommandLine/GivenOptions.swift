/// The options that a command line gives, each with its value, in their order.
///
/// No array, for the reason that `ArgumentList` is none. Its memory lives as long as the
/// process, as the command line does.
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

    /// The last one of this kind.
    public subscript(_ id: ID) -> Option<ID>? { last { $0.option.id == id }?.option }
}
