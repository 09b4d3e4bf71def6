import Foundation
import Testing

/// examples/slurm-wordcount.sh on a cluster of two nodes: the counts are those of the local
/// pipeline, whatever dies on the way.
@Suite(.enabled(if: Engine.hasSlurm, Engine.comment), .serialized) struct SlurmEngineTests {
    private static let files =
        (try? FileManager.default.contentsOfDirectory(atPath: samples))?.count ?? 0
    /// Two files to a step.
    private static let chunks = (files + 1) / 2

    /// A script, run in a step on node n2, that kills the node's daemon and the step itself.
    private static let killNode2 = """
        kill -9 "$(cat cluster/slurmd-n2.pid)"
        process=$$ dead=
        until [ "$(cat /proc/$process/comm)" = slurmstepd ]; do
            dead="$dead $process"
            process=$(ps -o ppid= -p $process | tr -d ' ')
        done
        kill -9 $process $dead
        """

    /// Runs a script while a cluster is up. It finds in its folder a `bin` that comes first
    /// on PATH, and has `count`, which submits the example and waits for it, and `same`, which
    /// fails where the counts are not the local pipeline's.
    ///
    /// - Parameters:
    ///   - wordsplit: what each `wordsplit` of a step does before it splits. It is a script in
    ///     bash, in the test's folder, and knows the `worker` of pmap and the `srun` it is for.
    private func onCluster(wordsplit: String = "", _ script: String) throws -> ShellResult {
        let folder = try TemporaryFolder()
        let cluster = projectFile("Tests/Engines/slurm-cluster")
        defer { _ = try? shell("\(cluster) stop cluster", in: folder, timeout: 300) }
        return try shell(
            """
            export FOLDER=$PWD CHUNK=2 PAUSE=1 TRIES=100 REAL_SRUN=$(command -v srun)
            mkdir bin cluster
            cat >bin/srun <<'END'
            #!/bin/bash
            echo "worker=$PPID srun=$$" >"$FOLDER/processes.$PMAP_CHUNK"
            exec "$REAL_SRUN" "$@"
            END
            cat >bin/wordsplit <<'END'
            #!/bin/bash
            PATH=${PATH#*:}
            if [ "$1" = --version ]; then exec wordsplit --version; fi
            cd "$FOLDER" && . "./processes.$PMAP_CHUNK" || exit
            stat -c '%n %s %Y' -- "${@:2}" | sha256sum | cut -d ' ' -f 1 >>begun
            \(wordsplit)
            exec wordsplit "$@"
            END
            chmod +x bin/*
            count() (
                export PATH="$PWD/bin:$PATH"
                sbatch -Q --wait -n4 --mem=200M -o job.log \(projectFile("examples/slurm-wordcount.sh")) \
                    "${TEXTS:-$SAMPLES}" "$PWD/result" >sbatch.log
            )
            same() { ls "${TEXTS:-$SAMPLES}"/* | pmap -c5 wordsplit | wcreduce | cmp - result/counts && echo same; }
            etc() { find /etc -printf '%p %y %m %u:%g %s %T@ %l\\n' | LC_ALL=C sort; }
            etc >etc.before
            \(cluster) start cluster || exit
            . cluster/environment
            \(script)
            """, in: folder, environment: ["SAMPLES": samples, "CLUSTER": cluster], timeout: 600)
    }

    /// Has the first step that begins on a node print some of its words and then do something.
    private func first(on node: String = "*", _ action: String) -> String {
        """
        if [[ "$SLURMD_NODENAME" == \(node) ]] && mkdir once 2>>once.log; then
            echo "$PMAP_CHUNK" >once/chunk
            wordsplit -- "$2" | head -n 50
            \(action)
        fi
        """
    }

    /// Whether the chunk of `first` had more than one attempt.
    private let triedAgain = """
        awk -F '\\t' -v chunk="$(cat once/chunk)" '$1 == chunk && $11 > 1 { print "tried again" }' \
            result/log

        """

    /// Each CPU has a step before any step goes on, though the first could have all the memory;
    /// then all that listens is looked at.
    @Test func twoNodesCountAsThePipelineDoes() throws {
        let result = try onCluster(
            wordsplit: """
                mkdir -p "nodes/$SLURMD_NODENAME" "steps/$SLURM_STEP_ID"
                until [ "$(ls nodes | wc -l)" -eq 2 ] && [ "$(ls steps | wc -l)" -ge 4 ]; do
                    sleep 0.1
                done
                if mkdir once 2>>once.log; then ss -Hltnp | grep -E '"(slurm|srun|sbatch|munge)' >listeners; fi
                """,
            """
            count && same
            awk -F '\\t' 'NR > 1 { items += $13 } END { print items }' result/log
            grep -o '"[a-z]*"' listeners | sort -u
            awk '$4 !~ /^127\\.0\\.0\\.1:/' listeners
            """)
        #expect(result.text == "same\n\(Self.files)\n\"slurmctld\"\n\"slurmd\"\n\"srun\"\n")
        #expect(result.errors == "")
    }

    @Test func aClusterThatWasStoppedLeavesNothing() throws {
        let result = try onCluster(
            """
            daemons() { grep -lsz "^CLUSTER_FOLDER=$PWD/cluster$" /proc/[0-9]*/environ; }
            [ "$(daemons | wc -l)" -ge 4 ] && echo started
            count && same
            $CLUSTER stop cluster
            daemons
            etc | diff etc.before -
            """)
        #expect(result.text == "started\nsame\n")
        #expect(result.errors == "")
    }

    @Test(arguments: ["exit 3", "kill -9 $$"])
    func aStepThatFailsOnceIsRunAgain(_ failure: String) throws {
        let result = try onCluster(
            wordsplit: first(failure),
            """
            count && same
            \(triedAgain)
            ls result/chunks | grep -v '^[0-9a-f]*\\.counts$'
            """)
        #expect(result.text == "same\ntried again\n")
    }

    /// The step of a worker that is gone goes on, while the second try is at work on the same. Did
    /// it end before, there would be no second try: what counts is the step's file.
    @Test(arguments: ["$srun", "$worker"])
    func aWorkerThatIsKilledIsRunAgain(_ victim: String) throws {
        let result = try onCluster(
            wordsplit: """
                if mkdir once 2>>once.log; then
                    echo "$PMAP_CHUNK" >once/chunk
                    kill -9 \(victim)
                    while grep -qx "worker=.* srun=$srun" "processes.$PMAP_CHUNK"; do sleep 0.1; done
                fi
                """,
            """
            count && same
            \(triedAgain)
            """)
        #expect(result.text == "same\ntried again\n")
    }

    /// The node's daemon, and the step with all that it runs, die at once.
    @Test func aNodeThatDiesCostsNoCount() throws {
        let result = try onCluster(
            wordsplit: first(
                on: "n2",
                Self.killNode2),
            """
            count && same
            \(triedAgain)
            until sinfo -h -N -n n2 -o %T | grep -o down; do sleep 0.1; done
            """)
        #expect(result.text == "same\ntried again\ndown\n")
    }

    /// It is cancelled when half of its chunks have begun.
    @Test func aJobThatWasCancelledGoesOnWhereItWas() throws {
        let result = try onCluster(
            wordsplit: first(
                """
                until [ "$(wc -l <begun)" -ge \(Self.chunks / 2) ]; do sleep 0.1; done
                scancel $SLURM_JOB_ID
                sleep 600
                """),
            """
            count || echo cancelled
            until [ -z "$(squeue -h)" ]; do sleep 0.1; done
            [ ! -e result/counts ] && echo no counts
            ls result/chunks | sed -n 's/\\.counts$//p' | sort >done
            [ -s done ] && echo some are done
            rm begun
            count && same
            # The others are counted, and those that were done are not.
            sort -u begun | comm -12 done -
            sort -u begun done | wc -l
            """)
        #expect(result.text == "cancelled\nno counts\nsome are done\nsame\n\(Self.chunks)\n")
    }

    /// What pmap does to end its workers ends the steps of srun too.
    @Test(arguments: [Signal.terminate, .interrupt])
    func stepsEndWithPmap(_ signal: Signal) throws {
        let result = try onCluster(
            """
            cat >lasting <<'END'
            #!/bin/sh
            echo $$ >>"$FOLDER/steps"
            exec sleep 600
            END
            chmod +x lasting
            touch steps
            seq 4 >items
            env --default-signal=INT pmap -a items -j4 --kill-after 300 srun --quiet -N1 -n1 --mem=100M --input=none \
                --quit-on-interrupt ./lasting 2>pmap.log &
            until [ "$(wc -l <steps)" -eq 4 ]; do sleep 0.1; done
            kill -\(signal.rawValue) $!
            wait $!
            echo $?
            for step in $(cat steps); do
                while kill -0 $step 2>>gone; do sleep 0.1; done
            done
            grep -c 'No such process' gone
            """)
        #expect(result.text == "\(signal.status)\n4\n")
    }

    /// What is there after the first run is counted once, what is new or changed in the second.
    @Test func textsThatAreNewOrChangedAreCounted() throws {
        let result = try onCluster(
            """
            cp -r "$SAMPLES" texts; export TEXTS=$PWD/texts
            count && same
            echo 'a new text' >texts/zzz; rm begun
            count && same; sort -u begun | wc -l
            echo 'a changed text' >texts/zzz
            count && same
            rm texts/zzz
            count && same
            """)
        #expect(result.lines == ["same", "same", "1", "same", "same"])
    }

    /// It is no use to try again, and the others are counted.
    @Test func aTextInAnotherEncodingIsNamedAndTheOthersAreCounted() throws {
        let result = try onCluster(
            """
            cp -r "$SAMPLES" texts; export TEXTS=$PWD/texts
            echo 'to be' | iconv -t UTF-16 >texts/utf-16
            count || echo status $?
            same 2>same.log
            awk -F '\\t' 'NR > 1 { print $11 }' result/log | sort -u
            cut -d : -f 3 result/unread
            """)
        #expect(result.lines == ["status 1", "same", "1", " is UTF-16, not UTF-8"])
    }

    /// Each message says what to do.
    @Test func wrongCallsAreMessages() throws {
        let script = projectFile("examples/slurm-wordcount.sh")
        let result = try shell(
            """
            printf '#!/bin/sh\\necho pmap from procps-ng\\n' >pmap; chmod +x pmap
            bash \(script); bash \(script) texts result
            export SLURM_JOB_ID=1
            PATH="$PWD:$PATH" bash \(script) texts result
            ls
            """)
        #expect(result.text == "pmap\n")
        #expect(
            result.errorLines == [
                "slurm-wordcount.sh: usage: sbatch --ntasks=200 slurm-wordcount.sh TEXTS RESULT",
                "slurm-wordcount.sh: not in a Slurm job: submit it with sbatch",
                "slurm-wordcount.sh: 'pmap' is not the program of pmaputils: put it first on PATH, "
                    + "or set PMAP (WORDSPLIT, WCREDUCE) to its path",
            ])
    }

    @Test func anArrayCountsAsThePipelineDoes() throws {
        let result = try onCluster(
            """
            sbatch -Q --wait --array=0-2 -o array.log \(projectFile("examples/slurm-array.sh")) \
                "$SAMPLES" "$PWD/result"
            rm result/1.counts
            TASKS=3 sbatch -Q --wait --array=1 -o array.log \
                \(projectFile("examples/slurm-array.sh")) "$SAMPLES" "$PWD/result"
            ls result
            wcreduce -m result/*.counts >result/counts; same
            """)
        #expect(result.text == "0.counts\n1.counts\n2.counts\nsame\n")
        #expect(result.errors == "")
    }

    /// A worker of `--persistent` is a step that stays, on each of the CPUs: no step is started for
    /// a chunk.
    @Test func stepsStayAndAnswer() throws {
        let result = try onCluster(
            """
            cat >run <<'END'
            seq 2000 | pmap --persistent -j4 -c1 --progress=none --log log srun --quiet -N1 -n1 \
                --exact --mem=0 sh -c 'while read -r x; do echo $((x * x)); done'
            END
            salloc -Q -n4 sh run >answers; echo $?
            seq 2000 | awk '{ print $1 * $1 }' | cmp - answers && echo same
            tail -n +2 log | cut -f 3 | sort -u | wc -l
            """)
        #expect(result.text == "0\nsame\n4\n")
        #expect(result.errors == "")
    }

    /// A node's daemon and one of its steps die with a chunk. Another step answers it.
    @Test func aKilledNodesChunkIsAnsweredByAnother() throws {
        let result = try onCluster(
            """
            cat >worker <<'END'
            # A step that is only being started dies with the daemon too.
            mkdir -p steps/$SLURM_STEP_ID
            until [ "$(ls steps | wc -l)" -ge 4 ]; do sleep 0.1; done
            while read -r x; do
                if [ $SLURMD_NODENAME = n2 ] && mkdir once 2>>once.log; then
                    \(Self.killNode2)
                fi
                sleep 0.01
                echo $((x * x))
            done
            END
            cat >run <<'END'
            seq 1000 | pmap --persistent -j4 -c1 --retry 10 --progress=none --log log srun --quiet \
                -N1 -n1 --exact --mem=0 --immediate=10 --kill-on-bad-exit sh worker
            END
            salloc -Q --no-kill -n4 sh run >answers; echo $?
            seq 1000 | awk '{ print $1 * $1 }' | cmp - answers && echo same
            awk -F '\\t' 'NR > 1 && $11 > 1' log | wc -l
            """)
        #expect(result.text == "0\nsame\n1\n")
    }
}
