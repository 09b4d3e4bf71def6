import Shared

/// Prints the command of each chunk in the form that a shell would run.
///
/// - Returns: the exit status.
func printCommands(
    _ settings: Settings, input: [InputFile], messages: Messages
) throws -> Int32 {
    let kernel = try Kernel(signals: Signals(others: []))
    var source = ItemSource(
        kernel, input, limits: settings.chunkLimits, delimiter: settings.delimiter,
        headerItems: settings.headerItems, cutsBlocks: settings.cutsBlocks)
    var output = Output(.standardOutput)
    var status: Int32 = 0
    while !source.isExhausted {
        while let chunk = try source.nextChunk({ item in
            messages.say("item \(item.number)", item.why)
            status = 1
        }) {
            let line = settings.command.shellForm(
                chunk, slot: 1, delimiter: settings.delimiter,
                isShown: settings.outputIsTerminal)
            unsafe try line.withUnsafeBufferPointer { bytes throws(WriteError) in
                try unsafe output.append(UnsafeRawBufferPointer(bytes))
            }
            try output.append(UInt8(ascii: "\n"))
        }
        if source.atEnd { break }
        try source.descriptor.wait(for: POLLIN)
        source.read()
        for fault in source.takeFaults() {
            messages.say(fault.file, fault.why)
            status = 1
        }
    }
    try output.finish()
    return status
}
