# SPDX-License-Identifier: Apache-2.0
"""Squares in 8 bits: where they are cut, how bright they are, and the way back."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

from bids_seg.image import Grid, Volume
from bids_seg.segment import films
from bids_seg.segment.system import Scene


@needs_cases
@pytest.mark.parametrize(('task', 'name'), [('brain', 'skull'), ('abnormality', 'flair')])
def test_grey_levels_are_those_of_the_original(task, name):
    case = np.load(CASES / 'budakeras' / 'matlab_preprocess.npz')
    stack = np.maximum(case[f'{name}_in'], 0)
    window = films.levels(stack, task)
    for field in ('minimum', 'peak', 'maximum', 'start'):
        assert getattr(window, field) == pytest.approx(float(case[f'{name}_{field}']), abs=1e-9)
    assert np.array_equal(films.to_bytes(stack, window), case[f'{name}_out'])


def tissue(shape=(6, 40, 48), low=1, peak=120):
    """Return a stack of background below `low` and a bright heap, whole numbers."""
    rng = np.random.default_rng(3)
    stack = rng.integers(0, low, size=shape).astype(float)
    stack[:, 8:32, 10:40] = np.round(rng.normal(peak, 12, size=(shape[0], 24, 30)))
    return stack


@pytest.mark.parametrize(('task', 'low'), [('brain', 10), ('abnormality', 1)])
def test_the_peak_of_tissue_becomes_100_and_white_lies_beyond_it(task, low):
    stack = tissue(low=low)
    window = films.levels(stack, task)
    assert 110 < window.peak < 130
    assert window.maximum == pytest.approx(window.minimum + 2.55 * (window.peak - window.minimum))
    assert films.to_bytes(np.array([window.peak]), window)[0] == 100


@pytest.mark.parametrize('task', ['brain', 'abnormality'])
@pytest.mark.parametrize('value', [0.0, 7.0])
def test_an_image_of_one_value_has_nothing_to_show(task, value):
    stack = np.full((3, 10, 12), value)
    assert not films.to_bytes(stack, films.levels(stack, task)).any()


def test_a_histogram_without_five_rises_is_searched_from_the_median_on():
    stack = np.repeat([0.0, 10.0, 20.0, 30.0], [5, 3, 9, 4])
    window = films.levels(stack, 'brain')
    assert (window.start, window.peak) == (11, 28.0)


@pytest.mark.parametrize(
    ('rows', 'columns', 'top', 'left', 'early'),
    [(256, 256, 0, 0, (0, 0)), (256, 300, 0, 22, (0, 21)), (512, 512, 0, 0, (0, 0)),
     (240, 200, 26, 0, (25, 0)), (257, 256, 0, 0, (0, 0)), (258, 256, 1, 0, (0, 0))],
)  # fmt: skip
def test_the_square_lies_in_the_middle_and_in_the_original_one_pixel_early(
    rows, columns, top, left, early
):
    place = films.frame(rows, columns)
    assert (place.top, place.left) == (top, left)
    place = films.frame(rows, columns, parity=True)
    assert (place.top, place.left) == early


def blob(rows, columns, at, width):
    row, column = np.ogrid[:rows, :columns]
    return np.exp(-((row - at[0]) ** 2 + (column - at[1]) ** 2) / (2 * width**2))


@pytest.mark.parametrize('parity', [False, True])
@pytest.mark.parametrize(('rows', 'columns'), [(256, 300), (100, 121), (280, 310), (256, 256)])
def test_what_is_cut_comes_back_to_its_place(rows, columns, parity):
    stack = blob(rows, columns, (0.55 * rows, 0.4 * columns), rows / 12)[None].astype(np.float32)
    place = films.frame(rows, columns, parity=parity)
    squares = films.cut(stack, place)
    assert squares.shape == (1, 256, 256)
    back = films.restore(squares, place)
    assert back.shape == stack.shape
    np.testing.assert_allclose(back, stack, atol=0.01)


def test_beyond_the_square_nothing_is_said():
    place = films.frame(256, 300)
    back = films.restore(np.ones((1, 256, 256), np.float32), place)[0]
    assert back.all(axis=0).tolist() == [22 <= column < 278 for column in range(300)]


@pytest.mark.parametrize('where', [(10, 100), (290, 100)])
def test_a_brain_beyond_the_square_is_told(where):
    place = films.frame(256, 300)
    mask = np.zeros((300, 256, 3), dtype=bool)
    mask[100:200, 50:200] = True
    grid = Grid(mask.shape, np.eye(4))
    assert films.cut_off(Volume(mask.astype(np.uint8), grid), place) == ()
    assert films.cut_off(None, place) == ()
    assert not films.reaches(mask, place)
    mask[min(where[0], 150) : max(where[0], 150), where[1] : where[1] + 60] = True
    assert films.reaches(mask, place)
    share = films.outside(mask, place)
    assert 0.02 < share < 0.06
    (said,) = films.cut_off(Volume(mask.astype(np.uint8), grid), place)
    assert said.startswith(f'{100 * share:.0f} % of the brain lies outside')


def test_a_brain_at_the_edge_of_the_image_itself_is_not_cut():
    whole = np.ones((256, 256, 2), dtype=bool)
    assert not films.reaches(whole, films.frame(256, 256))
    assert films.outside(whole, films.frame(256, 256)) == 0


def test_an_image_scaled_to_one_shows_what_it_showed_before():
    head = np.transpose(tissue((6, 60, 64)), (2, 1, 0))
    whole, scaled = films.film(head, 'abnormality'), films.film(head / 1000, 'abnormality')
    assert np.abs(whole.astype(int) - scaled).max() < 20
    assert films.film(head / 1000, 'abnormality', parity=True).max() == 0
    bright = films.film(head * 1e9, 'abnormality')
    assert np.abs(whole.astype(int) - bright).max() < 20


def test_flair_stands_in_for_what_is_missing():
    grid = Grid((64, 60, 6), np.diag([1.0, 1.0, 3.0, 1.0]))
    head = np.transpose(tissue((6, 60, 64)), (2, 1, 0))
    images = {'FLAIR': Volume(head, grid), 'T1wCE': Volume(head[::-1].copy(), grid)}
    channels, roles = films.sequences(Scene(images=images, reference='FLAIR', brain=None))
    assert roles == ('FLAIR', 'T1wCE')
    assert channels.shape == (6, 256, 256, 3)
    assert np.array_equal(channels[..., 0], channels[..., 1])
    assert np.array_equal(channels[..., 2], films.film(head[::-1], 'abnormality'))


def test_what_is_no_brain_is_black_in_images_of_an_abnormality():
    grid = Grid((64, 60, 6), np.diag([1.0, 1.0, 3.0, 1.0]))
    head = np.transpose(tissue((6, 60, 64), low=30), (2, 1, 0))
    inside = np.zeros(grid.shape, np.uint8)
    inside[12:38, 30:50] = 1
    images = {'FLAIR': Volume(head, grid)}
    brain = Volume(inside, grid)
    channels, _ = films.sequences(Scene(images=images, reference='FLAIR', brain=brain))
    assert np.array_equal(channels[..., 1], films.film(head * inside, 'abnormality'))
    assert not channels[:, :20].any()
    assert channels.max() > 90


def test_the_mirror_image_of_a_head_is_the_mirror_image_of_its_squares():
    head = np.transpose(tissue((6, 256, 256)), (2, 1, 0)) + np.arange(256)[:, None, None]
    plain, mirrored = films.film(head, 'brain'), films.film(head[::-1], 'brain')
    assert np.array_equal(mirrored, plain[:, :, ::-1])
