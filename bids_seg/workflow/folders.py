# SPDX-License-Identifier: Apache-2.0
"""Input, output and work folder: what they may be, checked before anything is done."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

from bids_seg.errors import CommandError, OutputError

logger = logging.getLogger(__name__)

MARKER = '.bids-seg-work'
"""File that says that a work folder is ours and may be emptied."""

BYTES_PER_VISIT = 120_000_000
"""Room that one visit takes in output and work folder together, with a margin."""


def check_input(bids_dir: Path) -> None:
    """Refuse a dataset folder that is not there.

    Raises
    ------
    CommandError
        If it is no folder.
    """
    if not bids_dir.is_dir():
        raise CommandError('no such folder', where=bids_dir, do='check the first argument')


def check_output(output_dir: Path, bids_dir: Path) -> tuple[Path, ...]:
    """Refuse output folders that would mix with the input, make the folder, return what was made.

    Parameters
    ----------
    output_dir
        Where results go.
    bids_dir
        Where images come from.

    Returns
    -------
    tuple of Path
        Folders that were not there, the innermost first; see `unmake`.

    Raises
    ------
    CommandError
        If the output is the input, or lies in it anywhere but below `derivatives/`.
    OutputError
        If it cannot be made or written.
    """
    output, bids = output_dir.resolve(), bids_dir.resolve()
    better = bids / 'derivatives' / 'bids-seg'
    if output == bids:
        raise CommandError(
            'output and input are one folder', where=output_dir, do=f'write {better}'
        )
    if output == bids / 'derivatives':
        raise CommandError(
            'it would mix with the other derivatives', where=output_dir, do=f'write {better}'
        )
    if output.is_relative_to(bids) and not output.is_relative_to(bids / 'derivatives'):
        raise CommandError(
            'the output lies in the input, which is never written to',
            where=output_dir,
            do=f'write {better}, or a folder elsewhere',
        )
    absent = tuple(path for path in (output, *output.parents) if not path.exists())
    make_writable(output_dir)
    return absent


def unmake(folders: tuple[Path, ...]) -> None:
    """Remove folders that were made for a run that did not begin, unless they hold something.

    Parameters
    ----------
    folders
        What `check_output` returned.
    """
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def make_writable(folder: Path) -> None:
    """Make a folder and prove that a file can be written in it.

    Raises
    ------
    OutputError
        If either fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix='.probe-'):
            pass
    except OSError as error:
        raise OutputError(
            f'cannot be made or written ({error.strerror})',
            where=folder,
            do='choose a folder that you may write to',
        ) from error


def check_space(folders: tuple[Path, ...], *, visits: int) -> None:
    """Refuse to begin where the disk would be full before the end.

    Raises
    ------
    OutputError
        If less is free than the visits will take.
    """
    needed = visits * BYTES_PER_VISIT
    for folder in folders:
        there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            raise OutputError(
                f'{free / 1e9:.1f} GB are free, {visits} visits take about {needed / 1e9:.1f} GB',
                where=folder,
                do='free some space, choose another folder, or name fewer participants',
            )


def open_work(work: Path, *, bids_dir: Path, output_dir: Path, empty: bool) -> Path:
    """Return the work folder, made and marked as ours.

    Parameters
    ----------
    work
        What the user named, else `default_work`.
    bids_dir, output_dir
        Where it may not lie, and what it may not be.
    empty
        Whether to empty it first, which is done only if it carries our marker.

    Raises
    ------
    CommandError
        If it lies in the input, is the output, or is to be emptied and is not ours.
    OutputError
        If it cannot be made or written.
    """
    resolved = work.resolve()
    if resolved.is_relative_to(bids_dir.resolve()):
        raise CommandError(
            'the work folder lies in the input', where=work, do='choose another with --work-dir'
        )
    if resolved == output_dir.resolve():
        raise CommandError(
            'work and output are one folder', where=work, do='choose another with --work-dir'
        )
    if empty and resolved.is_dir() and any(resolved.iterdir()):
        if not (resolved / MARKER).is_file():
            raise CommandError(
                'not emptied, for it was not made by bids-seg',
                where=work,
                do='empty it yourself, or choose another with --work-dir',
            )
        shutil.rmtree(resolved)
    make_writable(resolved)
    (resolved / MARKER).touch()
    return resolved


def default_work() -> Path:
    """Return `work` in the current folder, or one under TMPDIR where nothing can be written here."""
    here = Path.cwd() / 'work'
    if os.access(here if here.exists() else Path.cwd(), os.W_OK):
        return here
    elsewhere = Path(tempfile.gettempdir()) / f'bids-seg-work-{os.getuid()}'
    logger.warning('the current folder cannot be written, intermediate files go to %s', elsewhere)
    return elsewhere
