import Foundation
import Testing

/// What pmap(1) says of process IDs: those of workers that have exited are used by nobody else
/// until pmap is done with them. In a namespace with only some hundred process IDs, others get
/// the same ones within a second.
@Suite(
    .enabled(
        if: processIDsCanBeFew,
        "skipped: no namespace with few process IDs can be made here (unshare, pid_max)"))
struct PmapProcessIDTests {
    /// Two workers leave a process behind that holds their output and goes on printing, while
    /// the others use up more process IDs than there are. It has left the process group: the
    /// kernel gives out no ID that a group has.
    @Test(arguments: ["", "-u", "-l"]) func aReusedProcessIDLosesNoChunk(mode: String) throws {
        let result = try shell(
            withFewProcessIDs(
                """
                echo 'for k in $(seq 20); do sleep 0.2; echo; done' >talker
                seq 400 | pmap -q -j4 \(mode) --log log -s '
                    case $1 in 1 | 200) setsid sh talker & esac
                    echo $1' 2>errors | grep . | sort -n >output
                seq 400 | cmp - output; wc -l <log; grep -v "left behind" errors
                """))
        #expect(result.text == "401\n" && result.errors == "")
    }

    /// Three workers have exited, and what they printed is still in their pipes: the reader
    /// takes nothing, and nothing can be held. Strangers are given all other process IDs
    /// several times over.
    @Test func noStrangerGetsTheProcessIDOfAWorker() throws {
        let result = try shell(
            withFewProcessIDs(
                """
                { seq 4 | sh -c 'echo $$ >pmap; exec pmap -q -j4 --buffer 1 --tmpdir nosuch -s "
                    [ \\$1 != 1 ] || exec seq 400000; until [ -s first ]; do sleep 0.05; done
                    seq 5000; echo \\$\\$ >>exited"' 2>errors
                } | { head -c 1 >first; until [ -e go ]; do sleep 0.05; done; } &
                until [ "$(wc -l <exited)" = 3 ]; do sleep 0.05; done 2>/dev/null
                for i in $(seq 150); do
                    sleep 600 &
                    if grep -qx $! exited; then echo reused; else kill -9 $!; wait $!; fi
                done
                """))
        #expect(result.text == "")
    }
}

/// A command in a namespace of process IDs up to 400. It begins when those below 300 were given
/// out, which the kernel does only once. Everything that it started ends with it.
private func withFewProcessIDs(_ command: String) -> String {
    """
    cat >few <<'END'
    echo 400 >/proc/sys/kernel/pid_max || exit 99
    for i in $(seq 300); do (:); done
    \(command)
    END
    unshare --user --map-root-user --pid --fork --mount-proc --kill-child sh few
    """
}

private let processIDsCanBeFew: Bool = {
    // Before Linux 6.14 the limit is the whole machine's, which must not be changed.
    guard isInstalled("unshare"), isInstalled("setsid") else { return false }
    let probe = """
        [ "$(uname -r | awk -F. '{ print $1 * 1000 + $2 }')" -ge 6014 ] &&
            unshare --user --map-root-user --pid --fork --mount-proc \
                sh -c 'echo 400 >/proc/sys/kernel/pid_max'
        """
    return (try? shell("{ \(probe)\n} 2>/dev/null").status) == 0
}()
