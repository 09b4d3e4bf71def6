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
    /// Each eighth worker leaves a process behind that holds its output, prints empty lines,
    /// and meanwhile uses up more process IDs than there are.
    @Test(arguments: ["", "-u", "-l"]) func aReusedProcessIDLosesNoChunk(mode: String) throws {
        let result = try shell(
            withFewProcessIDs(
                """
                seq 40 | pmap -q -j4 \(mode) --log log -s '
                    [ $(($1 % 8)) != 0 ] || for k in $(seq 130); do /bin/true; echo; done &
                    echo $1' 2>errors | grep . | sort -n >output
                seq 40 | cmp - output; wc -l <log; grep -v "left behind" errors
                """))
        #expect(result.text == "41\n" && result.errors == "")
    }

    /// Three workers have exited, and what they printed is still in their pipes: the reader
    /// takes nothing, and nothing can be held. Strangers, each in a session of its own, take
    /// the process IDs that are free.
    @Test func noStrangerIsSignalled() throws {
        let result = try shell(
            withFewProcessIDs(
                """
                for i in $(seq 300); do (:); done
                { seq 4 | sh -c 'echo $$ >pmap; exec pmap -q -j4 --buffer 1 --tmpdir nosuch -s "
                    [ \\$1 != 1 ] || exec seq 400000; until [ -s first ]; do sleep 0.05; done
                    seq 5000; echo x >>exited"' 2>errors
                } | { head -c 1 >first; until [ -e go ]; do sleep 0.05; done; } &
                until [ "$(wc -l <exited)" = 3 ]; do sleep 0.05; done 2>/dev/null
                until ps -eo stat= | grep -q Z; do sleep 0.05; done
                for i in $(seq 80); do setsid sleep 600 & echo $! >>strangers; done
                for p in $(cat strangers); do
                    until grep -q sleep /proc/$p/cmdline; do sleep 0.05; done
                done
                kill -TERM $(cat pmap)
                while kill -0 $(cat pmap) && ! grep -q '^State:.Z' /proc/$(cat pmap)/status; do
                    sleep 0.05
                done 2>/dev/null
                for p in $(cat strangers); do kill -0 $p && echo alive; done | uniq -c | tr -d ' '
                touch go
                """))
        #expect(result.text == "80alive\n")
    }
}

/// A command in a namespace of process IDs up to 400, of which the kernel gives out those from
/// 300 on again and again. Everything that it started ends with it.
private func withFewProcessIDs(_ command: String) -> String {
    """
    cat >few <<'END'
    echo 400 >/proc/sys/kernel/pid_max || exit 99
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
