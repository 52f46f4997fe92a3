# SPDX-License-Identifier: Apache-2.0
"""Painting a visit in its contrasts, and scanning each on a grid of its own."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed

import numpy as np
from numpy.typing import NDArray

from bids_seg.demo import anatomy
from bids_seg.demo.scene import Scene
from bids_seg.image import Grid, Volume
from bids_seg.records import Role
from bids_seg.train import heads, tissues
from bids_seg.train.heads import Head
from bids_seg.train.synthesis import paint

ALIKE = {'outer csf': 'dura', 'falx': 'dura', 'tentorium': 'dura'}
"""Thin layers of the head that are sheets of dura."""

CUT = {'vessel': {'T1w': 0.1}, 'bright vessel': {'T1w': 0.4}, 'enhancing': {'T1w': 0.4}}
"""Place in its range (0..1) of what would else be odd in the middle of it."""

WHITE = 400.0
"""Stored value of white matter, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How one contrast is scanned."""

    spacing: tuple[float, float, float]
    """Distance of voxel centres along R, A, S, mm."""
    shape: tuple[int, int, int]
    """Voxels along R, A, S."""
    tilt: float
    """How far the slices are tilted about R, degrees."""
    moved: float
    """How far the person moves since the first series, mm and degrees, at most."""
    noise: float
    """Spread of the noise, of white matter."""
    orientation: tuple[int, int, int]
    """Sign of each stored axis against R, A, S."""


PROTOCOLS: dict[Role, Protocol] = {
    'T1wCE': Protocol(
        spacing=(1.0, 1.0, 1.0),
        shape=(176, 232, 216),
        tilt=0.0,
        moved=0.0,
        noise=0.035,
        orientation=(1, 1, 1),
    ),
    'T1w': Protocol(
        spacing=(1.0, 1.0, 1.0),
        shape=(176, 232, 216),
        tilt=0.0,
        moved=1.0,
        noise=0.035,
        orientation=(1, 1, 1),
    ),
    'T2w': Protocol(
        spacing=(0.9, 0.9, 3.0),
        shape=(208, 256, 50),
        tilt=8.0,
        moved=2.5,
        noise=0.05,
        orientation=(-1, 1, 1),
    ),
    'FLAIR': Protocol(
        spacing=(0.9, 0.9, 4.0),
        shape=(208, 256, 38),
        tilt=6.0,
        moved=2.5,
        noise=0.045,
        orientation=(-1, -1, 1),
    ),
}
"""How each contrast is scanned: 3-D T1w, thick 2-D T2w and FLAIR."""


def mix_soft_tissue(head: Head, rng: np.random.Generator) -> Head:
    """Return a head whose soft tissue is fat and muscle in patches.

    Parameters
    ----------
    head
        The head.
    rng
        Where the patches lie.
    """
    classes, _ = heads.unpack(head.codes)
    field = anatomy.noise(rng, heads.SHAPE, pitch=5.0)
    mixed = classes.copy()
    index = tissues.INDEX
    mixed[(classes == index['outer soft tissue']) & (field < -1.5)] = index['muscle']
    mixed[(classes == index['inner soft tissue']) & (field > 0.0)] = index['fat']
    codes = (head.codes & ~np.int16(63)) | mixed
    return changed(head, codes=codes.astype(np.int16))


def brightness(
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw the brightness of tissues and lesions, near the middle of their ranges.

    Training takes all of each range; one examination to be looked at should be a usual one.

    Parameters
    ----------
    rng
        Source of random numbers.

    Returns
    -------
    tissue, lesion
        (T, C) and (L, C) relative to white matter, contrasts as in `tissues.CONTRASTS`.
    """
    values: dict[str, list[float]] = {}
    for row, limits in tissues.BRIGHTNESS.items():
        near = rng.uniform(0.4, 0.6)
        values[row] = []
        for contrast in tissues.CONTRASTS:
            low, high = limits[contrast]
            place = CUT.get(row, {}).get(contrast, near)
            values[row].append(low + place * (high - low))
    values['blood'] = values['old blood']
    tissue = np.asarray([values[each.row] for each in tissues.TISSUES], np.float32)
    lesion = np.asarray([values[name] for name in tissues.LESION_TISSUES], np.float32)
    return paint.alike(tissue, ALIKE), lesion


