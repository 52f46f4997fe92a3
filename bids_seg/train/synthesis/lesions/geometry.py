# SPDX-License-Identifier: Apache-2.0
"""Shapes in three dimensions, cheap enough to be drawn for every training sample.

Everything smooth lives on a grid of half the resolution and is stretched to the full grid at the
end; stretching is three matrix products with constant matrices. Arrays of several fields have the
field first, `(C, I, J, K)`, so that no product needs a transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

FAR = 99.0
"""Travel time, mm, of a place that was not reached."""

Shape = tuple[int, int, int]
Points = tuple[Any, Any, Any]


def _spline(size: int, spacing: float, step: float, count: int) -> NDArray[np.float32]:
    """Return periodic cubic B-spline weights (size, count) of voxels on control points."""
    place = np.arange(size) * spacing / step
    base = np.floor(place).astype(int)
    t = place - base
    parts = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    out = np.zeros((size, count), np.float32)
    for offset, part in enumerate(parts, start=-1):
        np.add.at(out, (np.arange(size), (base + offset) % count), part / 6)
    return out


def _doubling(size: int) -> NDArray[np.float32]:
    """Return weights (2 size, size) of linear interpolation from cell centres, clamped."""
    place = np.clip((np.arange(2 * size) - 0.5) / 2, 0, size - 1)
    base = np.minimum(place.astype(int), size - 2)
    out = np.zeros((2 * size, size), np.float32)
    rows = np.arange(2 * size)
    out[rows, base] = 1 - (place - base)
    out[rows, base + 1] += place - base
    return out


def _stretch(fields: Any, matrices: list[NDArray[np.float32]]) -> Any:
    """Apply one matrix (out, in) along each spatial axis of (C, i, j, k)."""
    first, second, third = (ops.convert_to_tensor(matrix) for matrix in matrices)
    fields = ops.matmul(fields, ops.transpose(third))
    fields = ops.matmul(second, fields)
    channels, i, j, k = fields.shape
    flat = ops.matmul(first, ops.reshape(fields, (channels, i, j * k)))
    return ops.reshape(flat, (channels, first.shape[0], j, k))


def smooth_noise(controls: Any, shape: Shape, *, spacing: float, step: float) -> Any:
    """Return smooth noises of SD 1 and wavelength about three steps.

    Parameters
    ----------
    controls
        Independent numbers of SD 1, `(C, n, n, n)`. The noise repeats itself after `n` steps.
    shape
        Sides of the grid asked for.
    spacing
        Its voxel size, mm.
    step
        Distance of the control points, mm.

    Returns
    -------
    noises
        `(C, I, J, K)`. Cubic B-splines, whose variance hardly depends on the place between the
        control points (Unser 1999, doi:10.1109/79.799930, gives the basis).
    """
    count = controls.shape[-1]
    matrices = [_spline(size, spacing, step, count) for size in shape]
    # The mean over places of the sum of squared weights: 151/315 along each axis.
    scale = (315 / 151) ** 0.5
    return _stretch(controls, [matrix * scale for matrix in matrices])


def doubled(fields: Any) -> Any:
    """Stretch fields `(C, i, j, k)` of the half grid linearly to `(C, 2i, 2j, 2k)`."""
    return _stretch(fields, [_doubling(size) for size in fields.shape[1:]])


def axes(points: Any) -> Points:
    """Return R, A and S of positions given as `(I, J, K, 3)` or as three arrays already."""
    if isinstance(points, (tuple, list)):
        return points[0], points[1], points[2]
    return points[..., 0], points[..., 1], points[..., 2]


def like(fields: Any, points: Any) -> Any:
    """Return three fields `(3, I, J, K)` in the form in which positions were given."""
    if isinstance(points, (tuple, list)):
        return fields[0], fields[1], fields[2]
    return ops.transpose(fields, (1, 2, 3, 0))


def half_points(points: Points) -> Points:
    """Return the positions of the centres of blocks of 2x2x2 voxels, three times `(i, j, k)`."""
    x, y, z = (0.5 * (p[0::2, 0::2, 0::2] + p[1::2, 1::2, 1::2]) for p in points)
    return x, y, z


def half_fractions(labels: Any, tables: Any) -> list[Any]:
    """Return the mean of looked-up numbers over blocks of 2x2x2 voxels.

    Parameters
    ----------
    labels
        Tissue indices `(I, J, K)`, even sides.
    tables
        Numbers by tissue, `(C, T)`.

    Returns
    -------
    means
        `C` arrays `(I/2, J/2, K/2)`.
    """
    columns = ops.transpose(ops.convert_to_tensor(tables)) / 8.0
    total = None
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                part = ops.take(columns, labels[a::2, b::2, c::2], axis=0)
                total = part if total is None else total + part
    return list(ops.unstack(total, axis=-1))


def distances(points: Points, centres: Any, matrices: Any) -> Any:
    """Return the distance to each of several centres, in a stretched metric.

    Parameters
    ----------
    points
        R, A and S of the positions, `(i, j, k)` each, mm.
    centres
        `(F, 3)`, mm.
    matrices
        `(F, 3, 3)`: the metric is the length of `matrix @ (point - centre)`.

    Returns
    -------
    distances
        `(F, i, j, k)`, mm.
    """
    shape = points[0].shape
    # Coordinates relative to the first centre: squares of small numbers keep their digits.
    x, y, z = (ops.reshape(p, (-1,)) - centres[0, a] for a, p in enumerate(points))
    terms = ops.stack([x * x, y * y, z * z, x * y, x * z, y * z, x, y, z, ops.ones_like(x)])
    form = ops.matmul(ops.transpose(matrices, (0, 2, 1)), matrices)
    shifted = ops.expand_dims(centres - centres[0], -1)
    linear = -2.0 * ops.matmul(form, shifted)[..., 0]
    constant = ops.matmul(ops.transpose(shifted, (0, 2, 1)), ops.matmul(form, shifted))[..., 0]
    squares = ops.stack([form[:, 0, 0], form[:, 1, 1], form[:, 2, 2]], axis=1)
    mixed = 2.0 * ops.stack([form[:, 0, 1], form[:, 0, 2], form[:, 1, 2]], axis=1)
    weights = ops.concatenate([squares, mixed, linear, constant], axis=1)
    squared = ops.matmul(weights, terms)
    return ops.reshape(ops.sqrt(ops.maximum(squared, 1e-6)), (-1, *shape))


def _beside(values: Any, axis: int, outside: float) -> Any:
    """Return the lower one of the two neighbours along an axis."""
    width = [(1, 1) if a == axis else (0, 0) for a in range(3)]
    padded = ops.pad(values, width, constant_values=outside)
    size = values.shape[axis]
    before: list[slice] = [slice(None)] * 3
    after: list[slice] = [slice(None)] * 3
    before[axis], after[axis] = slice(0, size), slice(2, size + 2)
    return ops.minimum(padded[tuple(before)], padded[tuple(after)])


def travel_time(start: Any, slowness: Any, *, spacing: float, sweeps: int) -> Any:
    """Return the shortest travel time from `start` over the 26 neighbours of each voxel.

    Solves `t(x) = min(start(x), min over neighbours y of t(y) + |x - y| slowness(x))` as far as
    `sweeps` steps reach.

    Parameters
    ----------
    start
        Times `(i, j, k)` that are known from the beginning, mm; `FAR` elsewhere.
    slowness
        Time that one mm takes at each voxel, `(i, j, k)`, >= 0; where it is huge there is a wall.
    spacing
        Voxel size, mm.
    sweeps
        Number of steps.

    Returns
    -------
    times
        `(i, j, k)`, mm at speed 1, at most `FAR`.
    """
    time = start
    cost = slowness * spacing
    edge, corner = cost * 2**0.5, cost * 3**0.5
    for _ in range(sweeps):
        a = _beside(time, 0, FAR)
        b = _beside(time, 1, FAR)
        c = _beside(time, 2, FAR)
        ab = _beside(a, 1, FAR)
        ac = _beside(a, 2, FAR)
        bc = _beside(b, 2, FAR)
        abc = _beside(ab, 2, FAR)
        faces = ops.minimum(ops.minimum(a, b), c) + cost
        edges = ops.minimum(ops.minimum(ab, ac), bc) + edge
        time = ops.minimum(ops.minimum(time, faces), ops.minimum(edges, abc + corner))
    return time


def spread(fields: Any) -> Any:
    """Return the highest value among each voxel `(i, j, k)` >= 0 and its 26 neighbours."""
    out = -fields
    for axis in range(3):
        out = ops.minimum(out, _beside(out, axis, 0.0))
    return -out


def reached(seeds: Any, free: Any, *, sweeps: int) -> Any:
    """Return which free voxels hang together with a seed.

    Parameters
    ----------
    seeds, free
        0 or 1, `(i, j, k)`.
    sweeps
        Number of voxels that the connection may be long.

    Returns
    -------
    connected
        0 or 1, `(i, j, k)`.
    """
    out = seeds * free
    for _ in range(sweeps):
        out = spread(out) * free
    return out


def mean_of_27(values: Any) -> Any:
    """Return the mean of each voxel `(I, J, K)` and its 26 neighbours, 0 outside."""
    for axis in range(3):
        width = [(1, 1) if a == axis else (0, 0) for a in range(3)]
        padded = ops.pad(values, width)
        size = values.shape[axis]
        parts: list[Any] = []
        for offset in range(3):
            place: list[slice] = [slice(None)] * 3
            place[axis] = slice(offset, size + offset)
            parts.append(padded[tuple(place)])
        values = parts[0] + parts[1] + parts[2]
    return values / 27.0


def interpolated(grid: Any, points: Points, *, pitch: float) -> Any:
    """Return a grid's values at positions, linearly interpolated and clamped at its ends.

    Parameters
    ----------
    grid
        `(a, b, c)`; its array's centre is the origin.
    points
        R, A and S of the positions, mm.
    pitch
        Distance of its nodes, mm.
    """
    low, part = [], []
    for place, size in zip(points, grid.shape, strict=True):
        node = ops.clip(place / pitch + (size - 1) / 2, 0.0, size - 1.001)
        low.append(ops.floor(node))
        part.append(node - low[-1])
    _, b, c = grid.shape
    first = ops.cast((low[0] * b + low[1]) * c + low[2], 'int32')
    flat = ops.reshape(grid, (-1,))

    def along(axis: int, start: int) -> Any:
        """Interpolate along the axes from `axis` on, `start` nodes beyond the lowest corner."""
        if axis == 3:
            return ops.take(flat, first + start)
        here = along(axis + 1, start)
        return here + part[axis] * (along(axis + 1, start + (b * c, c, 1)[axis]) - here)

    return along(0, 0)


def sigmoid_edge(field: Any, width: Any) -> Any:
    """Return 0..1 across the border `field = 0`; 10 % to 90 % lie `width` mm apart."""
    return ops.sigmoid(field * (4.394 / width))
