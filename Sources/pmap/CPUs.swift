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
/// Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst). A path that a
/// container does not show is passed by on the way up to the root that it does show.
///
/// - Parameters:
///   - membership: the text of /proc/self/cgroup.
///   - read: the text of a file, nil if there is none.
func cgroupQuota(membership: String, read: (String) -> String?) -> Int? {
    var smallest: Int?
    for line in membership.split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        let isUnified = fields[1].isEmpty
        guard isUnified || fields[1].split(separator: ",").contains("cpu") else { continue }
        let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu"
        var path = fields[2].split(separator: "/")
        while true {
            let folder = root + path.map { "/" + $0 }.joined()
            let quota = isUnified ? quotaV2(folder, read) : quotaV1(folder, read)
            if let quota { smallest = min(quota, smallest ?? quota) }
            if path.popLast() == nil { break }
        }
    }
    return smallest
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

private func textOfFile(_ path: String) -> String? {
    unsafe path.withCString { try? contents(of: unsafe Argument($0)) }
}

/// The text of a small file.
func contents(of path: Argument) throws(Errno) -> String {
    let file = try OpenFile(path: path)
    var reader = try BlockReader(file.descriptor, blockSize: 8192)
    var text = ""
    while let block = try unsafe reader.next({ $0.count }) {
        text += unsafe String(decoding: block, as: UTF8.self)
    }
    return text
}
