import Shared

/// Prints the command of each chunk in the form that a shell would run.
///
/// - Returns: the exit status.
func printCommands(
    _ settings: Settings, items: FileDescriptor, messages: Messages
) throws -> Int32 {
    let kernel = try Kernel(signals: Signals(others: []))
    var source = try ItemSource(
        kernel, items, limits: settings.chunkLimits, delimiter: settings.delimiter)
    var output = Output(.standardOutput)
    var status: Int32 = 0
    while !source.isExhausted {
        while let chunk = try source.nextChunk({ item in
            messages.say("item \(item.number)", item.why)
            status = 1
        }) {
            let line = settings.command.shellForm(
                chunk, slot: 1, delimiter: settings.delimiter)
            unsafe try line.withUnsafeBufferPointer { bytes throws(WriteError) in
                try unsafe output.append(UnsafeRawBufferPointer(bytes))
            }
            try output.append(UInt8(ascii: "\n"))
        }
        if source.atEnd { break }
        do throws(Errno) {
            try items.wait(for: POLLIN)
            try source.read()
        } catch {
            let file = settings.argumentFile.flatMap { $0 == "-" ? nil : $0.text }
            messages.say(file ?? "standard input", error.reason)
            status = 1
        }
    }
    try output.finish()
    return status
}
