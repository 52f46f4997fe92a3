# SPDX-License-Identifier: Apache-2.0
"""Any NIfTI comes into RAS+ order and back to its own, or is refused with its cause."""

import gzip
import itertools

import nibabel as nb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel import orientations

from bids_seg import image
from bids_seg.errors import ImageError

SHAPE = (5, 6, 7)
SPACING = (0.9, 1.1, 5.5)
CODES = [
    ''.join(code)
    for axes in itertools.permutations(['LR', 'PA', 'IS'])
    for code in itertools.product(*axes)
]


def oblique(spacing=SPACING, angles=(0.2, -0.1, 0.3)):
    x, y, z = angles
    turns = [
        [[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]],
        [[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]],
        [[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]],
    ]
    affine = np.eye(4)
    affine[:3, :3] = np.array(turns[0]) @ turns[1] @ turns[2] @ np.diag(spacing)
    affine[:3, 3] = [-30.5, 12.25, 40]
    return affine


def stored_as(code, affine, array):
    """Return array and affine of the same picture along other stored axes."""
    turn = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.axcodes2ornt(tuple(code))
    )
    turned = orientations.apply_orientation(array, turn)
    return turned, affine @ orientations.inv_ornt_aff(turn, array.shape)


def picture(shape=SHAPE):
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


def write(path, array, affine, *, sform=1, qform=1, kind=nb.Nifti1Image):
    made = kind(array, affine, dtype=array.dtype)
    made.set_sform(affine, sform)
    made.set_qform(affine, qform)
    nb.save(made, path)
    return path


def patched(path, **fields):
    """Change fields of a stored header without nibabel's mending."""
    content = bytearray(path.read_bytes())
    header = nb.Nifti1Header(bytes(content[:348]), check=False)
    for key, value in fields.items():
        header[key] = value
    content[:348] = header.binaryblock
    path.write_bytes(bytes(content))
    return path


@pytest.fixture
def good(tmp_path):
    return write(tmp_path / 'good.nii', picture(), oblique())


def refused(path, *words, read=image.read_header):
    with pytest.raises(ImageError) as caught:
        read(path)
    assert caught.value.where == str(path)
    assert caught.value.do
    for word in words:
        assert word in caught.value.what, caught.value.what


@pytest.mark.parametrize('code', CODES)
def test_every_orientation_is_read_into_ras_and_written_back_as_it_was(tmp_path, code):
    array, affine = stored_as(code, oblique(), picture())
    path = write(tmp_path / 'in.nii.gz', array, affine)
    volume, notes = image.read(path)
    assert notes == ()
    assert np.array_equal(volume.array, picture())
    assert np.allclose(volume.grid.affine, oblique(), atol=1e-4)
    assert np.allclose(volume.grid.spacing, SPACING, atol=1e-5)
    assert volume.grid.voxel_mm3 == pytest.approx(0.9 * 1.1 * 5.5, rel=1e-5)
    image.save(volume, tmp_path / 'out.nii.gz')
    before, after = nb.load(path), nb.load(tmp_path / 'out.nii.gz')
    assert np.array_equal(before.affine, after.affine)
    assert np.array_equal(np.asarray(before.dataobj), np.asarray(after.dataobj))
    assert after.header['sform_code'] == after.header['qform_code'] == 1


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(CODES),
    st.tuples(*[st.floats(-0.35, 0.35)] * 3),
    st.tuples(*[st.floats(0.3, 7)] * 3),
    st.tuples(*[st.integers(2, 9)] * 3),
)
def test_a_voxel_keeps_its_place_in_the_scanner(code, angles, spacing, shape):
    array, affine = stored_as(code, oblique(spacing, angles), picture(shape))
    volume = image.from_stored(array, image.Grid(array.shape, affine))
    index = np.unravel_index(int(np.argmax(volume.array)), volume.array.shape)
    stored = np.unravel_index(int(np.argmax(array)), array.shape)
    assert np.allclose(volume.grid.affine @ [*index, 1], affine @ [*stored, 1])
    assert np.array_equal(image.to_stored(volume), array)
    assert orientations.aff2axcodes(volume.grid.affine) == ('R', 'A', 'S')


def test_left_handed_and_right_handed_files_give_the_same_volume(tmp_path):
    las, ras = (
        image.read(write(tmp_path / f'{code}.nii', *stored_as(code, oblique(), picture())))[0]
        for code in ('LAS', 'RAS')
    )
    assert np.array_equal(las.array, ras.array)
    assert las.grid.same(ras.grid, tolerance_mm=1e-3)


