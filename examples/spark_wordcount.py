#!/usr/bin/env python3
"""Counts the words of text files on any Spark master, by wordsplit and wcreduce.

    spark-submit --master MASTER spark_wordcount.py TEXTS RESULT [PARTITIONS]

TEXTS is what textFile() takes: a file, a folder, a pattern, on any file system that Spark
knows. RESULT, a folder that must not be there yet, gets lines of word, tab and count, each
word in one of its files. wordsplit and wcreduce are on PATH on each node.

Spark cuts the texts, moves the partial counts so that equal words meet, and runs a task again
that has failed; the programs do the rest, as they do in a pipeline:

    wordsplit | wcreduce -u -K    in each part of the texts
    wcreduce -m -K                in each part of the partial counts
"""

import os
import sys

from pyspark import SparkContext

# A pipeline has failed if any part of it has, and that fails the task.
COUNT = "bash -o pipefail -c 'wordsplit | wcreduce -u -K'"
MERGE = "wcreduce -m -K"


def piped(lines, command):
    """What the command prints, given the lines of each partition. pipe() starts it in an
    empty environment, in which PATH has to be set."""
    return lines.pipe(command, env={"PATH": os.environ["PATH"]}, checkCode=True)


def word_counts(lines, partitions=None):
    """Lines of text in, lines of word, tab and count out: each word once.

    partitions: among how many the words are spread; as many as lines has, where None.
    """
    counted = piped(lines, COUNT).map(lambda line: tuple(line.rsplit("\t", 1)))
    shuffled = counted.partitionBy(partitions or lines.getNumPartitions())
    return piped(shuffled.map("\t".join), MERGE)


def main(texts, result, partitions=None):
    with SparkContext(appName="wordcount") as spark:
        lines = spark.textFile(texts)
        word_counts(lines, partitions and int(partitions)).saveAsTextFile(result)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
