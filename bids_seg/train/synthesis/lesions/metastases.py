# SPDX-License-Identifier: Apache-2.0
"""Scenes with metastases: one to many, most of them small, among bright things that are none."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from bids_seg.train import tissues
from bids_seg.train.synthesis.lesions import Numbers, Planted, geometry
from bids_seg.train.synthesis.lesions.glioma import SPEED
from bids_seg.train.synthesis.lesions.mass_effect import push
from bids_seg.train.synthesis.lesions.metastases_draw import SWOLLEN, allowed, draw

__all__ = ['draw', 'plant', 'push']

REGIONS = ('TC',)

BOX = 20
"""Voxels along each side of the box that a small lesion is made in."""

SEARCH = 4
"""Voxels between the places among which the one nearest to a lesion is looked for."""

TRAVEL = 32.0
"""Longest way of the oedema, mm."""

FEWEST = 3.0
"""Voxels: a lesion that covers fewer is ignored in the loss."""

TYPICAL = 113.0
"""mm^3 of a lesion of 6 mm, which counts once; smaller ones count more."""

_STEPS = {'wide': 10.0, 'narrow': 4.0, 'speckle': 3.0}


class _Part(NamedTuple):
    """What one row of lesions adds to the voxels, before oedema: shares, target, weight."""

    enhancing: Any
    core: Any
    necrosis: Any
    blood: Any
    target: Any
    weight: Any


def plant(labels: Any, points: Any, draw: Numbers, *, spacing: float) -> Planted:
    """Plant the lesions of a draw, and the vessels among them.

    Parameters
    ----------
    labels
        Tissue indices `(I, J, K)` after mass effect; sides are multiples of 4, at least `BOX`.
    points
        Positions in the head, `(I, J, K, 3)` or three arrays `(I, J, K)`, mm, without mass effect.
    draw
        What `draw` returned, as tensors.
    spacing
        Voxel size of the sample, mm.

    Returns
    -------
    Planted
        Region TC. `weight` makes small lesions count as much as large ones; it is 0 where a
        lesion covers less than three voxels.
    """
    points = geometry.axes(points)
    room = ops.take(ops.convert_to_tensor(_rooms()), labels)
    inside = ops.cast(room > 0.5, 'float32')
    free = ops.cast(room > 1.5, 'float32')
    brain = ops.cast(room > 2.5, 'float32')
    cortex = ops.cast(room > 3.5, 'float32')
    fields = _half(labels, points, draw, spacing)
    small = _small(points, free, draw, spacing)
    big = _big(fields, free)
    parts = _Part(*(one + two for one, two in zip(small, big, strict=True)))

    edge = geometry.sigmoid_edge
    lesion = parts.enhancing + parts.core + parts.necrosis + parts.blood
    # Two lesions may blur into one voxel.
    scale = 1.0 / ops.maximum(lesion, 1.0)
    left = 1.0 - lesion * scale
    cavity = edge(fields.cavity, 1.0) * inside * left
    left = left - cavity
    wall = edge(ops.minimum(fields.cavity + draw['cavity_wall'][0], draw['cavity_wall'][0]), 1.0)
    vessel = ops.maximum(_vessels(points, draw), wall * draw['cavity_wall'][1])
    vessel = ops.maximum(vessel, edge(fields.gyri, 3.0) * draw['gyri_share'] * cortex)
    vessel = vessel * inside * left
    left = left - vessel
    swelling = edge(fields.oedema - 6.0 * cortex, draw['soft_oedema']) * brain * left
    shares = [parts.core, parts.enhancing, parts.necrosis, cavity, parts.blood]
    scaled = [share if share is cavity else share * scale for share in shares]
    target = ops.minimum(parts.target, 1.0)
    return Planted(
        weights=ops.stack([swelling, *scaled, vessel], axis=-1),
        targets=ops.expand_dims(target, -1),
        weight=ops.clip(1.0 + parts.weight, 0.0, 20.0),
    )


def _rooms() -> Any:
    """Return by tissue: 0 outside the skull, 1 inside, 2 free for lesions, 3 brain, 4 cortex."""
    inside = tissues.table({'brain': 1.0, 'fluid': 1.0, 'vessel': 1.0, 'dura': 1.0})
    brain = tissues.table({'brain': 1.0, 'ventricle': 0.0})
    cortex = tissues.table({'cortex': 1.0, **dict.fromkeys(_CEREBELLAR_CORTEX, 1.0)})
    return inside + allowed() + brain + cortex


_CEREBELLAR_CORTEX = ('cerebellar cortex left', 'cerebellar cortex right')


class _Fields(NamedTuple):
    """Fields of the half grid, stretched: mm, positive inside; uptake and blood 0..1."""

    body: Any
    hollow: Any
    uptake: Any
    blood: Any
    oedema: Any
    cavity: Any
    gyri: Any


def _half(labels: Any, points: geometry.Points, draw: Numbers, spacing: float) -> _Fields:
    """Return the fields of big lesions, oedema and imitations."""
    coarse = 2.0 * spacing
    half = geometry.half_points(points)
    noises = {
        name: geometry.smooth_noise(draw[f'noise_{name}'], half[0].shape, spacing=coarse, step=step)
        for name, step in _STEPS.items()
    }
    distances = geometry.distances(half, draw['big_centre'], draw['big_metric'])
    radius, hollow, amount, swelling, uptake, blood, patchy = (
        ops.reshape(draw[f'big_{name}'], (-1, 1, 1, 1))
        for name in ('radius', 'hollow', 'rough', 'swelling', 'uptake', 'blood', 'patchy')
    )
    amount = amount * ops.maximum(radius, 0.0)
    rough = 0.7 * noises['wide'][0] + 0.7 * noises['narrow'][0]
    other = 0.7 * noises['wide'][1] + 0.7 * noises['narrow'][1]
    bodies = radius - distances - amount * rough
    holes = hollow - distances - amount * (0.6 * rough + 0.8 * other)
    body = ops.max(bodies, axis=0)
    mine = ops.cast(bodies >= body, 'float32')

    start = ops.min(
        ops.where(bodies > -0.4 * coarse, draw['oedema'] - swelling, geometry.FAR), axis=0
    )
    near = geometry.distances(
        half, draw['small_centre'][:SWOLLEN], draw['small_metric'][:SWOLLEN]
    ) - ops.reshape(draw['small_radius'][:SWOLLEN], (-1, 1, 1, 1))
    late = draw['oedema'] - ops.reshape(draw['small_swelling'][:SWOLLEN], (-1, 1, 1, 1))
    start = ops.minimum(start, ops.min(ops.where(near < 0.6 * coarse, late, geometry.FAR), axis=0))
    (speed,) = geometry.half_fractions(labels, tissues.table(SPEED, default=0.01)[None])
    slowness = 1.25 * ops.exp(-0.4 * noises['speckle'][0]) / ops.maximum(speed, 0.01)
    time = geometry.travel_time(start, slowness, spacing=coarse, sweeps=round(TRAVEL / coarse))
    uneven = 0.3 * noises['narrow'][2] * ops.maximum(draw['oedema'], 0.0)

    identity = ops.expand_dims(ops.eye(3), 0)
    cavity = draw['cavity_radius'] - geometry.distances(half, draw['cavity_centre'], identity)[0]
    gyri = draw['gyri_radius'] - geometry.distances(half, draw['gyri_centre'], identity)[0]
    fields = [
        body,
        ops.minimum(ops.max(holes, axis=0), body - 0.8),
        ops.sum(
            mine * uptake * ops.clip(1.0 - patchy * (noises['wide'][1] + 0.5), 0.1, 1.0), axis=0
        ),
        ops.sum(mine * blood, axis=0),
        draw['oedema'] + uneven - time,
        cavity - 1.5 * noises['narrow'][1],
        gyri - 3.0 * noises['wide'][1],
    ]
    return _Fields(*ops.unstack(geometry.doubled(ops.stack(fields))))


def _big(fields: _Fields, free: Any) -> _Part:
    """Return what the big lesions add."""
    body = geometry.sigmoid_edge(fields.body, 1.0) * free
    hollow = geometry.sigmoid_edge(fields.hollow, 1.2)
    blood = body * ops.clip(fields.blood, 0.0, 1.0)
    living = (body - blood) * (1.0 - hollow)
    uptake = ops.clip(fields.uptake, 0.0, 1.0)
    target = ops.cast(fields.body > 0.0, 'float32') * free
    return _Part(
        enhancing=living * uptake,
        core=living * (1.0 - uptake),
        necrosis=(body - blood) * hollow,
        blood=blood,
        target=target,
        weight=-0.75 * target,
    )


def _boxes(points: geometry.Points, centres: Any) -> Any:
    """Return the flat voxel indices `(N, BOX^3)` of a box around each centre, inside the grid."""
    shape = points[0].shape
    sparse = [
        p[SEARCH // 2 :: SEARCH, SEARCH // 2 :: SEARCH, SEARCH // 2 :: SEARCH] for p in points
    ]
    _, b, c = sparse[0].shape
    metrics = ops.broadcast_to(ops.eye(3), (centres.shape[0], 3, 3))
    distance = geometry.distances((sparse[0], sparse[1], sparse[2]), centres, metrics)
    nearest = ops.cast(ops.argmin(ops.reshape(distance, (centres.shape[0], -1)), axis=1), 'int32')
    place = (nearest // (b * c), (nearest // c) % b, nearest % c)
    steps = (shape[1] * shape[2], shape[2], 1)
    start = sum(
        ops.clip(at * SEARCH + SEARCH // 2 - BOX // 2, 0, size - BOX) * step
        for at, size, step in zip(place, shape, steps, strict=True)
    )
    within = np.arange(BOX, dtype=np.int32)
    offsets = (
        within[:, None, None] * steps[0] + within[None, :, None] * steps[1] + within[None, None]
    )
    return ops.expand_dims(start, 1) + ops.convert_to_tensor(offsets.reshape(1, -1))


def _small(points: geometry.Points, free: Any, draw: Numbers, spacing: float) -> _Part:
    """Return what the small lesions add, each computed in its own box."""
    shape = free.shape
    index = _boxes(points, draw['small_centre'])
    away = ops.stack(
        [
            ops.take(ops.reshape(p, (-1,)), index) - draw['small_centre'][:, a : a + 1]
            for a, p in enumerate(points)
        ],
        axis=1,
    )
    open_ = ops.take(ops.reshape(free, (-1,)), index)
    column = {
        name: ops.expand_dims(draw[f'small_{name}'], 1)
        for name in ('radius', 'hollow', 'uptake', 'blood', 'rough')
    }
    there = ops.cast(column['radius'] > 0.0, 'float32')
    radius = ops.maximum(column['radius'], 0.1)
    local = ops.matmul(draw['small_metric'], away)
    distance = ops.sqrt(ops.sum(ops.square(local), axis=1) + 2.5e-3)
    turns = ops.matmul(draw['waves'][:, :3], away) / ops.expand_dims(radius, 1)
    waves = ops.sin(turns + ops.expand_dims(draw['waves'][:, 3], -1))
    edge = radius * (1.0 - column['rough'] * 0.6 * ops.sum(waves, axis=1))
    edge = ops.maximum(edge, 0.3 * radius)
    room = open_ * there
    body = blurred_ball(distance, edge, 0.4 * spacing) * room
    hollow = geometry.sigmoid_edge(ops.minimum(column['hollow'], edge - 0.6) - distance, 1.0)
    target = ops.cast(distance < edge, 'float32') * room
    count = ops.sum(target, axis=1, keepdims=True)
    ignored = ops.cast(count < FEWEST, 'float32')
    volume = ops.maximum(count, 1.0) * spacing**3
    counted = ops.clip((TYPICAL / volume) ** 0.7, 0.2, 20.0) - 1.0
    near = ops.cast(distance < edge + spacing, 'float32') * there
    blood = body * column['blood']
    living = (body - blood) * (1.0 - hollow)
    part = _Part(
        enhancing=living * column['uptake'],
        core=living * (1.0 - column['uptake']),
        necrosis=(body - blood) * hollow,
        blood=blood,
        target=target,
        # Enough below zero that no neighbour lifts it.
        weight=ops.where(ignored > 0.0, -40.0 * near, counted * target),
    )
    return _scattered(part, index, shape)


def _scattered(part: _Part, index: Any, shape: geometry.Shape) -> _Part:
    """Add the boxes of small lesions up on the whole grid."""
    voxels = int(np.prod(shape))
    values = ops.reshape(ops.stack(list(part), axis=-1), (-1, len(part)))
    summed = ops.scatter(ops.reshape(index, (-1, 1)), values, (voxels, len(part)))
    return _Part(*(ops.reshape(one, shape) for one in ops.unstack(summed, axis=-1)))


def blurred_ball(distance: Any, radius: Any, blur: float) -> Any:
    """Return a ball blurred by a Gaussian: its volume stays, however small it is.

    Parameters
    ----------
    distance
        mm from the centre, > 0.
    radius
        mm.
    blur
        SD of the Gaussian, mm.

    Returns
    -------
    share
        0..1.

    Notes
    -----
    The convolution of a ball with an isotropic Gaussian, integrated over spheres around the
    centre: `Q(r - d) - Q(-r - d) - (blur / d) (q(r - d) - q(r + d))`, with `q` the density and `Q`
    the distribution of the Gaussian. A plain soft edge would double a lesion of 2 mm.
    """
    near, far = (radius - distance) / blur, (radius + distance) / blur
    inside = 0.5 * (ops.erf(near * 0.5**0.5) + ops.erf(far * 0.5**0.5))
    density = (ops.exp(-0.5 * near**2) - ops.exp(-0.5 * far**2)) / (2 * np.pi) ** 0.5
    return ops.maximum(inside - blur / distance * density, 0.0)


def _vessels(points: geometry.Points, draw: Numbers) -> Any:
    """Return the share of vessel at each position, nearest voxel of the volume of the draw."""
    volume = draw['vessels']
    index, inside = None, None
    for axis, (place, size) in enumerate(zip(points, volume.shape, strict=True)):
        voxel = ops.cast(ops.floor(place - draw['vessel_corner'][axis]), 'int32')
        here = (voxel >= 0) & (voxel < size)
        inside = here if inside is None else inside & here
        voxel = ops.clip(voxel, 0, size - 1)
        index = voxel if index is None else index * size + voxel
    share = ops.cast(ops.take(ops.reshape(volume, (-1,)), index), 'float32') / 255.0
    return share * ops.cast(inside, 'float32')
