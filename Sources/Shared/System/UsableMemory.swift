/// The bytes of memory that this process may use. This is the smallest of the machine's memory, the
/// limits of its control groups, and what its own limits (getrlimit(2)) leave after what it has
/// already mapped. A program itself takes some megabytes.
public func usableMemory() -> Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    // If the kernel does not tell (sysinfo(2)), libc makes up a number, and only limits count.
    let (bytes, overflow) = pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
    let machine = pages > 0 && !overflow ? bytes : .max
    let groups = controlGroupMemory(
        membership: textOfFile("/proc/self/cgroup") ?? "", read: textOfFile)
    let limits = (all: resourceLimit(RLIMIT_AS), data: resourceLimit(RLIMIT_DATA))
    let used =
        limits.all == .max && limits.data == .max
        ? (all: 0, data: 0)
        : mappedMemory(textOfFile("/proc/self/statm") ?? "", page: sysconf(Int32(_SC_PAGESIZE)))
    return min(machine, groups ?? .max, rest(of: limits, used))
}

/// The bytes that a process may still map, within limits on all its memory and on its data.
func rest(of limits: (all: Int, data: Int), _ used: (all: Int, data: Int)) -> Int {
    min(max(0, limits.all - used.all), max(0, limits.data - used.data))
}

/// The bytes that a process has mapped, and how many of them count as data.
///
/// - Parameter text: the text of /proc/self/statm. It consists of numbers of pages: the first
///   counts all pages, the sixth those of data and stack (Linux,
///   Documentation/filesystems/proc.rst, 1.1).
func mappedMemory(_ text: String, page: Int) -> (all: Int, data: Int) {
    let pages = text.split { $0 == " " || $0 == "\n" }.map { parseCount(String($0)) ?? 0 }
    guard pages.count > 5 else { return (0, 0) }
    func bytes(_ count: Int) -> Int { min(count, 1 << 40) * page }
    return (bytes(pages[0]), bytes(pages[5]))
}

/// The smallest memory limit, in bytes, of a control group and the groups that contain it, or nil
/// if none is set.
///
/// Version 2 has `memory.max`, and `memory.high`, past which processes are slowed down but not
/// ended. Version 1 has `memory.limit_in_bytes` (Linux, Documentation/admin-guide/cgroup-v2.rst and
/// cgroup-v1/memory.rst).
///
/// - Parameters:
///   - membership: the text of /proc/self/cgroup.
///   - read: the text of a file, nil if there is none.
public func controlGroupMemory(membership: String, read: (String) -> String?) -> Int? {
    controlGroups(of: "memory", membership: membership).flatMap { group in
        let names = group.isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
        return names.compactMap { name in
            // `max` means no limit. It does not parse as a count.
            read("\(group.folder)/\(name)").flatMap {
                parseCount(String($0.prefix { $0 != "\n" }))
            }
        }
    }.min()
}
