import Shared

runProgram(pmapSyntax, failure: 1) { options, operands in
    let messages = Messages(program: pmapSyntax.program)
    if let pool = try PoolSettings(options, operands: operands) {
        return try runCommand(pool, messages: messages)
    }
    var settings = try Settings(options, operands: operands)
    for doubt in settings.doubts { messages.say(doubt.what, doubt.why) }
    settings.refuseStreamsAsJobserver(messages)
    let jobserver = joinJobserver(&settings, messages: messages)
    var file: OpenFile?
    if let name = settings.argumentFile, name != "-" {
        do {
            file = try OpenFile(path: name)
        } catch let error as Errno {
            throw Failure(name.text, error.reason)
        }
    }
    let items = file?.descriptor ?? .standardInput
    if settings.isDryRun {
        return try printCommands(settings, items: items, messages: messages)
    }
    return try Pool(
        settings, items: items, jobserver: jobserver, messages: messages
    ).run()
}
