import Shared

/// How to reach a jobserver, from `--jobserver-auth=` in MAKEFLAGS (GNU make manual, "POSIX
/// Jobserver Interaction").
enum JobserverAddress: Equatable {
    /// The two ends of an inherited pipe; a negative number means that there is no pipe.
    case pipe(reading: Int32, writing: Int32)
    case fifo(path: String)

    /// Text that cannot be parsed gives a pipe that does not exist.
    init(_ text: some StringProtocol) {
        if text.hasPrefix("fifo:") {
            self = .fifo(path: String(text.dropFirst(5)))
            return
        }
        let numbers = text.split(separator: ",").map { Int32($0) ?? -1 }
        self =
            numbers.count == 2
            ? .pipe(reading: numbers[0], writing: numbers[1]) : .pipe(reading: -1, writing: -1)
    }

    var text: String {
        switch self {
        case .pipe(let reading, let writing): "\(reading),\(writing)"
        case .fifo(let path): "fifo:\(path)"
        }
    }
}

extension JobserverAddress {
    /// Whether items, output or messages use the same file. Then taking a token would consume
    /// items, and returning one would add to the output.
    ///
    /// - Parameter file: the file of `-a`.
    func isStream(orFile files: [Argument]) -> Bool {
        let streams = [0, 1, 2].compactMap { FileDescriptor($0).status } + files.flatMap(status)
        let ends: [stat] =
            switch self {
            case .pipe(let reading, let writing):
                [reading, writing].compactMap { $0 < 0 ? nil : FileDescriptor($0).status }
            case .fifo(let path): Path(path).status.map { [$0] } ?? []
            }
        return ends.contains { end in
            streams.contains { $0.st_dev == end.st_dev && $0.st_ino == end.st_ino }
        }
    }

    private func status(ofFile file: Argument) -> [stat] {
        if file == "-" { return [] }
        return Path(file.bytes).status.map { [$0] } ?? []
    }
}

extension Settings {
    /// Ignores a jobserver that is one of pmap's own streams. Call it before `joinJobserver`.
    mutating func refuseStreamsAsJobserver(_ messages: Messages) {
        guard joinsJobserver, !isDryRun, let text = unsafe getenv("MAKEFLAGS"),
            let flags = unsafe JobserverFlags(makeFlags: String(cString: text)),
            flags.address.isStream(orFile: argumentFiles)
        else { return }
        let name = if case .fifo(let path) = flags.address { path } else { flags.address.text }
        messages.say("jobserver \(name)", "an input or output of pmap itself; using -j1")
        joinsJobserver = false
        workers = .exactly(1)
    }
}

/// What MAKEFLAGS says about a jobserver.
struct JobserverFlags: Equatable {
    let address: JobserverAddress
    /// The number of slots, if `-jN` gives it.
    let slots: Int?

    /// - Returns: nil if there is no jobserver.
    init?(makeFlags: String) {
        var address: JobserverAddress?
        var slots: Int?
        for word in makeFlags.split(separator: " ") {
            if word == "--" { break }  // Variables follow.
            for name in ["--jobserver-auth=", "--jobserver-fds="] where word.hasPrefix(name) {
                address = JobserverAddress(word.dropFirst(name.count))  // The last one counts.
            }
            if word.hasPrefix("-j") { slots = parseCount(String(word.dropFirst(2)), minimum: 1) }
        }
        guard let address else { return nil }
        self.address = address
        self.slots = slots
    }
}

/// Returns MAKEFLAGS with this jobserver instead of any other. As in GNU make, it comes after the
/// other options, and before `--` and variables. The first word may be option letters without a
/// dash, so it must stay first.
func makeFlags(_ flags: [UInt8], naming address: JobserverAddress, slots: Int) -> [UInt8] {
    let words = flags.split(separator: blank, omittingEmptySubsequences: false)
    let end = words.firstIndex { $0.elementsEqual("--".utf8) } ?? words.endIndex
    let others = ["-j", "--jobs=", "--jobserver-auth=", "--jobserver-fds="]
    let kept = words[..<end].filter { word in
        !others.contains { word.starts(with: $0.utf8) } && !word.elementsEqual("--jobs".utf8)
    }
    let added = ["-j\(slots)", "--jobserver-auth=\(address.text)"].map { Array($0.utf8)[...] }
    return Array((kept + added + words[end...]).joined(separator: [blank]))
}

private let blank = UInt8(ascii: " ")
