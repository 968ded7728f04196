"""Memory that is free: the C library keeps what a large poll needed, for a next one that may never come."""

import ctypes
import os


def give_back() -> None:
    """Give what is free back to the system. Only glibc has a word for that; elsewhere nothing happens."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
