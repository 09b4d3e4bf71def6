import Shared

runProgram(wordsplitSyntax, failure: 2) { options, operands in
    let rule = try Rule(options)
    StatusReport.begin(program: "wordsplit")
    let messages = Messages(program: wordsplitSyntax.program)
    let tokenizer = Tokenizer(rule)
    var reader = try BlockReader(.standardInput)
    var output = Output(.standardOutput)
    let allRead = try readEach(operands, messages: messages) { descriptor, _ in
        reader.turn(to: descriptor)
        while let block = try unsafe reader.next(tokenizer.endOfLastWord) {
            try unsafe tokenizer.split(block, into: &output)
        }
    }
    try output.finish()
    return allRead ? 0 : 1
}
