import Shared

runProgram(wcreduceSyntax, failure: 2) { options, operands in
    let settings = try Settings(options)
    let messages = Messages(program: wcreduceSyntax.program)
    var reader = try BlockReader(.standardInput)
    var counts = try CountTable()
    let allRead = try readEach(operands, messages: messages) { descriptor, name in
        reader.turn(to: descriptor)
        if settings.merge {
            try merge(&reader, named: name, delimiter: settings.delimiter, into: &counts)
        } else {
            try count(&reader, delimiter: settings.delimiter, into: &counts)
        }
    }
    var output = Output(.standardOutput)
    for entry in try settings.selection.apply(to: counts) {
        try output.append(decimal: entry.count)
        try output.append(UInt8(ascii: "\t"))
        unsafe try entry.withKey { key throws(WriteError) in try unsafe output.append(key) }
        try output.append(settings.delimiter)
    }
    try output.finish()
    return allRead ? 0 : 1
}
