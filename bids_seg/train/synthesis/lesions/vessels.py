# SPDX-License-Identifier: Apache-2.0
"""Bright things that are no metastases: vessels that branch and end, fans of veins, thick dura.

They are drawn on the host into a small volume around the middle of the sample, by walkers that
look up the head's tissues where they go; the deformation of the sample bends them with the rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.heads import SHAPE, Head
from bids_seg.train.synthesis.lesions import Draw

SIDE = 160
"""Voxels of 1 mm along each side of the volume: a sample of 96 mm, turned and shrunk, fits."""

STEP = 0.7
"""mm that a walker goes at a time."""

STEPS = 90
"""Most steps of a walker."""

CHOICES = 6
"""Directions that a walker chooses from at each step."""

THIN = 0.9
"""mm: vessels up to this radius are stamped with 27 voxels, thicker ones with 343."""

Places = NDArray[np.floating]


class Walkers(NamedTuple):
    """Where walkers begin and how they go; one row each."""

    start: Places
    """mm."""
    heading: Places
    """Unit vectors."""
    steps: NDArray[np.integer]
    """How many steps."""
    turning: Places
    """How far they turn at a step: SD of what is added to the heading."""
    liking: Places
    """How strongly they keep to fluid."""
    radius: Places
    """mm."""
    bright: Places
    """Share of the brightness of a vessel, 0..1."""


def draw(rng: np.random.Generator, head: Head, middle: Places) -> Draw:
    """Draw the volume of vessels around a place.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head.
    middle
        Middle of the volume, mm.

    Returns
    -------
    dict
        `vessels` (SIDE, SIDE, SIDE) uint8, share of vessel times 255, and `vessel_corner` (3,):
        mm of the volume's first corner.
    """
    corner = np.floor(np.asarray(middle, float) - SIDE / 2)
    volume = np.zeros(SIDE**3, np.uint8)
    near = _near(rng, head, middle)
    first = _trees(rng, near, int(rng.integers(25, 90)))
    paths = [_walk(rng, head, first)]
    branches = _branches(rng, first, paths[0], int(rng.integers(10, 45)))
    others = (branches, _stubs(rng, near), _fan(rng, near))
    paths.extend([_walk(rng, head, walkers) for walkers in others])
    for path in paths:
        _stamp(volume, path, corner)
    _stamp(volume, _lumps(rng, head, near), corner)
    return {
        'vessels': volume.reshape(SIDE, SIDE, SIDE),
        'vessel_corner': corner.astype(np.float32),
    }


class _Path(NamedTuple):
    """Points to stamp; one row each."""

    place: Places
    radius: Places
    bright: Places


def _unit(vectors: Places) -> Places:
    """Return vectors of length 1."""
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9))


def _near(rng: np.random.Generator, head: Head, middle: Places) -> Places:
    """Return places near the middle where vessels may begin: the brain's edge and its cortex."""
    places = np.concatenate([head.candidates['surface'], head.candidates['cortex']])
    close = places[np.abs(places - middle).max(axis=1) < SIDE / 2 - 8]
    close = close if len(close) else places
    return np.asarray(close[rng.permutation(len(close))[:600]], float)


def _score() -> NDArray[np.float32]:
    """Return by tissue how much vessels like to be there."""
    return tissues.table(
        {'brain': 0.15, 'cortex': 0.4, 'ventricle': -0.3, 'fluid': 1.0, 'vessel': 1.0, 'dura': 0.6},
        default=-3.0,
    )


def _tissues(head: Head, places: Places) -> NDArray[np.integer]:
    """Return the tissue at each place."""
    voxel = np.floor(places + np.asarray(SHAPE) / 2).astype(np.int64)
    voxel = np.clip(voxel, 0, np.asarray(SHAPE) - 1)
    return head.codes[voxel[..., 0], voxel[..., 1], voxel[..., 2]] & 63


def _walk(rng: np.random.Generator, head: Head, walkers: Walkers) -> _Path:
    """Let walkers go; each ends where its steps end, whatever is there."""
    score = _score()
    place, heading = walkers.start.copy(), walkers.heading.copy()
    count = len(place)
    rows = np.arange(count)
    places = np.empty((STEPS, count, 3))
    for step in range(STEPS):
        places[step] = place
        noise = rng.standard_normal((count, CHOICES, 3), np.float32)
        choices = _unit(heading[:, None] + walkers.turning[:, None, None] * noise)
        ahead = score[_tissues(head, place[:, None] + 2.0 * choices)]
        best = (walkers.liking[:, None] * ahead + rng.random((count, CHOICES)) * 0.6).argmax(1)
        heading = choices[rows, best]
        place = place + STEP * heading
    going = np.arange(STEPS)[:, None] < walkers.steps
    taper = 1.0 - 0.5 * np.arange(STEPS)[:, None] / np.maximum(walkers.steps, 1)
    radius = walkers.radius * np.where(rows % 2 == 0, taper, 1.0)
    bright = np.broadcast_to(walkers.bright, going.shape)
    return _Path(places[going], radius[going], bright[going])


