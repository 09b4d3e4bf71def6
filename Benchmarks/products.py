"""The products of pairs of numbers by a pool of processes, as one does it in Python.

usage: products.py JOBS CHUNKSIZE <pairs
"""

import multiprocessing
import sys
from fractions import Fraction


def product(x, y):
    return Fraction(x) * Fraction(y)


if __name__ == "__main__":
    jobs, chunksize = map(int, sys.argv[1:])
    pairs = [line.split() for line in sys.stdin]
    with multiprocessing.Pool(jobs) as pool:
        for result in pool.starmap(product, pairs, chunksize=chunksize):
            print(result)
