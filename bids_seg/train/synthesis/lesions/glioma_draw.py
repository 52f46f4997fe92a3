# SPDX-License-Identifier: Apache-2.0
"""The numbers of a glioma scene, drawn on the host with NumPy.

Sizes and chances are those of the design page on training (sections 4 and 14): radii up to 42 mm
and oedema up to 40 mm, because real tumours hold 25 to 220 ml.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.heads import SHAPE, Head, unpack
from bids_seg.train.synthesis.lesions import Draw, log_normal, mass_effect_draw, mixture

MAX_FOCI = 4
"""Most separate tumours of one scene; the cavity comes after them."""

NEVER = -1000.0
"""Radius or field of what this scene does not have."""

SEEDS = {'white matter': 1.0, 'cortex': 0.35, 'deep grey': 0.25, 'stem': 0.1, 'cerebellum': 0.03}
"""Where gliomas begin, relative to white matter."""

NOISES = {
    'wide': (2, 20),
    'middle': (2, 32),
    'narrow': (4, 32),
    'speckle': (3, 32),
    'fine': (1, 32),
}
"""Number of smooth noises of each wavelength and control points along each axis."""

Vector = NDArray[np.floating]


def draw(rng: np.random.Generator, head: Head) -> Draw:
    """Draw one scene: a tumour (0.74), or an empty one, or something that imitates a tumour.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head that lesions are planted in.

    Returns
    -------
    dict
        Arrays of fixed shapes; lengths in mm of the head's space.
    """
    scene = nothing(rng, head)
    kind = mixture(rng, {name: chance for name, (chance, _) in KINDS.items()})
    KINDS[kind][1](rng, head, scene)
    return {name: np.asarray(value, np.float32) for name, value in scene.items()}


def nothing(rng: np.random.Generator, head: Head) -> Draw:
    """Return a scene without any lesion; its noises are drawn.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head.
    """
    far = np.full((MAX_FOCI + 1,), NEVER, np.float32)
    scene: Draw = {
        'centre': np.zeros((MAX_FOCI + 1, 3)),
        'metric': np.repeat(np.eye(3)[None], MAX_FOCI + 1, axis=0),
        'radius': far.copy(),
        'necrosis': far.copy(),
        **mass_effect_draw.nothing(head, MAX_FOCI),
        'grow': tissues.table({'brain': 1.0, 'ventricle': 0.0}),
        'rough': np.asarray([rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.15), rng.uniform(0, 0.06)]),
        'uptake_above': np.asarray(20.0),
        'uptake_below': np.asarray(20.0),
        'blood_above': np.asarray(20.0),
        'level': np.asarray([0.0, 0.0, 0.0, NEVER]),
        'oedema': np.asarray(NEVER),
        'soft_core': np.asarray(rng.uniform(0.5, 2.0)),
        'soft_oedema': np.asarray(rng.uniform(1.0, 6.0)),
        'wall': np.asarray(0.0),
        'wall_uptake': np.asarray(0.0),
        'wedge_apex': np.zeros(3),
        'wedge_axis': np.asarray([1.0, 0.0, 0.0]),
        'wedge_slope': np.asarray(0.0),
        'wedge_length': np.asarray(NEVER),
        'spots_above': np.asarray(20.0),
        'imitation_spares': np.asarray(1.0),
        'ignored': np.asarray(0.0),
    }
    for name, (channels, count) in NOISES.items():
        scene[f'noise_{name}'] = rng.standard_normal((channels, count, count, count), np.float32)
    return scene


def _seed(rng: np.random.Generator, head: Head, groups: dict[str, float]) -> Vector:
    """Draw a place among the head's candidates."""
    held = {name: weight for name, weight in groups.items() if len(head.candidates[name])}
    places = head.candidates[mixture(rng, held)]
    return np.asarray(places[rng.integers(len(places))], float)


def _tissue(head: Head, place: Vector) -> int:
    """Return the tissue at a place."""
    voxel = np.floor(place + np.asarray(SHAPE) / 2).astype(int)
    voxel = np.clip(voxel, 0, np.asarray(SHAPE) - 1)
    return int(unpack(head.codes[tuple(voxel)])[0])


