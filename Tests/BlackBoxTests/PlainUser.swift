import Foundation
import Testing

/// Runs a command line in which `$plain` before a program runs it as a user without privileges.
/// Where root runs the tests, that is a user of this call alone, since limits count all the
/// processes of a user. Cancels the test where the way to the programs is closed to other users.
func shellWithPlainUser(
    _ command: String, sourceLocation: SourceLocation = #_sourceLocation
) throws -> ShellResult {
    let plain =
        getuid() == 0
        ? "id=$((100000 + $$)); plain=\"setpriv --reuid=$id --regid=$id --clear-groups\"" : "plain="
    let result = try shell(
        """
        \(plain); chmod 777 .; $plain pmap --version >/dev/null 2>&1 || exit 77
        \(command)
        """, sourceLocation: sourceLocation)
    if result.status == 77 {
        try Test.cancel("the way to the programs is closed to other users")
    }
    return result
}

extension Trait where Self == ConditionTrait {
    /// For a test of what root may always do.
    static var hasPlainUser: Self {
        .enabled(if: getuid() != 0 || isInstalled("setpriv"), "setpriv (util-linux) is missing")
    }
}
