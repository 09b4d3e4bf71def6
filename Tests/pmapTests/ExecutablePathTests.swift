import Shared
import Testing

@testable import pmap

/// As execvp(3) looks for a file.
@Suite struct ExecutablePathTests {
    private func found(_ name: String, _ search: String, among files: Set<String>) -> String? {
        executablePath(of: Array(name.utf8), search: Array(search.utf8)) {
            files.contains($0.text)
        }?
        .text
    }

    @Test func theFirstFolderThatHasItCounts() {
        #expect(found("x", "/a:/b", among: ["/b/x", "/a/x"]) == "/a/x")
        #expect(found("x", "/a:/b", among: ["/b/x"]) == "/b/x")
        #expect(found("x", "/a:/b", among: []) == nil)
    }

    @Test func anEmptyFolderIsTheWorkingFolder() {
        for search in [":/b", "/a::/b", "/a:", ""] {
            #expect(found("x", search, among: ["x"]) == "x")
        }
    }

    @Test func aNameWithASlashIsNotLookedFor() {
        #expect(found("./x", "/a", among: ["/a/./x"]) == "./x")
    }

    @Test func aNameMayBeAnyBytes() {
        let path = executablePath(of: [0x78, 0xFF], search: Array("/a".utf8)) { _ in true }
        #expect(path?.bytes == Array("/a/x".utf8) + [0xFF])
    }

    /// A directory may be executed too, which for it means something else.
    @Test func aDirectoryIsNoFileToRun() {
        #expect(Path("/").isExecutableFile == false)
        #expect(Path("/bin/sh").isExecutableFile)
        #expect(Path("/etc/passwd").isExecutableFile == false)
        #expect(Path("/nonexistent").isExecutableFile == false)
    }

    @Test func aCommandLineInOneWordIsNotFoundForAReason() {
        let advice = "; a command line in one word is a script for -s"
        #expect(
            Command(["echo hi {}"], delivery: .arguments).reason(.noEntry)
                == Errno.noEntry.reason + advice)
        #expect(
            Command(["echo hi"], delivery: .arguments).reason(.notPermitted)
                == Errno.notPermitted.reason)
        for words in [["echo"], ["{}"], ["a b", "c"]] as [[Argument]] {
            #expect(
                Command(words, delivery: .arguments).reason(.noEntry) == Errno.noEntry.reason)
        }
    }
}
