# SPDX-License-Identifier: Apache-2.0
"""Simple bodies outside the brain: face, orbits, sinuses, neck, spine, venous sinuses.

Rough on purpose: they make a whole head of a brain, so that finding the brain is a task. All
positions are mm, RAS+, of the label map's space; bodies with `x != 0` are on both sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int16]
Mask = NDArray[np.bool_]
Field = NDArray[np.float32]
Axes = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]
Point = tuple[float, float, float]

BONE, MARROW, SOFT, MUSCLE, MUCOSA = 515, 516, 507, 508, 509
EYE, NERVE, CORD, FLUID, VEIN, AIR = 506, 530, 512, 24, 514, 0


def axes(shape: tuple[int, int, int], origin: Point) -> Axes:
    """Return the positions of voxels along each axis, ready to be broadcast.

    Parameters
    ----------
    shape
        Voxels of 1 mm.
    origin
        Position of the first one, mm.
    """
    one, two, three = (
        np.arange(size, dtype=np.float32) + np.float32(start)
        for size, start in zip(shape, origin, strict=True)
    )
    return one[:, None, None], two[None, :, None], three[None, None, :]


def noise(rng: np.random.Generator, shape: tuple[int, int, int], *, pitch: float) -> Field:
    """Return smooth noise of about unit spread.

    Parameters
    ----------
    rng
        Source of random numbers.
    shape
        Voxels.
    pitch
        Voxels between two control points.
    """
    from bids_seg.train.synthesis.noise import spline_matrix

    counts = [int(np.ceil(size / pitch)) + 3 for size in shape]
    values = rng.standard_normal(counts, np.float32)
    # The spline's mean squared weight is 151/315 along each axis.
    for axis, (size, count) in enumerate(zip(shape, counts, strict=True)):
        weights = spline_matrix(pitch, size, count) * np.float32((315 / 151) ** 0.5)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return np.ascontiguousarray(values, np.float32)


def ball(at: Axes, centre: Point, radii: Point, *, soft: float = 0.0) -> Field:
    """Return an ellipsoid, and its mirror image where it is not central.

    Parameters
    ----------
    at
        Positions.
    centre, radii
        mm.
    soft
        0: a field that is positive inside and 1 in the middle; else a share 0..1 whose edge is
        as wide as this part of the radius.
    """
    x = np.abs(at[0]) if centre[0] else at[0]
    squares = ((x - centre[0]) / radii[0]) ** 2
    squares = squares + ((at[1] - centre[1]) / radii[1]) ** 2
    inside = 1 - (squares + ((at[2] - centre[2]) / radii[2]) ** 2)
    return np.asarray(np.clip(inside / soft, 0, 1) if soft else inside, np.float32)


def shell(body: Mask) -> Mask:
    """Return the outermost two voxels of a body towards the air, not at the array's ends."""
    from scipy import ndimage

    return np.asarray(body & ~ndimage.binary_erosion(body, iterations=2, border_value=1))


def outside(at: Axes) -> Mask:
    """Return the bulk of face and neck."""
    bulk = (
        ((0, 34, -58), (66, 49, 58)),
        ((0, 38, -96), (50, 42, 36)),
        ((0, 84, -57), (9, 14, 16)),
        ((0, 86, -68), (14, 17, 10)),
        ((0, 60, -112), (30, 20, 18)),
    )
    found = np.zeros(np.broadcast_shapes(*(axis.shape for axis in at)), bool)
    for centre, radii in bulk:
        found |= ball(at, centre, radii) > 0
    wider = np.clip((-60 - at[2]) / 60, 0, 1)
    throat = (at[0] / (56 + 6 * wider)) ** 2 + ((at[1] + 24) / (57 + 2 * wider)) ** 2 < 1
    return np.asarray(found | (throat & (at[2] < -40)))