def painted(
    scene: Scene, role: Role, *, tables: tuple[NDArray[np.float32], NDArray[np.float32]], seed: int
) -> NDArray[np.float32]:
    """Return one contrast of a visit without noise, on the visit's own grid.

    Parameters
    ----------
    scene
        The visit.
    role
        Which contrast.
    tables
        What `brightness` gives.
    seed
        Of the tissue's texture, which all contrasts share.
    """
    column = tissues.CONTRASTS.index(role)
    values = tables[0][:, column]
    out = values[scene.tissue[0]]
    for classes in scene.tissue[1:]:
        out += values[classes]
    out *= 0.25
    texture = anatomy.noise(np.random.default_rng((seed, 41)), scene.grid.shape, pitch=3.0)
    out *= 1 + 0.025 * texture
    lesion = scene.weights @ tables[1][:, column]
    share = scene.weights.sum(-1)
    box = scene.box
    out[box] = out[box] * (1 - share) + lesion * (1 + 0.07 * texture[box])
    np.maximum(out, 0, out=out)
    return np.asarray(out, np.float32)


def scan(image: Volume, protocol: Protocol, *, rng: np.random.Generator) -> Volume:
    """Return an image as a scanner gives it: another grid, slices, coil, noise, whole numbers.

    Parameters
    ----------
    image
        Noise-free, 1 mm.
    protocol
        How it is scanned.
    rng
        Source of random numbers.
    """
    from scipy import ndimage

    from bids_seg.train.synthesis.deform import rotation

    moved = protocol.moved
    motion = np.eye(4)
    motion[:3, :3] = rotation(np.deg2rad(rng.uniform(-moved, moved, 3)))
    motion[:3, 3] = rng.uniform(-moved, moved, 3)
    grid = _grid(image.grid, protocol)
    # Thick slices are the mean of thin ones; what is not measured between slices is left out.
    parts = max(1, round(protocol.spacing[2]))
    back = np.linalg.inv(image.grid.affine) @ motion @ grid.affine
    blurred = ndimage.gaussian_filter(image.array, 0.45)
    total = np.zeros(grid.shape, np.float32)
    for part in range(parts):
        inside = np.eye(4)
        inside[2, 3] = ((part + 0.5) / parts - 0.5) * 0.9
        total += ndimage.affine_transform(
            blurred, back @ inside, output_shape=grid.shape, order=1, output=np.float32
        )
    pitches = 80.0 / np.asarray(grid.spacing)
    coil = _field(rng, grid.shape, pitches)
    signal = total / parts * np.exp(0.10 * coil)
    real, imaginary = rng.standard_normal((2, *grid.shape), np.float32) * protocol.noise
    noisy = np.hypot(signal + real, imaginary) * WHITE
    return Volume(np.rint(np.clip(noisy, 0, 32000)).astype(np.int16), grid)


def _field(
    rng: np.random.Generator, shape: tuple[int, int, int], pitches: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return smooth noise whose control points are as far apart in mm along each axis."""
    from bids_seg.train.synthesis.noise import spline_matrix

    counts = [int(np.ceil(size / pitch)) + 3 for size, pitch in zip(shape, pitches, strict=True)]
    values = rng.standard_normal(counts, np.float32)
    for axis, (size, pitch, count) in enumerate(zip(shape, pitches, counts, strict=True)):
        weights = spline_matrix(float(pitch), size, count)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return np.asarray(values, np.float32)


def _grid(own: Grid, protocol: Protocol) -> Grid:
    """Return the grid of a series: centred on the brain's half of the field, tilted about R."""
    from bids_seg.train.synthesis.deform import rotation

    turn = rotation(np.deg2rad((protocol.tilt, 0.0, 0.0)))
    middle = own.affine @ np.append((np.asarray(own.shape) - 1) / 2, 1.0)
    if protocol.tilt:
        # Two-dimensional series cover the brain, not the neck.
        middle[2] += 28.0
    signs = np.asarray(protocol.orientation, float)
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(signs * protocol.spacing)
    affine[:3, 3] = middle[:3] - affine[:3, :3] @ ((np.asarray(protocol.shape) - 1) / 2)
    return Grid(protocol.shape, affine)
