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

    /// Splits the files that a list names.
    mutating func split(_ list: NameList) throws {
        do {
            var names = try FileNames(list)
            while true {
                // The program that writes the names may be slow, or may wait for this answer
                // before it writes the next one.
                if names.isNextUnread { try output.flush() }
                guard let next = try names.next() else { break }
                switch next {
                case .bad(let why): complain(list.text, why)
                case .name(let path): try split(.path(path))
                }
                guard let answerEnd = list.answerEnd else { continue }
                // A failed file must have no answer: the caller would take it for a good one.
                if !allRead { break }
                try output.append(answerEnd)
            }
        } catch let error as Errno where error != .noMemory {
            complain(list.text, error.reason)
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
