"""`pump.c`, compiled once and loaded: without a compiler, or elsewhere than on Linux, there is none.

`python -m agents.fast_lane.pump` compiles it beforehand, for machines that have no compiler or may not write.
"""

import ctypes
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from ctypes import CFUNCTYPE, c_char_p, c_double, c_int, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("pump.c")
COMPILERS = ("cc", "gcc", "clang")
COMPILE_SECONDS = 60
OPTIONS = (
    "-std=c11",
    "-O2",
    "-fPIC",
    "-fstack-protector-strong",
    "-D_FORTIFY_SOURCE=2",
    "-shared",
    "-Wl,-z,relro,-z,now",
)


Told = CFUNCTYPE(None, c_int)
"""Whom `pump_turn` tells how many notices there are."""


class Unavailable(Exception):
    """Why nothing can be compiled or loaded here."""


def _path() -> Path:
    """Named for what it was made of: a changed source, or another machine's, is compiled anew."""
    made_of = SOURCE.read_bytes() + " ".join((*OPTIONS, *os.uname()[::4])).encode()
    return SOURCE.with_name(f"pump-{hashlib.sha256(made_of).hexdigest()[:16]}.so")


def compiled() -> Path:
    """Where it is, and now is if it was not. Raises Unavailable."""
    path = _path()
    if path.exists():
        return path
    if not sys.platform.startswith("linux"):
        raise Unavailable("it needs Linux")
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise Unavailable("there is no C compiler")
    try:
        # Beside its place, and moved there when it is whole: several processes may start at once.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".compiling-") as directory:
            made = Path(directory) / path.name
            subprocess.run(  # noqa: S603
                [compiler, *OPTIONS, "-o", str(made), str(SOURCE)],
                check=True,
                capture_output=True,
                text=True,
                timeout=COMPILE_SECONDS,
            )
            made.replace(path)
        for other in path.parent.glob("pump-*.so"):
            if other != path:
                other.unlink(missing_ok=True)
    except subprocess.CalledProcessError as error:
        raise Unavailable(error.stderr.strip() or f"{compiler} failed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from None
    return path


def _declared(library: ctypes.PyDLL) -> ctypes.PyDLL:
    """With the types of its functions: pointers are wider than what ctypes takes for granted."""
    pump = pipe = c_void_p
    text, place = (c_char_p, c_uint32), (c_uint32, c_uint32)
    types: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "pump_new": (pump, ()),
        "pump_free": (None, (pump,)),
        "pump_fd": (c_int, (pump,)),
        "pump_notices": (c_void_p, (pump,)),
        "pump_arena": (c_void_p, (pump,)),
        "pump_turn": (None, (pump, Told)),
        "pipe_new": (pipe, (pump, c_uint32, c_int)),
        "pipe_nil": (pipe, ()),
        "pipe_learn": (c_int, (pipe, *text, *place, *place)),
        "pipe_open": (
            c_int,
            (pipe, c_int, c_int, *text, *text, c_uint32, *[c_double] * 3, c_uint32, c_int, c_uint64),
        ),
        "pipe_is_open": (c_int, (pipe,)),
        "pipe_close": (None, (pipe,)),
        "pipe_free": (None, (pipe,)),
        "pipe_passed": (c_uint64, (pipe,)),
        "pipe_passed_at": (c_double, (pipe,)),
        "pipe_send": (c_uint32, (pipe, *text)),
        "pipe_most_heard": (c_uint32, ()),
        "pipe_heard": (c_uint32, (pipe, c_void_p, c_double)),
        "count_loud": (None, (*text, c_char_p, c_uint32, c_char_p, c_char_p)),
    }
    for name, (result, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@cache
def loaded() -> ctypes.PyDLL | None:
    """The library, once for the process. It keeps the interpreter's lock: nothing in it waits."""
    try:
        return _declared(ctypes.PyDLL(str(compiled())))
    except (OSError, Unavailable) as why:
        logger.info("Audio is carried in Python: %s", why)
        return None


def at_hand() -> ctypes.PyDLL | None:
    """The library if it is loaded: who carries audio in Python has none, and nobody compiles it for less."""
    return loaded() if loaded.cache_info().currsize else None
