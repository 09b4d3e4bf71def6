import Foundation
import Testing

/// examples/slurm-wordcount.sh on a cluster of two nodes: the counts are those of the local
/// pipeline, whatever dies on the way.
@Suite(.enabled(if: Engine.hasSlurm, Engine.comment), .serialized) struct SlurmEngineTests {
    /// Runs a script while a cluster is up. It finds in its folder a `bin` that comes first
    /// on PATH, and has `count`, which submits the example and waits for it, two files to a
    /// step, and `same`, which fails where the counts are not the local pipeline's.
    private func onCluster(_ script: String) throws -> ShellResult {
        let folder = try TemporaryFolder()
        let cluster = projectFile("Tests/Engines/slurm-cluster")
        defer { _ = try? shell("\(cluster) stop cluster", in: folder) }
        return try shell(
            """
            mkdir bin cluster texts; touch before
            \(cluster) start cluster || exit
            export SLURM_CONF=$PWD/cluster/slurm.conf CLUSTER=\(cluster) FOLDER=$PWD
            REAL=$(dirname "$(command -v wordsplit)")
            export REAL PATH=$PWD/bin:$PATH CHUNK=2 PAUSE=1
            count() { sbatch -Q --wait -n4 -o job.log \(projectFile("examples/slurm-wordcount.sh")) \
                "$SAMPLES" "$PWD/result" >sbatch.log; }
            same() { ls "$SAMPLES"/* | pmap -c5 "$REAL/wordsplit" | wcreduce | cmp - result/counts; }
            \(script)
            """, in: folder, environment: ["SAMPLES": samples], timeout: 240)
    }

    /// Has the first step that begins on a node (any: `*`) print half of its words and then do
    /// something.
    private func once(on node: String, _ action: String) -> String {
        """
        cat >bin/wordsplit <<'END'
        #!/bin/bash
        echo "$PMAP_CHUNK" >>"$FOLDER/begun"
        if [[ "$SLURMD_NODENAME" == \(node) ]] && mkdir "$FOLDER/once" 2>>"$FOLDER/once.log"; then
            "$REAL/wordsplit" "$@" | head -n 50
            \(action)
        fi
        exec "$REAL/wordsplit" "$@"
        END
        chmod +x bin/wordsplit
        """
    }

    @Test func twoNodesCountAsThePipelineDoes() throws {
        let result = try onCluster(
            """
            count && same && echo same
            awk -F '\\t' 'NR > 1 { items += $13 } END { print items }' result/chunks-of-2/log
            ss -ltnp | grep -E 'slurm|munge' >listeners; wc -l <listeners
            grep -cv ' 127\\.0\\.0\\.1:' listeners
            find /etc/slurm* /etc/munge* -newer before
            """)
        let files = try FileManager.default.contentsOfDirectory(atPath: samples).count
        // One controller and two nodes listen, all on the loopback interface.
        #expect(result.text == "same\n\(files)\n3\n0\n")
        #expect(result.errors == "")
    }

    @Test func aWorkerThatIsKilledIsRunAgain() throws {
        let result = try onCluster(
            """
            \(once(on: "*", "kill -9 $$"))
            count && same && echo same
            cut -f 11 result/chunks-of-2/log | grep -c 2
            ls result/chunks-of-2 | grep -cv '^[0-9]*.counts$'
            """)
        // One chunk with two attempts; beside the counts there is only the log.
        #expect(result.text == "same\n1\n1\n")
    }

    /// The node's daemon, and the step with all that it runs, die at once.
    @Test func aNodeThatDiesCostsNoCount() throws {
        let death = """
            kill -9 "$(cat "$FOLDER/cluster/slurmd-n2.pid")"
            process=$$ dead=
            until [ "$(cat /proc/$process/comm)" = slurmstepd ]; do
                dead="$dead $process"
                process=$(ps -o ppid= -p $process | tr -d ' ')
            done
            kill -9 $process $dead
            """
        let result = try onCluster(
            """
            \(once(on: "n2", death))
            count && same && echo same
            sinfo -h -N -n n2 -o %T
            awk -F '\\t' '$11 > 1' result/chunks-of-2/log | wc -l | sed 's/^[1-9].*/tried again/'
            """)
        #expect(result.text == "same\ndown*\ntried again\n")
    }

    @Test func aJobThatWasCancelledGoesOnWhereItWas() throws {
        let result = try onCluster(
            """
            \(once(on: "*", "while [ \"$(wc -l <\"$FOLDER/begun\")\" -lt 9 ]; do sleep 0.1; done; scancel $SLURM_JOB_ID; sleep 60"))
            count || echo cancelled
            ls result/counts 2>&1 | grep -c 'No such file'
            done=$(ls result/chunks-of-2 | grep -c counts)
            mv begun begun.before
            count && same && echo same
            # Those whose counts were there are not counted again.
            [ "$(wc -l <begun)" -eq $((18 - done)) ] && echo the rest only
            """)
        #expect(result.text == "cancelled\n1\nsame\nthe rest only\n")
    }

    /// What pmap does to end its workers ends the steps of srun too.
    @Test(arguments: [Signal.terminate, .interrupt])
    func stepsEndWithPmap(_ signal: Signal) throws {
        let result = try onCluster(
            """
            cat >bin/lasting <<'END'
            #!/bin/sh
            echo $$ >>"$FOLDER/steps"
            exec sleep 600
            END
            chmod +x bin/lasting
            touch steps
            seq 4 >items
            env --default-signal=INT pmap -a items -j4 --kill-after 30 srun --quiet -N1 -n1 --input=none \
                --quit-on-interrupt lasting 2>pmap.log &
            until [ "$(wc -l <steps)" -eq 4 ]; do sleep 0.1; done
            kill -\(signal.rawValue) $!
            wait $!
            echo $?
            for step in $(cat steps); do
                for try in $(seq 100); do kill -0 $step 2>>gone || break; sleep 0.1; done
            done
            grep -c 'No such process' gone
            """)
        #expect(result.text == "\(signal.status)\n4\n")
    }
}
