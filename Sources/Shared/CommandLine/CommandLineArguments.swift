/// argc and argv of this process.
///
/// They are read from the stack, where the kernel puts them directly before the environment: argc,
/// argv, a nil, and what environ(7) points to (System V ABI, AMD64 supplement, 3.4.1; arm64 has the
/// same). Swift's `CommandLine` looks for that place in /proc/self/maps. If there is no /proc, or
/// no descriptor is left, it reports no arguments. A program would then read standard input instead
/// of its files.
@safe
struct CommandLineArguments {
    let count: Int32
    let vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    init() {
        if let (count, vector) = unsafe Self.beforeEnvironment() {
            self.count = count
            unsafe self.vector = vector
            return
        }
        count = CommandLine.argc
        unsafe vector = CommandLine.unsafeArgv
    }

    /// - Returns: nil if the environment has been moved elsewhere.
    private static func beforeEnvironment() -> (
        Int32, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    )? {
        guard let environment = unsafe cs_environ() else { return nil }
        // If the environment lies beyond this function's frame, the kernel put it there.
        var place = 0
        let isOnStack = unsafe withUnsafePointer(to: &place) {
            unsafe UnsafeRawPointer($0) < UnsafeRawPointer(environment)
        }
        guard isOnStack, unsafe environment[-1] == nil else { return nil }
        // argc comes directly before argv, and no pointer has so small a value.
        var count = 0
        while unsafe Int(bitPattern: environment[-2 - count]) != count { count += 1 }
        return unsafe (Int32(count), environment - 1 - count)
    }

    /// Returns the last component of argv[0], if it is the program's name with nothing or a prefix
    /// of letters and digits before it: `mpmap` for `pmap`. Otherwise returns the name.
    ///
    /// It uses no arrays: they would add a quarter to the start-up time of a program.
    static func programName(endingWith name: String) -> String {
        let arguments = CommandLineArguments()
        guard arguments.count > 0, let path = unsafe arguments.vector[0] else { return name }
        let word = unsafe strrchr(path, Int32(UInt8(ascii: "/"))).map { unsafe $0 + 1 } ?? path
        let prefixCount = unsafe strlen(word) - name.utf8.count
        if prefixCount < 0 { return name }
        for index in 0..<prefixCount {
            switch unsafe Unicode.Scalar(UInt8(bitPattern: word[index])) {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": break
            default: return name
            }
        }
        var place = prefixCount
        for byte in name.utf8 {
            if unsafe UInt8(bitPattern: word[place]) != byte { return name }
            place += 1
        }
        return unsafe prefixCount == 0 ? name : String(cString: word)
    }
}
