# SPDX-License-Identifier: Apache-2.0
"""A visit's finished set goes from the work folder into the output: all files or none.

Everything is first copied under hidden names into the folder where it belongs and synced.
Then the files that were there step aside, images first, and the new ones take their names,
sidecars and tables first, images last: whoever kills the program in between leaves a visit
without its images, which counts as missing and is made again.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from bids_seg.errors import FULL
from bids_seg.records import Visit, VisitSummary, from_json
from bids_seg.write import names
from bids_seg.write.text import read_json, refused

_NEW, _OLD = '.new', '.old'


def publish(work_dir: Path, out_dir: Path, *, visit: Visit, files: Mapping[str, str]) -> None:
    """Put the set of a visit into the output, in place of an older one.

    Parameters
    ----------
    work_dir
        Root of the finished set; it is copied and left as it is.
    out_dir
        Root of the output dataset.
    visit
        The visit; its participant's lock must be held.
    files
        What `names.visit_files` returned; sidecars and tables are known from it.

    Raises
    ------
    OutputError
        If the output cannot be written; what was there before is still there.
    """
    paths = names.whole_set(files)
    missing = [path for path in paths if not (work_dir / path).is_file()]
    if missing:
        message = f'{visit.name} is not finished, missing: {", ".join(missing)}'
        raise ValueError(message)
    try:
        _exchange(work_dir, out_dir, paths, published(out_dir, visit))
    except OSError as error:
        size = sum((work_dir / path).stat().st_size for path in paths)
        raise refused(error, out_dir, size=size) from error


def replace_files(out_dir: Path, contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Put files into the output where they differ from what is there; return those that did.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    contents
        What each path shall hold; the participant's lock must be held.

    Raises
    ------
    OutputError
        If the output cannot be written; what was there before is still there.

    Notes
    -----
    All are written under hidden names before the first one takes its place, images last.
    """
    changed = {
        path: content
        for path, content in contents.items()
        if not (out_dir / path).is_file() or (out_dir / path).read_bytes() != content
    }
    undo: list[Callable[[], object]] = []
    try:
        for path, content in changed.items():
            _make_folder((out_dir / path).parent, undo)
            hidden = _hidden(out_dir / path, _NEW)
            undo.append(partial(hidden.unlink, missing_ok=True))
            _put(content, hidden)
    except OSError as error:
        for step in reversed(undo):
            with contextlib.suppress(OSError):
                step()
        raise refused(error, out_dir, size=sum(map(len, changed.values()))) from error
    ordered = sorted(changed, key=_images_first, reverse=True)
    for path in ordered:
        _hidden(out_dir / path, _NEW).replace(out_dir / path)
    for folder in {(out_dir / path).parent for path in ordered}:
        _sync(folder)
    return tuple(sorted(ordered))


def withdraw(out_dir: Path, visit: Visit) -> None:
    """Remove the set of a visit from the output.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    visit
        The visit; its participant's lock must be held.
    """
    for path in sorted(published(out_dir, visit), key=_images_first):
        (out_dir / path).unlink(missing_ok=True)


def published(out_dir: Path, visit: Visit) -> tuple[str, ...]:
    """Return the files of a visit's set that are in the output, whatever made them.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    visit
        The visit.

    Notes
    -----
    What was made of all visits of a participant lies in the same folder if the visit has no
    session; it belongs to the participant. What was made of this visit when its lesions were
    followed belongs to the visit, so it goes where the visit goes.
    """
    folder = names.visit_folder(visit)
    if not (out_dir / folder).is_dir():
        return ()
    places = (path for path in (out_dir / folder).glob(f'{visit.name}_*') if path.is_file())
    own = (f'{folder}/{place.name}' for place in places)
    return tuple(sorted(path for path in own if not names.of_participant(path)))


