# SPDX-License-Identifier: Apache-2.0
"""Participants, sessions and files of a dataset, at a cost that its size does not set.

pybids never sees the whole dataset: it indexes the names of a batch of participants in a
neutral folder of links. That takes 0.1 s for one participant whatever the dataset's size,
and a root path with `sub-`, `ses-` or `anat` in it, which pybids would take for entities of
every image, cannot mislead it.
"""

import difflib
import logging
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from bids_seg.discover.names import LABEL, Name, is_image, natural, split
from bids_seg.discover.text import read_json
from bids_seg.errors import CommandError, InputError

logger = logging.getLogger(__name__)

BATCH = 100
"""Participants that are indexed at once: 70 MB and one second."""

# Only files in the anat folders: functional data need no index, and a link that leads back
# to a folder above is never followed.
_IGNORED = (
    re.compile(r'^/(?!sub-[^/]+(/ses-[^/]+)?(/anat(/[^/]+)?)?$)'),
    re.compile(r'/\.'),
    # A name that is no UTF-8 would end pybids, for the whole batch.
    re.compile('[\ud800-\udfff]'),
)

# Names are taken apart in `names`, more strictly than by pybids: one entity is all it needs
# to know, and its database is ready in a quarter of the time.
_CONFIG = {
    'name': 'names',
    'entities': [{'name': 'extension', 'pattern': r'[^./\\](\.[^/\\]+)$'}],
}


def participants(bids_dir: Path) -> tuple[str, ...]:
    """Return the labels of all participants, in natural order.

    Parameters
    ----------
    bids_dir
        Root of the dataset.

    Raises
    ------
    CommandError
        If the folder is not there.
    InputError
        If it holds no `sub-<label>` folder.
    """
    labels = _labels(bids_dir, 'sub')
    if not labels:
        raise InputError(
            'no sub-<label> folder in it', where=bids_dir, do='give the root of a BIDS dataset'
        )
    return labels


def select(bids_dir: Path, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the labels asked for, in natural order; all of them where none is asked for.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    wanted
        Labels, with or without one leading `sub-`.

    Raises
    ------
    CommandError
        If a label is not in the dataset.
    """
    there = participants(bids_dir)
    asked = {label.removeprefix('sub-') for label in wanted}
    _refuse_unknown(asked, there, prefix='sub', option='--participant-label')
    return tuple(label for label in there if label in asked or not asked)


def sessions(bids_dir: Path, participant: str) -> tuple[str, ...]:
    """Return the session labels of one participant, in natural order."""
    return _labels(bids_dir / f'sub-{participant}', 'ses')


def select_sessions(
    bids_dir: Path, wanted: Sequence[str], *, participants: Sequence[str]
) -> frozenset[str]:
    """Return the session labels asked for; none means all.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    wanted
        Labels, with or without one leading `ses-`.
    participants
        Whose sessions may be meant.

    Raises
    ------
    CommandError
        If no such participant has such a session.
    """
    asked = {label.removeprefix('ses-') for label in wanted}
    there: dict[str, None] = {}
    for participant in participants:
        if asked <= there.keys():
            break
        there.update(dict.fromkeys(sessions(bids_dir, participant)))
    _refuse_unknown(asked, tuple(there), prefix='ses', option='--session-label')
    return frozenset(asked)


def description(bids_dir: Path) -> Mapping[str, object]:
    """Return the fields of `dataset_description.json`; none, and a warning, where it is broken.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    """
    path = bids_dir / 'dataset_description.json'
    if not path.exists():
        logger.warning('dataset_description.json is missing, taken for a raw dataset')
    read = read_json(path, shown=path.name)
    for warning in read.warnings:
        logger.warning('%s', warning)
    return read.values


def images(bids_dir: Path, batch: Sequence[str], *, index_dir: Path) -> dict[str, tuple[str, ...]]:
    """Return the image files of some participants by participant, as pybids finds them.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    batch
        Labels of participants, not too many.
    index_dir
        Where the folder of links is made; it is removed at once.

    Returns
    -------
    Paths relative to the root, in natural order.
    """
    if index_dir.resolve().is_relative_to(bids_dir.resolve()):
        raise CommandError(
            'lies inside the dataset, which is never written to',
            where=index_dir,
            do='choose another --work-dir',
        )
    found: dict[str, list[str]] = {participant: [] for participant in batch}
    links = link_folder(bids_dir, batch, parent=index_dir)
    try:
        for path in _indexed(links):
            relative = PurePosixPath(path).relative_to(links.as_posix())
            if is_image(relative.name):
                found[relative.parts[0].removeprefix('sub-')].append(relative.as_posix())
    finally:
        shutil.rmtree(links, ignore_errors=True)
    return {label: tuple(sorted(paths, key=natural)) for label, paths in found.items()}


def link_folder(
    bids_dir: Path, batch: Iterable[str], *, parent: Path, files: Sequence[str] = ()
) -> Path:
    """Make a new folder that holds links to some participants and files of a dataset.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    batch
        Labels of participants.
    parent
        Where it is made.
    files
        Names of files at the root.
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix='index-', dir=parent)).resolve()
    for name in [*(f'sub-{label}' for label in batch), *files]:
        (folder / name).symlink_to((bids_dir / name).absolute())
    return folder


