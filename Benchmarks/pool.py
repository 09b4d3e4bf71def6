"""The words of many files counted by a pool of processes, as one does it in Python.

usage: ls | pool.py JOBS [CHUNKSIZE]
"""

import collections
import functools
import multiprocessing
import re
import sys


def count_words(name):
    with open(name, "rb") as file:
        return collections.Counter(re.findall(rb"[a-z]+", file.read().lower()))


def merge(total, counts):
    total.update(counts)
    return total


if __name__ == "__main__":
    jobs, chunksize = map(int, [*sys.argv[1:], 5][:2])
    names = sys.stdin.read().splitlines()
    with multiprocessing.Pool(jobs) as pool:
        results = pool.map_async(count_words, names, chunksize=chunksize)
        total = functools.reduce(merge, results.get(), collections.Counter())
    for word, count in total.most_common():
        print(count, word.decode(), sep="\t")
