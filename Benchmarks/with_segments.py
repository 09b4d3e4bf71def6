"""The words of a file by the rules of Unicode Standard Annex #29, one a line, as a library cuts
them.

usage: with_segments.py stringzilla FILE          with_segments.py tors FILE
"""

import sys

library, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    text = file.read()

if library == "stringzilla":
    import stringzilla
    segments = map(str, stringzilla.utf8_wordbreaks(text))
else:
    import tors
    segments = (text[start:end] for start, end in tors.word_bounds_iter(text))

# A word holds a letter or a digit. In these texts it begins with one.
sys.stdout.reconfigure(encoding="utf-8")
sys.stdout.writelines(segment + "\n" for segment in segments if segment[0].isalnum())
