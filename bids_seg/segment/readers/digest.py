# SPDX-License-Identifier: Apache-2.0
"""Comparing a file with the digest that its authors published."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bids_seg.errors import UnavailableError


def check_digest(path: Path, *, sha256: str | None = None, md5: str | None = None) -> None:
    """Refuse a file that is not the one that was published.

    Parameters
    ----------
    path
        A file.
    sha256, md5
        Published digests, lower-case hexadecimal; None where there is none.

    Raises
    ------
    UnavailableError
        If the file cannot be read, or a digest differs.
    """
    for name, expected in (('SHA-256', sha256), ('MD5', md5)):
        if expected is None:
            continue
        found = _digest(path, name)
        if found != expected:
            raise UnavailableError(
                f'not the published weights ({name} {found}, expected {expected})',
                where=path,
                do='fetch the file again from where its authors published it',
            )


def _digest(path: Path, name: str) -> str:
    """Return the digest of a file; MD5 guards against mix-ups, not against an attacker."""
    started = hashlib.sha256() if name == 'SHA-256' else hashlib.md5(usedforsecurity=False)
    try:
        with path.open('rb') as file:
            return hashlib.file_digest(file, lambda: started).hexdigest()
    except OSError as error:
        raise UnavailableError(
            f'the weights cannot be read ({error.strerror})',
            where=path,
            do='check the path and its permissions',
        ) from error
