# SPDX-License-Identifier: Apache-2.0
"""The grey image that belongs to a pair of masks, if there is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bids_seg.errors import ImageError
from bids_seg.evaluate.pairs import MaskFile, Pair
from bids_seg.image import Grid, Volume, read_header, read_map, resample

_FLUID = ('FLAIR', 'T2w', 'T1w')
_CONTRAST = ('T1w', 'FLAIR', 'T2w')


def grey_image(pair: Pair, grid: Grid) -> Volume | None:
    """Return the image that a mask was drawn on, on a grid; None where none is found.

    Parameters
    ----------
    pair
        Prediction and reference.
    grid
        Where to sample it.

    Notes
    -----
    Looked at are preprocessed images beside the prediction, then raw ones of the visit: FLAIR
    first for the whole lesion, else the contrast image. The first on this very grid is
    taken; else the image that a sidecar names as SpatialReference; else the first of all.
    """
    visit = [path for path in _of_the_visit(pair) if path.is_file()]
    named = [
        path for file in (pair.reference, pair.prediction) for path in _spatial_reference(file)
    ]
    same = [path for path in visit if _fits(path, grid)]
    for path in [*same, *(path for path in named if path.is_file()), *visit]:
        try:
            return resample(read_map(path), grid, order=1)
        except ImageError:
            continue
    return None


def _fits(path: Path, grid: Grid) -> bool:
    """Return whether an image can be read and is on a grid."""
    try:
        return read_header(path).grid.same(grid)
    except ImageError:
        return False


def _of_the_visit(pair: Pair) -> Iterator[Path]:
    """Yield images of the visit, preprocessed ones first, in order of preference."""
    wanted = _FLUID if pair.region == 'WT' else _CONTRAST
    folders = [(pair.prediction.path.parent, '_desc-preproc')]
    for file in (pair.reference, pair.prediction):
        root = _root(file)
        raw = None if root is None else _raw(root)
        if raw is not None and root is not None:
            folders.append((raw / file.path.resolve().parent.relative_to(root), ''))
    for folder, desc in folders:
        for suffix in wanted:
            found = sorted(folder.glob(f'*{desc}_{suffix}.nii*'))
            # Names with ce- come first among T1w: enhancement is what is looked for.
            yield from sorted(found, key=lambda path: '_ce-' not in path.name)


def _spatial_reference(file: MaskFile) -> Iterator[Path]:
    """Yield the image that a sidecar names."""
    root = _root(file)
    sidecar = file.path.with_name(file.path.name.split('.nii')[0] + '.json')
    reference = _json(sidecar).get('SpatialReference')
    if root is None or not isinstance(reference, str):
        return
    parts = reference.split(':', 2)
    if len(parts) < 3 or parts[0] != 'bids':
        return
    base = root if not parts[1] else _raw(root)
    if base is not None:
        yield base / parts[2]


def _root(file: MaskFile) -> Path | None:
    """Return the root of the dataset in which a file lies."""
    parents = file.path.resolve().parents
    return next(
        (folder for folder in parents if (folder / 'dataset_description.json').is_file()), None
    )


def _raw(root: Path) -> Path | None:
    """Return the raw dataset of a derivative one: where its link leads, else around it."""
    links = _json(root / 'dataset_description.json').get('DatasetLinks')
    link = links.get('raw') if isinstance(links, dict) else None
    if isinstance(link, str) and '://' not in link and not link.startswith('doi:'):
        return (root / link).resolve()
    return root.parent.parent if root.parent.name == 'derivatives' else None


def _json(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds; nothing where it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
