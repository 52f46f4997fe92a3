# SPDX-License-Identifier: Apache-2.0
"""Heads: label maps read once, cut into painting classes, with the distance to the brain's edge.

A head is stored in one padded array of fixed shape, RAS+, 1 mm, whose voxels pack two things
into 16 bits: the painting class (6 bits) and the signed distance to the brain mask (10 bits, an
eighth of a millimetre, negative inside). One gather per sample position fetches both.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.train import label_maps, tissues

logger = logging.getLogger(__name__)

SHAPE = (176, 240, 256)
"""Voxels of every stored head along R, A, S; 1 mm."""

LEFT_OUT: tuple[str, ...] = ('09', '14', '15', '17')
"""Heads that no training ever sees; they measure the gap to unseen anatomy."""

SMALL_FAMILY: tuple[str, ...] = ('03', '04', '07', '09', '13', '20')
"""Heads of the smaller family (small ventricles, little neck), which count double."""

DISTANCE_STEP = 0.125
"""Millimetres of one step of the packed distance."""

REACH = 16.0
"""Millimetres at which the packed distance is cut."""

BRAIN_GROWTH = 1.0
"""Millimetres by which the tight mask is grown: the convention of the brain network."""

CONVENTION = (label_maps.CLOSING, BRAIN_GROWTH)
"""What stored heads must have been made with."""

NECK = 30
"""mm that a map must reach below the brain for its lowest slice to count as neck."""

CANDIDATES: tuple[str, ...] = ('white matter', 'cortex', 'deep grey', 'stem', 'cerebellum')
"""Groups of tissues in which lesions may begin."""

_CANDIDATE_COUNT = 4000
_CLASS_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One label map, ready for painting; arrays are part of it since it never leaves `train`."""

    name: str
    """Number of the label map, two digits."""
    weight: float
    """How often it is drawn, relative to the others."""
    codes: NDArray[np.int16] = field(repr=False)
    """`SHAPE` voxels, RAS+: 64 x distance steps + painting class."""
    centre: tuple[float, float, float]
    """Centre of the brain's box, mm from the centre of the array, RAS+."""
    eyes: tuple[float, float, float]
    """Mean position of the eyes, mm from the centre of the array, RAS+."""
    neck: bool
    """Whether the map ends in the neck, which may then be carried on downwards."""
    candidates: Mapping[str, NDArray[np.float32]] = field(repr=False)
    """By group of tissues, positions (N, 3) in mm from the array's centre where lesions may begin;
    `near cortex` holds white matter within 4 mm of the cortex, `surface` the brain's edge."""

    @property
    def arrays(self) -> dict[str, NDArray[np.int16]]:
        """What a compiled `render` takes of the head: always one signature."""
        return {'codes': self.codes}


def pack(classes: NDArray[np.uint8], distance: NDArray[np.float32]) -> NDArray[np.int16]:
    """Pack painting classes and a distance into one array.

    Parameters
    ----------
    classes
        (I, J, K) indices into `tissues.TISSUES`.
    distance
        (I, J, K) signed distance in mm, cut to +-`REACH`.

    Returns
    -------
    ndarray (I, J, K)
        64 x steps + class.
    """
    steps = np.rint(np.clip(distance, -REACH, REACH) / DISTANCE_STEP).astype(np.int16)
    return np.asarray(steps * np.int16(_CLASS_BITS) + classes, np.int16)


