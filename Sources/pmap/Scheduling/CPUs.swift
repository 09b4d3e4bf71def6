import Shared

/// The CPUs that this process may really use: those of its affinity mask, and no more
/// than its control group's quota pays for.
func usableCPUs() -> Int {
    let quota = cgroupQuota(
        membership: textOfFile("/proc/self/cgroup") ?? "",
        read: textOfFile)
    return max(1, min(affinityCPUs(), quota ?? .max))
}

/// The CPUs that the quotas of a control group and those around it come to, rounded up,
/// or nil where none is set.
///
/// Version 2 has `cpu.max`, version 1 `cpu.cfs_quota_us` (Linux,
/// Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst).
///
/// - Parameters:
///   - membership: the text of /proc/self/cgroup.
///   - read: the text of a file, nil if there is none.
func cgroupQuota(membership: String, read: (String) -> String?) -> Int? {
    controlGroups(of: "cpu", membership: membership).compactMap { group in
        group.isUnified ? quotaV2(group.folder, read) : quotaV1(group.folder, read)
    }.min()
}

private func quotaV2(_ folder: String, _ read: (String) -> String?) -> Int? {
    let fields = read(folder + "/cpu.max")?.split { $0.isWhitespace }.map(String.init) ?? []
    return fields.count == 2 ? quota(fields[0], fields[1]) : nil
}

private func quotaV1(_ folder: String, _ read: (String) -> String?) -> Int? {
    guard let time = read(folder + "/cpu.cfs_quota_us"),
        let period = read(folder + "/cpu.cfs_period_us")
    else { return nil }
    return quota(String(time.prefix { $0 != "\n" }), String(period.prefix { $0 != "\n" }))
}

/// `max` and -1, which mean no limit, are no counts.
private func quota(_ time: String, _ period: String) -> Int? {
    guard let time = parseCount(time, minimum: 1), let period = parseCount(period, minimum: 1)
    else { return nil }
    return (time - 1) / period + 1
}
