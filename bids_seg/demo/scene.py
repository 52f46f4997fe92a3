# SPDX-License-Identifier: Apache-2.0
"""One visit's head: where its voxels lie, what tissue they hold, and the tumours in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.demo.plan import Person, Tumour
from bids_seg.image import Grid
from bids_seg.train import heads, tissues
from bids_seg.train.heads import Head

SHAPE = (176, 232, 216)
"""Voxels of a visit's own grid along R, A, S; 1 mm."""

MIDDLE = (0.0, 4.0, -26.0)
"""Middle of the field of view, mm from the middle of the brain: face and chin are in it."""

WIDEST = (160, 192, 160)
"""Voxels of the box around the brain in which tumours are planted; multiples of 4."""

_STEP = 4
_WAVES = 6

Places = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A visit on its own grid, noise-free."""

    grid: Grid
    """Where its voxels lie."""
    tissue: NDArray[np.uint8] = field(repr=False)
    """(4, I, J, K) painting classes at four places in each voxel."""
    brain: NDArray[np.bool_] = field(repr=False)
    """(I, J, K) the brain."""
    box: tuple[slice, slice, slice]
    """Where `weights` and `regions` lie."""
    weights: NDArray[np.float32] = field(repr=False)
    """Share of each of `tissues.LESION_TISSUES` in each voxel of the box."""
    regions: NDArray[np.bool_] = field(repr=False)
    """(..., R) nested regions of the tumours in the box."""


def places_of(person: Person, head: Head, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return where each tumour begins: the fitting tissue that is nearest to where it should.

    Parameters
    ----------
    person
        Whose tumours.
    head
        Its head.
    seed
        Seed of the dataset.
    """
    rng = np.random.default_rng((seed, 11))
    size = _size(person)
    found: dict[str, NDArray[np.float64]] = {}
    for tumour in person.tumours:
        if tumour.beside:
            found[tumour.name] = found[tumour.beside] + np.asarray(tumour.offset) / size
            continue
        wanted = np.asarray(head.centre) + tumour.offset + rng.normal(0, 2.0, 3)
        held = head.candidates[tumour.group]
        nearest = np.linalg.norm(held - wanted, axis=1).argmin()
        found[tumour.name] = np.asarray(held[nearest], float)
    return found


def visit(person: Person, head: Head, *, number: int, seed: int) -> Scene:
    """Return one visit.

    Parameters
    ----------
    person
        Who.
    head
        Its head.
    number
        Which visit, from 0.
    seed
        Seed of the dataset.
    """
    points, grid = positions(person, head, number=number, seed=seed)
    box = _box(points, head)
    near: Places = tuple(place[box] for place in points)  # type: ignore[assignment]
    numbers = _numbers(person, head, number=number, seed=seed)
    pushed, planted = _plant(person, head, near, numbers)
    sources = [place.copy() for place in points]
    for source, push in zip(sources, pushed, strict=True):
        source[box] -= push
    linear = np.diag(1 / np.asarray(person.scale)).astype(np.float32)
    offsets = np.asarray(((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))) * 0.25
    classes = [heads.unpack(_gather(head, sources, offset @ linear.T))[0] for offset in offsets]
    distance = heads.unpack(_gather(head, sources, np.zeros(3)))[1]
    return Scene(
        grid=grid,
        tissue=np.stack(classes),
        # The network's convention is a mask that is 1 mm wider; the truth is the tight one.
        brain=distance + heads.BRAIN_GROWTH <= 0,
        box=box,
        weights=planted[0],
        regions=planted[1],
    )


