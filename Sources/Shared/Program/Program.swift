/// An error that ends a run, with a message in the program's own words: `what: why`.
public struct Failure: Error, Equatable, Sendable {
    public let what: String
    public let why: String

    public init(_ what: String, _ why: String) {
        self.what = what
        self.why = why
    }
}

/// The common part of the programs' main functions. It reserves the standard descriptors, parses
/// the command line, and answers `--help` and `--version`. It reports a thrown error as one line on
/// standard error and an exit status.
///
/// - Parameters:
///   - failure: the exit status after a thrown error.
///   - body: does the work and returns the exit status.
public func runProgram<ID, let count: Int>(
    _ syntax: CommandSyntax<ID, count>, failure: Int32,
    _ body: (
        _ options: GivenOptions<ID>, _ operands: ArgumentList
    ) throws -> Int32
) -> Never {
    let messages = Messages(program: syntax.program)
    reserveStandardDescriptors(messages, failure: failure)
    do {
        let arguments = CommandLineArguments()
        switch try unsafe syntax.parse(arguments.vector, count: arguments.count) {
        case .help: exit(try printed(syntax.help))
        case .version: exit(try printed(syntax.version))
        case .run(let options, let operands): exit(try body(options, operands))
        }
    } catch let error as UsageError {
        messages.say(error.what, error.why)
    } catch let error as WriteError where error.cause != .noMemory {
        messages.say("write error", error.cause.reason)
    } catch let error as WriteError {
        messages.say(error.cause.reason)
    } catch let error as Errno {
        messages.say(error.reason)
    } catch let error as Failure {
        messages.say(error.what, error.why)
    } catch {
        messages.say("\(error)")
    }
    exit(failure)
}

private func printed(_ text: String) throws(WriteError) -> Int32 {
    var output = Output(.standardOutput)
    try output.append(text)
    try output.finish()
    return 0
}

/// Opens each file in turn and calls `read` for it. `-`, or an empty list, is standard input. If a
/// file cannot be opened or read, it prints a message and goes on to the next file.
///
/// - Parameter read: throws an `Errno` if reading fails. `Errno.noMemory` and all other errors end
///   the loop.
/// - Returns: whether all of them were read.
public func readEach(
    _ files: some Collection<Argument>, messages: Messages,
    _ read: (_ descriptor: FileDescriptor, _ name: FileName) throws -> Void
) throws -> Bool {
    if files.isEmpty { return try readFile(.word("-"), messages: messages, read) }
    var allRead = true
    for file in files where try !readFile(.word(file), messages: messages, read) {
        allRead = false
    }
    return allRead
}

/// The same with one file.
///
/// - Returns: whether it was read.
public func readFile(
    _ file: FileName, messages: Messages,
    _ read: (_ descriptor: FileDescriptor, _ name: FileName) throws -> Void
) throws -> Bool {
    func readThrough(_ descriptor: FileDescriptor, _ name: FileName) throws {
        // A writer waits a quarter as often as with the usual 64 KiB.
        enlargePipe(descriptor, to: 256 << 10)
        try read(descriptor, name)
    }
    let isStandardInput = file.isStandardInput
    let name = isStandardInput ? .word("standard input") : file
    do {
        if isStandardInput {
            try readThrough(.standardInput, name)
        } else {
            let opened = try file.open()
            try readThrough(opened.descriptor, name)
        }
        return true
    } catch let error as Errno where error != .noMemory {
        messages.say(name.text, error.reason)
        return false
    }
}
