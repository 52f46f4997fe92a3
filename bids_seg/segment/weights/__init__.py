# SPDX-License-Identifier: Apache-2.0
"""What the networks learned: one file or folder for each member, checked before it is used."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bids_seg.errors import UnavailableError
from bids_seg.image import is_fetched
from bids_seg.segment.model import Model, Weights
from bids_seg.segment.readers import check_digest

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
"""Where the files that ship lie."""

FILES = ('*.h5', '*.hdf5', '*.keras', '*.pt', '*.pth')
"""Names of files that hold all weights of one network."""


def collect(model: Model, *, given: Mapping[str, Path], folder: Path | None) -> tuple[Path, ...]:
    """Return the file or folder of each member of a model, wherever its weights come from.

    Parameters
    ----------
    model
        Which model.
    given
        Weights that the user named, by model or task; they come first.
    folder
        Where weights that do not ship are looked for; None: nowhere.

    Raises
    ------
    UnavailableError
        If there are none, or one is not what was published under its name.
    """
    path = given.get(model.name, given.get(model.task))
    if path is not None:
        return members(path)
    if model.ships:
        return verify(model)
    place = (folder or Path()) / model.name
    found = [member for member in model.members if folder and (place / member.file).exists()]
    if not found:
        raise UnavailableError(
            f'the weights of {model.name} do not ship with bids-seg and were not found',
            where=place if folder else '--weights-dir is not set',
            do=_fetch(model, place if folder else Path('FOLDER') / model.name),
        )
    if len(found) < len(model.members):
        logger.warning(
            '%s: %d of its %d networks are there, and these alone are run',
            *(model.name, len(found), len(model.members)),
        )
    for member in found:
        check_digest(place / member.file, sha256=member.sha256 or None, md5=member.md5 or None)
    return tuple(path for member in found for path in members(place / member.file))


def members(path: Path) -> tuple[Path, ...]:
    """Return the file or folder of each network that a path holds; folds are sorted by number.

    Parameters
    ----------
    path
        A file, a folder of one checkpoint or SavedModel, or a folder of several of these.

    Raises
    ------
    UnavailableError
        If nothing is there, or nothing that holds weights.
    """
    found = _members(path) if path.exists() else ()
    if not found:
        what = 'no weights in this folder' if path.is_dir() else 'the weights are missing'
        raise UnavailableError(what, where=path, do='give the file as published, or its folder')
    for file in (file for member in found for file in parts(member)):
        if not is_fetched(file):
            raise UnavailableError(
                'a pointer to the weights, not the weights', where=file, do='fetch the file'
            )
    return found


def parts(member: Path) -> tuple[Path, ...]:
    """Return all files that hold the weights of one member.

    Parameters
    ----------
    member
        One of what `members` returns.
    """
    if member.is_dir():
        variables = member / 'variables'
        place = variables if variables.is_dir() else member
        return tuple(sorted(file for file in place.iterdir() if file.is_file()))
    if member.suffix == '.index':
        return (member, *sorted(member.parent.glob(f'{member.stem}.data-*')))
    return (member,)


def digest(member: Path) -> str:
    """Return the SHA-256 of a member; of several files, that of the list of theirs.

    Parameters
    ----------
    member
        One of what `members` returns.

    Raises
    ------
    UnavailableError
        If it cannot be read.
    """
    files = parts(member)
    try:
        sums = [_sha256(file) for file in files]
    except OSError as error:
        raise UnavailableError(
            f'the weights cannot be read ({error.strerror})', where=member, do='check permissions'
        ) from error
    if files == (member,):
        return sums[0]
    lines = [f'{found}  {file.name}\n' for found, file in zip(sums, files, strict=True)]
    return hashlib.sha256(''.join(lines).encode()).hexdigest()


def unchanged(paths: Sequence[Path], sha256: Sequence[str]) -> None:
    """Refuse weights that are no longer those that the run began with.

    Parameters
    ----------
    paths
        Of each member.
    sha256
        Digest of each.

    Raises
    ------
    UnavailableError
        If one is missing or has another digest.
    """
    for path, expected in zip(paths, sha256, strict=True):
        if not path.exists():
            raise UnavailableError('the weights are missing', where=path, do='put them back')
        found = digest(path)
        if found != expected:
            raise UnavailableError(
                f'the weights changed during the run (SHA-256 {found[:12]}..., '
                f'before {expected[:12]}...)',
                where=path,
                do='leave them alone and run it again',
            )


def verify(model: Model, folder: Path = FOLDER) -> tuple[Path, ...]:
    """Return the files of a model that ships, after comparing them with their digests.

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
    return tuple(_checked(folder / member.file, member) for member in model.members)


def _checked(path: Path, member: Weights) -> Path:
    """Return a path whose content has a digest."""
    again = 'install bids-seg again, or fetch the file from the release'
    if not path.is_file():
        raise UnavailableError('the weights are missing', where=path.name, do=again)
    found = _sha256(path)
    if found != member.sha256:
        raise UnavailableError(
            f'the weights are not those of this version (SHA-256 {found[:12]}..., '
            f'expected {member.sha256[:12]}...)',
            where=path.name,
            do=again,
        )
    return path


def _sha256(file: Path) -> str:
    """Return the digest of a file, which may be large."""
    with file.open('rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def _members(path: Path) -> tuple[Path, ...]:
    """Return the members that an existing path holds; none where there are no weights."""
    if path.is_file():
        stem, data, _ = path.name.partition('.data-')
        return (path.with_name(f'{stem}.index') if data else path,)
    indices = sorted(path.glob('*.index'), key=_natural)
    if (path / 'variables').is_dir() or (path / 'checkpoint').is_file() or len(indices) == 1:
        return (path,)
    files = sorted((file for name in FILES for file in path.glob(name)), key=_natural)
    if indices or files:
        return tuple(indices or files)
    folders = sorted((folder for folder in path.iterdir() if folder.is_dir()), key=_natural)
    return tuple(member for folder in folders for member in _members(folder))


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    """Return what sorts names by the numbers in them: fold 2 before fold 10."""
    pieces = re.findall(r'\d+|\D+', path.name)
    return tuple((int(piece), '') if piece.isdigit() else (-1, piece) for piece in pieces)


def _fetch(model: Model, place: Path) -> str:
    """Return what to fetch, under what licence, and where to put it."""
    files = [f'{member.url} as {place / member.file}' for member in model.members[:1]]
    more = len(model.members) - 1
    others = (
        f' (and {more} more of the same kind, see bids-seg models {model.name})' if more else ''
    )
    return (
        f'fetch {"; ".join(files)}{others} and set --weights-dir, or give '
        f'--weights {model.name}=PATH; licence: {model.licence.name}'
    )
