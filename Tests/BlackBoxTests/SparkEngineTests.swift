import Foundation
import Testing

/// examples/spark_wordcount.py on two executors: the counts are those of the local pipeline.
@Suite(.enabled(if: Engine.hasSpark, Engine.comment), .serialized) struct SparkEngineTests {
    /// Counts the samples after a script, in whose folder a `bin` comes first on PATH. All
    /// that Spark writes goes there too, as its home is a folder of links to what it is.
    private func count(after script: String = "") throws -> ShellResult {
        try shell(
            """
            export FOLDER=$PWD REAL=$(dirname "$(command -v wordsplit)") SPARK_LOCAL_IP=127.0.0.1
            mkdir bin home tmp
            ln -s "$(python3 -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')"/* home/
            export PATH=$PWD/bin:$PATH SPARK_HOME=$PWD/home
            \(script)
            spark-submit --master 'local-cluster[2,1,512]' --conf spark.executor.memory=512m \
                --conf spark.ui.enabled=false --conf spark.local.dir="$PWD/tmp" \
                --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 \
                \(projectFile("examples/spark_wordcount.py")) "$SAMPLES" "$PWD/result" 4 >log 2>&1 ||
                tail -n 50 log >&2
            ls "$SAMPLES"/* | pmap -c5 "$REAL/wordsplit" | wcreduce -K | LC_ALL=C sort >expected
            cat result/part-* | LC_ALL=C sort | cmp - expected && echo same
            [ ! -e once ] || echo failed once
            """, in: try TemporaryFolder(), environment: ["SAMPLES": samples], timeout: 240)
    }

    @Test func twoExecutorsCountAsThePipelineDoes() throws {
        #expect(try count().text == "same\n")
    }

    /// The first task prints a part of its words and is killed; it runs again.
    @Test func aTaskThatFailsOnceIsRunAgain() throws {
        let result = try count(
            after: """
                cat >bin/wordsplit <<END
                #!/bin/bash
                if mkdir $FOLDER/once 2>>$FOLDER/once.log; then
                    echo some words | $REAL/wordsplit
                    kill -9 \\$\\$
                fi
                exec $REAL/wordsplit "\\$@"
                END
                chmod +x bin/wordsplit
                """)
        #expect(result.text == "same\nfailed once\n")
    }
}
