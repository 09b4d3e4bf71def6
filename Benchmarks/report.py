"""What bench prints, keeps for the next time and compares with."""

import os
import re

import machine
import measure
import settings
from contestants import RACES

LATEST = os.path.join(measure.RESULTS, "latest.tsv")
README = os.path.join(measure.BENCHMARKS, "..", "README.md")
SPEED = os.path.join(measure.BENCHMARKS, "..", "docs", "speed.md")
COLUMNS = ["work", "contestant", "seconds", "ratio", "cpu_seconds", "largest_mb"]

# How much worse a ratio may become before the row says so: less is noise.
TOLERANCE = 1.15


def keep(setting, rows):
    """Writes the figures, and the tables of the two pages that show them."""
    settings.write_table(LATEST, setting, COLUMNS, [
        [row.work, row.name, f"{row.figures.seconds:.4f}", f"{row.ratio:.3f}",
         f"{row.figures.cpu:.3f}", f"{row.figures.megabytes:.1f}"]
        for row in raced(rows)])
    write_between_marks(README, short_table(setting, rows))
    write_between_marks(SPEED, long_table(setting, rows))


def raced(rows):
    return [row for row in rows if row.ratio]


def read_kept(path):
    """The setting of an earlier time, and its ratios by work and name."""
    if not os.path.exists(path):
        return {}, {}
    setting, rows = settings.read_table(path)
    return setting, {(work, name): float(ratio) for work, name, _, ratio, _, _ in rows}


def comparable(setting, kept):
    """Ratios depend on the size of the corpus and the number of workers, hardly on the clock."""
    return all(setting[name] == kept.get(name) for name in ("corpus", "jobs"))


def print_setting(setting, kept):
    print(f"{setting['corpus']}, {setting['jobs']} jobs, medians of {setting['rounds']} rounds, "
          f"{setting['machine']}, {setting['date']}")
    # Others on the machine make figures worthless, and ratios uncertain.
    if float(setting["load"]) > machine.usable_cpus() / 4:
        print(f"the machine is busy: its load was {setting['load']} before anything was run")
    if comparable(setting, kept):
        print(f"kept: {kept['machine']}, {kept['date']}, load {kept['load']}")
    elif kept:
        print(f"not compared with what is kept: that was {kept['corpus']}, {kept['jobs']} jobs")


def print_race(rows, ratios):
    print(f"\n{rows[0].work:<40} {'seconds':>9} {'ratio':>7} {'kept':>7} {'CPU s':>8} {'MB':>7}")
    for row in rows:
        print(f"  {row.name:<38} {outcome(row, ratios)}".rstrip())


def outcome(row, ratios):
    if row.missing:
        return f"skipped: {', '.join(row.missing)} is missing"
    if row.fault:
        return row.fault
    seconds, cpu, megabytes = row.figures
    kept = ratios.get((row.work, row.name))
    return (f"{seconds:9.3f} {number(row.ratio)} {number(kept)} {cpu:8.2f} {megabytes:7.1f}"
            + ("  WORSE" if is_worse(row, ratios) else ""))


def number(ratio):
    return f"{ratio:7.2f}" if ratio else " " * 7


def is_worse(row, ratios):
    kept = ratios.get((row.work, row.name))
    return bool(row.ratio and kept and row.ratio < kept / TOLERANCE)


def print_worse(rows, ratios):
    """The regressions once more, where they cannot be overlooked."""
    worse = [row for row in rows if is_worse(row, ratios)]
    if ratios:
        print(f"\n{len(worse) or 'No'} ratios are worse than the kept ones by more than 15 %")
    for row in worse:
        print(f"  {row.work}: {row.name}: {row.ratio:.2f}, kept {ratios[row.work, row.name]:.2f}")


def write_between_marks(path, text):
    """Replaces what an earlier call wrote into a page."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    begin, end = "<!-- written by make figures -->\n", "<!-- until here -->\n"
    page = re.sub(f"{begin}.*{end}", lambda _: begin + text + end, page, flags=re.DOTALL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def sentence(setting):
    return (f"Shakespeare's plays, repeated to {setting['corpus']}; {setting['jobs']} workers; "
            f"median of {setting['rounds']} interleaved runs;\n"
            f"{setting['machine']}; {setting['date']}.\n\n")


def short_table(setting, rows):
    """The contestants that the README shows, a line for each."""
    shown = {(race.work, contestant.name): race.contestants[0].name
             for race in RACES for contestant in race.contestants if contestant.in_readme}
    lines = ["| count the words of all files | seconds | relative to ours |", "|---|--:|--:|"]
    for row in raced(rows):
        if (row.work, row.name) in shown:
            name = f"**{row.name}**" if row.name == shown[row.work, row.name] else row.name
            lines.append(f"| {name} | {short(row.figures.seconds)} | {short(row.ratio)} |")
    return sentence(setting) + "\n".join(lines) + "\n"


def long_table(setting, rows):
    """A line for each contestant."""
    lines = ["| | seconds | relative to ours | CPU seconds | MB |", "|---|--:|--:|--:|--:|"]
    for row in raced(rows):
        if f"| **{row.work}** | | | | |" not in lines:
            lines.append(f"| **{row.work}** | | | | |")
        cells = [row.figures.seconds, row.ratio, row.figures.cpu, row.figures.megabytes]
        lines.append(f"| {row.name} | {' | '.join(map(short, cells))} |")
    return sentence(setting) + "\n".join(lines) + "\n"


def short(value):
    """A number to two digits or more: 0.080, 1.4, 131."""
    return f"{value:.0f}" if value >= 9.95 else f"{value:#.2g}"
