/// Opens a descriptor that becomes readable when any process closes a file that was open for writing:
/// inotify(7). Reading it to its end discards what it has reported so far.
///
/// - Parameter path: the file.
public func watchCloses(of path: String) throws(Errno) -> OpenFile {
    let number = try retrying { inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC)) }
    let file = OpenFile(owning: FileDescriptor(number))
    _ = try retrying { unsafe inotify_add_watch(number, path, UInt32(IN_CLOSE_WRITE)) }
    return file
}
