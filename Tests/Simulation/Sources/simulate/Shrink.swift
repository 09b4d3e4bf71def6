import Shared

/// The seed that runs, for what a crash has to tell.
nonisolated(unsafe) var currentSeed = UInt64.max

/// Leaves out one part of a plan after the other as long as the schedule still fails, and
/// tells the story of what is left. Each trial is a process of its own, since a failure may
/// be a crash.
func shrink(_ seed: UInt64) {
    var without: Set<Int> = []
    func text(_ parts: Set<Int>) -> String {
        parts.sorted().map(String.init).joined(separator: ",")
    }
    func fails(_ parts: Set<Int>) -> Bool {
        shellStatus(
            "timeout 10 '\(CommandLine.arguments[0])' --try \(seed) '\(text(parts))' >/dev/null 2>&1"
        ) != 0
    }
    guard fails([]) else {
        print("seed \(seed) fails no more")
        exit(0)
    }
    for part in 0..<Plan.parts where fails(without.union([part])) { without.insert(part) }
    print("replay: simulate --replay \(seed) \(text(without))")
    unsafe SimulatedKernel.tellsStory = true
    run(Plan(seed: seed, without: without))
}

private func shellStatus(_ command: String) -> Int32 {
    unsafe system(command)
}
