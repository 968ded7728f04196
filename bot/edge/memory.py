"""Memory of a process that stays: small at rest, whatever a poll needed meanwhile."""

import ctypes
import gc
import os
import sys
from typing import Any

_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1
"""Settings of glibc's `mallopt`, from <malloc.h>."""
_LARGE = 128 * 1024
"""Bytes; what is as large is given back to the system as soon as it is free, and never in the way of the next."""


def stay_small() -> None:
    """Settle how memory is got, before much of it is: one heap for all threads, and large pieces apart.

    Every thread that reads pages would have a heap of its own, and keep it: 12 MB after a poll. Nothing happens where
    the C library is another than glibc.
    """
    setting = _word("mallopt")
    if setting is not None:
        for which, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            setting(which, value)
    # httpx would load what draws its own command line: 5 MB that nobody here uses. It does without where that is
    # not installed, which is what this says.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]


def settled() -> None:
    """Note that everything is loaded: it is not looked through for garbage any more, and what is free given back."""
    give_back()
    gc.freeze()


def give_back() -> None:
    """Give what is free back to the system: the C library keeps it, for a poll as large that may never come."""
    gc.collect()
    trim = _word("malloc_trim")
    if trim is not None:
        trim(0)


def _word(name: str) -> Any:
    """Return a function of glibc's own; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if os.name == "posix" else None
