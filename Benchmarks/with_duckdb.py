"""The words of files, or equal lines, counted by DuckDB.

usage: ls | with_duckdb.py JOBS files          with_duckdb.py JOBS lines FILE
"""

import sys

import duckdb

WORDS = "SELECT lower(unnest(regexp_extract_all(content, '[A-Za-z]+'))) AS key FROM read_text(?)"
# A separator and a quote that no line has make one column of each line.
LINES = """SELECT key FROM read_csv(?, columns = {'key': 'VARCHAR'}, header = false,
    auto_detect = false, delim = '\\x01', quote = '', escape = '')"""

jobs, what = sys.argv[1:3]
rows, source = (
    (WORDS, sys.stdin.read().splitlines()) if what == "files" else (LINES, sys.argv[3]))
connection = duckdb.connect(config={"threads": int(jobs)})
counts = connection.execute(
    f"SELECT count(*) AS n, key FROM ({rows}) GROUP BY key ORDER BY n DESC, key", [source])
while batch := counts.fetchmany(10000):
    sys.stdout.writelines(f"{count}\t{key}\n" for count, key in batch)
