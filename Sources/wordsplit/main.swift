import Shared

runProgram(wordsplitSyntax, failure: 2) { options, operands in
    let settings = try Settings(options, operands: operands)
    StatusReport.begin(program: wordsplitSyntax.program)
    var files = try FileSplitter(
        settings.rule, messages: Messages(program: wordsplitSyntax.program))
    if let nameList = settings.nameList {
        try files.split(nameList)
    } else {
        if operands.isEmpty { try files.split(.word("-")) }
        for file in operands { try files.split(.word(file)) }
    }
    return try files.finish() ? 0 : 1
}
