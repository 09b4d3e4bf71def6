"""One race: its contestants checked against each other, and then run in turns."""

from typing import NamedTuple, Optional

import corpus
import machine
import measure
from measure import Failed


class Row(NamedTuple):
    """What became of a contestant: its figures, or why there are none."""
    work: str
    name: str
    figures: Optional[measure.Figures] = None
    ratio: Optional[float] = None
    """Its seconds by those of the first one."""
    missing: tuple = ()
    fault: str = ""


def run(race, texts, rounds, jobs):
    """A row for each contestant, in the order of the table."""
    missing = {each: machine.missing(each.needs) for each in race.contestants}
    present = [each for each in race.contestants if not missing[each]]
    faults = check(race, present, texts, jobs)
    figures = {each: [] for each in present if each not in faults}
    variables = measure.environment(JOBS=jobs)
    for _ in range(rounds):
        for each in [each for each in figures if each not in faults]:
            try:
                figures[each].append(measure.measure(each.command, texts, variables))
            except Failed as failure:
                faults[each] = f"failed: {failure}"

    medians = {each: measure.median(figures[each]) for each in figures if each not in faults}
    ours = medians.get(race.contestants[0])
    return [
        Row(race.work, each.name, medians.get(each),
            medians[each].seconds / ours.seconds if ours and each in medians else None,
            missing[each], faults.get(each, ""))
        for each in race.contestants]


def check(race, contestants, texts, jobs):
    """What is wrong with the results, by contestant. The first one's are taken to be right."""
    results, faults = {}, {}
    comparable = race.same and not (race.ascii_only and not corpus.is_ascii(texts))
    for each in contestants:
        variables = measure.environment(JOBS=1 if each.mixes_output else jobs)
        try:
            corpus.make_files(each.command, texts)
            if comparable:
                results[each] = RESULTS[race.same](each.command, texts, variables)
        except Failed as failure:
            faults[each] = f"failed: {failure}"
    right = next(iter(results.values()), None)
    for each, result in results.items():
        if result != right:
            faults[each] = f"wrong: {difference(result, right)}"
    return faults


def counts(command, texts, variables):
    """The count of each word, of a command that prints them so, a pair a line."""
    result = {}
    for line in measure.output(command, texts, variables).splitlines():
        count, _, word = line.strip().replace(b"\t", b" ").partition(b" ")
        if not count.isdigit():
            raise Failed(f"prints '{line.decode(errors='replace')}' where a count should be")
        if word:
            result[word] = int(count)
    if not result:
        raise Failed("counts nothing")
    return result


def lines(command, texts, variables):
    """A hash of all lines that a command prints, but for empty ones."""
    return measure.output(f"{{ {command}\n}} | grep . | sha256sum", texts, variables)


RESULTS = {"counts": counts, "lines": lines}


def difference(result, right):
    if isinstance(result, bytes):
        return "prints other lines"
    words = [word for word in result.keys() | right.keys() if result.get(word) != right.get(word)]
    first = min(words)
    return (f"counts '{first.decode(errors='replace')}' {result.get(first, 0)} times, "
            f"not {right.get(first, 0)}; {len(words)} words differ")
