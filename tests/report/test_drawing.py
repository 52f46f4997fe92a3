# SPDX-License-Identifier: Apache-2.0
"""Pictures, outlines and lines."""

import re
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from painted_output import oblique

from bids_seg.records import Tissue
from bids_seg.report import drawing
from bids_seg.report.drawing import Panel
from bids_seg.report.view import Plane
from bids_seg.report.wording import REGIONS


def area(data):
    """The area that a path encloses, by even and odd."""
    total = 0.0
    for ring in data.split('M')[1:]:
        points = np.array([[float(v) for v in p.split()] for p in ring.rstrip('Z').split('L')])
        x, y = points.T
        total += 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
    return abs(total)


@given(hnp.arrays(bool, (5, 6)))
def test_an_outline_encloses_its_mask_but_for_cut_corners(mask):
    data = drawing.outline(mask, (2.0, 3.0))
    assert (data == '') == (not mask.any())
    assert abs(area(data) - mask.sum() * 6.0) <= mask.sum() * 6.0 / 2 + 1e-6 if data else True


def test_an_outline_has_no_points_on_straight_runs():
    mask = np.zeros((12, 13), bool)
    mask[2:10, 3:11] = True
    assert drawing.outline(mask, (1.0, 1.0)).count('L') == 7


def test_a_mask_at_the_edge_of_a_slice_is_closed():
    data = drawing.outline(np.ones((3, 4), bool), (1.0, 1.0))
    assert data.endswith('Z')
    assert area(data) == 12 - 0.5


@pytest.mark.parametrize('region', [*REGIONS, *get_args(Tissue)])
def test_every_region_and_tissue_has_a_line(region):
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2:5] = True
    drawn = drawing.outlines([(region, mask)], (1.0, 1.0))
    ((colour, pattern, name),) = drawing.legend([region])
    assert f'stroke="{colour}"' in drawn
    assert (f'dasharray="{pattern}"' in drawn) == bool(pattern)
    assert name.startswith(region)


@given(st.floats(0, 3), st.floats(0.1, 3))
def test_ticks_stand_at_right_angles_to_the_line(x, y):
    drawn = drawing.diameter((0, 0), (10 * x, 10 * y), tick=2)
    lines = re.findall(r'M([-\d.]+) ([-\d.]+)L([-\d.]+) ([-\d.]+)', drawn)[:3]
    (main, tick, _) = (np.array(line, float) for line in lines)
    along, across = main[2:] - main[:2], tick[2:] - tick[:2]
    assert abs(along @ across) < 0.02 * np.hypot(*along)
    assert abs(np.hypot(*across) - 2) < 0.03


def test_a_slice_measures_what_it_measures_in_the_patient():
    grid = oblique()
    array = np.random.default_rng(1).integers(0, 255, grid.shape).astype(np.uint8)
    panel = drawing.whole(array, Plane(direction='coronal', index=3), grid)
    assert np.isclose(panel.width, 62 * 1.9)
    assert np.isclose(panel.height, 41 * 3.1)
    assert f'width="{62 * 1.9:.2f}" height="{41 * 3.1:.2f}"' in panel.image
    assert panel.ends == ('R', 'L')


def test_a_picture_that_occurs_twice_is_stored_once():
    panel = Panel(width=10, height=20, image='<image href="data:x"/>', marks='<path d="M0 0"/>')
    svg = drawing.compose([[drawing.plain(panel), panel]], name='n', alt='3 < 4 "mm"')
    root = ElementTree.fromstring(svg)  # noqa: S314 made here
    assert svg.count('<image') == 1
    assert svg.count('<use') == 2
    assert svg.count('<path') == 1
    assert root.attrib['aria-label'] == '3 < 4 "mm"'


def test_every_row_is_as_wide_as_the_figure():
    wide, tall = (Panel(width=w, height=h, image='<image/>') for w, h in ((40, 10), (10, 30)))
    svg = drawing.compose([[wide, tall], [tall]], name='n', alt='a')
    inner = [float(w) for w in re.findall(r'<svg width="([\d.]+)"', svg)]
    assert np.isclose(inner[0] + drawing.GAP + inner[1], drawing.FIGURE_WIDTH, atol=0.2)
    assert np.isclose(inner[2], drawing.FIGURE_WIDTH, atol=0.2)
