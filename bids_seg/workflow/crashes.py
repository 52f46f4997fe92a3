# SPDX-License-Identifier: Apache-2.0
"""Crash files: those of nipype are read from the work folder, ours are written for the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bids_seg.workflow.log import RunLog
from bids_seg.workflow.state import Failure, VisitState

_NODE = re.compile(r'^Node: (\S+)$', re.MULTILINE)
_TRACE = re.compile(r'^Traceback:\s*', re.MULTILINE)


def of_nipype(folder: Path) -> Mapping[str, str]:
    """Return what nipype wrote about nodes that broke, by their full names.

    Parameters
    ----------
    folder
        Where it wrote its crash files; the newest of a node counts.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob('crash-*.txt'), key=lambda path: path.stat().st_mtime_ns):
        text = path.read_text(encoding='utf-8', errors='replace')
        named = _NODE.search(text)
        if named:
            trace = _TRACE.search(text)
            found[named[1]] = text[trace.end() :] if trace else text
    return found


def write(state: VisitState, failure: Failure, log: RunLog) -> None:
    """Write what is known of the crash of a visit.

    Parameters
    ----------
    state
        The visit.
    failure
        What happened, with a trace.
    log
        The run's log.
    """
    images = [f'  {scan.role}: {scan.relative}' for scan in state.visit.scans]
    lines = [
        f'visit: {state.visit.name}',
        f'stage: {failure.stage}',
        f'what: {failure.what}',
        f'where: {failure.where}',
        f'do: {failure.do}',
        'images:',
        *images,
        '',
        failure.trace.strip(),
        '',
    ]
    log.write_crash(state.visit.name, failure.stage, '\n'.join(lines))
