"""What Benchmarks/curves measures and Benchmarks/plot draws: time against the size of things.

The commands are as in contestants.py; $X is the size.
"""

import os
from typing import Callable, NamedTuple

import corpus
import settings
from contestants import BY_COUNT, COUNT, PIPELINE, SPLIT, SPLIT_FILES, Contestant


class Curve(NamedTuple):
    name: str
    """That of its files: results/NAME.tsv, docs/NAME.svg."""
    title: str
    axis: str
    """What a size is."""
    sizes: list
    contestants: list
    ours: int = 1
    """So many of the contestants, the first ones, are ours."""
    takes_longer: bool = True
    """Whether a larger size takes longer: one that took too long is then the last."""
    prepare: Callable = lambda texts, size: None
    """Fills the folder of texts for a size."""


def up_to(largest, sizes):
    return [size for size in sizes if size <= largest]


def pipeline(*names):
    """Some of the contestants of the first race, by their names."""
    return [each for each in PIPELINE if each.name in names]


MEGABYTES = settings.whole_number("LARGEST_MEGABYTES", 2048)
KEYS = settings.whole_number("LARGEST_KEYS", 10_000_000)
CHUNKS = settings.whole_number("LARGEST_CHUNKS", 1_000_000)

LINES = 10_000_000
"""How many lines are counted, where there are not more different ones."""


def write_keys(texts, distinct):
    corpus.distinct_lines(texts, "keys", max(LINES, distinct), distinct)


def one_file(texts, _):
    """About 400 MB in one file."""
    corpus.repeat_texts(texts, 400)
    corpus.make_text(os.path.join(texts, "..", "text"), texts)


def small_files(texts, _):
    """About 100 MB in 8000 files."""
    corpus.repeat_texts(texts, 100, size=13107)


