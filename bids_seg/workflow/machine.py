# SPDX-License-Identifier: Apache-2.0
"""What this process may use of the machine: processors and memory, containers and SLURM seen."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

SHARE = 0.9
"""Share of the memory that is used unless the user says otherwise."""

_CGROUP = Path('/sys/fs/cgroup')


def processors(environment: Mapping[str, str] | None = None, *, cgroup: Path = _CGROUP) -> int:
    """Return how many processors this process may use: affinity, cgroup quota, SLURM.

    Parameters
    ----------
    environment
        Variables; none: those of this process.
    cgroup
        Where control groups are mounted.
    """
    variables = os.environ if environment is None else environment
    limits = [len(os.sched_getaffinity(0))]
    quota = _quota(cgroup)
    if quota is not None:
        limits.append(max(1, math.floor(quota)))
    slurm = variables.get('SLURM_CPUS_PER_TASK', '')
    if slurm.isdigit():
        limits.append(max(1, int(slurm)))
    return min(limits)


def memory_mb(environment: Mapping[str, str] | None = None, *, cgroup: Path = _CGROUP) -> int:
    """Return how much memory this process may use, MB: physical, cgroup, SLURM.

    Parameters
    ----------
    environment
        Variables; none: those of this process.
    cgroup
        Where control groups are mounted.
    """
    variables = os.environ if environment is None else environment
    limits = [os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e6]
    for name in ('memory.max', 'memory/memory.limit_in_bytes'):
        text = _text(cgroup / name)
        if text.isdigit():
            limits.append(int(text) / 1e6)
    node, each = variables.get('SLURM_MEM_PER_NODE', ''), variables.get('SLURM_MEM_PER_CPU', '')
    if node.isdigit() and int(node) > 0:
        limits.append(int(node))
    elif each.isdigit() and int(each) > 0:
        limits.append(int(each) * processors(variables, cgroup=cgroup))
    return math.floor(min(limits))


def _quota(cgroup: Path) -> float | None:
    """Return the number of processors that a control group allows, if it says so."""
    words = _text(cgroup / 'cpu.max').split()
    if len(words) == 2 and words[0].isdigit():
        return int(words[0]) / int(words[1])
    quota, period = (_text(cgroup / f'cpu/cpu.cfs_{name}_us') for name in ('quota', 'period'))
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _text(path: Path) -> str:
    """Return what a small file holds, nothing if it cannot be read."""
    try:
        return path.read_text(encoding='ascii').strip()
    except OSError:
        return ''