def up_to_date(
    out_dir: Path, files: Mapping[str, str], *, settings_sha256: str, input_sha256: str
) -> bool:
    """Return whether all files of a visit are there, made by these settings from this input.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    files
        What `names.visit_files` returned.
    settings_sha256, input_sha256
        Today's digests.
    """
    paths = names.whole_set(files)
    wanted = (settings_sha256, input_sha256)
    if not all((out_dir / path).is_file() for path in paths):
        return False
    contents = (read_json(out_dir / path) for path in paths if path.endswith('.json'))
    return all(
        (content.get('SettingsSHA256'), content.get('InputSHA256')) == wanted
        for content in contents
    )


def visit_up_to_date(
    out_dir: Path, visit: Visit, *, settings_sha256: str, input_sha256: str
) -> bool:
    """Return the same before anything is run: which files there must be says the summary.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    visit
        The visit as it was found today.
    settings_sha256, input_sha256
        Today's digests.
    """
    summary = read_summary(out_dir, visit)
    if summary is None or summary.status != 'complete' or summary.visit.reference is None:
        return False
    return up_to_date(
        out_dir,
        names.files_of(summary),
        settings_sha256=settings_sha256,
        input_sha256=input_sha256,
    )


def read_summary(out_dir: Path, visit: Visit) -> VisitSummary | None:
    """Return what became of a visit in an earlier run; None where nothing can be read.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    visit
        The visit.
    """
    return load_summary(out_dir / names.summary(visit))


def load_summary(path: Path) -> VisitSummary | None:
    """Return the summary that a file holds; None if it cannot be read.

    Parameters
    ----------
    path
        A file called `..._desc-summary.json`.
    """
    try:
        return from_json(VisitSummary, path.read_text(encoding='utf-8'))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _exchange(work_dir: Path, out_dir: Path, paths: Iterable[str], older: Iterable[str]) -> None:
    """Copy, step aside, rename; on any failure undo in the opposite order."""
    undo: list[Callable[[], object]] = []
    folders: set[Path] = set()
    try:
        for path in paths:
            folders.add(_make_folder((out_dir / path).parent, undo))
            hidden = _hidden(out_dir / path, _NEW)
            undo.append(partial(hidden.unlink, missing_ok=True))
            _copy(work_dir / path, hidden)
        for path in sorted(older, key=_images_first):
            place, aside = out_dir / path, _hidden(out_dir / path, _OLD)
            place.replace(aside)
            undo.append(partial(aside.replace, place))
        for path in paths:
            place = out_dir / path
            _hidden(place, _NEW).replace(place)
            undo.append(place.unlink)
        for folder in folders:
            _sync(folder)
    except BaseException:
        for step in reversed(undo):
            # One step that fails must not keep the others from being taken back.
            with contextlib.suppress(OSError):
                step()
        raise
    for folder in folders:
        _sweep(folder)


def _make_folder(folder: Path, undo: list[Callable[[], object]]) -> Path:
    """Make a folder and its parents; those that were not there go away again on failure."""
    absent = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(absent):
        parent.mkdir(exist_ok=True)
        undo.append(parent.rmdir)
    return folder


def _put(content: bytes, target: Path) -> None:
    """Write a file and have it on the disk before going on."""
    with target.open('wb') as taken:
        taken.write(content)
        taken.flush()
        os.fsync(taken.fileno())


def _copy(source: Path, target: Path) -> None:
    """Copy a file and have it on the disk before going on."""
    with source.open('rb') as given, target.open('wb') as taken:
        shutil.copyfileobj(given, taken, 1 << 20)
        taken.flush()
        os.fsync(taken.fileno())


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system knows how."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in FULL:
            raise
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what stepped aside, also what a killed run left behind."""
    for end in (_NEW, _OLD):
        for path in folder.glob(f'.*{end}'):
            path.unlink(missing_ok=True)


def _hidden(path: Path, end: str) -> Path:
    """Return the name under which a file waits; the participant's lock keeps others away."""
    return path.with_name(f'.{path.name}{end}')


def _images_first(path: str) -> tuple[bool, str]:
    """Sort images before what describes them."""
    return not path.endswith('.nii.gz'), path