def face(out: Labels, at: Axes, body: Mask, fine: Field, depth: Field) -> None:
    """Fill the face: jaws, orbits with eyes, nose, tongue.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    body
        What is not air.
    fine
        Noise of unit spread.
    depth
        mm outside the inner face of the skull.
    """
    x, y, z = np.abs(at[0]), at[1], at[2]
    free = body & (depth > 1)
    rough = 0.10 * fine

    def fill(inside: Field | Mask, value: int) -> None:
        """Set what lies inside."""
        out[free & (inside > 0)] = value

    fill(ball(at, (54, 10, -72), (9, 16, 30)) + rough, MUSCLE)
    fill(ball(at, (0, 40, -98), (26, 34, 20)) + rough, MUSCLE)
    fill(ball(at, (0, 30, -118), (30, 40, 9)) + rough, MUSCLE)
    arch = np.hypot(at[0] / 29, (y - 34) / 40)
    teeth = (np.abs(arch - 1) < 0.13) & (y > 30) & (np.abs(z + 93) < 12)
    fill(teeth, BONE)
    jaw = np.hypot(at[0] / 37, (y - 26) / 46)
    lower = (np.abs(jaw - 1) < 0.12) & (y > 15) & (np.abs(z + 112 - 0.25 * (40 - y)) < 9)
    fill(lower, BONE)
    fill((np.abs(jaw - 1) < 0.06) & lower & (np.abs(z + 112 - 0.25 * (40 - y)) < 6), MARROW)
    fill(
        (np.abs(x - 45) < 3.5) & (np.abs(y - 10 - 0.1 * (z + 80)) < 13) & (np.abs(z + 78) < 26),
        BONE,
    )
    fill(
        (np.abs(x - 45) < 1.5) & (np.abs(y - 10 - 0.1 * (z + 80)) < 10) & (np.abs(z + 78) < 23),
        MARROW,
    )
    fill(ball(at, (56, 30, -48), (5, 28, 5)), BONE)
    fill(ball(at, (30, 42, -68), (22, 28, 24)), BONE)
    fill(ball(at, (28, 43, -68), (19, 25, 21)), MUCOSA)
    fill(ball(at, (28, 43, -68), (17.5, 23.5, 19.5)), AIR)
    fill(ball(at, (0, 48, -55), (19, 36, 30)), BONE)
    inner = ball(at, (0, 48, -58), (16, 36, 27))
    fill(inner, MUCOSA)
    septum = np.abs(at[0] - 0.8 * fine) > 1.6
    fill((inner > 0.1) & septum & ((fine > -0.2) | (np.abs(x - 4) < 1.3)), AIR)
    fill((np.abs(z + 84 + 0.03 * (y - 50)) < 2) & (arch < 1) & (y > 18), BONE)
    _orbits(out, at, free, fine)


def _orbits(out: Labels, at: Axes, free: Mask, fine: Field) -> None:
    """Make eyes, their muscles and nerves in fat."""
    x, y, z = np.abs(at[0]), at[1], at[2]
    wide = free & (ball(at, (31, 44, -35), (20, 31, 20)) > 0)
    hollow = free & (ball(at, (31, 46, -35), (17.5, 31, 17)) > 0)
    out[wide & ~hollow & (y < 66)] = BONE
    out[hollow] = MARROW
    # Axis from the eye to the apex of the orbit.
    along = np.clip((60 - y) / 45, 0, 1)
    off_x, off_z = x - (32 - 16 * along), z + 36 - 6 * along
    radius = np.hypot(off_x, off_z)
    ring = 10.5 - 7 * along
    cross = (np.abs(off_x) < 3) | (np.abs(off_z) < 2.5)
    behind = (y < 57) & (y > 18)
    out[hollow & behind & cross & (np.abs(radius - ring) < 1.5)] = MUSCLE
    out[hollow & behind & (radius < 2.0 + 0.2 * fine)] = NERVE
    eye = ball(at, (32, 59, -36), (12, 12, 12))
    out[eye > 0] = EYE
    out[(eye > -0.25) & (eye <= 0) & (out != AIR)] = MUSCLE
    out[ball(at, (32, 67, -36), (4.6, 2.2, 4.6)) > 0] = MUSCLE


def sinuses(out: Labels, at: Axes, fine: Field) -> None:
    """Put air into the bone of the skull's base and of the forehead.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    fine
        Noise of unit spread.
    """
    bone = (out == BONE) | (out == MARROW)
    out[bone & (ball(at, (58, -34, -44), (13, 15, 18)) > 0) & (fine > 0.1)] = AIR
    for centre, radii in (((7, 12, -36), (8, 12, 9)), ((9, 70, -14), (9, 7, 9))):
        outer = ball(at, centre, (radii[0] + 1.5, radii[1] + 1.5, radii[2] + 1.5)) > 0
        out[outer & (out != AIR)] = BONE
        out[ball(at, centre, radii) > 0] = AIR
    cells = (ball(at, (0, 44, -33), (12, 24, 10)) > 0) & (out != AIR)
    out[cells] = np.where(fine[cells] > -0.5, AIR, MUCOSA)