def positions(person: Person, head: Head, *, number: int, seed: int) -> tuple[Places, Grid]:
    """Return where the voxels of a visit lie in the head, and their grid.

    Parameters
    ----------
    person
        Who: size and bent shape of the head are the same at all visits.
    head
        The head.
    number
        Which visit, from 0: how the head lies.
    seed
        Seed of the dataset.
    """
    from bids_seg.train.synthesis.deform import rotation

    own = np.random.default_rng((seed, 21, len(person.label)))
    waves = own.normal(0, 1, (3, _WAVES, 3)) * (2 * np.pi / 95)
    phases = own.uniform(0, 2 * np.pi, (3, _WAVES))
    heights = own.normal(0, 0.7, (3, _WAVES))
    pose = np.random.default_rng((seed, 22, len(person.label), number))
    turn = rotation(np.deg2rad(pose.uniform(-4, 4, 3)))
    shift = pose.uniform(-4, 4, 3)
    axes = [np.arange(0, size + _STEP, _STEP) - (size - 1) / 2 for size in SHAPE]
    grid = np.stack(np.meshgrid(*axes, indexing='ij'), -1) + np.asarray(MIDDLE)
    there = grid @ turn.T + shift
    coarse = []
    for axis in range(3):
        bent = np.sin(there @ waves[axis].T + phases[axis]) @ heights[axis]
        coarse.append(there[..., axis] / person.scale[axis] + head.centre[axis] + bent)
    matrices = [_linear(size, len(nodes)) for size, nodes in zip(SHAPE, axes, strict=True)]
    points: Places = tuple(_along(values, matrices) for values in coarse)  # type: ignore[assignment]
    affine = np.eye(4)
    affine[:3, 3] = np.asarray(MIDDLE) - (np.asarray(SHAPE) - 1) / 2
    return points, Grid(SHAPE, affine)


def _linear(size: int, nodes: int) -> NDArray[np.float64]:
    """Return weights (size, nodes) of linear interpolation between nodes `_STEP` voxels apart."""
    away = np.abs(np.arange(size)[:, None] / _STEP - np.arange(nodes)[None])
    return np.asarray(np.clip(1 - away, 0, None))


