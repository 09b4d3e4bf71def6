import Foundation
import Testing

/// The sanitizer that watches the programs, if one does: see Tests/Sanitize/check.
private let sanitizer = ProcessInfo.processInfo.environment["PMAPUTILS_SANITIZER"]

extension Trait where Self == ConditionTrait {
    /// For a test that measures how much memory a program takes.
    static var measuresMemory: Self {
        .disabled(if: sanitizer != nil, "a sanitizer takes memory of its own")
    }

    /// For a test that limits how many processes a program may have.
    static var limitsProcesses: Self {
        .disabled(if: sanitizer == "address", "this sanitizer looks for leaks in another process")
    }

    /// For a test that limits the size of the files that a program writes.
    static var limitsFileSize: Self {
        .disabled(if: sanitizer == "thread", "this sanitizer writes a file as it starts")
    }
}

/// strace(1), for a command line. LeakSanitizer traces the program too, and only one can.
let strace = #"ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" strace"#

/// The variables by which sanitized programs know where to write what they find, and
/// instrumented ones where to write what they ran: as the tests were given them.
///
/// Leaks are looked for in the programs, and not in the tests, whose libraries have some.
func instrumentVariables(of environment: [String: String]) -> [String: String] {
    var variables = environment.filter { name, _ in
        name.hasSuffix("SAN_OPTIONS") || name == "LLVM_PROFILE_FILE"
    }
    variables["ASAN_OPTIONS"]? += ":detect_leaks=1"
    return variables
}