def temples(out: Labels, at: Axes, fine: Field, depth: Field, thick: Field) -> None:
    """Put the temporal muscle between bone and fat, and those of the neck behind the skull.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    fine
        Noise of unit spread.
    depth, thick
        mm outside the inner face of the skull, and where bone ends.
    """
    over = depth - thick
    side = ball(at, (72, 15, -18), (30, 42, 42))
    layer = (over > 0.5) & (over < 1 + 7.5 * np.clip(1.6 * side, 0, 1)) & (out == SOFT)
    out[layer & (fine > -1.6)] = MUSCLE


def neck(out: Labels, at: Axes, body: Mask) -> None:
    """Fill the neck: spine, muscles in pairs, airway.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    body
        What is not air.
    """
    x, y, z = np.abs(at[0]), at[1], at[2]
    low = body & (z < -62)

    def column(centre: tuple[float, float], radii: tuple[float, float]) -> Field:
        """Return an elliptic column along z; positive inside."""
        side = x if centre[0] else at[0]
        value = 1 - ((side - centre[0]) / radii[0]) ** 2 - ((y - centre[1]) / radii[1]) ** 2
        return np.asarray(value, np.float32)

    for centre, radii in (
        ((14, -62), (12, 9)),
        ((30, -56), (13, 12)),
        ((42, -22), (9, 15)),
        ((12, -14), (9, 6)),
        ((26, -34), (9, 10)),
    ):
        out[low & (column(centre, radii) > 0)] = MUSCLE
    out[low & (z < -78) & (column((0, -26), (14, 10)) > 0)] = BONE
    disc = np.abs((z + 100) % 19 - 9.5) < 2.6
    core = low & (z < -80) & (column((0, -26), (12.5, 8.5)) > 0)
    out[core] = MARROW
    out[core & disc] = MUSCLE
    arch = column((0, -45), (14, 13))
    out[low & (z < -76) & (arch > 0) & (np.abs((z + 96) % 19 - 9.5) > 4)] = BONE
    air = body & (z < -58) & (column((0, -3), (12, 6)) > 0)
    wall = body & (z < -56) & (column((0, -3), (14, 8)) > 0)
    out[wall] = MUCOSA
    out[air] = AIR
    for centre, radius in (((24, -10), 3.2), ((31, -13), 4.5)):
        out[low & (column(centre, (radius, radius)) > 0)] = 502 if radius < 4 else VEIN


def canal(out: Labels, at: Axes) -> None:
    """Carry the brain stem on into the spinal canal.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    """
    away = np.hypot(at[0] / 1.15, at[1] + 44)
    low = at[2] < -56
    inside = (
        low & (away < 8.5) & ((at[2] < -64) | np.isin(out, (SOFT, MUSCLE, BONE, MARROW, FLUID)))
    )
    keep = np.isin(out, (16, 7, 8, 46, 47))
    out[inside & ~keep] = FLUID
    out[(at[2] < -62) & (np.hypot(at[0] / 1.3, at[1] + 43.5) < 4.6) & ~keep] = CORD


def vessels(out: Labels, at: Axes, depth: Field) -> None:
    """Put the large sinuses of the dura between brain and bone, and the arteries of the base.

    Parameters
    ----------
    out
        Filled in.
    at
        Positions.
    depth
        mm outside the inner face of the skull.
    """
    x, y, z = np.abs(at[0]), at[1], at[2]
    fluid = out == FLUID
    upper = (np.abs(at[0]) < 4.5 + depth * 0.5) & (depth > -7.0) & (depth <= 0.4)
    upper = upper & ((z > 5) | (y < -60)) & (z > -12) & ((y < 50) | (z > 20))
    out[upper & (fluid | (out == BONE))] = VEIN
    across = (np.abs(z + 14 + 0.08 * x) < 3.2) & (y < -38) & (depth > -5.0) & (depth <= 0.8)
    out[across & (fluid | (out == BONE))] = VEIN
    out[fluid & (ball(at, (9, 4, -22), (2.4, 7, 2.4)) > 0)] = 502
    out[fluid & (ball(at, (0, -13, -32), (1.8, 2.2, 12)) > 0)] = 502
