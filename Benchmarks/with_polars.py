"""The words of files, or equal lines, counted by polars.

usage: ls | with_polars.py JOBS files          with_polars.py JOBS lines FILE
"""

import os
import sys

jobs, what = sys.argv[1:3]
os.environ["POLARS_MAX_THREADS"] = jobs
import polars  # noqa: E402  It reads the number of threads when it is imported.


def text(name):
    with open(name, encoding="utf-8") as file:
        return file.read()


if what == "files":
    texts = polars.Series("key", [text(name) for name in sys.stdin.read().splitlines()])
    keys = texts.str.extract_all("[A-Za-z]+").explode().str.to_lowercase()
    counts = keys.value_counts(sort=True)
else:
    # A separator that no line has makes one column of each line.
    lines = polars.scan_csv(
        sys.argv[3], has_header=False, new_columns=["key"], separator="\x01", quote_char=None,
        schema={"key": polars.String})
    counts = lines.group_by("key").len("count").sort("count", descending=True).collect()
counts.select("count", "key").write_csv(sys.stdout, separator="\t", include_header=False)
