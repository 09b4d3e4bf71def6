/// A control group that limits this process, or one of the groups that contain it.
public struct ControlGroup: Equatable, Sendable {
    /// The directory that holds its files.
    public let folder: String
    /// Whether it is a group of version 2.
    public let isUnified: Bool
}

/// The control groups of version 2 and version 1 in which a controller may set limits (Linux,
/// Documentation/admin-guide/cgroup-v2.rst and cgroup-v1), each from the innermost group up to the
/// root. In a container, inner directories may not exist, but the root does.
///
/// - Parameter membership: the text of /proc/self/cgroup.
public func controlGroups(of controller: String, membership: String) -> [ControlGroup] {
    var groups: [ControlGroup] = []
    for line in membership.split(separator: "\n") {
        let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { continue }
        let isUnified = fields[1].isEmpty
        guard isUnified || fields[1].split(separator: ",").contains(controller[...]) else {
            continue
        }
        let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/\(controller)"
        var path = fields[2].split(separator: "/")
        while true {
            let folder = root + path.map { "/" + $0 }.joined()
            groups.append(ControlGroup(folder: folder, isUnified: isUnified))
            if path.popLast() == nil { break }
        }
    }
    return groups
}

/// The text of a small file, nil if there is none or it cannot be read.
public func textOfFile(_ path: String) -> String? {
    guard let file = try? OpenFile(path: Path(path)) else { return nil }
    return try? contents(of: file)
}

/// The text of a small file.
public func contents(of path: Argument) throws(Errno) -> String {
    try contents(of: OpenFile(path: path))
}

private func contents(of file: borrowing OpenFile) throws(Errno) -> String {
    // Not a `BlockReader`: that counts all that it reads as the program's input.
    var buffer = try InputBuffer(capacity: 8192)
    while try buffer.fill(from: file.descriptor) > 0 {}
    return unsafe String(decoding: buffer.bytes, as: UTF8.self)
}
