import Shared

/// What a worker does: a random script, of which most print some lines and exit with status 0.
///
/// Each line begins with the numbers of its chunk and attempt, and is ASCII. What processes
/// that the worker leaves behind print is not.
func workerScript(
    _ plan: Plan, chunk: Int?, attempt: Int, _ random: inout Random
) -> ([Process.Step], Process.Reaction) {
    guard let chunk else {
        let script = service(plan, &random)
        return (script, random.once(in: 10) ? .ignores : .dies)
    }
    var script: [Process.Step] = []
    func pause(_ random: inout Random) -> Process.Step {
        .pause(random.pick([0, 0, 100, 3000, 50_000, 400_000, 2_500_000]))
    }
    if random.once(in: 3) { script.append(pause(&random)) }
    if plan.feeds, !random.once(in: 8) { script.append(.readAll) }

    var text: [UInt8] = []
    let lines = random.pick([0, 1, 1, 2, 5])
    for line in 0..<lines {
        var length = random.pick([0, 5, 100, 1000, 1000, 9000])
        if plan.isLoud { length *= 100 }
        text += Array("[\(chunk).\(attempt).\(line)]".utf8)
        text += Array(repeating: UInt8(ascii: "x"), count: length)
        text.append(UInt8(ascii: "\n"))
    }
    if !text.isEmpty, random.once(in: 4) { text.removeLast() }
    var rest = text[...]
    while !rest.isEmpty {
        let piece = random.once(in: 2) ? rest : rest.prefix(random.int(1...rest.count))
        script.append(.write(1, Array(piece)))
        rest = rest.dropFirst(piece.count)
        if random.once(in: 3) { script.append(pause(&random)) }
    }
    if random.once(in: 6) {
        script.insert(
            .write(2, Array("error of \(chunk)\n".utf8)), at: random.int(0...script.count))
    }
    if random.once(in: 12) {
        var child = Process.Child(script: [.pause(random.pick([300_000, 1_500_000, 9_000_000]))])
        child.isDetached = random.once(in: 3)
        child.ignoresTerm = random.once(in: 2)
        if random.once(in: 3), plan.mode != .lines, !plan.tags {
            child.script.append(.write(1, Array(repeating: 0x80, count: random.int(1...3000))))
            child.script.append(.pause(random.int(0...1_000_000)))
        }
        if random.once(in: 3) { child.script.insert(.close(1), at: 0) }
        script.append(.fork(child))
    }
    if random.once(in: 10) {
        script.append(.close(random.int(1...2)))
        script.append(pause(&random))
    }
    if random.once(in: 40) { script.append(.stop(random.pick([SIGTTIN, SIGTTOU]))) }
    // Nobody continues it but pmap, when its time is up.
    if plan.timeout != nil, random.once(in: 30) { script.append(.stop(SIGSTOP)) }
    if random.once(in: 3) { script.append(pause(&random)) }
    switch random.int(0...11) {
    case 0: script.append(.exit(Int32(random.int(1...3))))
    case 1: script.append(.die(random.pick([SIGKILL, SIGSEGV])))
    case 2 where random.once(in: 4): script.append(.exit(255))
    default: script.append(.exit(0))
    }
    var reaction = Process.Reaction.dies
    switch random.int(0...9) {
    case 0: reaction = .ignores
    case 1:
        reaction = .handles([.write(1, Array("[\(chunk).\(attempt).9]summary\n".utf8)), .exit(0)])
    case 2: reaction = .handles([.pause(300_000), .exit(Int32(random.int(0...1)))])
    default: break
    }
    return (script, reaction)
}
