# SPDX-License-Identifier: Apache-2.0
"""Digitised bodies for tests: a voxel is inside where its centre is."""

import numpy as np


def ellipsoid(semi, spacing=(1.0, 1.0, 1.0)):
    """An ellipsoid around a voxel centre, half axes in mm."""
    counts = [int(np.ceil(a / step)) + 1 for a, step in zip(semi, spacing, strict=True)]
    axes = [np.arange(-n, n + 1) * step for n, step in zip(counts, spacing, strict=True)]
    grids = np.meshgrid(*axes, indexing='ij')
    return sum((x / a) ** 2 for x, a in zip(grids, semi, strict=True)) <= 1 + 1e-12


def ball(radius, spacing=(1.0, 1.0, 1.0)):
    """A sphere around a voxel centre."""
    return ellipsoid((radius, radius, radius), spacing)


def shell(inner, outer):
    """A spherical shell, and the hole in it."""
    whole, hole = ball(outer), np.zeros_like(ball(outer))
    core = ball(inner)
    start = [(a - b) // 2 for a, b in zip(whole.shape, core.shape, strict=True)]
    window = tuple(slice(s, s + n) for s, n in zip(start, core.shape, strict=True))
    hole[window] = core
    return whole & ~hole, hole


def tilted_bar():
    """A bar of 20 x 4 mm turned by 45 degrees, three slices."""
    x, y = np.mgrid[-15:16, -15:16]
    inside = (abs(x + y) / np.sqrt(2) <= 10) & (abs(y - x) / np.sqrt(2) <= 2)
    return np.repeat(inside[..., None], 3, axis=2)


def corner():
    """An L of arms of 20 mm, 6 mm wide, three slices."""
    mask = np.zeros((20, 20, 3), dtype=bool)
    mask[:6] = mask[:, :6] = True
    return mask


def chain(width):
    """Ten voxels along a diagonal, each followed by so many of its row."""
    mask = np.zeros((14, 14, 1), dtype=bool)
    for index in range(10):
        mask[index, index : index + width] = True
    return mask


def cleft():
    """A block of 20 x 5, one row emptied but for its first voxel."""
    mask = np.ones((20, 5, 1), dtype=bool)
    mask[9, 1:] = False
    return mask


def dumb_bell():
    """Two discs of 9 mm over seven slices, a bar between them in one more slice."""
    mask = np.zeros((30, 14, 8), dtype=bool)
    x, y = np.mgrid[:30, :14]
    for centre in (6, 22):
        mask[..., :7] |= ((x - centre) ** 2 + (y - 6) ** 2 <= 4.5**2)[..., None]
    mask[5:24, 5:8, 7] = True
    return mask


def box(*sides):
    """A cuboid."""
    return np.ones(sides, dtype=bool)
