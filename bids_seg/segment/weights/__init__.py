# SPDX-License-Identifier: Apache-2.0
"""What the networks learned: one file for each member, checked before it is used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bids_seg.errors import UnavailableError
from bids_seg.segment.model import Model

FOLDER = Path(__file__).parent
"""Where the files that ship lie."""


def verify(model: Model, folder: Path = FOLDER) -> tuple[Path, ...]:
    """Return the files of a model's members, after comparing them with their digests.

    Parameters
    ----------
    model
        Which model.
    folder
        Where its files lie.

    Raises
    ------
    UnavailableError
        If a file is missing or is not the one that the model was published with.
    """
    return tuple(_checked(folder / member.file, member.sha256) for member in model.members)


def _checked(path: Path, sha256: str) -> Path:
    """Return a path whose content has a digest."""
    again = 'install bids-seg again, or fetch the file from the release'
    if not path.is_file():
        raise UnavailableError('the weights are missing', where=path.name, do=again)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise UnavailableError(
            f'the weights are not those of this version (SHA-256 {found[:12]}..., '
            f'expected {sha256[:12]}...)',
            where=path.name,
            do=again,
        )
    return path
