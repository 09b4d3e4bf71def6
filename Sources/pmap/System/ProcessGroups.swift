import Shared

/// Returns the process groups that have living members besides their leaders, which are zombies.
///
/// kill(2) with signal 0 cannot tell, because a zombie counts as a member. So this reads the states
/// of all processes from /proc (proc_pid_stat(5)). It is called only for groups that were told to
/// end and whose leaders have exited.
///
/// - Returns: all of the groups if /proc cannot be read.
func processGroupsAlive(among leaders: [pid_t]) -> [pid_t] {
    var alive: Set<pid_t> = []
    let isComplete = forEachProcess { _, process in
        if leaders.contains(process.group), process.isAlive { alive.insert(process.group) }
    }
    return isComplete ? leaders.filter(alive.contains) : leaders
}

/// Returns the living members of a process group; none if /proc cannot be read.
func processes(inGroup group: pid_t) -> [pid_t] {
    var members: [pid_t] = []
    _ = forEachProcess { folder, process in
        if process.isAlive, process.group == group, let number = pid_t(folder.dropFirst(6)) {
            members.append(number)
        }
    }
    return members
}

/// Calls `body` with the directory in /proc and the state of each process.
///
/// - Returns: false if /proc cannot be read.
private func forEachProcess(_ body: (_ folder: String, ProcessState) -> Void) -> Bool {
    forEachNumber(in: "/proc") { number in
        let folder = "/proc/\(number)"
        if let stat = textOfFile("\(folder)/stat"), let process = ProcessState(stat) {
            body(folder, process)
        }
    }
}

/// Calls `body` with each entry of a directory whose name is a number.
///
/// - Returns: false if the directory cannot be read.
@discardableResult
private func forEachNumber(in path: String, _ body: (String) -> Void) -> Bool {
    guard let folder = unsafe opendir(path) else { return false }
    defer { unsafe closedir(folder) }
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
            unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        if name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { body(name) }
    }
    return true
}

// MARK: What workers wait for

/// Finds out whether processes of workers wait in a read(2) of their input, which is empty.
///
/// /proc/PID/task/TID/syscall has the number of the system call that a thread is in, and its
/// arguments (proc_pid_syscall(5)). A descriptor is that of the worker's input if it leads to the
/// same pipe.
func waitsForInput(_ workers: [(leader: pid_t, input: FileDescriptor)]) -> [InputWait] {
    var waits = [InputWait](repeating: .works, count: workers.count)
    /// The indices of the workers that have read all their input.
    var asked: [pid_t: Int] = [:]
    for (index, worker) in workers.enumerated()
    where cs_unread_bytes(worker.input.rawValue) == 0 {
        asked[worker.leader] = index
        waits[index] = .unknown(cpuTime: .zero)
    }
    if asked.isEmpty { return waits }
    var hidden: Set<pid_t> = []
    _ = forEachProcess { folder, process in
        guard let index = asked[process.group], process.isAlive else { return }
        if case .unknown(let cpuTime) = waits[index] {
            waits[index] = .unknown(cpuTime: cpuTime + process.cpuTime)
        }
        let input = workers[index].input
        forEachNumber(in: "\(folder)/task") { thread in
            guard let call = textOfFile("\(folder)/task/\(thread)/syscall") else {
                hidden.insert(process.group)
                return
            }
            if SystemCall(call).isRead(of: input, in: folder) { waits[index] = .waits }
        }
    }
    for (leader, index) in asked where !hidden.contains(leader) && waits[index] != .waits {
        waits[index] = .works
    }
    return waits
}

/// The system call that a thread is in.
private struct SystemCall {
    private let words: [Substring]

    /// - Parameter text: of /proc/PID/syscall: a number and arguments in hexadecimal, or `running`.
    init(_ text: String) { words = text.split(separator: " ", maxSplits: 2) }

    /// Whether it is a read(2) of a pipe.
    ///
    /// - Parameters:
    ///   - pipe: pmap's own end of the pipe.
    ///   - folder: the directory of the process in /proc.
    func isRead(of pipe: FileDescriptor, in folder: String) -> Bool {
        guard words.count > 1, words[0] == "\(cs_read_number())", words[1].hasPrefix("0x"),
            let number = Int32(words[1].dropFirst(2), radix: 16), let own = pipe.status
        else { return false }
        var other = stat()
        return unsafe stat("\(folder)/fd/\(number)", &other) == 0 && other.isSameFile(as: own)
    }
}

/// Returns the CPU time of a process and its finished children, and the memory that it and its
/// descendants have in RAM.
func useOfLivingProcess(_ process: pid_t) -> ResourceUse {
    guard let stat = textOfFile("/proc/\(process)/stat"), let state = ProcessState(stat) else {
        return ResourceUse()
    }
    return ResourceUse(
        userTime: state.userTime, systemTime: state.systemTime,
        maximumResidentSize: residentPages(process) * (sysconf(Int32(_SC_PAGESIZE)) >> 10))
}

private func residentPages(_ process: pid_t, depth: Int = 0) -> Int {
    let folder = "/proc/\(process)"
    let sizes = textOfFile("\(folder)/statm")?.split(separator: " ") ?? []
    var pages = sizes.count > 1 ? Int(sizes[1]) ?? 0 : 0
    // A worker has few levels of children; the limit is for processes that change meanwhile.
    if depth < 16, let children = textOfFile("\(folder)/task/\(process)/children") {
        for child in children.split(separator: " ") {
            if let child = pid_t(child) { pages += residentPages(child, depth: depth + 1) }
        }
    }
    return pages
}

/// The state of a process from /proc/PID/stat.
struct ProcessState: Equatable {
    let group: pid_t
    /// False if the process is a zombie.
    let isAlive: Bool
    /// CPU time of the process and of its finished children.
    let userTime: Duration
    let systemTime: Duration

    var cpuTime: Duration { userTime + systemTime }

    /// - Parameter stat: `PID (NAME) STATE PARENT GROUP ...`; the name may contain any characters.
    init?(_ stat: String) {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ", maxSplits: 15)
        guard fields.count > 3, let group = pid_t(fields[2]) else { return nil }
        self.group = group
        isAlive = !["Z", "X", "x"].contains(fields[0])
        // Fields 14 to 17, in clock ticks: utime, stime, cutime and cstime.
        func time(_ indices: [Int]) -> Duration {
            let ticks = indices.reduce(0) { $0 + (fields.count > $1 ? Int(fields[$1]) ?? 0 : 0) }
            return .seconds(ticks) / sysconf(Int32(_SC_CLK_TCK))
        }
        userTime = time([11, 13])
        systemTime = time([12, 14])
    }
}
