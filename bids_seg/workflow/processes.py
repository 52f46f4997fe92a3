# SPDX-License-Identifier: Apache-2.0
"""Processes that a run starts: none of them outlives it."""

from __future__ import annotations

import ctypes
import signal
import sys

import psutil

_PR_SET_PDEATHSIG = 1

# Loaded before any fork: a child between fork and exec should do as little as it can.
_LIBC = ctypes.CDLL(None) if sys.platform == 'linux' else None


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it is gone (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_children() -> None:
    """Kill every process that this one has started, and theirs."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(children, timeout=5)


def set_up_worker() -> None:
    """Make a worker of the pool leave signals to the process that started it.

    Ctrl-C reaches every process of the terminal; only the main one is to act on it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
