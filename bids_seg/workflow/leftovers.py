# SPDX-License-Identifier: Apache-2.0
"""What killed runs left behind: hidden files that never got their names, indexes, contexts."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

OLD_S = 24 * 3600.0
"""A file of a run that shares the folder is nobody's after this time, seconds."""

_HIDDEN = re.compile(r'\..+\.(tmp|new|old)')


def sweep_participant(label: str, *, out_dir: Path, work_dir: Path) -> None:
    """Remove hidden files of one participant; its lock must be held.

    Parameters
    ----------
    label
        Participant without `sub-`.
    out_dir
        Root of the output.
    work_dir
        The work folder.
    """
    name = f'sub-{label}'
    for root in (out_dir, work_dir):
        _remove((root / name).rglob('.*'))
    _remove(out_dir.glob(f'.{name}.html.*'))


def sweep_shared(*, out_dir: Path, work_dir: Path) -> None:
    """Remove what runs that share the folders left more than a day ago.

    Parameters
    ----------
    out_dir
        Root of the output.
    work_dir
        The work folder.
    """
    before = time.time() - OLD_S
    hidden = [*out_dir.glob('.*'), *(out_dir / 'logs').glob('.*')]
    _remove(path for path in hidden if _older(path, before))
    for path in work_dir.glob('index-*'):
        if path.is_dir() and _older(path, before):
            shutil.rmtree(path, ignore_errors=True)
    for path in work_dir.glob('run-*.json'):
        if _older(path, before):
            path.unlink(missing_ok=True)


def _remove(paths: Iterable[Path]) -> None:
    """Remove those that are hidden files of ours."""
    for path in tuple(paths):
        if _HIDDEN.fullmatch(path.name) and path.is_file():
            # What cannot be removed hides nothing and hinders nobody.
            with contextlib.suppress(OSError):
                path.unlink()


def _older(path: Path, moment: float) -> bool:
    """Return whether a file was changed before a moment; one that is gone was not."""
    try:
        return path.stat().st_mtime < moment
    except OSError:
        return False
