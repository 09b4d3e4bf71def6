import Shared

/// Splits files one after the other, and remembers whether all of them could be read.
struct FileSplitter: ~Copyable {
    private let messages: Messages
    private var texts: TextReader
    private var output = Output(.standardOutput)
    private var allRead = true

    init(_ rule: Rule, messages: Messages) throws(Errno) {
        self.messages = messages
        texts = try TextReader(rule)
    }

    /// Splits a file; `-` is standard input. If the file cannot be read, this prints a message and
    /// returns.
    mutating func split(_ file: FileName) throws {
        let isRead = try readFile(file, messages: messages) { descriptor, name in
            do {
                let invalid = try texts.split(descriptor, named: file, into: &output)
                if let text = invalid.message { messages.say(name.text, text) }
            } catch let problem as TextProblem where problem.endsRun {
                try output.flush()
                throw Failure(name.text, problem.why)
            } catch let problem as TextProblem {
                complain(name.text, problem.why)
            }
        }
        if !isRead { allRead = false }
    }

    /// Splits the files whose names a file holds, each ended by NUL.
    mutating func splitFiles(namedIn file: Argument) throws {
        let name = file == "-" ? "standard input" : file.text
        do {
            var names = try FileNames(file)
            while true {
                // The program that writes the names may be slow. The user should not wait for the
                // words that are ready.
                if names.isNextUnread { try output.flush() }
                guard let next = try names.next() else { break }
                switch next {
                case .bad(let why): complain(name, why)
                case .name(let bytes): try split(.path(Path(bytes)))
                }
            }
        } catch let error as Errno where error != .noMemory {
            complain(name, error.reason)
        }
    }

    private mutating func complain(_ name: String, _ why: String) {
        messages.say(name, why)
        allRead = false
    }

    /// Writes the output that is left.
    ///
    /// - Returns: whether all files were read.
    consuming func finish() throws(WriteError) -> Bool {
        try output.finish()
        return allRead
    }
}
