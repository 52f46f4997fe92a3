# SPDX-License-Identifier: Apache-2.0
"""One head at two visits: its movement is found, its figures tell when not to believe it."""

import dataclasses
import math

import numpy as np
import pytest
from lumpy_head import grid_of, head

from bids_seg import register
from bids_seg.image import Volume
from bids_seg.register import Heads, Rigid, head_to_head, heads, midpoint

GRID = grid_of((60, 72, 60), (3.0, 3.0, 3.2))


def brain(grid, *, matrix=None):
    """Return the inside of the skull of `head`, as a mask."""
    index = np.indices(grid.shape).reshape(3, -1)
    points = grid.affine @ np.vstack([index, np.ones(index.shape[1])])
    if matrix is not None:
        points = np.linalg.inv(matrix) @ points
    inside = (((points[:3].T - (0, 2, 2)) / (62, 80, 68)) ** 2).sum(axis=1) < 1
    return Volume(inside.reshape(grid.shape).astype(np.uint8), grid)


def at(matrix, *, seed=0, masked=True):
    """Return the head at a visit."""
    return Heads(
        image=head(GRID, matrix=matrix, seed=seed),
        brain=brain(GRID, matrix=matrix) if masked else None,
    )


def movement(degrees, shift):
    """Return a rotation about all axes and a shift, mm."""
    each = math.radians(degrees) / math.sqrt(3)
    matrix = register.rotation((each, -each, each), about=np.zeros(3))
    matrix[:3, 3] += shift
    return matrix


@pytest.mark.parametrize(
    ('degrees', 'shift', 'masked'), [(10, (9, -8, 9), True), (4, (-2, 3, 1), False)]
)
def test_a_moved_head_is_brought_back(degrees, shift, masked):
    true = movement(degrees, shift)
    matrix, figures = head_to_head(
        at(true, seed=1, masked=masked), at(None, masked=masked), starts='headers'
    )
    assert register.distance(matrix, true, around=np.zeros(3)) < 0.6
    assert figures.rotation_deg == pytest.approx(degrees, abs=0.4)
    assert figures.disagreement_mm < 1
    assert figures.mutual_information > figures.mutual_information_before
    assert (figures.brain_dice is None) is not masked
    assert figures.brain_dice is None or figures.brain_dice > 0.97


@pytest.mark.parametrize('within', ['brain', 'head'])
def test_masks_judge_a_registration_also_where_they_did_not_lead_it(monkeypatch, within):
    asked = {}

    def rigid(moving, fixed, **how):
        asked.update(how)
        return Rigid(matrix=np.eye(4), metric=0.5, disagreement_mm=0.2)

    monkeypatch.setattr(heads, 'rigid', rigid)
    moving, fixed = at(None, seed=1), at(None)
    lowest = fixed.brain.array.copy()
    lowest[:, :, 12:] = 0
    astray = dataclasses.replace(fixed, brain=Volume(lowest, GRID))
    _, figures = head_to_head(moving, astray, within=within)
    led = (asked['fixed_mask'], asked['moving_mask'])
    assert led == ((astray.brain, moving.brain) if within == 'brain' else (None, None))
    assert figures.brain_dice < 0.85


def test_one_image_twice_lies_on_itself():
    matrix, figures = head_to_head(at(None), at(None), starts='headers')
    assert np.allclose(matrix, np.eye(4), atol=1e-6)
    assert figures.mutual_information == figures.mutual_information_before
    assert figures.brain_dice == 1.0


def test_the_midpoint_lies_between_all_visits():
    ends = [np.eye(4), movement(10, (6, 0, 3))]
    to_first = midpoint(ends, around=np.zeros(3))
    first, second = (end @ to_first for end in ends)
    assert np.allclose(np.linalg.inv(to_first)[:3, 3], [3, 0, 1.5])
    assert np.allclose(first[:3, :3], second[:3, :3].T, atol=1e-6)
    assert math.degrees(math.acos((np.trace(first[:3, :3]) - 1) / 2)) == pytest.approx(
        math.degrees(math.acos((np.trace(ends[1][:3, :3]) - 1) / 2)) / 2, abs=1e-3
    )


def test_the_midpoint_of_one_visit_is_itself():
    assert np.allclose(midpoint([np.eye(4)], around=np.ones(3)), np.eye(4))
