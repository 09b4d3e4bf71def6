"""What a pipeline takes: seconds, CPU seconds of all its processes, memory of the largest."""

import ctypes
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

BENCHMARKS = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(BENCHMARKS, "results")
PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """A command that did not exit with status 0. Its text says what and why."""


class Figures(NamedTuple):
    seconds: float
    cpu: float
    megabytes: float


def environment(**variables):
    """What the commands of the table see beside the environment of the caller."""
    return {
        **os.environ, "LC_ALL": "C", "BENCHMARKS": BENCHMARKS, "PYTHON": sys.executable,
        **{name: str(value) for name, value in variables.items()},
    }


# Starts the pipeline once a line comes on standard input, prints its process, and is gone.
STARTER = """
exec 3<&0
{ read -r go; exec bash -o pipefail -c "$1" 3<&- </dev/null; } <&3 >/dev/null &
echo $!
"""


def measure(command, folder, variables):
    """Runs a pipeline, its output thrown away. Raises Failed.

    wait4(2) reports a process and all that it waited for. But the largest memory counts from
    before execve(2), when the process was a copy of this Python. So a small shell starts the
    pipeline and is gone, and the orphan becomes a child of ours.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryFile() as errors:
        starter = subprocess.Popen(
            ["sh", "-c", STARTER, "sh", command], cwd=folder, env=variables,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        try:
            pipeline = int(starter.stdout.read())
            starter.wait()
            start = time.perf_counter()
            starter.stdin.write(b"\n")
            starter.stdin.close()
            _, wait_status, usage = os.wait4(pipeline, 0)
        except BaseException:
            # Interrupted, or told to end: so is the pipeline.
            os.killpg(starter.pid, signal.SIGTERM)
            raise
        seconds = time.perf_counter() - start
        status = os.waitstatus_to_exitcode(wait_status)
        if status != 0:
            raise Failed(reason(status, errors))
    return Figures(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def reason(status, errors):
    """Why a command failed: its status and the end of what it said."""
    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip().splitlines()
    return f"{how}: {said[-1]}" if said else how


def output(command, folder, variables):
    """What a pipeline prints, as bytes. Raises Failed."""
    with tempfile.TemporaryFile() as errors:
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=variables,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        if result.returncode != 0:
            raise Failed(reason(result.returncode, errors))
    return result.stdout


def median(figures):
    """The median of each figure by itself."""
    return Figures(*(statistics.median(column) for column in zip(*figures)))
