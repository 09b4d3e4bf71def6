import Shared

// Runs schedules, each made of a seed:
//
//   simulate FIRST COUNT          schedules FIRST to FIRST+COUNT-1; stops at the first failure
//   simulate --replay SEED [PART,PART...]   one, without some parts, and tells its story
//   simulate --try SEED [PART,PART...]      the same silently
//   simulate --shrink SEED        finds the parts that a failure needs, and tells its story

let words = CommandLine.arguments

func parts(_ index: Int) -> Set<Int> {
    words.count > index ? Set(words[index].split(separator: ",").compactMap { Int($0) }) : []
}

func usage() -> Never {
    print("usage: simulate FIRST COUNT | --replay SEED [PARTS] | --shrink SEED")
    exit(2)
}

guard words.count >= 3 else { usage() }
switch words[1] {
case "--replay", "--try":
    guard let seed = UInt64(words[2]) else { usage() }
    unsafe SimulatedKernel.tellsStory = words[1] == "--replay"
    run(Plan(seed: seed, without: parts(3)))
case "--shrink":
    guard let seed = UInt64(words[2]) else { usage() }
    shrink(seed)
default:
    guard let first = UInt64(words[1]), let count = UInt64(words[2]) else { usage() }
    atexit {
        if unsafe currentSeed != .max { unsafe print("seed \(currentSeed) ends the simulation") }
    }
    for seed in first..<(first + count) {
        unsafe currentSeed = seed
        run(Plan(seed: seed))
    }
    unsafe currentSeed = .max
    print("\(count) schedules from seed \(first): no promise broken")
}