def test_the_qform_serves_where_there_is_no_sform(tmp_path):
    path = write(tmp_path / 'q.nii', picture(), oblique(), sform=0, qform=2)
    header = image.read_header(path)
    assert header.grid.code == 2
    assert np.allclose(header.grid.stored_affine, oblique(), atol=1e-4)


def test_without_sform_and_qform_left_and_right_are_unknown(tmp_path):
    path = write(tmp_path / 'none.nii', picture(), oblique(), sform=0, qform=0)
    refused(path, 'no orientation', 'left and right')


@pytest.mark.parametrize(('shift', 'told'), [(0.05, False), (0.3, True)])
def test_forms_that_differ_are_told_with_the_distance(tmp_path, shift, told):
    made = nb.Nifti1Image(picture(), oblique())
    made.set_sform(oblique(), 1)
    moved = oblique()
    moved[0, 3] += shift
    made.set_qform(moved, 1)
    nb.save(made, tmp_path / 'apart.nii')
    header = image.read_header(tmp_path / 'apart.nii')
    assert bool(header.warnings) is told
    assert np.allclose(header.grid.stored_affine, oblique(), atol=1e-4)
    if told:
        assert '0.3 mm' in header.warnings[0]


def test_forms_that_differ_by_a_small_angle_are_told_in_a_small_image(tmp_path):
    made = nb.Nifti1Image(picture((2, 3, 4)), oblique((1, 1, 1)))
    made.set_sform(oblique((1, 1, 1)), 1)
    made.set_qform(oblique((1, 1, 1), (0.2, -0.1, 0.304)), 1)
    nb.save(made, tmp_path / 'turned.nii')
    (note,) = image.read_header(tmp_path / 'turned.nii').warnings
    assert '0.2 degrees' in note


def test_a_zero_sform_is_refused_though_its_code_is_set(good):
    rows = {f'srow_{axis}': [0, 0, 0, 0] for axis in 'xyz'}
    refused(patched(good, **rows), 'singular')


def test_a_sheared_sform_is_refused(tmp_path):
    sheared = oblique()
    sheared[:3, 0] += 0.2 * sheared[:3, 1]
    made = nb.Nifti1Image(picture(), sheared)
    made.set_sform(sheared, 1)
    nb.save(made, tmp_path / 'sheared.nii')
    refused(tmp_path / 'sheared.nii', 'degrees off a right angle')


@pytest.mark.parametrize('value', [0.0, np.nan, np.inf])
def test_a_voxel_size_that_is_no_length_is_refused(good, value):
    refused(patched(good, pixdim=[1, 0.9, value, 5.5, 1, 1, 1, 1]), 'voxel size')


def test_a_negative_voxel_size_is_told_and_taken_as_positive(good):
    header = image.read_header(patched(good, pixdim=[1, 0.9, -1.1, 5.5, 1, 1, 1, 1]))
    assert 'negative voxel size 0.9 x -1.1 x 5.5 mm' in header.warnings[0]
    assert header.grid.spacing == pytest.approx(SPACING, rel=1e-5)


def test_voxel_sizes_of_compressed_and_nifti2_files_are_read_raw_too(tmp_path, good):
    packed = tmp_path / 'packed.nii.gz'
    packed.write_bytes(
        gzip.compress(patched(good, pixdim=[1, 0, 1.1, 5.5, 1, 1, 1, 1]).read_bytes())
    )
    refused(packed, 'voxel size')
    second = write(tmp_path / 'second.nii', picture(), oblique(), kind=nb.Nifti2Image)
    assert image.read_header(second).warnings == ()


@pytest.mark.parametrize('spacing', [(0.1, 1, 1), (1, 1, 8.5)])
def test_spacing_outside_of_the_accepted_range_is_refused(tmp_path, spacing):
    refused(write(tmp_path / 'far.nii', picture(), np.diag([*spacing, 1])), '0.2 to 8.0 mm')


