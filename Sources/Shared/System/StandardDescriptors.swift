/// Opens those of descriptors 0, 1 and 2 that the program was started without. Otherwise a file
/// opened later could get such a number and be written to by accident.
///
/// Each is opened on /dev/null in the opposite mode, as gnulib's stdopen does. Reading from or
/// writing to it fails with "Bad file descriptor", as it should.
///
/// - Parameter failure: the exit status if even /dev/null cannot be opened.
func reserveStandardDescriptors(_ messages: Messages, failure: Int32) {
    for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 && errno == EBADF {
        let flags = number == 0 ? O_WRONLY : O_RDONLY
        // open(2) returns the lowest free number. That is this one: those below are open.
        if unsafe open("/dev/null", flags) != number {
            messages.say("/dev/null", Errno.last.reason)
            exit(failure)
        }
    }
}
