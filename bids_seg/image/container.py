# SPDX-License-Identifier: Apache-2.0
"""What a file is before it is an image: fetched, complete, compressed as its name says."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from bids_seg.errors import ImageError


def is_fetched(path: Path) -> bool:
    """Return whether the content of a file is here: no dangling link, no git-annex pointer.

    Parameters
    ----------
    path
        Any file; one that is not there and was never linked counts as fetched.
    """
    if not path.exists():
        return not path.is_symlink()
    try:
        with path.open('rb') as file:
            return not _is_pointer(file.read(64))
    except OSError:
        return True


def _is_pointer(start: bytes) -> bool:
    """Return whether a file begins like the text that git-annex leaves for its content."""
    return start.startswith((b'/annex/objects', b'../')) or b'.git/annex' in start


def check_container(path: Path) -> None:
    """Refuse what is no NIfTI file, each cause in its own words."""
    again = 'copy or convert the file again'
    if not path.exists():
        if path.is_symlink():
            raise ImageError(
                'the content was not fetched, the link leads nowhere',
                where=path,
                do=f'run `datalad get {path.name}` or `git annex get` in its folder',
            )
        raise ImageError('no such file', where=path, do='check the name')
    try:
        with path.open('rb') as file:
            start = file.read(64)
    except OSError as error:
        raise ImageError(
            f'cannot be read ({error.strerror})', where=path, do='check its permissions'
        ) from error
    if not start:
        raise ImageError('0 bytes', where=path, do=again)
    if _is_pointer(start):
        raise ImageError(
            'a git-annex pointer instead of an image', where=path, do='run `datalad get` on it'
        )
    zipped = start[:2] == b'\x1f\x8b'
    if zipped and path.suffix == '.nii':
        raise ImageError(
            'compressed, but called .nii', where=path, do='rename it to end in .nii.gz'
        )
    if path.suffix == '.gz' and not zipped:
        raise ImageError(
            'not compressed, but called .nii.gz', where=path, do='rename it to end in .nii'
        )
    if zipped:
        check_stream(path)


def check_stream(path: Path) -> None:
    """Refuse a compressed file that breaks off before its header ends."""
    try:
        with gzip.open(path) as stream:
            stream.read(540)
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(
            f'its compressed data cannot be read ({error})',
            where=path,
            do='the file is cut short or damaged; copy it again',
        ) from error