def unpack(codes: NDArray[np.int16]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Split packed voxels into painting class and signed distance in mm.

    Parameters
    ----------
    codes
        Array of any shape, made by `pack`.

    Returns
    -------
    classes, distance
        Arrays of the same shape.
    """
    classes = (codes & (_CLASS_BITS - 1)).astype(np.uint8)
    return classes, ((codes >> 6) * np.float32(DISTANCE_STEP)).astype(np.float32)


def cut(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the map without its empty margins.

    Parameters
    ----------
    classes
        (I, J, K) painting classes, RAS+, 1 mm.

    Returns
    -------
    ndarray
        A view, not larger than fits into `SHAPE` with air around.
    """
    filled = np.nonzero(classes)
    low = [int(axis.min()) for axis in filled]
    high = [int(axis.max()) + 1 for axis in filled]
    # The lowest slices of some maps are half empty; the third is whole.
    low[2] += 2
    high = [min(high[axis], low[axis] + SHAPE[axis] - 2) for axis in range(3)]
    return classes[low[0] : high[0], low[1] : high[1], low[2] : high[2]]


def place(codes: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Put a cut map into an array of `SHAPE`: centred in the plane, standing on the second slice.

    The lowest slice is air that is far from the brain: it stands for all that lies below.

    Parameters
    ----------
    codes
        (I, J, K) packed voxels.

    Returns
    -------
    array, start
        (`SHAPE`) codes, and the voxel (3,) where the map begins in it.
    """
    air = pack(np.zeros(1, np.uint8), np.full(1, REACH, np.float32))
    out = np.full(SHAPE, air[0], np.int16)
    start = np.asarray([(SHAPE[0] - codes.shape[0]) // 2, (SHAPE[1] - codes.shape[1]) // 2, 1])
    i, j, k = (slice(one, one + size) for one, size in zip(start, codes.shape, strict=True))
    out[i, j, k] = codes
    return out, start


def prepare(labels: NDArray[np.integer], *, name: str) -> Head:
    """Make a head of a label map.

    Parameters
    ----------
    labels
        (I, J, K) source labels, RAS+, 1 mm; fits into `SHAPE` once its margins are cut.
    name
        Number of the map, two digits.

    Returns
    -------
    Head
        The head with all that lesions and painting need.
    """
    classes = cut(tissues.source_table()[np.asarray(labels, np.int64)])
    mask = label_maps.brain_mask(classes)
    distance = label_maps.signed_distance(mask) - np.float32(BRAIN_GROWTH)
    classes = label_maps.refine(classes)
    codes, start = place(pack(classes, distance))
    # From voxels of the cut map to mm from the centre of the array.
    origin = start - (np.asarray(SHAPE) - 1) / 2
    spans = [np.flatnonzero(mask.any(other)) for other in ((1, 2), (0, 2), (0, 1))]
    box = np.asarray([(span[0] + span[-1]) / 2 for span in spans]) + origin
    eyes = np.argwhere(classes == tissues.INDEX['eye'])
    eye = eyes.mean(0) + origin if len(eyes) else np.add(box, (0.0, 80.0, -40.0))
    return Head(
        name=name,
        weight=2.0 if name in SMALL_FAMILY else 1.0,
        codes=codes,
        centre=_point(box),
        eyes=_point(eye),
        neck=bool(spans[2][0] > NECK),
        candidates=_candidates(classes, distance, origin),
    )


def _point(values: NDArray[np.floating]) -> tuple[float, float, float]:
    """Return three plain numbers."""
    return float(values[0]), float(values[1]), float(values[2])


def _candidates(
    classes: NDArray[np.uint8], distance: NDArray[np.float32], origin: NDArray[np.floating]
) -> dict[str, NDArray[np.float32]]:
    """Return places, at most a few thousand of each kind, where lesions may begin."""
    from scipy import ndimage

    rng = np.random.default_rng(0)
    masks = {name: np.isin(classes, tissues.members(name)) for name in CANDIDATES}
    cortex = ndimage.binary_dilation(masks['cortex'], iterations=4)
    masks['near cortex'] = masks['white matter'] & cortex
    masks['surface'] = np.abs(distance) < 1
    out = {}
    for name, mask in masks.items():
        found = np.argwhere(mask)
        if len(found) > _CANDIDATE_COUNT:
            found = found[rng.choice(len(found), _CANDIDATE_COUNT, replace=False)]
        out[name] = (found + origin).astype(np.float32)
    return out


def read(folder: str | Path, *, cache: str | Path | None = None) -> tuple[Head, ...]:
    """Read all label maps of a folder.

    Parameters
    ----------
    folder
        Holds `head-NN_dseg.nii.gz` or `training_seg_NN.nii.gz`, 1 mm.
    cache
        Folder in which prepared heads are kept as `head-NN.npz`; made where it is missing.

    Returns
    -------
    tuple of Head
        Sorted by name.

    Raises
    ------
    UnavailableError
        If no label map is there.
    """
    files = sorted(Path(folder).glob('head-*_dseg.nii.gz'))
    files = files or sorted(Path(folder).glob('training_seg_*.nii.gz'))
    if not files:
        raise UnavailableError(
            'no label map found', where=folder, do='name a folder with head-NN_dseg.nii.gz files'
        )
    heads: list[Head] = []
    for file in files:
        name = file.name.split('.')[0].removesuffix('_dseg')[-2:]
        kept = None if cache is None else Path(cache) / f'head-{name}.npz'
        known = load(kept) if kept is not None and kept.is_file() else ()
        if known:
            heads.extend(known)
            continue
        image = nb.as_closest_canonical(nb.Nifti1Image.from_filename(file))
        heads.append(prepare(np.asarray(image.dataobj).astype(np.int64), name=name))
        logger.info('Prepared head %s', name)
        if kept is not None:
            save(kept, heads[-1:])
    return tuple(heads)


def save(file: str | Path, heads: Sequence[Head]) -> None:
    """Store heads in one `.npz` file, which can travel without the label maps.

    Parameters
    ----------
    file
        Written; its folder is made.
    heads
        What to store.
    """
    held: dict[str, NDArray[np.generic]] = {
        'names': np.asarray([head.name for head in heads]),
        'convention': np.asarray(CONVENTION),
    }
    for head in heads:
        held[f'{head.name}/codes'] = head.codes
        held[f'{head.name}/numbers'] = np.asarray(
            [head.weight, *head.centre, *head.eyes, float(head.neck)]
        )
        for group, places in head.candidates.items():
            held[f'{head.name}/at/{group}'] = places
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, allow_pickle=False, **held)


def load(file: str | Path) -> tuple[Head, ...]:
    """Read heads that `save` stored.

    Parameters
    ----------
    file
        A `.npz` file.

    Returns
    -------
    tuple of Head
        In the order in which they were stored; none where they follow another convention of what
        belongs to the brain.
    """
    with np.load(file, allow_pickle=False) as held:
        out: list[Head] = []
        if held.get('convention', np.zeros(2)).tolist() != list(CONVENTION):
            return ()
        for name in held['names'].tolist():
            numbers = held[f'{name}/numbers']
            prefix = f'{name}/at/'
            out.append(
                Head(
                    name=name,
                    weight=float(numbers[0]),
                    codes=held[f'{name}/codes'],
                    centre=_point(numbers[1:4]),
                    eyes=_point(numbers[4:7]),
                    neck=bool(numbers[7]),
                    candidates={
                        key.removeprefix(prefix): held[key]
                        for key in held
                        if key.startswith(prefix)
                    },
                )
            )
    return tuple(out)


def training(heads: Sequence[Head]) -> tuple[Head, ...]:
    """Return the heads that training may see.

    Parameters
    ----------
    heads
        All heads.

    Returns
    -------
    tuple of Head
        Without those of `LEFT_OUT`.
    """
    return tuple(head for head in heads if head.name not in LEFT_OUT)


def left_out(heads: Sequence[Head]) -> tuple[Head, ...]:
    """Return the heads that only validation sees.

    Parameters
    ----------
    heads
        All heads.

    Returns
    -------
    tuple of Head
        Those of `LEFT_OUT`.
    """
    return tuple(head for head in heads if head.name in LEFT_OUT)
