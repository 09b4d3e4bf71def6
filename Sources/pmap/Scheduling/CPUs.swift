import Shared

/// Returns the number of CPUs that this process can really use: those in its affinity mask, but no
/// more than the quota of its control group allows.
func usableCPUs() -> Int {
    let quota = cgroupQuota(
        membership: textOfFile("/proc/self/cgroup") ?? "",
        read: textOfFile)
    return max(1, min(affinityCPUs(), quota ?? .max))
}

/// Returns the smallest CPU quota of a control group and the groups around it, in CPUs, rounded up;
/// nil if no quota is set.
///
/// Version 2 has `cpu.max`, version 1 `cpu.cfs_quota_us` (Linux,
/// Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst).
///
/// - Parameters:
///   - membership: the text of /proc/self/cgroup.
///   - read: returns the text of a file, or nil if the file does not exist.
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

/// `max` and -1 mean that there is no limit; they do not parse as counts.
private func quota(_ time: String, _ period: String) -> Int? {
    guard let time = parseCount(time, minimum: 1), let period = parseCount(period, minimum: 1)
    else { return nil }
    return (time - 1) / period + 1
}
