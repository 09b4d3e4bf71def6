import Shared

/// The processes that read what pmap prints, directly or through others, as in
/// `pmap ... | grep x | tee log`. They may print on the terminal on which pmap shows its bar.
///
/// They are found in /proc, among the processes of pmap's own process group: a shell starts a
/// pipeline as one group.
struct OutputReaders {
    enum State {
        /// None of them prints on the terminal.
        case none
        /// All of them have taken what was printed, and wait for more.
        case waiting
        case busy
        case unknown
    }

    private var members: [pid_t] = []
    private var nextSearch = Duration.zero

    /// The time between two searches for new members of the group: they take a millisecond for some
    /// hundred processes.
    private static let searchPause = Duration.seconds(1)

    mutating func state(at now: Duration) -> State {
        guard let pipe = target(ofDescriptor: 1, of: "self"),
            let terminal = target(ofDescriptor: 2, of: "self")
        else { return .unknown }
        if now >= nextSearch {
            members = processes(inGroup: getpgrp()).filter { $0 != getpid() }
            nextSearch = now + Self.searchPause
        }
        let ends = members.map { process in
            (
                process, input: target(ofDescriptor: 0, of: "\(process)"),
                output: target(ofDescriptor: 1, of: "\(process)")
            )
        }
        var pipes: Set = [pipe]
        var readers: [pid_t] = []
        var printsOnTerminal = false
        var count = -1
        while readers.count != count {
            count = readers.count
            for end in ends where !readers.contains(end.0) {
                guard let input = end.input, pipes.contains(input) else { continue }
                readers.append(end.0)
                if let output = end.output {
                    if output.hasPrefix("pipe:") { pipes.insert(output) }
                    if output == terminal { printsOnTerminal = true }
                }
            }
        }
        // The shell may not have started all of them yet.
        if readers.isEmpty || !pipes.isSubset(of: ends.compactMap(\.input)) {
            nextSearch = .zero
            return .unknown
        }
        if !printsOnTerminal { return .none }
        if cs_unread_bytes(1) != 0 { return .busy }
        var state = State.waiting
        for reader in readers {
            // The function of the kernel in which it sleeps (proc_pid_wchan(5)).
            guard let place = textOfFile("/proc/\(reader)/wchan"), place != "0", place != "" else {
                state = .unknown
                continue
            }
            if !place.contains("pipe_read") { return .busy }
        }
        return state
    }
}

/// What a descriptor of a process refers to, such as `pipe:[123]` or `/dev/pts/1`.
private func target(ofDescriptor number: Int, of process: String) -> String? {
    var name = [UInt8](repeating: 0, count: 256)
    let count = unsafe name.withUnsafeMutableBytes { buffer in
        unsafe readlink(
            "/proc/\(process)/fd/\(number)",
            buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    return count > 0 ? String(decoding: name[..<count], as: UTF8.self) : nil
}
