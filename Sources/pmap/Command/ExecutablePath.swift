import Shared

/// The file that execvp(3) would run under a name, in any bytes. A directory of that name, and
/// a file that may not be executed, are passed by.
///
/// - Parameters:
///   - search: the value of PATH, folders between colons; an empty one is the working folder.
///   - isExecutable: whether a path is that of a file that can be run.
func executablePath(
    of name: [UInt8], search: [UInt8],
    isExecutable: (Path) -> Bool = { $0.isExecutableFile }
) -> Path? {
    let slash = UInt8(ascii: "/")
    if name.contains(slash) { return Path(name) }
    for folder in search.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
        let path = Path(folder.isEmpty ? name : folder + [slash] + name)
        if isExecutable(path) { return path }
    }
    return nil
}

/// The same on this process's PATH; without one, as glibc, in /bin and /usr/bin.
func executablePath(of name: [UInt8]) -> Path? {
    let search = unsafe getenv("PATH").map { unsafe bytesOfCString($0) }
    return executablePath(of: name, search: search ?? Array("/bin:/usr/bin".utf8))
}