def _territory(rng: np.random.Generator, head: Head, place: Vector) -> NDArray[np.float32]:
    """Return by tissue whether a tumour that began at a place may grow there."""
    tissue = _tissue(head, place)
    if tissue in tissues.members('cerebellum'):
        return tissues.table({'cerebellum': 1.0, 'stem': 1.0})
    grow = {'brain': 1.0, 'ventricle': 0.0, 'cerebellum': 0.0}
    if tissue in tissues.members('stem'):
        return tissues.table({**grow, 'cortex': 0.0, 'cerebellum': 1.0})
    side = place[0] - head.centre[0]
    other = 'left' if side > 0 else 'right'
    if tissue in tissues.members('left'):
        other = 'right'
    elif tissue in tissues.members('right'):
        other = 'left'
    grow[f'cortex {other}'] = 0.0
    # Across the callosum only now and then.
    grow[f'white matter {other}'] = float(rng.random() < 0.4)
    return tissues.table(grow)


def _metric(rng: np.random.Generator) -> Vector:
    """Draw the metric of an ellipsoid: axes exp(N(0, 0.25)) with unit product, any direction."""
    logs = np.clip(rng.normal(0.0, 0.25, 3), -0.5, 0.5)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(np.exp(logs - logs.mean())[:, None] * turn)


def _foci(rng: np.random.Generator, head: Head, scene: Draw, *, stiff: float) -> float:
    """Place the foci of a tumour and its mass effect; return the radius of the main one."""
    radius = log_normal(rng, median=19, spread=0.5, low=4, high=42)
    style = mixture(rng, {'one': 0.82, 'several': 0.12, 'butterfly': 0.06})
    groups = SEEDS
    count = 1
    if style == 'several':
        count = int(rng.integers(2, MAX_FOCI + 1))
        radius = min(radius, 28.0)
    centre = _seed(rng, head, groups)
    scene['metric'][:MAX_FOCI] = [_metric(rng) for _ in range(MAX_FOCI)]
    scene['grow'] = _territory(rng, head, centre)
    if style == 'butterfly':
        places = head.candidates['white matter']
        middle = places[np.abs(places[:, 0] - head.centre[0]) < 10]
        if len(middle):
            centre = np.asarray(middle[rng.integers(len(middle))], float)
        wide = np.exp(np.log(2.0) * np.asarray([-2.0, 1.0, 1.0]) / 3)
        scene['metric'][0] = np.diag(wide)
        scene['grow'] = tissues.table({'brain': 1.0, 'ventricle': 0.0, 'cerebellum': 0.0})
        radius = min(radius, 26.0)
    if count > 1:
        scene['grow'] = tissues.table({'brain': 1.0, 'ventricle': 0.0})
    scene['centre'][0], scene['radius'][0] = centre, radius
    for focus in range(1, count):
        scene['centre'][focus] = _companion(rng, head, centre, radius)
        scene['radius'][focus] = max(3.0, radius * rng.uniform(0.3, 1.0))
    mass_effect_draw.fill(rng, scene, count, highest=stiff)
    return radius


def _companion(rng: np.random.Generator, head: Head, centre: Vector, radius: float) -> Vector:
    """Draw a further focus, mostly in the neighbourhood of the first one."""
    tries = np.stack([_seed(rng, head, SEEDS) for _ in range(12)])
    away = np.linalg.norm(tries - centre, axis=1)
    near = tries[(away > radius) & (away < radius + 45)]
    return np.asarray(near[0] if len(near) and rng.random() < 0.7 else tries[0])


def _swell(rng: np.random.Generator, scene: Draw, *, factor: float = 1.0) -> None:
    """Draw the reach of the oedema: none (0.15) or 4-40 mm, less around the largest tumours.

    Short reaches are likelier: an even spread filled 400 ml of white matter time and again, where
    real scans show 25 to 220 ml.
    """
    if rng.random() > 0.15:
        radius = max(float(scene['radius'].max()), 0.0)
        longest = np.clip(58.0 - radius, 8.0, 40.0)
        scene['oedema'] = np.asarray(factor * (4 + (longest - 4) * rng.random() ** 1.2))


