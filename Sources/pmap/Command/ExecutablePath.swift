import Shared

/// Returns the file that execvp(3) would run for a name, which may hold any bytes. Directories and
/// files that may not be executed are skipped.
///
/// - Parameters:
///   - search: the value of PATH: folders with colons between them; an empty one means the working
///     folder.
///   - isExecutable: whether the file at a path can be run.
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

/// Searches this process's PATH. If it is unset, searches /bin and /usr/bin, as glibc does.
func executablePath(of name: [UInt8]) -> Path? {
    let search = unsafe getenv("PATH").map { unsafe bytesOfCString($0) }
    return executablePath(of: name, search: search ?? Array("/bin:/usr/bin".utf8))
}