def _along(
    values: NDArray[np.floating], matrices: list[NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Apply one matrix along each axis."""
    for axis, matrix in enumerate(matrices):
        values = np.moveaxis(np.tensordot(matrix, values, (1, axis)), 0, axis)
    return np.ascontiguousarray(values, np.float32)


def _gather(
    head: Head, sources: list[NDArray[np.float32]], offset: NDArray[np.floating]
) -> NDArray[np.int16]:
    """Fetch the packed voxels nearest to places; below the map its lowest slice goes on."""
    index = None
    for axis, (place, size) in enumerate(zip(sources, heads.SHAPE, strict=True)):
        voxel = np.floor(place + np.float32(size / 2 + offset[axis])).astype(np.int32)
        np.clip(voxel, 1 if axis == 2 else 0, size - 1, out=voxel)
        index = voxel if index is None else index * size + voxel
    return np.asarray(head.codes.reshape(-1)[index])


def _box(points: Places, head: Head) -> tuple[slice, slice, slice]:
    """Return the box around the voxel that is nearest to the middle of the brain."""
    sparse = np.stack([place[::8, ::8, ::8] for place in points], -1)
    nearest = np.linalg.norm(sparse - head.centre, axis=-1).argmin()
    middle = np.asarray(np.unravel_index(nearest, sparse.shape[:3])) * 8
    first = [
        int(np.clip(at - wide // 2, 0, size - wide))
        for at, wide, size in zip(middle, WIDEST, SHAPE, strict=True)
    ]
    one, two, three = (slice(at, at + wide) for at, wide in zip(first, WIDEST, strict=True))
    return one, two, three


def _numbers(person: Person, head: Head, *, number: int, seed: int) -> dict[str, Any]:
    """Return the numbers of the tumours of one visit; shapes are the same at each visit."""
    rng = np.random.default_rng((seed, 31))
    where = places_of(person, head, seed)
    fill = _glioma if person.disease == 'glioma' else _metastases
    scene = fill(rng, head, where, _in_head(person), number)
    return {
        # The volume of vessels stays as it is: bytes.
        name: value if name == 'vessels' else np.asarray(value, np.float32)
        for name, value in scene.items()
    }


def _size(person: Person) -> float:
    """Return how much larger the person is than its head's map, along a mean axis."""
    return float(np.cbrt(np.abs(np.prod(person.scale))))


def _in_head(person: Person) -> tuple[Tumour, ...]:
    """Return the tumours with lengths in mm of the head, which the person's size stretches."""
    size = _size(person)
    return tuple(
        replace(
            each,
            diameters=tuple(value / size for value in each.diameters),
            rim=each.rim / size,
            oedema=tuple(value / size for value in each.oedema),
        )
        for each in person.tumours
    )


def _glioma(
    rng: np.random.Generator,
    head: Head,
    where: dict[str, NDArray[np.float64]],
    tumours: tuple[Tumour, ...],
    number: int,
) -> dict[str, Any]:
    """Return the numbers of ring-like gliomas."""
    from bids_seg.train.synthesis.lesions import glioma_draw

    scene = glioma_draw.nothing(rng, head)
    for slot, tumour in enumerate(tumours):
        radius = tumour.diameters[number] / 2
        side = 'left' if where[tumour.name][0] > head.centre[0] else 'right'
        scene['centre'][slot] = where[tumour.name]
        scene['radius'][slot] = radius
        scene['metric'][slot] = _metric(rng)
        scene['necrosis'][slot] = radius - tumour.rim
        scene['push_centre'][slot] = where[tumour.name]
        scene['push_radius'][slot] = radius
        scene['push_alpha'][slot] = 0.25
        scene['oedema'] = np.asarray(tumour.oedema[number])
        scene['grow'] = tissues.table(
            {'brain': 1.0, 'ventricle': 0.0, 'cerebellum': 0.0, f'cortex {side}': 0.0}
        )
    scene['rough'] = np.asarray([0.16, 0.08, 0.03])
    scene['uptake_above'] = np.asarray(-20.0)
    scene['soft_core'] = np.asarray(1.2)
    scene['soft_oedema'] = np.asarray(3.0)
    return scene


def _metastases(
    rng: np.random.Generator,
    head: Head,
    where: dict[str, NDArray[np.float64]],
    tumours: tuple[Tumour, ...],
    number: int,
) -> dict[str, Any]:
    """Return the numbers of metastases, and of the vessels among them."""
    from bids_seg.train.synthesis.lesions import metastases_draw, vessels

    scene = metastases_draw.nothing(rng, head)
    trees = vessels.draw(rng, head, np.asarray(head.centre))
    waves = rng.normal(0, 1.6, (len(tumours), 3, 3))
    used = {'big': 0, 'small': 0}
    for slot, tumour in enumerate(tumours):
        metric, rough = _metric(rng), rng.uniform(0.06, 0.14)
        radius = tumour.diameters[number] / 2
        if radius == 0:
            continue
        row = 'big' if radius >= metastases_draw.SMALLEST_BIG else 'small'
        at = used[row]
        used[row] += 1
        scene[f'{row}_centre'][at] = where[tumour.name]
        scene[f'{row}_metric'][at] = metric
        scene[f'{row}_radius'][at] = radius
        if row == 'small':
            scene['waves'][at, :3] = waves[slot]
        if tumour.rim:
            scene[f'{row}_hollow'][at] = radius - tumour.rim
        scene[f'{row}_uptake'][at] = 0.95
        scene[f'{row}_swelling'][at] = tumour.oedema[number]
        scene[f'{row}_rough'][at] = rough
        if radius > 7 and slot < metastases_draw.PUSHING:
            scene['push_centre'][slot] = where[tumour.name]
            scene['push_radius'][slot] = radius
            scene['push_alpha'][slot] = 0.15
    scene['oedema'] = np.asarray(max(tumour.oedema[number] for tumour in tumours))
    scene['soft_oedema'] = np.asarray(3.0)
    return {**scene, **trees}


def _metric(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the metric of a moderate ellipsoid of unit volume."""
    logs = rng.uniform(-0.16, 0.16, 3)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(np.exp(logs - logs.mean())[:, None] * turn)


def _plant(
    person: Person, head: Head, points: Places, numbers: dict[str, Any]
) -> tuple[list[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Return how far tissue was pushed (mm), and the tumours' shares and regions."""
    # One module for each disease; they need Keras, so they load only here. They take arrays as
    # well as tensors; what they return is turned into arrays.
    if person.disease == 'glioma':
        from bids_seg.train.synthesis.lesions import glioma as kind
    else:
        from bids_seg.train.synthesis.lesions import metastases as kind  # type: ignore[no-redef]
    pushed = [np.asarray(part, np.float32) for part in kind.push(points, numbers)]
    sources = [place - push for place, push in zip(points, pushed, strict=True)]
    labels = heads.unpack(_gather(head, sources, np.zeros(3)))[0].astype(np.int32)
    planted = kind.plant(labels, points, numbers, spacing=1.0)
    weights = np.asarray(planted.weights, np.float32)
    return pushed, (weights, np.asarray(planted.targets) > 0.5)
