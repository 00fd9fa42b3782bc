"""`python -m benchmarks [name …]`: how fast it is, on a PostgreSQL of its own that goes when it ends.

A benchmark is a module of this package with HEADINGS and `run`, which yields lines under them. It is given the
clinic, or what its own `set_up` makes.
"""

import gc
import sys
import time
from functools import cache
from importlib import import_module

from benchmarks.database import fresh_database

BENCHMARKS = ("availability", "booking", "tools", "media", "audio")
BY_NAME = ("ramp",)
"""Those that take many minutes."""


def main(names: list[str]) -> None:
    known = (*BENCHMARKS, *BY_NAME)
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"There is {', '.join(known)}, but no {', '.join(sorted(unknown))}.")
    began = time.monotonic()
    with fresh_database():
        from benchmarks.clinic import open_clinic  # after Django is set up

        open_clinic_once = cache(open_clinic)
        for name in names or BENCHMARKS:
            benchmark = import_module(f"benchmarks.{name}")
            subject = getattr(benchmark, "set_up", open_clinic_once)()
            gc.collect()
            gc.freeze()  # as our servers do when they start
            print_line(benchmark.HEADINGS)
            for line in benchmark.run(subject):
                print_line(line)
    print_line((f"{time.monotonic() - began:.0f} s in all",))


def print_line(cells: tuple[str, ...]) -> None:
    first, *others = cells
    sys.stdout.write(f"{first:36}{''.join(f'{cell:>14}' for cell in others)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
