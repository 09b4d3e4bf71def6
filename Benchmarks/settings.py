"""The settings of a run."""

import datetime
import os
import re
import sys

import machine


def whole_number(name, default):
    """What the environment has for a setting, a whole number of at least 1."""
    value = os.environ.get(name) or str(default)
    if not re.fullmatch("0*[1-9][0-9]*", value):
        sys.exit(f"{os.path.basename(sys.argv[0])}: {name} '{value}': "
                 "takes a whole number of at least 1")
    return int(value)


def of_this_run():
    """What figures depend on beside the work, to be kept with them."""
    return {
        "jobs": str(whole_number("JOBS", machine.usable_cpus())),
        "rounds": str(whole_number("ROUNDS", 5)),
        "machine": machine.describe(),
        "date": datetime.date.today().isoformat(),
    }
