/// The bytes of memory that this process may really use: those of the machine, and no more than
/// its control groups and its own limits (getrlimit(2)) let it have.
public func usableMemory() -> Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let groups = controlGroupMemory(
        membership: textOfFile("/proc/self/cgroup") ?? "", read: textOfFile)
    return min(machine, groups ?? .max, resourceLimit(RLIMIT_AS), resourceLimit(RLIMIT_DATA))
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
