/// Opens what the caller closed of descriptors 0, 1 and 2, so that no file opened
/// later ever lands there and is written to by accident.
///
/// Each gets /dev/null the wrong way round, as gnulib's stdopen does it: reading
/// from or writing to it fails with "Bad file descriptor", as it should.
///
/// - Parameter failure: the exit status if even /dev/null cannot be opened.
func reserveStandardDescriptors(_ messages: Messages, failure: Int32) {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
        let flags = number == 0 ? O_WRONLY : O_RDONLY
        // The lowest free number is this one: those below are open.
        if unsafe open("/dev/null", flags) != number {
            messages.say("/dev/null", Errno.last.reason)
            exit(failure)
        }
    }
}
