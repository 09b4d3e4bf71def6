import Foundation
import Testing

/// Persistent workers on another machine, which is this one: a server of the user's own listens
/// on the loopback interface.
@Suite(.enabled(if: Engine.hasSSH, Engine.comment)) struct SSHEngineTests {
    private let server = projectFile("Tests/Engines/ssh-server")

    /// Two connections answer all chunks.
    @Test func connectionsStay() throws {
        let result = try shell(
            """
            mkdir server
            cat >run <<'END'
            seq 2000 | pmap --persistent -j2 -c1 --progress=none --log log \\
                ssh -F server/config node 'while read -r x; do echo $((x * x)); done'
            END
            \(server) server sh run
            tail -n +2 log | wc -l; tail -n +2 log | cut -f 3 | sort -u | wc -l
            """, timeout: 300)
        #expect(result.lines.prefix(2000) == (1...2000).map { "\($0 * $0)" }[...])
        #expect(result.lines.count == 2002)
        #expect(result.lines.dropFirst(2000).first == "2000")
        #expect(["1", "2"].contains(result.lines.last))
        #expect(result.errors == "")
    }

    /// The shell on the other side dies, and ssh exits with status 255, as it does when the
    /// connection is lost. That would stop pmap; as another status it lets the chunk go to another
    /// worker.
    @Test func aWorkerThatDiesIsReplaced() throws {
        let result = try shell(
            """
            mkdir server
            cat >worker <<END
            cd $PWD
            while read -r x; do
                if [ \\$x = 50 ] && mkdir once 2>>once.log; then kill -9 \\$\\$; fi
                echo \\$((x * x))
            done
            END
            cat >run <<'END'
            seq 100 | pmap --persistent -j2 -c1 --retry 3 --progress=none --log log \\
                -s 'ssh -F server/config node sh $PWD/worker || exit 1'
            END
            \(server) server sh run; echo $?
            awk -F '\\t' 'NR > 1 && $11 > 1' log | wc -l
            """, timeout: 300)
        #expect(result.lines == (1...100).map { "\($0 * $0)" } + ["0", "1"])
    }
}
