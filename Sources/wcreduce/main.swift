import Shared

runProgram(wcreduceSyntax, failure: 2) { options, operands in
    let settings = try Settings(options)
    StatusReport.begin(program: wcreduceSyntax.program)
    let messages = Messages(program: wcreduceSyntax.program)
    var reader = try BlockReader(.standardInput)
    var counts = try Counts(limit: settings.memory, folder: settings.temporaryFolder)
    let allRead = try readEach(operands, messages: messages) { descriptor, name in
        reader.turn(to: descriptor)
        if settings.merges {
            try counts.merge(
                &reader, named: name.text, form: settings.countedForm, delimiter: settings.delimiter
            )
        } else {
            try counts.count(&reader, delimiter: settings.delimiter)
        }
    }
    if counts.total == nil, settings.printsShares || settings.printsTotal {
        throw Failure("the counts together", "pass 2^64-1")
    }
    let total = counts.total ?? 0
    var printer = Printer(
        form: settings.form, delimiter: settings.delimiter,
        total: settings.printsShares ? total : nil)
    let summary = try settings.selection.visit(
        counts.finish(), memory: settings.memory,
        begin: { printer.begin(maximum: $0.maximum) },
        { try printer.print($0) })
    try printer.finish()
    if settings.printsTotal {
        messages.say("\(total) lines, \(summary.distinct) different")
    }
    return allRead ? 0 : 1
}
