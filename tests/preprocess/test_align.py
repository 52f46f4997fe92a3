# SPDX-License-Identifier: Apache-2.0
"""Alignment of a visit's images says how it came about, and when it failed."""

from __future__ import annotations

import numpy as np
import pytest

from bids_seg import register
from bids_seg.image import Grid, Volume
from bids_seg.preprocess import align as module
from bids_seg.preprocess.align import align
from bids_seg.register import Rigid

ROLES = ('T2w', 'T1w')


def painted(grid, *, inverted=False, seed=0):
    """Return a head of lumps, no two alike, in one of two contrasts."""
    lumps = np.random.default_rng(7)
    points = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    values = np.zeros(grid.shape)
    for index in range(36):
        radii = (68, 82, 74) if index == 0 else lumps.uniform(8, 20, 3)
        middle = np.zeros(3) if index == 0 else lumps.uniform(-42, 42, 3)
        plain, inverse = ((100, 100), (40, 190), (180, 50))[0 if index == 0 else 1 + index % 2]
        inside = (((points - middle) / radii) ** 2).sum(axis=-1) < 1
        values[inside] = inverse if inverted else plain
    noise = np.random.default_rng(seed).normal(0, 4, grid.shape)
    return Volume((values + noise).astype(np.float32), grid)


def centred(shape, spacing):
    """Return a grid around the origin."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


@pytest.fixture(scope='module')
def fixed():
    return painted(centred((51, 61, 55), (3.0, 3.0, 3.0)))


def test_one_grid_and_agreement_is_identity(fixed):
    found = align(painted(fixed.grid, inverted=True, seed=1), fixed, roles=ROLES)
    assert found.alignment.method == 'identity'
    assert found.alignment.accepted
    assert found.alignment.disagreement_mm is None
    assert np.array_equal(found.matrix, np.eye(4))


def test_one_grid_but_a_head_that_moved_is_registered(fixed):
    known = register.rotation((0.03, 0.0, 0.05), about=np.zeros(3))
    known[:3, 3] += (4.0, 0.0, -3.0)
    still = painted(centred((55, 63, 57), (2.8, 2.9, 3.0)), inverted=True, seed=2)
    carried = register.moved(still, np.linalg.inv(known))
    found = align(carried, fixed, roles=ROLES)
    alignment = found.alignment
    assert alignment.method == 'rigid'
    assert alignment.accepted
    assert register.distance(found.matrix, known, around=np.zeros(3)) < 0.7
    assert alignment.mutual_information > alignment.mutual_information_before
    assert alignment.translation_mm == pytest.approx(5.0, abs=0.5)


def registration_that_ran_away(moving, fixed, **_):
    """Pretend that both directions ended in different places."""
    matrix = np.eye(4)
    matrix[0, 3] = 40.0
    return Rigid(matrix=matrix, metric=0.1, disagreement_mm=23.0)


def test_a_failed_registration_falls_back_on_headers_that_agree(fixed, monkeypatch):
    monkeypatch.setattr(module.register, 'rigid', registration_that_ran_away)
    moving = painted(centred((55, 63, 57), (2.8, 2.9, 3.0)), inverted=True, seed=3)
    found = align(moving, fixed, roles=ROLES)
    assert (found.alignment.method, found.alignment.accepted) == ('header', True)
    assert 'differ by 23.0 mm' in found.alignment.note
    assert np.array_equal(found.matrix, np.eye(4))


def test_an_image_that_agrees_nowhere_is_refused_with_the_reason(fixed, monkeypatch):
    monkeypatch.setattr(module.register, 'rigid', registration_that_ran_away)
    noise = np.random.default_rng(4).normal(size=(50, 60, 54)).astype(np.float32)
    found = align(Volume(noise, centred(noise.shape, (3.0, 3.0, 3.1))), fixed, roles=ROLES)
    assert (found.alignment.method, found.alignment.accepted) == ('header', False)
    assert 'left out' in found.alignment.note


def test_a_fit_that_is_no_better_than_beside_it_is_not_believed(fixed, monkeypatch):
    def agreeing(moving, fixed, **_):
        return Rigid(matrix=np.eye(4), metric=0.1, disagreement_mm=0.1)

    monkeypatch.setattr(module.register, 'rigid', agreeing)
    noise = np.random.default_rng(5).normal(size=(50, 60, 54)).astype(np.float32)
    found = align(Volume(noise, centred(noise.shape, (3.0, 3.0, 3.1))), fixed, roles=ROLES)
    assert not found.alignment.accepted


def test_a_failed_first_attempt_is_followed_by_many_starts(fixed, monkeypatch):
    asked = []

    def second_time_lucky(moving, fixed, *, starts, **_):
        asked.append(starts)
        far = 9.0 if starts == 'headers' else 0.1
        return Rigid(matrix=np.eye(4), metric=0.5, disagreement_mm=far)

    monkeypatch.setattr(module.register, 'rigid', second_time_lucky)
    moving = painted(centred((55, 63, 57), (2.8, 2.9, 3.0)), inverted=True, seed=6)
    found = align(moving, fixed, roles=ROLES)
    assert asked == ['headers', 'many']
    assert found.alignment.method == 'rigid'
