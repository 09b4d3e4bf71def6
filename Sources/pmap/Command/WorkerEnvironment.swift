import Shared

/// The environment of a worker: pmap's own, plus PMAP_SLOT and, unless it is persistent,
/// PMAP_CHUNK.
@safe
struct WorkerEnvironment: ~Copyable {
    /// envp for execve(2): the inherited strings, those of this worker, and nil.
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let inheritedCount: Int
    private let chunk: UnsafeMutablePointer<CChar>
    private let slot: UnsafeMutablePointer<CChar>

    private static let longestVariable = 32

    /// Bytes that the environment counts against `ArgumentLimit.total`.
    static var size: Int {
        unsafe inherited().reduce(2 * ArgumentLimit.cost(of: longestVariable)) {
            unsafe $0 + ArgumentLimit.cost(of: strlen($1))
        }
    }

    private static func inherited() -> [UnsafeMutablePointer<CChar>] {
        var found: [UnsafeMutablePointer<CChar>] = unsafe []
        var next = unsafe cs_environ()
        while let variable = unsafe next?.pointee {
            if unsafe strncmp(variable, "PMAP_CHUNK=", 11) != 0
                && strncmp(variable, "PMAP_SLOT=", 10) != 0
            {
                unsafe found.append(variable)
            }
            unsafe next = next.map { unsafe $0 + 1 }
        }
        return unsafe found
    }

    init() {
        let inherited = unsafe Self.inherited()
        inheritedCount = unsafe inherited.count
        unsafe pointers = .allocate(capacity: inheritedCount + 3)
        unsafe chunk = .allocate(capacity: Self.longestVariable)
        unsafe slot = .allocate(capacity: Self.longestVariable)
        for index in 0..<inheritedCount {
            unsafe (pointers + index).initialize(to: inherited[index])
        }
        unsafe (pointers + inheritedCount).initialize(to: slot)
        unsafe (pointers + inheritedCount + 1).initialize(to: chunk)
        unsafe (pointers + inheritedCount + 2).initialize(to: nil)
    }

    deinit {
        unsafe pointers.deallocate()
        unsafe chunk.deallocate()
        unsafe slot.deallocate()
    }

    mutating func set(chunk number: Int?, slot place: Int) {
        if let number { unsafe Self.write("PMAP_CHUNK=\(number)", to: chunk) }
        unsafe pointers[inheritedCount + 1] = number == nil ? nil : chunk
        unsafe Self.write("PMAP_SLOT=\(place)", to: slot)
    }

    private static func write(_ text: String, to memory: UnsafeMutablePointer<CChar>) {
        var end = 0
        for byte in text.utf8 {
            unsafe memory[end] = CChar(bitPattern: byte)
            end += 1
        }
        unsafe memory[end] = 0
    }
}
