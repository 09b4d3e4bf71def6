// swift-tools-version: 6.3
import PackageDescription

// Warnings are errors of ours; unsafe code must say so where it stands. The programs are
// compiled with Shared as one: what is generic in it is then not put together at each start.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .strictMemorySafety(),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

// A worker is started once per chunk: a static program starts in half the time of one that loads
// shared libraries. Swift's own lld links it: unlike the linker of the system, it does not warn of
// the dlopen in Swift's library. Leaving out unused code and symbols makes the files a third
// smaller.
let staticRelease: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-executable", "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "-s",
        ], .when(platforms: [.linux], configuration: .release))
]

func program(_ name: String) -> Target {
    .executableTarget(
        name: name, dependencies: ["Shared"], swiftSettings: strict,
        linkerSettings: staticRelease)
}

let package = Package(
    name: "pmaputils",
    targets: [
        .systemLibrary(name: "CSystem", path: "Sources/Shared/CSystem"),
        .target(
            name: "Shared", dependencies: ["CSystem"], exclude: ["CSystem"],
            swiftSettings: strict),
        program("pmap"),
        program("wordsplit"),
        program("wcreduce"),
        .testTarget(name: "SharedTests", dependencies: ["Shared"]),
        .testTarget(name: "pmapTests", dependencies: ["pmap", "Shared"]),
        .testTarget(name: "wordsplitTests", dependencies: ["wordsplit", "Shared"]),
        .testTarget(name: "wcreduceTests", dependencies: ["wcreduce", "Shared"]),
        // It runs the programs, which are built with all tests, and imports none of them: so a
        // change of theirs does not have it compiled again.
        .testTarget(name: "BlackBoxTests", dependencies: ["CSystem"]),
    ]
)
