# SPDX-License-Identifier: Apache-2.0
"""Glioma scenes: ring, solid, mixed, low grade, after surgery, and what only looks like one.

Shapes are level sets of fields in mm: positive inside, 0 at the border. A field of `NEVER` is a
lesion that this scene does not have. Smooth fields are computed on the half grid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from bids_seg.train import tissues
from bids_seg.train.synthesis.lesions import Numbers, Planted, geometry
from bids_seg.train.synthesis.lesions.glioma_draw import MAX_FOCI, draw
from bids_seg.train.synthesis.lesions.mass_effect import push

__all__ = ['MAX_FOCI', 'draw', 'plant', 'push']

REGIONS = ('WT', 'TC', 'ET')

TRAVEL = 64.0
"""Longest way of the oedema, mm."""

CONNECTION = 56.0
"""Longest way from a seed to the far end of the core, mm."""

SPEED = {
    'white matter': 1.0,
    'cerebellar white matter left': 1.0,
    'cerebellar white matter right': 1.0,
    'small vessel': 1.0,
    'stem': 0.5,
    'deep grey': 0.35,
    'cortex': 0.15,
    'cerebellar cortex left': 0.15,
    'cerebellar cortex right': 0.15,
}
"""How fast oedema runs through each tissue; 0.01 through all others."""

_FLUID, _OUTSIDE = 150.0, 300.0
"""Delays, mm, that stand for fluid inside the skull and for all that is no brain."""

_STEPS = {'wide': 10.0, 'middle': 6.0, 'narrow': 4.0, 'speckle': 3.0, 'fine': 1.5}
"""Distance of the control points of each set of smooth noises, mm: a third of its wavelength."""


class _Fields(NamedTuple):
    """Fields of one scene, mm, positive inside."""

    core: Any
    necrosis: Any
    cavity: Any
    uptake: Any
    oedema: Any
    imitation: Any
    blood: Any


def plant(labels: Any, points: Any, draw: Numbers, *, spacing: float) -> Planted:
    """Plant the lesions of a draw.

    Parameters
    ----------
    labels
        Tissue indices `(I, J, K)` after mass effect; even sides.
    points
        Positions in the head, `(I, J, K, 3)` or three arrays `(I, J, K)`, mm, without mass effect.
    draw
        What `draw` returned, as tensors.
    spacing
        Voxel size of the sample, mm.

    Returns
    -------
    Planted
        Regions WT, TC, ET.
    """
    fields = _Fields(
        *ops.unstack(geometry.doubled(ops.stack(_half(labels, points, draw, spacing))))
    )
    radius = ops.maximum(ops.max(draw['radius']), 0.0)
    fine = geometry.smooth_noise(
        draw['noise_fine'], labels.shape, spacing=spacing, step=_STEPS['fine']
    )[0]
    grow = geometry.mean_of_27(ops.take(draw['grow'], labels))
    delay = ops.take(ops.convert_to_tensor(_delays()), labels)
    # Bounded, or else it would reach over what was found not to hang together with the seed.
    rough = ops.clip(fine * (draw['rough'][2] * radius), -1.5 * spacing, 1.5 * spacing)
    core = ops.minimum(fields.core - rough, (grow - 0.5) * (3.0 * spacing))
    fields = fields._replace(
        core=core,
        necrosis=ops.minimum(fields.necrosis, core - 1.0),
        oedema=fields.oedema - delay,
        imitation=fields.imitation - delay * draw['imitation_spares'],
    )
    return _compose(fields, delay, draw)


def _delays() -> Any:
    """Return by tissue how much later oedema comes than its surroundings on the half grid."""
    brain = tissues.table({'brain': 1.0, **SPEED}, default=0.01)
    delay = np.where(brain > 0.1, 1.0 / brain - 1.0, _FLUID)
    delay[list(tissues.members('ventricle'))] = _FLUID
    inside = tissues.table({'brain': 1.0, 'fluid': 1.0, 'vessel': 1.0, 'dura': 1.0})
    return np.where(inside > 0, delay, _OUTSIDE).astype(np.float32)


def _half_tables() -> Any:
    """Return by tissue: speed, walls, left cortex, right cortex, ventricle; `(5, T)`."""
    walls = tissues.table({'falx': 1.0, 'tentorium': 1.0})
    left = tissues.table({'cortex left': 1.0})
    right = tissues.table({'cortex right': 1.0})
    ventricle = tissues.table({'ventricle': 1.0})
    return np.stack([tissues.table(SPEED, default=0.01), walls, left, right, ventricle])


def _half(labels: Any, points: Any, draw: Numbers, spacing: float) -> _Fields:
    """Return the fields on the half grid."""
    coarse = 2.0 * spacing
    half = geometry.half_points(geometry.axes(points))
    shape = half[0].shape
    noises = {
        name: geometry.smooth_noise(draw[f'noise_{name}'], shape, spacing=coarse, step=step)
        for name, step in _STEPS.items()
        if name != 'fine'
    }
    tables = ops.concatenate([_half_tables(), ops.expand_dims(draw['grow'], 0)])
    speed, walls, left, right, ventricle, growing = geometry.half_fractions(labels, tables)
    distances = geometry.distances(half, draw['centre'], draw['metric'])
    rough = draw['rough'][0] * noises['wide'][0] + draw['rough'][1] * noises['narrow'][0]
    other = draw['rough'][0] * noises['wide'][1] + draw['rough'][1] * noises['narrow'][1]
    inner = 0.6 * rough + 0.8 * other
    bodies = _bodies(draw['radius'], distances, rough, draw['radius'])
    core = ops.max(bodies[:MAX_FOCI], axis=0)
    cavity = bodies[MAX_FOCI]
    necrosis = ops.max(
        _bodies(draw['necrosis'], distances, inner, draw['radius'])[:MAX_FOCI], axis=0
    )

    barred = (walls > 0.15) | ((left > 0.1) & (right > 0.1))
    free = ops.cast((core > -0.5) & (growing > 0.5) & ops.logical_not(barred), 'float32')
    from_seed = ops.min(
        ops.where(
            ops.reshape(draw['radius'][:MAX_FOCI], (-1, 1, 1, 1)) > 0.0,
            distances[:MAX_FOCI],
            geometry.FAR,
        ),
        axis=0,
    )
    seeds = ops.cast(from_seed < 1.2 * coarse, 'float32')
    found = geometry.reached(seeds, free, sweeps=round(CONNECTION / coarse))
    core = ops.where(geometry.spread(ops.maximum(found, seeds)) > 0.5, core, -coarse)

    source = (ops.maximum(core, cavity) > -0.4 * coarse) & (growing > 0.2)
    # The fastest way goes round slow spots, so uneven speed alone would shorten all ways.
    slowness = 1.25 * ops.exp(-0.4 * noises['speckle'][0]) / ops.maximum(speed, 0.01)
    time = geometry.travel_time(
        ops.where(source, 0.0, geometry.FAR),
        slowness,
        spacing=coarse,
        sweeps=round(TRAVEL / coarse),
    )
    uneven = ops.maximum(1.0 + 0.3 * noises['middle'][0], 0.1)
    return _Fields(
        core=core,
        necrosis=necrosis,
        cavity=cavity,
        uptake=ops.minimum(
            4.0 * (noises['middle'][1] - draw['uptake_above']),
            3.0 * (draw['uptake_below'] - noises['narrow'][2]),
        ),
        oedema=draw['oedema'] * uneven - time,
        imitation=_imitation(half, draw, ventricle, noises),
        blood=_blood(half, draw, cavity, noises),
    )


def _bodies(radius: Any, distances: Any, rough: Any, scale: Any) -> Any:
    """Return the fields of rough ellipsoids, `(F, i, j, k)`."""
    radius = ops.reshape(radius, (-1, 1, 1, 1))
    scale = ops.reshape(ops.maximum(scale, 0.0), (-1, 1, 1, 1))
    return radius - distances - scale * rough


def _imitation(half: geometry.Points, draw: Numbers, ventricle: Any, noises: Numbers) -> Any:
    """Return the field of oedema-like places that are no tumour: a wedge, white-matter spots."""
    away = [half[a] - draw['wedge_apex'][a] for a in range(3)]
    along = sum(part * draw['wedge_axis'][a] for a, part in enumerate(away))
    squared = away[0] ** 2 + away[1] ** 2 + away[2] ** 2
    aside = ops.sqrt(ops.maximum(squared - along**2, 1e-6))
    wedge = ops.minimum(along * draw['wedge_slope'] - aside, draw['wedge_length'] - along)
    wedge = wedge + 2.0 * noises['narrow'][3]
    near = ventricle
    for _ in range(2):
        near = geometry.mean_of_27(near)
    spots = 3.0 * (noises['speckle'][1] + 4.0 * near - draw['spots_above'])
    return ops.maximum(wedge, spots)


def _blood(half: geometry.Points, draw: Numbers, cavity: Any, noises: Numbers) -> Any:
    """Return the field of blood: spots, and a level in the cavity."""
    level = draw['level'][3] + sum(half[a] * draw['level'][a] for a in range(3))
    spots = 3.0 * (noises['speckle'][2] - draw['blood_above'])
    return ops.maximum(spots, ops.minimum(level, cavity + 1.0))


def _compose(fields: _Fields, delay: Any, draw: Numbers) -> Planted:
    """Turn fields into shares, targets and weights of the loss."""
    edge = geometry.sigmoid_edge
    inside = ops.cast(delay < 0.5 * (_FLUID + _OUTSIDE), 'float32')
    cavity = edge(fields.cavity, 1.0) * inside
    body = edge(fields.core, draw['soft_core']) * (1.0 - cavity) * inside
    bleeding = edge(fields.blood, 1.0)
    necrosis = edge(fields.necrosis, 1.5)
    uptake = edge(fields.uptake, 1.5)
    living = body * (1.0 - bleeding)
    rim = living * (1.0 - necrosis)
    shell = edge(ops.minimum(fields.cavity + draw['wall'], draw['wall']), 1.0)
    shell = shell * draw['wall_uptake'] * ops.maximum(inside - cavity - body, 0.0)
    brain = ops.cast(delay < _FLUID, 'float32')
    swelling = edge(ops.maximum(fields.oedema, fields.imitation), draw['soft_oedema']) * brain
    swelling = swelling * (1.0 - cavity - body - shell)
    weights = ops.stack(
        [
            swelling,
            rim * (1.0 - uptake),
            rim * uptake + shell,
            living * necrosis,
            cavity * (1.0 - bleeding),
            (body + cavity) * bleeding,
            ops.zeros_like(body),
        ],
        axis=-1,
    )

    solid = (fields.core > 0.0) & (fields.cavity <= 0.0) & (inside > 0.0)
    around = (fields.oedema > 0.0) & (brain > 0.0) & (fields.cavity <= 0.0)
    bright = solid & (fields.necrosis <= 0.0) & (fields.uptake > 0.0) & (fields.blood <= 0.0)
    whole = solid | around
    counted = 1.0 - draw['ignored']
    targets = ops.cast(ops.stack([whole, solid, bright], axis=-1), 'float32') * counted
    weight = ops.where(ops.abs(fields.cavity) < 2.0, 0.3, 1.0)
    # Where oedema fades, people draw the border differently.
    unsure = (ops.abs(fields.oedema) < 0.3 * draw['soft_oedema']) & ops.logical_not(solid)
    weight = ops.where(unsure & (brain > 0.0), 0.5 * weight, weight)
    imitated = ops.cast(whole | (fields.core > -2.0), 'float32') * draw['ignored']
    return Planted(weights=weights, targets=targets, weight=weight * (1.0 - imitated))
