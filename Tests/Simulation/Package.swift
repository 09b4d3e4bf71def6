// swift-tools-version: 6.2
import PackageDescription

// pmap's core on a simulated system. It is compiled together with pmap's own sources, so that
// the core is specialized for the simulated system as it is for the real one: a million
// schedules take minutes. A package of its own, so that the programs are built without it.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .strictMemorySafety()]

let package = Package(
    name: "simulation",
    targets: [
        .systemLibrary(name: "CSystem", path: "Sources/CSystem"),
        .target(
            name: "Shared", dependencies: ["CSystem"], path: "Sources/Shared",
            exclude: ["CSystem"],
            swiftSettings: strict + [.unsafeFlags(["-cross-module-optimization"])]),
        .executableTarget(
            name: "simulate", dependencies: ["Shared"], path: "Sources",
            exclude: ["Shared", "CSystem", "pmap/main.swift"], sources: ["simulate", "pmap"],
            swiftSettings: strict),
    ]
)
