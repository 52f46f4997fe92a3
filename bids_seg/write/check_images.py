# SPDX-License-Identifier: Apache-2.0
"""The part of the checker that reads headers and voxels."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np

from bids_seg import image
from bids_seg.errors import ImageError
from bids_seg.records import ROLES
from bids_seg.write import paths
from bids_seg.write.text import read_json, read_tsv

VISIT_SPACES = frozenset({'orig', *ROLES})
"""Labels of the grid of a visit's reference image."""
_IMAGES = ('.nii', '.nii.gz')
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
    nb.filebasedimages.ImageFileError,
    nb.spatialimages.HeaderDataError,
    nb.wrapstruct.WrapStructError,
)
_WHOLE_TYPES = {'mask': (np.uint8,), 'dseg': (np.uint8, np.uint16)}


@dataclass(frozen=True)
class Tree:
    """The files of an output dataset.

    Parameters
    ----------
    root
        Root of the output dataset.
    raw
        Root of its input; None where `DatasetLinks` says it.
    """

    root: Path
    raw: Path | None = None

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All relative paths but hidden ones; `.bidsignore` among them."""
        found = (path.relative_to(self.root) for path in self.root.rglob('*') if path.is_file())
        seen = (path for path in found if not any(part.startswith('.') for part in path.parts))
        ignore = ['.bidsignore'] if (self.root / '.bidsignore').is_file() else []
        return tuple(sorted([*ignore, *(path.as_posix() for path in seen)]))

    @cached_property
    def data(self) -> tuple[str, ...]:
        """Files of visits and participants: neither figures nor logs."""
        return tuple(
            path
            for path in self.files
            if path.startswith(('sub-', 'tpl-')) and '/' in path and '/figures/' not in path
        )

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Images of visits and participants."""
        return tuple(path for path in self.data if path.endswith(_IMAGES))

    def json(self, path: str) -> dict[str, Any]:
        """Return the content of a JSON file; empty where there is none."""
        return read_json(self.root / path)


def image_problems(tree: Tree) -> Iterator[str]:
    """Yield what is wrong with images.

    Parameters
    ----------
    tree
        The dataset.
    """
    spaces: dict[tuple[str, str], tuple[str, image.Grid, object]] = {}
    for path in tree.images:
        try:
            stored = nb.Nifti1Image.from_filename(tree.root / path)
            if len(stored.shape) == 3:
                yield from _one(tree, path, stored)
                yield from _same_grid(tree, path, spaces)
        except (*_UNREADABLE, ImageError) as error:
            yield f'{path}: cannot be read ({error})'
            continue
        series = path.partition('.')[0].endswith('_probseg') and len(stored.shape) > 3
        if series and 'LabelMap' not in tree.json(paths.sidecar(path)):
            yield f'{path}: {len(stored.shape)}-D probabilities without LabelMap'


def _one(tree: Tree, path: str, stored: nb.Nifti1Image) -> Iterator[str]:
    """Yield what is wrong with one image by itself."""
    suffix = paths.entities(path)[1]
    if path.endswith('.gz'):
        with (tree.root / path).open('rb') as file:
            start = file.read(8)
        if start[3] & 0x08 or start[4:8] != bytes(4):
            yield f'{path}: the compressed stream carries a name or a time'
    header: Any = stored.header
    if not np.allclose(header.get_sform(), header.get_qform(), atol=1e-3):
        yield f'{path}: sform and qform differ'
    if suffix not in _WHOLE_TYPES:
        return
    if stored.get_data_dtype() not in _WHOLE_TYPES[suffix]:
        yield f'{path}: stored as {stored.get_data_dtype()}'
    proxy: Any = stored.dataobj
    if (proxy.slope, proxy.inter) != (1, 0):
        yield f'{path}: whole numbers are stored with a scale'
    values = {int(value) for value in np.unique(np.asarray(proxy))}
    if suffix == 'mask' and not values <= {0, 1}:
        yield f'{path}: a mask with values {sorted(values)}'
    if suffix == 'dseg':
        yield from _lookup(tree, path, values)


def _lookup(tree: Tree, path: str, values: set[int]) -> Iterator[str]:
    """Yield what is wrong between a label image and its table."""
    table = paths.table(path)
    if table not in tree.files:
        yield f'{path}: no lookup table'
        return
    listed = [row.get('index', '') for row in read_tsv(tree.root / table)[1]]
    absent = sorted(values - {0} - {int(index) for index in listed if index.isdecimal()})
    if absent:
        yield f'{path}: values {absent} are not in its lookup table'
    if len(set(listed)) != len(listed):
        yield f'{table}: an index stands twice'


def _same_grid(
    tree: Tree, path: str, spaces: dict[tuple[str, str], tuple[str, image.Grid, object]]
) -> Iterator[str]:
    """Yield what is wrong between an image and the first one of its space."""
    named = paths.entities(path)[0]
    space = named.get('space', '')
    folder = path.rpartition('/')[0]
    # The longitudinal grid is one for the participant, a template's one for the dataset.
    whose = {True: folder, False: path.partition('/')[0] if space == 'individual' else ''}
    exact = f'{space} {named.get("res", "")}'
    key = (whose[space in VISIT_SPACES], 'orig' if space in VISIT_SPACES else exact)
    grid = image.read_header(tree.root / path).grid
    place = tree.json(paths.sidecar(path)).get('SpatialReference')
    first, known, known_place = spaces.setdefault(key, (path, grid, place))
    if not grid.same(known):
        yield f'{path}: another grid than {first}, in the same space'
    if place != known_place:
        yield f'{path}: another SpatialReference than {first}, in the same space'