CURVES = [
    Curve(
        "input-size", "Count the words of all files", "MiB of text in files of 128 KiB",
        up_to(MEGABYTES, [1, 4, 16, 64, 256, 1024, 2048]),
        pipeline(
            "pmap, wordsplit -a, wcreduce", "pmap, counting in the workers",
            "xargs -P, tr, mawk, sort", "xargs -P, mawk in the workers",
            "tr, sort, uniq -c, sort", "Python, multiprocessing.Pool", "DuckDB", "polars"),
        ours=2, prepare=corpus.repeat_texts),
    Curve(
        "distinct-keys", f"Count {LINES:,} lines", "different lines",
        up_to(KEYS, [10 ** exponent for exponent in range(3, 9)]),
        [
            Contestant("wcreduce", "wcreduce keys"),
            Contestant("wcreduce -S 64M", "wcreduce -S 64M keys"),
            Contestant("mawk", f"{COUNT} keys", "mawk"),
            Contestant("sort, uniq -c", "sort keys | uniq -c"),
            Contestant("Python, Counter", """"$PYTHON" -c '
import collections
for word, count in collections.Counter(open("keys", "rb")).items():
    print(count, word.decode(), end="")'"""),
            Contestant(
                "DuckDB", '"$PYTHON" "$BENCHMARKS"/with_duckdb.py $JOBS lines keys',
                "python:duckdb"),
            Contestant(
                "polars", '"$PYTHON" "$BENCHMARKS"/with_polars.py $JOBS lines keys',
                "python:polars"),
        ],
        ours=2, prepare=write_keys),
    Curve(
        "chunk-size", "Count the words of 8000 files of 13 kB", "files in a chunk",
        [1, 4, 16, 64, 256, 1024, 4000],
        [
            Contestant("pmap -c N", "ls | pmap -j$JOBS -c$X wordsplit -a | wcreduce"),
            Contestant("pmap -c auto", "ls | pmap -j$JOBS -c auto wordsplit -a | wcreduce"),
            Contestant(
                "xargs -P -n N",
                f"ls | xargs -P$JOBS -n$X sh -c '{SPLIT_FILES}' _ | {COUNT} | {BY_COUNT}",
                "xargs mawk"),
            Contestant(
                "xe -N N", f"ls | xe -j$JOBS -N$X -s '{SPLIT_FILES}' | {COUNT} | {BY_COUNT}",
                "xe mawk"),
            Contestant(
                "GNU parallel -n N",
                f'ls | parallel --will-cite -j$JOBS -n$X "cat {{}} | {SPLIT}" | {COUNT} '
                f"| {BY_COUNT}", "parallel mawk"),
            Contestant(
                "Python, Pool, chunksize=N", 'ls | "$PYTHON" "$BENCHMARKS"/pool.py $JOBS $X'),
        ],
        ours=2, takes_longer=False, prepare=small_files),
    Curve(
        "jobs", "Count the words of 8000 files of 13 kB, five in a chunk", "workers at once",
        [1, 2, 4, 16, 256],
        [
            Contestant("pmap -j N", "ls | pmap -j$X -c5 wordsplit -a | wcreduce"),
            Contestant(
                "xargs -P N",
                f"ls | xargs -P$X -n5 sh -c '{SPLIT_FILES}' _ | {COUNT} | {BY_COUNT}",
                "xargs mawk"),
            Contestant(
                "xe -j N", f"ls | xe -j$X -N5 -s '{SPLIT_FILES}' | {COUNT} | {BY_COUNT}",
                "xe mawk"),
            Contestant(
                "GNU parallel -j N",
                f'ls | parallel --will-cite -j$X -n5 "cat {{}} | {SPLIT}" | {COUNT} '
                f"| {BY_COUNT}", "parallel mawk"),
            Contestant("Python, Pool(N)", 'ls | "$PYTHON" "$BENCHMARKS"/pool.py $X'),
        ],
        takes_longer=False, prepare=small_files),
    Curve(
        "block-size", "Count the lines of one file of 400 MB", "KiB in a block",
        [64, 256, 1024, 4096, 16384, 65536],
        [
            Contestant("pmap -b N", "pmap -q -j$JOBS -i -b ${X}K -a ../text wc -l"),
            Contestant("pmap, which finds N", "pmap -q -j$JOBS -i -a ../text wc -l"),
            Contestant("cat, pmap -b N", "cat ../text | pmap -q -j$JOBS -i -b ${X}K wc -l"),
            Contestant(
                "GNU parallel --pipe-part",
                "parallel --will-cite -j$JOBS --pipe-part --block ${X}k -a ../text wc -l",
                "parallel"),
            Contestant(
                "GNU parallel --pipe",
                "parallel --will-cite -j$JOBS --pipe --block ${X}k wc -l <../text", "parallel"),
        ],
        ours=3, takes_longer=False, prepare=one_file),
    Curve(
        "file-jobs", "Count the words of one file of 400 MB", "workers at once", [1, 2, 4, 8, 16],
        [
            Contestant(
                "pmap -i -j N", "pmap -q -u -j$X -i -a ../text -s 'wordsplit -a | wcreduce -u' "
                "| wcreduce -m"),
            Contestant(
                "GNU parallel --pipe-part -j N",
                "parallel --will-cite -j$X --pipe-part --block -1 -a ../text "
                "'wordsplit -a | wcreduce -u' | wcreduce -m", "parallel"),
            Contestant("wordsplit, wcreduce", "wordsplit -a ../text | wcreduce"),
        ],
        takes_longer=False, prepare=one_file),
    Curve(
        "waiting-jobs", "Sleep 512 times for 20 ms", "workers at once", [1, 2, 4, 16, 256],
        [
            Contestant("pmap -j N", "seq 512 | pmap -j$X -s 'sleep 0.02'"),
            Contestant("xargs -P N", "seq 512 | xargs -P$X -n1 sh -c 'sleep 0.02'", "xargs"),
            Contestant("xe -j N", "seq 512 | xe -j$X -s 'sleep 0.02'", "xe"),
            Contestant(
                "GNU parallel -j N",
                "seq 512 | parallel --will-cite -j$X 'sleep 0.02 #'", "parallel"),
            Contestant(
                "the sleeps alone",
                "sleep $(mawk -v jobs=$X 'BEGIN { print 512 * 0.02 / jobs }')", "mawk"),
        ],
        takes_longer=False),
    Curve(
        "chunks", "Run /bin/true for each chunk", "chunks",
        up_to(CHUNKS, [10 ** exponent for exponent in range(1, 7)]),
        [
            Contestant("pmap", "seq $X | pmap -j$JOBS /bin/true"),
            Contestant("xargs -P -n1", "seq $X | xargs -P$JOBS -n1 /bin/true", "xargs"),
            Contestant("xe", "seq $X | xe -j$JOBS /bin/true", "xe"),
            Contestant(
                "GNU parallel", "seq $X | parallel --will-cite -j$JOBS /bin/true", "parallel"),
        ]),
]
