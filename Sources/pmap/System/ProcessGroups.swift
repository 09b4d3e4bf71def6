import Shared

/// Returns the process groups that have living members besides their leaders, which are zombies.
///
/// kill(2) with signal 0 cannot tell, because a zombie counts as a member. So this reads the states
/// of all processes from /proc (proc_pid_stat(5)). It is called only for groups that were told to
/// end and whose leaders have exited.
///
/// - Returns: all of the groups if /proc cannot be read.
func processGroupsAlive(among leaders: [pid_t]) -> [pid_t] {
    guard let folder = unsafe opendir("/proc") else { return leaders }
    defer { unsafe closedir(folder) }
    var alive: Set<pid_t> = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
            unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        guard name.utf8.first.map({ (0x30...0x39).contains($0) }) ?? false,
            let stat = textOfFile("/proc/\(name)/stat"), let process = ProcessState(stat),
            leaders.contains(process.group), process.isAlive
        else { continue }
        alive.insert(process.group)
    }
    return leaders.filter(alive.contains)
}

/// The state of a process from /proc/PID/stat.
struct ProcessState: Equatable {
    let group: pid_t
    /// False if the process is a zombie.
    let isAlive: Bool

    /// - Parameter stat: `PID (NAME) STATE PARENT GROUP ...`; the name may contain any characters.
    init?(_ stat: String) {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ", maxSplits: 3)
        guard fields.count == 4, let group = pid_t(fields[2]) else { return nil }
        self.group = group
        isAlive = !["Z", "X", "x"].contains(fields[0])
    }
}
