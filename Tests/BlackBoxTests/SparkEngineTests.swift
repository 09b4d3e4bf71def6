import Foundation
import Testing

/// examples/spark_wordcount.py in one process with two threads, and on two executors: the
/// counts are those of the local pipeline, whatever dies on the way.
@Suite(.enabled(if: Engine.hasSpark, Engine.comment), .serialized) struct SparkEngineTests {
    /// Counts the samples, and then runs a script. Spark is told by SPARK_LOCAL_IP alone where
    /// to listen; all that it writes goes into the test's folder, as its home is a folder of
    /// links to what it is. Its processes are in the session of the shell, so they end with it.
    ///
    /// - Parameters:
    ///   - wordsplit: what each `wordsplit` does before it splits. It is a script in bash, in
    ///     the test's folder, and knows the process `executor` that its task belongs to.
    private func count(
        on master: String, wordsplit: String, then script: String = ""
    ) throws -> ShellResult {
        try shell(
            """
            mkdir bin home tmp
            cat >bin/wordsplit <<'END'
            #!/bin/bash
            cd "${0%/bin/*}" && PATH=${PATH#*:} || exit
            executor=$PPID
            until [ "$(cat /proc/$executor/comm)" = java ]; do
                executor=$(ps -o ppid= -p $executor | tr -d ' ')
            done
            \(wordsplit)
            exec wordsplit "$@"
            END
            chmod +x bin/wordsplit
            ln -s "$(python3 -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')"/* home/
            PATH=$PWD/bin:$PATH SPARK_HOME=$PWD/home SPARK_LOCAL_IP=127.0.0.1 spark-submit \
                --master '\(master)' --conf spark.ui.enabled=false --conf spark.local.dir="$PWD/tmp" \
                \(projectFile("examples/spark_wordcount.py")) "$SAMPLES" "$PWD/result" 4 >log 2>&1
            status=$?
            same() {
                [ $status -eq 0 ] || tail -n 50 log >&2
                ls "$SAMPLES"/* | pmap -c5 wordsplit | wcreduce -K | LC_ALL=C sort >expected
                cat result/part-* | LC_ALL=C sort | cmp - expected && echo same
            }
            \(script)
            """, in: try TemporaryFolder(), environment: ["SAMPLES": samples], timeout: 600)
    }

    /// Each executor has a task before any task goes on; then all that listens is looked at.
    @Test(arguments: [("local[2]", 1), ("local-cluster[2,1,1024]", 2)])
    func countsAreThoseOfThePipeline(master: String, executors: Int) throws {
        let result = try count(
            on: master,
            wordsplit: """
                mkdir -p executors/$executor
                until [ "$(ls executors | wc -l)" -eq \(executors) ]; do sleep 0.1; done
                if mkdir once 2>>once.log; then
                    session=$(ps -o pid= -s $(ps -o sess= -p $$) | tr -d ' ' | paste -s -d '|')
                    ss -Hltnp | grep -E "pid=($session)," >listeners
                fi
                """,
            then: """
                same
                ls executors | wc -l
                grep -o 'java\\|python3' listeners | sort -u
                awk '$4 !~ /^(127\\.0\\.0\\.1|\\[::ffff:127\\.0\\.0\\.1\\]|\\[::1\\]):/' listeners
                """)
        #expect(result.text == "same\n\(executors)\njava\npython3\n")
        #expect(result.errors == "")
    }

    /// The first task prints a part of its words, and then it fails or is killed. With threads
    /// alone Spark tries again only if it is told to: four times, as executors do.
    @Test(arguments: [("local[2,4]", "exit 1"), ("local-cluster[2,1,1024]", "kill -9 $$")])
    func aTaskThatFailsOnceIsRunAgain(master: String, failure: String) throws {
        let result = try count(
            on: master,
            wordsplit: """
                if mkdir once 2>>once.log; then
                    echo some words | wordsplit
                    \(failure)
                fi
                """,
            then: "same; ls -d once")
        #expect(result.text == "same\nonce\n")
    }

    @Test func anExecutorThatIsKilledCostsNoCount() throws {
        let result = try count(
            on: "local-cluster[2,1,1024]",
            wordsplit: """
                echo >>begun
                # Some tasks have been done by then, and what they left is lost too.
                if [ "$(wc -l <begun)" -ge 8 ] && mkdir once 2>>once.log; then
                    grep -zo 'CoarseGrainedExecutorBackend$' /proc/$executor/cmdline | tr '\\0' '\\n' >killed
                    echo some words | wordsplit
                    kill -9 $executor $$
                fi
                """,
            then: "same; cat killed")
        #expect(result.text == "same\nCoarseGrainedExecutorBackend\n")
    }

    /// What the failed attempts print is in no result.
    @Test func aTaskThatAlwaysFailsFailsTheJob() throws {
        let result = try count(
            on: "local[2,4]",
            wordsplit: "echo >>begun; echo some words | wordsplit; exit 1",
            then: """
                [ $status -eq 0 ] || echo failed
                find result -name 'part-*'
                [ "$(wc -l <begun)" -ge 4 ] && echo tried four times
                """)
        #expect(result.text == "failed\ntried four times\n")
    }
}
