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
    """The processor, the CPUs that may be used, the kernel of wordsplit, and that of the system."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            text = file.read()
    except OSError:
        text = ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    processor = model.group(1).strip() if model else platform.machine()
    return (f"{processor}, {usable_cpus()} CPUs, wordsplit by {word_kernel(text)}, "
            f"{platform.system()} {platform.release()}")


def word_kernel(text):
    """What splits ASCII text, by /proc/cpuinfo; see WordKernel.h. glibc may be told otherwise."""
    flags = re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE)
    flags = flags.group(1).split() if flags else []
    kernels = {"avx512_vbmi2": "AVX-512", "avx2": "AVX2", "ssse3": "SSSE3", "asimd": "NEON"}
    return next((name for flag, name in kernels.items() if flag in flags), "portable loops")


def usable_cpus():
    return len(os.sched_getaffinity(0))
