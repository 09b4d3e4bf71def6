import Synchronization

/// The answer to SIGUSR1: one line on standard error that says how much has been read, like
/// dd(1)'s: `wordsplit: 104857600 bytes read in 1.5 s`.
///
/// The handler writes the line itself, so it appears at once, whatever the program is waiting for.
/// If the signal is ignored when the program starts, it stays ignored.
public enum StatusReport {
    /// Installs the handler and starts the clock.
    ///
    /// - Parameter program: the name at the start of the line, in ASCII.
    public static func begin(program: String) {
        // Never freed: the handler may read it at any time.
        let name = unsafe strdup(program)
        programName.store(UInt(bitPattern: name), ordering: .relaxed)
        programNameCount.store(program.utf8.count, ordering: .relaxed)
        startTenths.store(tenthsNow(), ordering: .relaxed)
        for signal in statusSignals {
            var action = sigaction()
            unsafe sigaction(signal, nil, &action)
            if unsafe cs_is_ignored(&action) != 0 { continue }
            unsafe cs_set_handler(&action) { _ in writeStatus() }
            action.sa_flags = SA_RESTART
            unsafe sigaction(signal, &action, nil)
        }
    }

    /// Adds to the number of input bytes that were read.
    public static func add(bytes: Int) { bytesRead.wrappingAdd(bytes, ordering: .relaxed) }
}

// The input of the handler, global because a signal handler cannot be given any.
private let programName = Atomic<UInt>(0)
private let programNameCount = Atomic<Int>(0)
private let startTenths = Atomic<Int>(0)
private let bytesRead = Atomic<Int>(0)

/// The time of a clock that is never set, in tenths of a second.
private func tenthsNow() -> Int {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int(time.tv_sec) * 10 + Int(time.tv_nsec) / 100_000_000
}

/// Writes the status line. It is async-signal-safe: it uses only atomic loads, clock_gettime(2) and
/// write(2), and restores errno. A String would allocate, so the line is built in an array on the
/// stack.
private func writeStatus() {
    let saved = errno
    var line = InlineArray<128, UInt8>(repeating: 0)
    var count = 0
    func append(_ byte: UInt8) {
        if count < 128 { line[count] = byte }
        count += 1
    }
    func append(_ text: StaticString) {
        for index in 0..<text.utf8CodeUnitCount { unsafe append(text.utf8Start[index]) }
    }
    func append(_ number: Int) {
        if number >= 10 { append(number / 10) }
        append(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }
    let name = unsafe UnsafePointer<UInt8>(
        bitPattern: programName.load(ordering: .relaxed))
    for index in 0..<programNameCount.load(ordering: .relaxed) { unsafe append(name![index]) }
    let tenths = tenthsNow() - startTenths.load(ordering: .relaxed)
    append(": ")
    append(bytesRead.load(ordering: .relaxed))
    append(" bytes read in ")
    append(tenths / 10)
    append(".")
    append(tenths % 10)
    append(" s\n")
    let bytes = unsafe line.span.bytes
    let shown = min(count, 128)
    unsafe bytes.withUnsafeBytes { memory in
        while unsafe systemWrite(2, memory.baseAddress, shown) == -1 && errno == EINTR {}
    }
    errno = saved
}