def _bleed(rng: np.random.Generator, scene: Draw) -> None:
    """Draw spots of blood or calcium inside the core (0.15)."""
    if rng.random() < 0.15:
        scene['blood_above'] = np.asarray(rng.uniform(1.3, 2.0))


def _hollow(rng: np.random.Generator, scene: Draw, *, thinnest: float, thickest: float) -> None:
    """Put a necrosis into each focus, so that a rim of a few mm stays."""
    radius = scene['radius'][:MAX_FOCI]
    rim = np.minimum(radius * (1 - rng.uniform(0.25, 0.9)), rng.uniform(thinnest, thickest))
    scene['necrosis'][:MAX_FOCI] = np.where(radius > 0, radius - rim, NEVER)


def _ring(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Enhancing rim around a necrosis."""
    _foci(rng, head, scene, stiff=0.45)
    _hollow(rng, scene, thinnest=2.0, thickest=11.0)
    scene['uptake_above'] = np.asarray(-20.0)
    if rng.random() < 0.3:
        scene['uptake_below'] = np.asarray(1.0)
    _swell(rng, scene)
    _bleed(rng, scene)


def _solid(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Enhancing throughout."""
    _foci(rng, head, scene, stiff=0.45)
    scene['uptake_above'] = np.asarray(-20.0)
    _swell(rng, scene)
    _bleed(rng, scene)


def _mixed(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Enhancing in part, with or without necrosis, a large rest without uptake."""
    _foci(rng, head, scene, stiff=0.4)
    scene['uptake_above'] = np.asarray(rng.uniform(0.0, 0.9))
    if rng.random() < 0.5:
        _hollow(rng, scene, thinnest=5.0, thickest=14.0)
    _swell(rng, scene)
    _bleed(rng, scene)


def _low_grade(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """No uptake or a few patches, short oedema, soft border; sometimes dark inside in FLAIR."""
    _foci(rng, head, scene, stiff=0.3)
    if rng.random() < 0.35:
        scene['uptake_above'] = np.asarray(rng.uniform(1.3, 2.0))
    if rng.random() < 0.2:
        # T2-FLAIR mismatch: all but a rim of 2 mm is painted as fluid-rich tissue.
        radius = scene['radius'][:MAX_FOCI]
        scene['necrosis'][:MAX_FOCI] = np.where(radius > 0, radius - 2.0, NEVER)
    scene['soft_core'] = np.asarray(rng.uniform(2.0, 5.0))
    _swell(rng, scene, factor=0.3)
    _bleed(rng, scene)


def _after_surgery(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Cavity at the surface or deep, perhaps with a level of blood, a bright wall, a remnant."""
    around = _resect(rng, head, scene)
    if rng.random() < 0.5:
        count = int(rng.integers(1, 3))
        scene['centre'][:count] = around[rng.integers(len(around), size=count)]
        scene['radius'][:count] = rng.uniform(2.5, 9.0, count)
        scene['uptake_above'] = np.asarray(-20.0)
    scene['oedema'] = np.asarray(rng.uniform(2.0, 22.0))


def _recurrent(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Rings and lobes that have grown again around a cavity."""
    around = _resect(rng, head, scene)
    count = int(rng.integers(1, MAX_FOCI + 1))
    scene['centre'][:count] = around[rng.integers(len(around), size=count)]
    scene['radius'][:count] = rng.uniform(5.0, 22.0, count)
    scene['rough'] = scene['rough'] * rng.uniform(1.0, 1.6)
    if rng.random() < 0.7:
        _hollow(rng, scene, thinnest=2.0, thickest=8.0)
    scene['uptake_above'] = np.asarray(-20.0 if rng.random() < 0.6 else rng.uniform(-1.0, 0.5))
    if rng.random() < 0.5:
        # Lace: gaps in what takes up contrast.
        scene['uptake_below'] = np.asarray(rng.uniform(0.6, 1.5))
    _swell(rng, scene)
    _bleed(rng, scene)


def _resect(rng: np.random.Generator, head: Head, scene: Draw) -> Vector:
    """Put a cavity into a scene; return places (N, 3) at its wall."""
    radius = rng.uniform(4.0, 22.0)
    group = 'surface' if rng.random() < 0.7 else 'white matter'
    centre = _seed(rng, head, {group: 1.0})
    if group == 'surface':
        inwards = np.asarray(head.centre) - centre
        centre += inwards / np.linalg.norm(inwards) * radius * rng.uniform(0.2, 1.0)
    scene['metric'][:] = [_metric(rng) for _ in range(MAX_FOCI + 1)]
    scene['centre'][MAX_FOCI], scene['radius'][MAX_FOCI] = centre, radius
    if rng.random() < 0.5:
        scene['wall'] = np.asarray(rng.uniform(1.0, 2.0))
        scene['wall_uptake'] = np.asarray(rng.uniform(0.3, 1.0))
    if rng.random() < 0.3:
        down = np.asarray([rng.normal(0, 0.2), -1.0, rng.normal(0, 0.2)])
        down /= np.linalg.norm(down)
        scene['level'] = np.append(down, -down @ centre - rng.uniform(-0.3, 0.7) * radius)
    places = np.concatenate([head.candidates['white matter'], head.candidates['cortex']])
    off = np.abs(np.linalg.norm(places - centre, axis=1) - radius)
    return np.asarray(places[np.argsort(off)[:60]], float)


def _spots(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """No tumour, but lesions of old white matter."""
    del head
    scene['spots_above'] = np.asarray(rng.uniform(1.3, 2.3))


def _wedge(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Stroke-like wedge that widens towards the cortex and takes it in; background."""
    apex = _seed(rng, head, {'white matter': 1.0, 'deep grey': 0.5})
    outwards = apex - np.asarray(head.centre) + rng.normal(0, 8.0, 3)
    scene['wedge_apex'] = apex
    scene['wedge_axis'] = outwards / np.linalg.norm(outwards)
    scene['wedge_slope'] = np.asarray(np.tan(np.deg2rad(rng.uniform(12, 38))))
    scene['wedge_length'] = np.asarray(rng.uniform(20, 70))
    scene['imitation_spares'] = np.asarray(0.02)


def _dural(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Bright ball that hangs on the brain's edge, with or without oedema; ignored in the loss."""
    centre = _seed(rng, head, {'surface': 1.0})
    inwards = np.asarray(head.centre) - centre
    radius = rng.uniform(5.0, 20.0)
    centre += inwards / np.linalg.norm(inwards) * radius * rng.uniform(0.3, 0.9)
    scene['centre'][0], scene['radius'][0] = centre, radius
    scene['metric'][0] = _metric(rng)
    scene['rough'] = scene['rough'] * 0.4
    scene['grow'] = tissues.table({'brain': 1.0, 'fluid': 1.0, 'vessel': 1.0, 'dura': 1.0})
    scene['uptake_above'] = np.asarray(-20.0)
    scene['ignored'] = np.asarray(1.0)
    mass_effect_draw.fill(rng, scene, 1, highest=0.45)
    if rng.random() < 0.5:
        scene['oedema'] = np.asarray(rng.uniform(4.0, 25.0))


def _healthy(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Leave the head as it is."""
    del rng, head, scene


KINDS: dict[str, tuple[float, Callable[[np.random.Generator, Head, Draw], None]]] = {
    'ring': (0.74 * 0.36, _ring),
    'solid': (0.74 * 0.11, _solid),
    'mixed': (0.74 * 0.15, _mixed),
    'low grade': (0.74 * 0.18, _low_grade),
    'after surgery': (0.74 * 0.07, _after_surgery),
    'recurrent': (0.74 * 0.13, _recurrent),
    'healthy': (0.10, _healthy),
    'white matter spots': (0.10, _spots),
    'wedge': (0.03, _wedge),
    'dural ball': (0.03, _dural),
}
"""Kinds of scenes: how likely, and what fills in their numbers."""