def _trees(rng: np.random.Generator, near: Places, count: int) -> Walkers:
    """Return vessels of the surface and of the sulci."""
    start = near[rng.integers(len(near), size=count)] + rng.normal(0, 2.0, (count, 3))
    return Walkers(
        start=start,
        heading=_unit(rng.standard_normal((count, 3))),
        steps=rng.integers(12, STEPS, count),
        turning=rng.uniform(0.2, 0.6, count),
        liking=rng.uniform(0.5, 1.5, count),
        radius=np.exp(rng.uniform(np.log(0.4), np.log(1.9), count)),
        bright=rng.uniform(0.4, 1.0, count),
    )


def _branches(rng: np.random.Generator, parents: Walkers, path: _Path, count: int) -> Walkers:
    """Return thinner vessels that leave the paths of others."""
    leave = rng.integers(len(path.place), size=count)
    return Walkers(
        start=path.place[leave],
        heading=_unit(rng.standard_normal((count, 3))),
        steps=rng.integers(5, 50, count),
        turning=rng.uniform(0.2, 0.6, count),
        liking=rng.choice(parents.liking, count),
        radius=np.maximum(path.radius[leave] * rng.uniform(0.5, 0.9, count), 0.35),
        bright=path.bright[leave],
    )


def _stubs(rng: np.random.Generator, near: Places) -> Walkers:
    """Return pieces of vessels in the brain: short ones that end, straight ones that go deep."""
    count = int(rng.integers(6, 36))
    start = near[rng.integers(len(near), size=count)]
    deep = rng.random(count) < 0.5
    inwards = _unit(near.mean(0) - start)
    heading = np.where(deep[:, None], inwards, _unit(rng.standard_normal((count, 3))))
    return Walkers(
        start=start + inwards * rng.uniform(0, 8, (count, 1)),
        heading=heading,
        steps=np.where(deep, rng.integers(15, 55, count), rng.integers(3, 12, count)),
        turning=np.where(deep, 0.08, 0.3),
        liking=np.full(count, 0.05),
        radius=np.where(deep, rng.uniform(0.35, 0.8, count), rng.uniform(0.5, 1.6, count)),
        bright=rng.uniform(0.3, 1.0, count),
    )


def _fan(rng: np.random.Generator, near: Places) -> Walkers:
    """Return a fan of thin veins that meet in a thicker one (0.2), else veins of no length."""
    count = 10
    there = rng.random() < 0.2
    root = near[0] + 0.3 * (near.mean(0) - near[0])
    heading = _unit(_unit(rng.standard_normal((1, 3))) + 0.5 * rng.standard_normal((count, 3)))
    radius = rng.uniform(0.35, 0.6, count)
    radius[0] = rng.uniform(0.8, 1.5)
    return Walkers(
        start=np.repeat(root[None], count, axis=0),
        heading=heading,
        steps=rng.integers(12, 35, count) * int(there),
        turning=np.full(count, 0.1),
        liking=np.zeros(count),
        radius=radius,
        bright=rng.uniform(0.5, 1.0, count),
    )


def _lumps(rng: np.random.Generator, head: Head, near: Places) -> _Path:
    """Return thick spots of the dura and the sheets: flat clusters of points in fluid."""
    count = int(rng.integers(0, 16))
    centre = near[rng.integers(len(near), size=count)] + rng.normal(0, 3.0, (count, 3))
    place = np.repeat(centre, 12, axis=0) + rng.normal(0, 1.6, (12 * count, 3))
    radius = np.repeat(rng.uniform(0.7, 1.7, count), 12)
    bright = np.repeat(rng.uniform(0.4, 1.0, count), 12)
    fluid = tissues.table({'fluid': 1.0, 'vessel': 1.0})[_tissues(head, place)] > 0
    return _Path(place[fluid], radius[fluid], bright[fluid])


def _stamp(volume: NDArray[np.uint8], path: _Path, corner: Places) -> None:
    """Draw balls along a path into a flat volume; the brightest wins."""
    for reach, some in ((1, path.radius <= THIN), (3, path.radius > THIN)):
        place = (path.place[some] - corner).astype(np.float32)
        radius, bright = (
            np.asarray(a[some], np.float32)[:, None] for a in (path.radius, path.bright)
        )
        voxel = np.floor(place).astype(np.int32)
        inside = ((voxel >= reach) & (voxel < SIDE - reach)).all(axis=1)
        place, radius, bright = (a[inside] for a in (place, radius, bright))
        voxel = voxel[inside]
        reach_axis = np.arange(-reach, reach + 1, dtype=np.int32)
        offsets = np.stack(np.meshgrid(*[reach_axis] * 3, indexing='ij'), -1).reshape(-1, 3)
        squared = np.zeros((len(place), len(offsets)), np.float32)
        for axis in range(3):
            rest = (voxel[:, axis] + 0.5 - place[:, axis])[:, None]
            squared += (rest + offsets[:, axis].astype(np.float32)) ** 2
        share = np.clip(radius + 0.5 - np.sqrt(squared), 0, np.minimum(1, np.pi * radius**2))
        value = (255 * bright * share).astype(np.uint8)
        step = np.asarray([SIDE * SIDE, SIDE, 1], np.int32)
        index = (voxel @ step)[:, None] + offsets @ step
        seen = value > 0
        np.maximum.at(volume, index[seen], value[seen])
