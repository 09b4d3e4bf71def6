"""The settings of a run."""

import datetime
import os
import re
import signal
import sys

import machine


def whole_number(name, default):
    """What the environment has for a setting, a whole number of at least 1."""
    value = os.environ.get(name) or str(default)
    if not re.fullmatch("0*[1-9][0-9]*", value):
        sys.exit(f"{os.path.basename(sys.argv[0])}: {name} '{value}': "
                 "takes a whole number of at least 1")
    return int(value)


def end_on_termination():
    """Has SIGTERM end the program as an error does, so that temporary files are removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def of_this_run(rounds=5):
    """What figures depend on beside the work, to be kept with them."""
    return {
        "jobs": str(whole_number("JOBS", machine.usable_cpus())),
        "rounds": str(whole_number("ROUNDS", rounds)),
        "machine": machine.describe(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "date": datetime.date.today().isoformat(),
    }


def write_table(path, setting, columns, rows):
    """Writes figures as tab-separated values, and in comments before them what they are of."""
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"# {name}: {value}\n" for name, value in setting.items())
        for row in [columns, *rows]:
            file.write("\t".join(map(str, row)) + "\n")


def read_table(path):
    """The setting and the rows that write_table wrote."""
    setting, rows = {}, []
    with open(path, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("# "):
                name, value = line[2:].split(": ", 1)
                setting[name] = value
            else:
                rows.append(line.split("\t"))
    return setting, rows[1:]
