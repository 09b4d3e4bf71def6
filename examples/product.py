#!/usr/bin/env python3
"""A worker for pmap --persistent: it prints the product of each pair of numbers it reads."""
import sys
from fractions import Fraction  # an import that takes as long as the rest of the start

for line in sys.stdin:
    x, y = line.split()
    print(Fraction(x) * Fraction(y), flush=True)
