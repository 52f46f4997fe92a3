# SPDX-License-Identifier: Apache-2.0
"""The numbers of a scene with metastases, drawn on the host with NumPy.

Sizes and chances are those of the design page on training (section 4). Lesions stand in two rows:
`big` ones are made on the half grid as gliomas are, `small` ones each in a box of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.heads import Head
from bids_seg.train.synthesis.lesions import Draw, log_normal, mass_effect_draw, mixture, vessels

SMALL = 40
"""Most small lesions."""

BIG = 8
"""Most big lesions."""

SWOLLEN = 8
"""Most small lesions, the largest ones, that may have an oedema."""

MOST = 40
"""Most lesions of a scene."""

SMALLEST_BIG = 5.5
"""mm: radius from which on a lesion is a big one, too long for the box of a small one."""

LARGE_CHANCE = 0.2
"""Share of scenes in which one lesion is large: what brings a patient to the operating table."""

LARGE = (9.0, 27.0)
"""mm: radius of such a lesion."""

PATCHY_CHANCE = 0.5
"""Share of big hollow lesions whose wall takes up contrast in places only: cysts with a nodule."""

PUSHING = 3
"""Most lesions with mass effect."""

NEVER = -1000.0
"""Radius or field of what this scene does not have."""

PLACES = {
    'near cortex': 0.6,
    'cerebellum': 0.15,
    'deep grey': 0.08,
    'stem': 0.03,
    'white matter': 0.09,
    'cortex': 0.05,
}
"""Where metastases lie."""

GAP = 2.0
"""mm between two lesions at least."""

NOISES = {'wide': (2, 20), 'narrow': (3, 24), 'speckle': (1, 32)}
"""Number of smooth noises of each wavelength and control points along each axis."""

Vector = NDArray[np.floating]


class Lesion(NamedTuple):
    """One metastasis."""

    radius: float
    """mm; that of a ball of the same volume."""
    centre: Vector
    """mm."""
    hollow: float
    """Radius of what does not enhance inside, mm; `NEVER` for none."""
    uptake: float
    """How much of the brightness of enhancing tissue its living part has, 0..1."""
    blood: float
    """How much of it is painted as blood, 0..1."""
    oedema: float
    """Reach of the oedema, mm; 0 for none."""


def draw(rng: np.random.Generator, head: Head) -> Draw:
    """Draw one scene.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head that lesions are planted in.

    Returns
    -------
    dict
        Arrays of fixed shapes, lengths in mm of the head's space. `focus` (3,) is where the middle
        of the sample must lie, so that lesions (0.5) or what imitates them (0.25) are in view.
    """
    lesions = draw_lesions(rng, head)
    scene = nothing(rng, head)
    place(rng, scene, lesions)
    focus = _focus(rng, head, lesions)
    scene['focus'] = focus
    _imitate(rng, head, scene)
    numbers = {name: np.asarray(value, np.float32) for name, value in scene.items()}
    return {**numbers, **vessels.draw(rng, head, focus)}


def nothing(rng: np.random.Generator, head: Head) -> Draw:
    """Return a scene without lesions and without imitations; its noises are drawn.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head.
    """
    scene: Draw = {**mass_effect_draw.nothing(head, PUSHING)}
    for row, count in (('big', BIG), ('small', SMALL)):
        scene[f'{row}_centre'] = np.zeros((count, 3))
        scene[f'{row}_metric'] = np.repeat(np.eye(3)[None], count, axis=0)
        for name in ('radius', 'hollow'):
            scene[f'{row}_{name}'] = np.full(count, NEVER)
        for name in ('uptake', 'blood', 'swelling', 'rough'):
            scene[f'{row}_{name}'] = np.zeros(count)
    scene['big_patchy'] = np.zeros(BIG)
    scene['waves'] = np.zeros((SMALL, 4, 3))
    scene['oedema'] = np.asarray(NEVER)
    scene['soft_oedema'] = np.asarray(rng.uniform(1.0, 6.0))
    scene['cavity_centre'] = np.zeros((1, 3))
    scene['cavity_radius'] = np.asarray(NEVER)
    scene['cavity_wall'] = np.zeros(2)
    scene['gyri_centre'] = np.zeros((1, 3))
    scene['gyri_radius'] = np.asarray(NEVER)
    scene['gyri_share'] = np.asarray(0.0)
    scene['focus'] = np.zeros(3)
    for name, (channels, count) in NOISES.items():
        scene[f'noise_{name}'] = rng.standard_normal((channels, count, count, count), np.float32)
    return scene


def draw_lesions(rng: np.random.Generator, head: Head) -> list[Lesion]:
    """Draw the metastases of a scene, the largest first.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        The head.

    Returns
    -------
    list of Lesion
        None in 0.15 of all scenes, else 1 + a negative binomial number of mean 4, at most `MOST`.
    """
    if rng.random() < 0.15:
        return []
    count = min(1 + int(rng.negative_binomial(1.2, 1.2 / 5.2)), MOST)
    sizes = [log_normal(rng, median=6, spread=0.65, low=1.5, high=40) / 2 for _ in range(count)]
    if rng.random() < LARGE_CHANCE:
        sizes[0] = rng.uniform(*LARGE)
    radii = np.sort(sizes)[::-1]
    radii[BIG:] = np.minimum(radii[BIG:], SMALLEST_BIG - 0.01)
    clustered = rng.random() < 0.1
    middle = _candidate(rng, head)
    out: list[Lesion] = []
    for radius in radii:
        for _ in range(20):
            centre = _candidate(rng, head)
            if clustered and np.linalg.norm(centre - middle) > 30:
                continue
            # Ellipsoids reach 1.35 radii.
            if all(
                np.linalg.norm(centre - o.centre) > 1.35 * (radius + o.radius) + GAP for o in out
            ):
                out.append(_lesion(rng, float(radius), centre))
                break
    return out


def _candidate(rng: np.random.Generator, head: Head) -> Vector:
    """Draw a place where metastases lie."""
    held = {name: share for name, share in PLACES.items() if len(head.candidates[name])}
    places = head.candidates[mixture(rng, held)]
    return np.asarray(places[rng.integers(len(places))] + rng.uniform(-0.5, 0.5, 3), float)


def _lesion(rng: np.random.Generator, radius: float, centre: Vector) -> Lesion:
    """Draw what kind of metastasis it is: solid, ring, cystic, bleeding, faint after treatment."""
    hollow, blood, oedema = NEVER, 0.0, 0.0
    uptake = rng.uniform(0.45, 1.0)
    # Large ones outgrow their blood supply.
    if rng.random() < (0.75 if radius > 9 else 0.5 if radius > 4 else 0.1):
        thinnest = rng.uniform(0.8, 1.6) if rng.random() < 0.25 else rng.uniform(1.2, 4.0)
        hollow = max(radius - thinnest, 0.3 * radius)
    if rng.random() < 0.08:
        blood = rng.uniform(0.3, 1.0)
    if radius < 2:
        uptake *= rng.uniform(0.5, 1.0)
    treated = rng.random() < 0.12
    if treated:
        uptake = rng.uniform(0.15, 0.4)
    if rng.random() < (0.2 if radius < 2.5 else 0.75) or treated:
        oedema = rng.uniform(0.0, 25.0) * min(1.0, 0.3 + radius / 8)
    return Lesion(radius, centre, hollow, uptake, blood, oedema)


def place(rng: np.random.Generator, scene: Draw, lesions: list[Lesion]) -> None:
    """Put lesions, the largest first, into the rows of a scene.

    Parameters
    ----------
    rng
        Source of random numbers: shapes and mass effect.
    scene
        What `nothing` returned; filled in.
    lesions
        At most `BIG` of them big, at most `MOST` in all.
    """
    longest = max((lesion.oedema for lesion in lesions), default=0.0)
    rows: dict[str, list[Lesion]] = {'big': [], 'small': []}
    for lesion in lesions:
        rows['big' if lesion.radius >= SMALLEST_BIG else 'small'].append(lesion)
    for row, held in rows.items():
        for slot, lesion in enumerate(held):
            scene[f'{row}_centre'][slot] = lesion.centre
            scene[f'{row}_metric'][slot] = _metric(rng)
            scene[f'{row}_radius'][slot] = lesion.radius
            scene[f'{row}_hollow'][slot] = lesion.hollow
            scene[f'{row}_uptake'][slot] = lesion.uptake
            scene[f'{row}_blood'][slot] = lesion.blood
            scene[f'{row}_swelling'][slot] = lesion.oedema
            scene[f'{row}_rough'][slot] = rng.uniform(0.05, 0.25)
            if row == 'big' and lesion.hollow > 0 and rng.random() < PATCHY_CHANCE:
                scene['big_patchy'][slot] = rng.uniform(0.5, 1.5)
    # Three waves over the surface of each small lesion: direction times frequency, and phase.
    scene['waves'][:, :3] = rng.standard_normal((SMALL, 3, 3)) * rng.uniform(
        1.2, 2.6, (SMALL, 3, 1)
    )
    scene['waves'][:, 3] = rng.uniform(0, 2 * np.pi, (SMALL, 3))
    if longest > 0:
        scene['oedema'] = np.asarray(longest)
    big = [lesion for lesion in rows['big'] if lesion.radius > 7][:PUSHING]
    if big:
        held_by = {
            'centre': np.stack([lesion.centre for lesion in big]),
            'radius': np.asarray([lesion.radius for lesion in big]),
        }
        pushing = {**scene, **held_by}
        mass_effect_draw.fill(rng, pushing, len(big), highest=0.35)


def _metric(rng: np.random.Generator) -> Vector:
    """Draw the metric of an ellipsoid whose longest axis is at most 1.6 times its shortest."""
    logs = np.log(1.6) * rng.uniform(-0.5, 0.5, 3)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(np.exp(logs - logs.mean())[:, None] * turn)


def _focus(rng: np.random.Generator, head: Head, lesions: list[Lesion]) -> Vector:
    """Return the middle of the sample: off a lesion (0.5), off the brain's edge (0.25), anywhere."""
    chosen = rng.random()
    if lesions and chosen < 0.5:
        centre = lesions[int(rng.integers(len(lesions)))].centre
    else:
        group = 'surface' if chosen < 0.75 else 'white matter'
        places = head.candidates[group]
        centre = np.asarray(places[rng.integers(len(places))], float)
    off = centre + rng.uniform(-30, 30, 3)
    # Half of a sample that is centred outside the brain would be empty.
    return np.asarray(0.75 * off + 0.25 * np.asarray(head.centre))


def _imitate(rng: np.random.Generator, head: Head, scene: Draw) -> None:
    """Add, now and then, a cavity after surgery with a bright wall, or bright gyri."""
    if rng.random() < 0.06:
        scene['cavity_centre'][0] = _candidate(rng, head)
        scene['cavity_radius'] = np.asarray(rng.uniform(4.0, 16.0))
        scene['cavity_wall'] = np.asarray([rng.uniform(1.0, 2.0), rng.uniform(0.2, 1.0)])
    if rng.random() < 0.06:
        places = head.candidates['cortex']
        scene['gyri_centre'][0] = places[rng.integers(len(places))]
        scene['gyri_radius'] = np.asarray(rng.uniform(8.0, 25.0))
        scene['gyri_share'] = np.asarray(rng.uniform(0.2, 0.8))


def allowed() -> NDArray[np.float32]:
    """Return by tissue whether a metastasis may cover it: brain and the fluid of its sulci.

    Returns
    -------
    ndarray (T,)
        1 or 0; ventricles, vessels and sheets of dura are spared.
    """
    return tissues.table({'brain': 1.0, 'ventricle': 0.0, 'csf': 1.0})
