"""The machine, and what is on it."""

import importlib.util
import os
import platform
import re
import shutil
import sys

import measure


def compiler():
    """A compiler of C++, or None."""
    return next(filter(shutil.which, ("c++", "g++", "clang++")), None)


def missing(needs):
    """Which of the tools a contestant needs are not here, in words; see contestants.py."""
    return [name for name in map(missing_tool, needs.split()) if name]


def missing_tool(tool):
    if tool == "c++":
        return "" if compiler() else "a C++ compiler"
    if tool == "icu":
        header = "/usr/include/unicode/brkiter.h"
        return "" if os.path.exists(header) else "ICU (libicu-dev)"
    if tool.startswith("python:"):
        module = tool[len("python:"):]
        return "" if importlib.util.find_spec(module) else f"{module} (Python module)"
    return "" if shutil.which(tool) else tool


def require_ours():
    """Ends where the three on PATH are not ours: procps has a pmap too."""
    for program in ("pmap", "wordsplit", "wcreduce"):
        try:
            version = measure.output(f"{program} --version", ".", measure.environment())
        except measure.Failed:
            version = b""
        if b"pmaputils" not in version:
            sys.exit(f"{os.path.basename(sys.argv[0])}: "
                     f"the {program} of pmaputils is not on PATH: use make")


def describe():
    """The processor, the CPUs that may be used, and the kernel."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    except OSError:
        model = None
    processor = model.group(1).strip() if model else platform.machine()
    return f"{processor}, {usable_cpus()} CPUs, {platform.system()} {platform.release()}"


def usable_cpus():
    return len(os.sched_getaffinity(0))
