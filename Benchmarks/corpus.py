"""The files that the commands of the table read.

The commands run in a folder of texts. What they name beside it is made when they do:

    ../text       all texts, one after the other
    ../words      the words of all texts, one a line
    ../line       one short line
    ../english    a fifth of the text
    ../french, ../greek, ../russian, ../chinese
                  the same, spelled as if it were in another language
    ../access     a web server's log as large as the text, in which most addresses are different
    ../costs      400 times to sleep, of 0.2 to 200 ms, evenly on a logarithmic scale
    ../wordcount  wordcount.cpp, compiled
    ../segments   segments.cpp, compiled
"""

import os
import random
import re

import machine
import measure

SAMPLES = os.path.join(measure.BENCHMARKS, "..", "Tests", "Fixtures", "shakespeare")


def files_below(folder):
    """All files of a folder and the folders in it, in the order of their names."""
    return sorted(
        os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)


def repeat_texts(folder, megabytes, size=128 << 10):
    """Fills it with files of about so many bytes, each a sample text as often as that takes."""
    contents = [whole_lines(source) for source in files_below(SAMPLES)]
    for number in range(megabytes * (1 << 20) // size):
        content = contents[number % len(contents)]
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(content * max(1, size // len(content)))


def copy_texts(sources, folder):
    """Fills a folder with texts under names that a shell leaves alone."""
    for number, source in enumerate(sources):
        with open(os.path.join(folder, str(number)), "wb") as file:
            file.write(whole_lines(source))


def whole_lines(source):
    """The bytes of a file, its last line ended: no word runs into the next file."""
    with open(source, "rb") as file:
        content = file.read()
    return content if content.endswith(b"\n") else content + b"\n"


def is_ascii(texts):
    for text in files_below(texts):
        with open(text, "rb") as file:
            if not file.read().isascii():
                return False
    return True


def make_files(command, texts):
    """Makes what the command names beside the folder of texts and is not yet there."""
    for name, make in MAKERS.items():
        path = os.path.join(texts, "..", name)
        if re.search(rf"\.\./{name}\b", command) and not os.path.exists(path):
            make(path, texts)


def make_text(path, texts):
    with open(path, "wb") as file:
        for text in files_below(texts):
            file.write(whole_lines(text))


def make_words(_, texts):
    measure.output("ls | xargs wordsplit -a >../words", texts, measure.environment())


def make_line(path, _):
    write(path, "To be, or not to be\n")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_costs(path, _):
    dice = random.Random(7)
    write(path, "".join(f"{0.0002 * 1000 ** dice.random():.6f}\n" for _ in range(400)))


def make_pairs(path, _):
    write(path, "".join(f"{x} {x + 20000}\n" for x in range(1, 20001)))


def make_access(path, texts):
    """About 110 bytes a line; each address about 13 times, as 700,000 of them in 1 GB."""
    size = sum(os.path.getsize(text) for text in files_below(texts))
    dice = random.Random(7)
    addresses = max(1, size // 1400)
    with open(path, "w", encoding="ascii") as file:
        for _ in range(size // 110):
            address = dice.randrange(addresses)
            file.write(
                f"10.{address % 251}.{address % 13}.7 - - [26/Nov/2026:12:00:00 +0000] "
                f'"GET /item/{address * 2654435761 % 2**32:08x}/page HTTP/1.1" 200 '
                f"{address % 99991}\n")


def make_wordcount(_, texts):
    compile_cpp("wordcount", "", texts)


def make_segments(_, texts):
    compile_cpp("segments", "-licuuc", texts)


def compile_cpp(name, libraries, texts):
    command = f'"$CXX" -O3 -std=c++17 -o ../{name} "$BENCHMARKS"/{name}.cpp {libraries}'
    measure.output(command, texts, measure.environment(CXX=machine.compiler()))


def spelled(spell):
    """Makes a file of a fifth of the text's size, from its first megabyte."""
    def make(path, texts):
        sources = files_below(texts)
        wanted = sum(os.path.getsize(source) for source in sources) // 5
        sample = b""
        for source in sources:
            if len(sample) < min(wanted, 1 << 20):
                sample += whole_lines(source)
        sample = sample[:wanted]
        copies = max(1, wanted // max(1, len(sample)))
        write(path, spell(sample.decode("latin-1")) * copies)
    return make


def letters(latin, others):
    table = str.maketrans(latin, others)
    return lambda text: text.translate(table)


LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK, LATIN_OF_GREEK = "αβγδεζηθικλμνξοπρστυφχψω", "abgdezhqiklmnxoprstufcyw"
RUSSIAN = "абцдефгхийклмнопярстувщжыз"
CHINESE = "的一是不了人我在有他这中大来上国个到说们为子和你地出"


def spell_french(text):
    lines = (re.sub("e([rnst])", r"é\1", line, count=1) for line in text.split("\n"))
    return "\n".join(line.replace("a ", "à ", 1) for line in lines)


MAKERS = {
    "text": make_text,
    "words": make_words,
    "line": make_line,
    "english": spelled(str),
    "french": spelled(spell_french),
    "greek": spelled(letters(LATIN_OF_GREEK + LATIN_OF_GREEK.upper(), GREEK + GREEK.upper())),
    "russian": spelled(letters(LATIN + LATIN.upper(), RUSSIAN + RUSSIAN.upper())),
    "chinese": spelled(
        lambda text: letters(LATIN, CHINESE)(text.replace(" ", ""))),
    "costs": make_costs, "pairs": make_pairs, "access": make_access,
    "wordcount": make_wordcount,
    "segments": make_segments,
}


def distinct_lines(folder, name, lines, distinct):
    """Writes a file of so many lines, so many of them different, each as often and well mixed.

    The number of different ones is a power of ten.
    """
    # It has no factor in common with ten, so its multiples go through all remainders before
    # one comes back.
    step = 6180339887
    with open(os.path.join(folder, name), "wb") as file:
        for start in range(0, lines, 100_000):
            numbers = range(start, min(start + 100_000, lines))
            file.write(b"".join(b"key%08d\n" % (number * step % distinct) for number in numbers))