@pytest.mark.parametrize(
    'dtype',
    ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8', 'f4', 'f8', '>i2', '>f4', '>f8'],
)
def test_every_numeric_type_is_read(tmp_path, dtype):
    array = picture((3, 4, 5)).astype(dtype)
    made = nb.Nifti1Image(array, oblique(), dtype=array.dtype)
    if dtype.startswith('>'):
        made = nb.Nifti1Image(array, oblique(), nb.Nifti1Header(endianness='>'))
        made.set_data_dtype(np.dtype(dtype))
    made.set_sform(oblique(), 1)
    nb.save(made, tmp_path / 'typed.nii')
    volume, _ = image.read(tmp_path / 'typed.nii')
    assert volume.array.dtype == np.float32
    assert np.array_equal(volume.array, picture((3, 4, 5)))


@pytest.mark.parametrize(
    ('slope', 'expected'), [(2.0, 2.0), (0.0, 1.0), (np.nan, 1.0), (np.inf, 1.0)]
)
def test_a_slope_scales_and_one_that_is_no_number_does_not(tmp_path, slope, expected):
    path = write(tmp_path / 'scaled.nii', picture().astype(np.int16), oblique())
    volume, _ = image.read(patched(path, scl_slope=slope, scl_inter=0))
    assert np.allclose(volume.array, picture() * expected)


def test_voxels_that_are_not_finite_are_counted_and_set_to_0(tmp_path):
    array = picture().astype(np.float64)
    array[0, 0, :3] = [np.nan, np.inf, 1e300]
    volume, notes = image.read(write(tmp_path / 'nan.nii', array, np.diag([*SPACING, 1])))
    assert notes == ('3 voxels are not finite and were set to 0',)
    assert np.array_equal(volume.array[0, 0, :4], [0, 0, 0, 4])


def test_one_volume_in_four_axes_is_squeezed_and_a_series_is_refused(tmp_path):
    one = write(tmp_path / 'one.nii', picture()[..., None], oblique())
    assert image.read(one)[0].array.shape == SHAPE
    many = write(tmp_path / 'many.nii', np.repeat(picture()[..., None], 3, axis=-1), oblique())
    refused(many, '3 volumes')
    five = write(tmp_path / 'five.nii', np.zeros((*SHAPE, 2, 3), np.float32), oblique())
    refused(five, '6 volumes')


def test_a_single_slice_is_no_volume(tmp_path):
    refused(write(tmp_path / 'flat.nii', picture()[..., 0], oblique()), 'three axes')


def test_colours_and_complex_numbers_are_refused(tmp_path):
    colour = np.zeros(SHAPE, dtype=[('R', 'u1'), ('G', 'u1'), ('B', 'u1')])
    refused(write(tmp_path / 'rgb.nii', colour, oblique()), 'grey values')
    waves = np.zeros(SHAPE, np.complex64)
    refused(write(tmp_path / 'complex.nii', waves, oblique()), 'complex64')


@pytest.mark.parametrize('value', [0, 7])
def test_a_constant_image_is_refused_but_an_empty_mask_is_not(tmp_path, value):
    path = write(tmp_path / 'flat.nii', np.full(SHAPE, value, np.int16), oblique())
    refused(path, f'every voxel is {value}', read=image.read)
    assert image.read_labels(path).array.max() == value
    assert image.read_map(path).array.dtype == np.float32


def test_a_nifti2_file_is_read_and_other_formats_are_not(tmp_path):
    path = write(tmp_path / 'two.nii.gz', picture(), oblique(), kind=nb.Nifti2Image)
    assert np.array_equal(image.read(path)[0].array, picture())
    nb.save(nb.MGHImage(picture(), oblique()), tmp_path / 'x.mgz')
    refused(tmp_path / 'x.mgz', 'not a NIfTI file')
    nb.save(nb.Nifti1Pair(picture(), oblique()), tmp_path / 'x.img')
    refused(tmp_path / 'x.img', 'not a NIfTI file')


def test_an_absurd_size_is_refused_before_anything_is_read(good):
    refused(patched(good, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]), '30000', '1024')


def test_negative_sides_are_refused(good):
    with pytest.raises(ImageError):
        image.read_header(patched(good, dim=[3, 5, -6, 7, 1, 1, 1, 1]))


def test_short_data_are_refused(good):
    good.write_bytes(good.read_bytes()[:-20])
    refused(good, 'voxels cannot be read', read=image.read)


