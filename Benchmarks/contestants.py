"""Who races whom: the table that Benchmarks/bench reads.

A command is what a person would type into bash in a folder of texts; corpus.py says what
files there are beside it. $JOBS is the number of workers, $PYTHON this Python, $BENCHMARKS
this folder. To race one more program, add a line.
"""

from typing import NamedTuple


class Contestant(NamedTuple):
    name: str
    command: str
    needs: str = ""
    """The tools that not every machine has: `python:NAME` is a module, `c++` a compiler."""
    mixes_output: bool = False
    """Whether its workers' words run into each other, so that only one job counts right."""
    in_readme: bool = False


class Race(NamedTuple):
    work: str
    contestants: list
    """The first one is ours: ratios are to it."""
    same: str = ""
    """What must be equal: `counts`, `lines`, or nothing where the rules differ."""
    ascii_only: bool = False
    """Whether the rules differ where a text is not ASCII."""


# McIlroy's words, and how awk counts them. tr makes an empty word of what stands before the
# first letter, which no check minds.
SPLIT = r"tr -cs A-Za-z '\n' | tr A-Z a-z"
SPLIT_FILES = r'cat "$@" | tr -cs A-Za-z "\n" | tr A-Z a-z'
COUNT = r"""mawk '{ c[$0]++ } END { for (w in c) print c[w] "\t" w }'"""
SPLIT_AND_COUNT = r"""'BEGIN { RS = "[^A-Za-z]+" } { c[tolower($0)]++ }
    END { for (w in c) print c[w] "\t" w }'"""
MERGE = r"""mawk '{ c[$2] += $1 } END { for (w in c) print c[w] "\t" w }'"""
EIGHT = r"printf '%.0s../text\n' {1..8}"
BY_COUNT = "sort -k1,1nr"

# ripgrep without Unicode, since the rule is A-Z: it is then at its fastest.
RIPGREP = "rg --no-unicode -oIN '[A-Za-z]+'"

PRODUCT = '"$PYTHON" "$BENCHMARKS"/../examples/product.py'

PIPELINE = [
    Contestant(
        "pmap, wordsplit -a, wcreduce",
        "ls | pmap -j$JOBS -c5 wordsplit -a | wcreduce", in_readme=True),
    Contestant("wordsplit -a, wcreduce, without pmap", "wordsplit -a * | wcreduce", in_readme=True),
    Contestant(
        "pmap --persistent, wordsplit --serve",
        "ls | pmap -j$JOBS -c5 --persistent --answer-end= wordsplit --serve -a | wcreduce"),
    Contestant(
        "pmap, counting in the workers",
        """ls | pmap -j$JOBS -c50 -u -s 'wordsplit -a "$@" | wcreduce -u' | wcreduce -m"""),
    Contestant(
        "xargs -P, tr, mawk, sort",
        f"ls | xargs -P$JOBS -n5 sh -c '{SPLIT_FILES}' _ | {COUNT} | {BY_COUNT}",
        "xargs mawk", mixes_output=True, in_readme=True),
    Contestant(
        "xargs -P, mawk in the workers",
        f"ls | xargs -P$JOBS -n50 mawk {SPLIT_AND_COUNT} | {MERGE} | {BY_COUNT}",
        "xargs mawk", mixes_output=True),
    Contestant(
        "GNU parallel, tr, mawk, sort",
        f"""ls | parallel --will-cite -j$JOBS -n5 "cat {{}} | {SPLIT}" | {COUNT} | {BY_COUNT}""",
        "parallel mawk", in_readme=True),
    Contestant(
        "xe, tr, mawk, sort",
        f"ls | xe -j$JOBS -N5 -s '{SPLIT_FILES}' | {COUNT} | {BY_COUNT}",
        "xe mawk", mixes_output=True),
    Contestant("mawk, sort", f"mawk {SPLIT_AND_COUNT} * | {BY_COUNT}", "mawk"),
    Contestant("gawk, sort", f"gawk {SPLIT_AND_COUNT} * | {BY_COUNT}", "gawk"),
    Contestant(
        "ripgrep -o, tr, mawk, sort",
        f"{RIPGREP} * | tr A-Z a-z | {COUNT} | {BY_COUNT}", "rg mawk"),
    Contestant(
        "tr, datamash -s",
        f"cat * | {SPLIT} | datamash -s -g1 count 1 | mawk '{{ print $2, $1 }}' | {BY_COUNT}",
        "datamash mawk"),
    Contestant(
        "tr, sort, uniq -c, sort", f"cat * | {SPLIT} | sort | uniq -c | {BY_COUNT}",
        in_readme=True),
    Contestant(
        "Python, multiprocessing.Pool", 'ls | "$PYTHON" "$BENCHMARKS"/pool.py $JOBS',
        in_readme=True),
    Contestant(
        "DuckDB", 'ls | "$PYTHON" "$BENCHMARKS"/with_duckdb.py $JOBS files', "python:duckdb"),
    Contestant(
        "polars", 'ls | "$PYTHON" "$BENCHMARKS"/with_polars.py $JOBS files', "python:polars"),
]

