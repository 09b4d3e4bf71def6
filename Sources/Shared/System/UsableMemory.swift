/// The bytes of memory that this process may really use: those of the machine, and no more than
/// its control groups let it have, or than its own limits (getrlimit(2)) leave beside what it
/// has mapped already: a program itself takes some megabytes.
public func usableMemory() -> Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let groups = controlGroupMemory(
        membership: textOfFile("/proc/self/cgroup") ?? "", read: textOfFile)
    let limits = (all: resourceLimit(RLIMIT_AS), data: resourceLimit(RLIMIT_DATA))
    let used =
        limits.all == .max && limits.data == .max
        ? (all: 0, data: 0)
        : mappedMemory(textOfFile("/proc/self/statm") ?? "", page: sysconf(Int32(_SC_PAGESIZE)))
    return min(
        machine, groups ?? .max, max(0, limits.all - used.all), max(0, limits.data - used.data))
}

/// The bytes that a process has mapped, and those of them that count as data.
///
/// - Parameter text: that of /proc/self/statm: numbers of pages, the first of all, the sixth of
///   data and stack (Linux, Documentation/filesystems/proc.rst, 1.1).
func mappedMemory(_ text: String, page: Int) -> (all: Int, data: Int) {
    let pages = text.split { $0 == " " || $0 == "\n" }.map { parseCount(String($0)) ?? 0 }
    guard pages.count > 5 else { return (0, 0) }
    func bytes(_ count: Int) -> Int { min(count, 1 << 40) * page }
    return (bytes(pages[0]), bytes(pages[5]))
}

/// The bytes that the smallest memory limit of a control group and those around it comes to,
/// or nil where none is set.
///
/// Version 2 has `memory.max` and, for what is slowed down and not ended, `memory.high`;
/// version 1 `memory.limit_in_bytes` (Linux, Documentation/admin-guide/cgroup-v2.rst and
/// cgroup-v1/memory.rst).
///
/// - Parameters:
///   - membership: the text of /proc/self/cgroup.
///   - read: the text of a file, nil if there is none.
public func controlGroupMemory(membership: String, read: (String) -> String?) -> Int? {
    controlGroups(of: "memory", membership: membership).flatMap { group in
        let names = group.isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
        return names.compactMap { name in
            // `max`, which means no limit, is no count.
            read("\(group.folder)/\(name)").flatMap {
                parseCount(String($0.prefix { $0 != "\n" }))
            }
        }
    }.min()
}