def test_a_truncated_gzip_stream_is_refused(tmp_path, good):
    content = gzip.compress(good.read_bytes())
    cut = tmp_path / 'cut.nii.gz'
    cut.write_bytes(content[: len(content) // 2])
    refused(cut, 'cannot be read', read=image.read)
    cut.write_bytes(content[:30])
    refused(cut, 'cannot be read')


def test_what_the_ending_says_must_be_true(tmp_path, good):
    plain = tmp_path / 'plain.nii.gz'
    plain.write_bytes(good.read_bytes())
    refused(plain, 'not compressed')
    packed = tmp_path / 'packed.nii'
    packed.write_bytes(gzip.compress(good.read_bytes()))
    refused(packed, 'compressed, but called .nii')


def test_files_without_content_are_named_as_such(tmp_path):
    refused(tmp_path / 'absent.nii', 'no such file')
    empty = tmp_path / 'empty.nii.gz'
    empty.touch()
    refused(empty, '0 bytes')
    link = tmp_path / 'link.nii.gz'
    link.symlink_to('../.git/annex/objects/xx/yy')
    refused(link, 'not fetched')
    pointer = tmp_path / 'pointer.nii.gz'
    pointer.write_text('/annex/objects/MD5E-s100--abc.nii.gz\n')
    refused(pointer, 'git-annex pointer')
    folder = tmp_path / 'folder.nii.gz'
    folder.mkdir()
    refused(folder, 'cannot be read')
    assert [image.is_fetched(path) for path in (empty, link, pointer)] == [True, False, False]


def test_noise_called_nifti_is_refused(tmp_path):
    path = tmp_path / 'noise.nii'
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ImageError):
        image.read_header(path)


def test_saving_gives_the_same_bytes_twice_and_leaves_no_other_file(tmp_path):
    volume = image.Volume(picture() > 50, image.Grid(SHAPE, oblique()))
    image.save(volume, tmp_path / 'out' / 'a.nii.gz')
    image.save(volume, tmp_path / 'out' / 'b.nii.gz')
    first, second = (tmp_path / 'out' / name for name in ('a.nii.gz', 'b.nii.gz'))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['a.nii.gz', 'b.nii.gz']
    assert nb.load(first).get_data_dtype() == np.uint8
    assert image.read_labels(first).array.sum() == (picture() > 50).sum()


def test_a_volume_must_fit_its_grid():
    with pytest.raises(ValueError, match='does not fit grid'):
        image.Volume(np.zeros((2, 3, 4)), image.Grid(SHAPE, oblique()))


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(-0.3, 0.3)] * 3), st.floats(0.8, 4), st.sampled_from([1, 4, 16]))
def test_an_isotropic_grid_covers_the_old_one(angles, spacing, multiple):
    grid = image.Grid(SHAPE, oblique(angles=angles))
    made = image.isotropic(grid, spacing=spacing, multiple=multiple)
    assert all(side % multiple == 0 for side in made.shape)
    assert made.spacing == pytest.approx((spacing,) * 3)
    ends = np.array(list(itertools.product(*[(-0.5, side - 0.5) for side in grid.shape])))
    world = np.c_[ends, np.ones(8)] @ grid.affine.T
    inside = world @ np.linalg.inv(made.affine).T
    assert inside[:, :3].min() >= -0.5 - 1e-3
    assert (inside[:, :3].max(axis=0) <= np.array(made.shape) - 0.5 + 1e-3).all()


def test_resampling_through_scanner_space_finds_the_same_values():
    shape = (9, 10, 11)
    code = 'PSL'
    array, affine = stored_as(code, oblique(), picture(shape))
    turned = image.from_stored(array, image.Grid(array.shape, affine))
    plain = image.Grid(shape, oblique())
    for order in (0, 1):
        again = image.resample(turned, plain, order=order)
        assert np.allclose(again.array, picture(shape), atol=1e-2)
    moved = oblique()
    moved[:3, 3] += moved[:3, 2]
    shifted = image.resample(turned, image.Grid(shape, moved), order=1, outside=-1)
    assert np.allclose(shifted.array[:, :, :-1], picture(shape)[:, :, 1:], atol=1e-2)
    assert np.all(shifted.array[:, :, -1] == -1)


def test_shrinking_keeps_the_mean_of_a_smooth_picture():
    shape = (24, 26, 28)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, side) for side in shape], indexing='ij')
    volume = image.Volume((x + 2 * y - z).astype(np.float32), image.Grid(shape, oblique((1, 1, 1))))
    coarse = image.shrink(volume, image.isotropic(volume.grid, spacing=3.0))
    assert coarse.array.mean() == pytest.approx(0, abs=0.05)
    assert coarse.array.std() == pytest.approx(volume.array.std(), rel=0.15)