def image_names(bids_dir: Path, labels: Sequence[str]) -> Iterator[Name]:
    """Yield the names of images by listing folders, without pybids; odd names are left out.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    labels
        Participants, in the order in which they are looked at.
    """
    for label in labels:
        folders = ['anat', *(f'ses-{session}/anat' for session in sessions(bids_dir, label))]
        for folder in folders:
            yield from _names(bids_dir / f'sub-{label}' / folder)


def _names(folder: Path) -> Iterator[Name]:
    """Yield the names of images in one folder."""
    try:
        found = sorted(path.name for path in folder.iterdir())
    except OSError:
        return
    for file in filter(is_image, found):
        try:
            yield split(file)
        except ValueError:
            continue


def _indexed(links: Path) -> list[str]:
    """Return the files in a folder of links, as pybids lists them."""
    with warnings.catch_warnings():
        # What it warns of (no description, old settings) is checked here in our own words.
        warnings.simplefilter('ignore')
        from bids.layout import BIDSLayout, BIDSLayoutIndexer

        indexer = BIDSLayoutIndexer(validate=False, index_metadata=False, ignore=list(_IGNORED))
        layout = BIDSLayout(str(links), validate=False, config=[_CONFIG], indexer=indexer)
        files: list[str] = layout.get(return_type='filename')
        layout.connection_manager.session.close()
        layout.connection_manager.engine.dispose()
    return files


def _labels(folder: Path, prefix: str) -> tuple[str, ...]:
    """Return the labels of the folders `<prefix>-<label>` in a folder, in natural order."""
    start = f'{prefix}-'
    try:
        with os.scandir(folder) as entries:
            names = [
                entry.name for entry in entries if entry.name.startswith(start) and entry.is_dir()
            ]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CommandError('no such folder', where=folder, do='check the path') from error
    except OSError as error:
        raise InputError(
            f'cannot be read ({error.strerror})', where=folder, do='check its permissions'
        ) from error
    labels = [name.removeprefix(start) for name in names]
    for label in labels:
        if not LABEL.fullmatch(label):
            logger.warning(
                '%s%s is left out: a label is made of letters, digits and +', start, label
            )
    return tuple(sorted(filter(LABEL.fullmatch, labels), key=natural))


def _refuse_unknown(asked: set[str], there: Sequence[str], *, prefix: str, option: str) -> None:
    """Refuse labels that are not there, naming the nearest."""
    unknown = sorted(asked - set(there))
    if not unknown:
        return
    near = difflib.get_close_matches(unknown[0], there, n=3, cutoff=0.0)
    hint = f'did you mean {", ".join(near)}?' if near else f'the dataset has no {prefix}- folder'
    listed = ', '.join(f'{prefix}-{label}' for label in unknown)
    raise CommandError(f'{listed} is not in the dataset', where=option, do=hint)