RACES = [
    Race("count the words of all files", PIPELINE, same="counts"),
    Race("count what stands between white space", [
        Contestant(
            "pmap, wordsplit -w, wcreduce", "ls | pmap -j$JOBS -c5 wordsplit -w | wcreduce"),
        Contestant(
            "pmap --persistent, wordsplit --serve",
            "ls | pmap -j$JOBS -c5 --persistent --answer-end= wordsplit --serve -w | wcreduce"),
        Contestant(
            "one process in C++: wordcount.cpp", "../wordcount *", "c++"),
    ], same="counts", ascii_only=True),
    Race("split a text into words", [
        Contestant("wordsplit -a", "wordsplit -a ../text"),
        Contestant("tr, tr", f"<../text {SPLIT}"),
        Contestant("ripgrep -o, tr", f"{RIPGREP} ../text | tr A-Z a-z", "rg"),
        Contestant(
            "mawk", r"""mawk 'BEGIN { RS = "[^A-Za-z]+" } { print tolower($0) }' ../text""",
            "mawk"),
    ], same="lines"),
    Race("split by the rules of Unicode", [
        Contestant("wordsplit", "wordsplit ../text"),
        Contestant("tr, tr (A-Z only)", f"<../text {SPLIT}"),
    ]),
] + [
    Race(f"split {language.capitalize()}", [
        Contestant("wordsplit", f"wordsplit ../{language}"),
        Contestant(
            "perl", rf"""perl -CSD -ne 'print lc, "\n" for /[\w'\''’.]+/g' ../{language}""",
            "perl"),
    ])
    for language in ("french", "greek", "russian", "chinese")
] + [
    # The same segments of all: -k, since the libraries leave case to others.
    Race(f"{language.capitalize()} by the annex's rules", [
        Contestant("wordsplit -k", f"wordsplit -k ../{language}"),
        # It has a dictionary for Chinese.
        *([] if language == "chinese" else [
            Contestant("ICU: segments.cpp", f"../segments ../{language}", "c++ icu")]),
        Contestant(
            "StringZilla", f'"$PYTHON" "$BENCHMARKS"/with_segments.py stringzilla ../{language}',
            "python:stringzilla"),
        Contestant(
            "tors", f'"$PYTHON" "$BENCHMARKS"/with_segments.py tors ../{language}', "python:tors"),
    ], same="lines")
    for language in ("english", "french", "greek", "russian", "chinese")
] + [
    Race("split a line, 500 times", [
        Contestant("wordsplit", "for ((i = 0; i < 500; i++)); do wordsplit ../line; done"),
        Contestant("/bin/true", "for ((i = 0; i < 500; i++)); do /bin/true ../line; done"),
    ]),
    Race("count equal lines", [
        Contestant("wcreduce", "wcreduce ../words"),
        Contestant("mawk", f"{COUNT} ../words", "mawk"),
        Contestant("gawk", f"g{COUNT[1:]} ../words", "gawk"),
        Contestant("sort, uniq -c", "sort ../words | uniq -c"),
        Contestant(
            "datamash -s",
            "datamash -s -g1 count 1 <../words | mawk '{ print $2, $1 }'", "datamash mawk"),
        Contestant(
            "Python, Counter", """"$PYTHON" -c '
import collections
for word, count in collections.Counter(open("../words", "rb")).items():
    print(count, word.decode(), end="")'"""),
        Contestant(
            "DuckDB", '"$PYTHON" "$BENCHMARKS"/with_duckdb.py $JOBS lines ../words',
            "python:duckdb"),
        Contestant(
            "polars", '"$PYTHON" "$BENCHMARKS"/with_polars.py $JOBS lines ../words',
            "python:polars"),
    ], same="counts"),
    Race("run 2000 times /bin/true", [
        Contestant("pmap", "seq 2000 | pmap -j$JOBS /bin/true"),
        Contestant("xargs -P -n1", "seq 2000 | xargs -P$JOBS -n1 /bin/true", "xargs"),
        Contestant("xe", "seq 2000 | xe -j$JOBS /bin/true", "xe"),
        Contestant(
            "GNU parallel", "seq 2000 | parallel --will-cite -j$JOBS /bin/true", "parallel"),
    ]),
    # One big file: cut into blocks, and counted in the workers.
    Race("split one big file, into a pipe", [
        Contestant("pmap -i", "pmap -q -j$JOBS -i -a ../text wordsplit -a | cat"),
        Contestant("wordsplit alone", "wordsplit -a ../text | cat"),
        Contestant(
            "GNU parallel --pipe-part",
            "parallel --will-cite -k -j$JOBS --pipe-part --block -1 -a ../text wordsplit -a | cat",
            "parallel"),
        Contestant(
            "GNU parallel --pipe",
            "parallel --will-cite -k -j$JOBS --pipe --block 10M wordsplit -a <../text | cat",
            "parallel"),
    ], same="lines"),
    Race("count the words of one big file", [
        Contestant(
            "pmap -i, counting in the workers",
            "pmap -q -j$JOBS -u -i -a ../text bash -o pipefail -c "
            "'wordsplit -a | wcreduce -u' | wcreduce -m"),
        Contestant("wordsplit, wcreduce", "wordsplit -a ../text | wcreduce"),
        Contestant(
            "GNU parallel --pipe-part",
            "parallel --will-cite -j$JOBS --pipe-part --block -1 -a ../text "
            "'wordsplit -a | wcreduce -u' | wcreduce -m", "parallel"),
    ], same="counts"),
    Race("count the URLs of an access log", [
        Contestant(
            "pmap -i mawk, wcreduce",
            "pmap -q -j$JOBS -u -i -a ../access mawk '{ print $7 }' | wcreduce", "mawk"),
        Contestant(
            "pmap, counting in the workers",
            "pmap -q -j$JOBS -u -i -a ../access "
            "-s 'mawk \"{ print \\$7 }\" | wcreduce -u' | wcreduce -m", "mawk"),
        Contestant("mawk, wcreduce", "mawk '{ print $7 }' ../access | wcreduce", "mawk"),
        Contestant(
            "mawk, sort, uniq -c", "mawk '{ print $7 }' ../access | sort | uniq -c", "mawk"),
        Contestant(
            "GNU parallel --pipe-part, wcreduce",
            "parallel --will-cite -j$JOBS --pipe-part --block -1 -a ../access "
            "mawk \"'{ print \\$7 }'\" | wcreduce", "parallel mawk"),
    ], same="counts"),
    Race("pass a pipe through workers", [
        Contestant("cat, pmap -i cat, cat", "cat ../text | pmap -q -j$JOBS -i cat | cat"),
        Contestant("cat, cat, cat, cat", "cat ../text | cat | cat | cat"),
        Contestant(
            "cat, GNU parallel --pipe cat, cat",
            "cat ../text | parallel --will-cite -k -j$JOBS --pipe --block 10M cat | cat",
            "parallel"),
    ], same="lines"),
    Race("give a million items as arguments", [
        Contestant("pmap -c10000", "seq 1000000 | pmap -q -j$JOBS -c10000 /bin/true"),
        Contestant(
            "xargs -P -n10000", "seq 1000000 | xargs -P$JOBS -n10000 /bin/true", "xargs"),
    ]),
    Race("pass on a worker's output", [
        Contestant("pmap cat, cat", "echo ../text | pmap cat | cat"),
        Contestant("cat, cat", "cat ../text | cat"),
    ], same="lines"),
    Race("pass on 8 workers, in order", [
        Contestant("pmap", f"{EIGHT} | pmap -q -j8 cat | cat"),
        Contestant("pmap --tag", f"{EIGHT} | pmap -q -j8 --tag cat | cat"),
        Contestant(
            "GNU parallel -k", f"{EIGHT} | parallel --will-cite -j8 -k cat | cat", "parallel"),
        Contestant("cat, cat", f"{EIGHT} | xargs cat | cat"),
    ]),
    Race("pass on 8 workers, line by line", [
        Contestant("pmap -l", f"{EIGHT} | pmap -q -j8 -l cat | cat"),
        Contestant("pmap -l --tag", f"{EIGHT} | pmap -q -j8 -l --tag cat | cat"),
        Contestant(
            "GNU parallel --lb", f"{EIGHT} | parallel --will-cite -j8 --lb cat | cat", "parallel"),
    ]),
    Race("pass on 8 workers, as they finish", [
        Contestant("pmap -u", f"{EIGHT} | pmap -q -j8 -u cat | cat"),
        Contestant("GNU parallel", f"{EIGHT} | parallel --will-cite -j8 cat | cat", "parallel"),
        Contestant("cat, cat", f"{EIGHT} | xargs cat | cat"),
    ]),
    # Ratios above 1: an item costs less than a twentieth of a start of sed.
    Race("answer 20,000 items, each alone", [
        Contestant(
            "pmap --persistent sed -u",
            "seq 20000 | pmap --persistent -j$JOBS -c1 sed -u s/$/!/"),
        Contestant(
            "1000 starts of sed", "for ((i = 0; i < 1000; i++)); do sed s/$/!/ </dev/null; done"),
        Contestant("sed -u alone", "seq 20000 | sed -u s/$/!/"),
    ]),
    # The course's product, in workers that import something first.
    Race("multiply 20,000 pairs in Python", [
        Contestant(
            "pmap --persistent -c5",
            f"pmap --persistent -j$JOBS -c5 -a ../pairs {PRODUCT}"),
        Contestant(
            "pmap --persistent -c1",
            f"pmap --persistent -j$JOBS -c1 -a ../pairs {PRODUCT}"),
        Contestant(
            "Python, Pool, chunksize=5", '"$PYTHON" "$BENCHMARKS"/products.py $JOBS 5 <../pairs'),
        Contestant(
            "Python, Pool, chunksize=1", '"$PYTHON" "$BENCHMARKS"/products.py $JOBS 1 <../pairs'),
    ], same="lines"),
    Race("multiply 100 pairs in Python", [
        Contestant(
            "pmap --persistent", f"head -n 100 ../pairs | pmap --persistent -j$JOBS -c1 {PRODUCT}"),
        Contestant(
            "pmap -i, a start for each", f"head -n 100 ../pairs | pmap -i -j$JOBS -c1 {PRODUCT}"),
        Contestant(
            "Python, Pool",
            'head -n 100 ../pairs | "$PYTHON" "$BENCHMARKS"/products.py $JOBS 1'),
    ], same="lines"),
    Race("pass ten times the texts through cat", [
        Contestant(
            "pmap --persistent cat",
            "for i in {1..10}; do cat ../text; done | pmap --persistent -j$JOBS cat"),
        Contestant(
            "pmap -i cat", "for i in {1..10}; do cat ../text; done | pmap -i -j$JOBS cat"),
    ], same="lines"),
    # A chunk size that finds itself, beside sizes that suit the items.
    Race("run true for 100,000 items", [
        Contestant("pmap -c auto", "seq 100000 | pmap -j$JOBS -c auto /bin/true"),
        Contestant("pmap -c 5000", "seq 100000 | pmap -j$JOBS -c 5000 /bin/true"),
        Contestant("pmap -c 25000", "seq 100000 | pmap -j$JOBS -c 25000 /bin/true"),
        Contestant("pmap -c 50000", "seq 100000 | pmap -j$JOBS -c 50000 /bin/true"),
    ]),
    Race("400 sleeps of 0.2 to 200 ms, -j4", [
        Contestant(
            "pmap -c auto",
            "pmap -q -j4 -c auto -a ../costs perl -e 'select undef, undef, undef, $_ for @ARGV'",
            "perl"),
        Contestant(
            "a quarter of their sum",
            "sleep $(mawk '{ sum += $1 } END { print sum / 4 }' ../costs)", "mawk"),
        Contestant(
            "pmap -c 100",
            "pmap -q -j4 -c 100 -a ../costs perl -e 'select undef, undef, undef, $_ for @ARGV'",
            "perl"),
    ]),
]
