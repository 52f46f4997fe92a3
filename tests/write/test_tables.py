# SPDX-License-Identifier: Apache-2.0
"""Rows of tables (CLINICAL.md 6, BIDS.md 2.4)."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg import image
from bids_seg.records import (
    Diameters,
    Lesion,
    LesionSet,
    Line,
    ModelRun,
    Visit,
)
from bids_seg.write import columns, tables
from bids_seg.write.text import natural, read_tsv, tsv_bytes


@pytest.fixture
def lesion() -> Lesion:
    line = Line(start=(1.25, -0.00001, 3.0), end=(4.0, 5.0, 3.0005))
    product = Diameters(ld_mm=12.25, sd_mm=8.15, slice=5, ld=line, sd=line)
    return Lesion(
        disease='metastases',
        tissue='TC',
        component_index=12,
        longest=Diameters(ld_mm=12.3, sd_mm=8.1, slice=4, ld=line, sd=line),
        largest_product=product,
        hull_ld_mm=14.5,
        concave=True,
        n_slices=3,
        slice_spacing_mm=5.5,
        axial_obliquity_deg=3.14159,
        volume_mm3=1234,
        volume_filled_mm3=1300,
        et_mm3=None,
        ncr_mm3=None,
        esd_mm=13.305,
        sphericity=None,
        n_voxels=400,
        centroid=(1.0, 2.0, -3.0),
        mean_prob=0.8755,
        max_prob=1.0,
        mutual_info_bits=None,
        total_entropy_bits=0.25,
        ld_low_mm=None,
        ld_high_mm=13.0,
        volume_low_mm3=None,
        volume_high_mm3=1500,
        flags=('concave', 'plane_oblique'),
    )


def row_of(lesion: Lesion, visit: Visit) -> dict[str, str]:
    found = LesionSet(
        disease='metastases',
        tissue='TC',
        measurement_space='T1wCE',
        lesions=(lesion,),
        n_specks=0,
        totals_mm3={},
    )
    (row,) = tables.lesion_rows(visit, found)
    return row


def test_a_lesion_that_is_not_tracked_is_u_and_its_integer_is_above_ten_thousand(lesion):
    row = row_of(lesion, Visit(participant='01', session='b', scans=(), days=84))
    assert (row['name'], row['lesion_id'], row['index']) == ('U012', 'U012', '10012')
    assert (row['participant_id'], row['session_id']) == ('sub-01', 'ses-b')
    assert (row['status'], row['tissue'], row['days_from_first']) == ('present', 'TC', '84')
    assert row['flags'] == 'concave;plane_oblique'


def test_recorded_values_are_rounded_half_up_in_decimals(lesion):
    row = row_of(lesion, Visit(participant='01', session=None, scans=()))
    assert (row['ld_mm'], row['sd_mm'], row['ld_slice']) == ('12.3', '8.1', '4')
    assert (row['bp_ld_mm'], row['bp_sd_mm'], row['bp_slice']) == ('12.3', '8.2', '5')
    assert row['bp_mm2'] == '100.86'  # 12.3 x 8.2: of the recorded values
    assert (row['mean_prob'], row['esd_mm']) == ('0.876', '13.31')
    assert (row['ld_p0_x'], row['ld_p0_y'], row['bp_sd_p1_z']) == ('1.250', '0.000', '3.001')
    assert (row['concave'], row['axial_obliquity_deg']) == ('1', '3.1')


def test_every_column_of_the_contract_stands_in_the_table_with_what_is_unknown_as_na(
    lesion, tmp_path
):
    row = row_of(lesion, Visit(participant='01', session=None, scans=()))
    listed = columns.columns_named((*columns.LOOKUP, *columns.LESION))
    assert set(row) <= set(listed)
    assert len(set(listed)) == len(listed)
    (tmp_path / 'x.tsv').write_bytes(tsv_bytes(listed, [row]))
    header, (cells,) = read_tsv(tmp_path / 'x.tsv')
    assert header == listed
    unknown = {name for name, cell in cells.items() if cell == 'n/a'}
    assert unknown == {
        *('session_id', 'acq_date', 'days_from_first', 'identity_event', 'events', 'parent_id'),
        *('merged_into', 'match', 'match_o_mm3', 'gap_visits', 'adjacent_to', 'exclude_reason'),
        *('not_measurable_reason', 'et_mm3', 'ncr_mm3', 'sphericity', 'mutual_info_bits'),
        *('centroid_ref_x', 'centroid_ref_y', 'centroid_ref_z', 'ld_low_mm', 'volume_low_mm3'),
        *('dvolume_prev_pct', 'dld_prev_mm', 'dld_nadir_mm', 'dvolume_baseline_pct'),
    }
    assert sum(bool(re.fullmatch(r'(bp_)?[ls]d_p[01]_[xyz]', name)) for name in listed) == 24


def test_the_date_of_a_visit_stands_nowhere(lesion):
    row = row_of(lesion, Visit(participant='01', session=None, scans=(), date='2020-02-03'))
    assert '2020' not in ' '.join(row.values())


def test_columns_are_described_with_units_and_levels():
    words = columns.described(columns.LESION)
    assert words['ld_mm']['Units'] == 'mm'
    assert set(words['disease']['Levels']) == {'glioma', 'metastases'}
    assert all(entry['Description'].endswith('.') for entry in words.values())


def test_the_label_image_has_the_integers_of_the_table_and_fits_sixteen_bits():
    grid = image.Grid((3, 1, 2), np.diag([1, 1, 3.0, 1]))
    components = image.Volume(np.array([[[0, 1]], [[2, 0]], [[55_535, 0]]], np.uint16), grid)
    made = tables.indexed(components)
    assert made.array.dtype == np.uint16
    assert made.array.ravel().tolist() == [0, 10_001, 10_002, 0, 65_535, 0]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9999))
def test_the_colour_of_a_lesion_is_fixed_by_its_number(number):
    assert tables.colour(number) == tables.colour(10_000 + number)
    assert re.fullmatch(r'#[0-9A-F]{6}', tables.colour(number))


def luminance(colour: str) -> float:
    linear = [(int(colour[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_first_lesions_have_colours_of_their_own_that_show_on_dark_images():
    assert len(set(tables.PALETTE)) == len(tables.PALETTE) == 14
    assert all(luminance(colour) > 0.1 for colour in tables.PALETTE)


def a_run(regions: tuple[str, ...], **unavailable: str) -> ModelRun:
    return ModelRun(
        task='glioma',
        model='m',
        version='1',
        weights_sha256=(),
        images=(),
        regions=regions,
        unavailable=unavailable,
        volumes_mm3={'WT': 10, 'TC': 5},
        threshold=0.5,
        device='cpu',
    )


@pytest.mark.parametrize(
    ('run', 'indices'),
    [
        (a_run(('WT', 'TC', 'ET')), '0 1 2 3 5 6'),
        (a_run(('WT', 'TC'), ET='no contrast'), '0 1 2 3 5 6'),
        (a_run(('WT', 'TC', 'ET', 'RC')), '0 1 2 3 4 5 6'),
        (a_run(('TC',)), '0 5'),
        (a_run(('WT',)), '0 6'),
    ],
)
def test_all_classes_that_a_model_knows_have_a_row_there_or_not(run, indices):
    rows = tables.class_rows(run)
    assert ' '.join(row['index'] for row in rows) == indices
    assert [row['mapping'] for row in rows] == ['0'] + ['7'] * (len(rows) - 1)


def test_a_region_that_was_not_reported_has_no_volume():
    row = tables.totals(a_run(('WT', 'TC')), n_lesions=2, n_specks=0)
    assert row == {
        'n_lesions': '2',
        'n_specks': '0',
        'wt_mm3': '10',
        'tc_mm3': '5',
        'et_mm3': 'n/a',
    }


def test_with_two_diseases_the_totals_carry_their_names():
    plain = columns.columns_named(tables.session_columns(['glioma']))
    both = columns.columns_named(tables.session_columns(['glioma', 'metastases']))
    assert plain[:4] == ['session_id', 'acq_date', 'days_from_first', 'visit_status']
    assert {'n_lesions_glioma', 'tc_mm3_metastases', 'brain_mm3'} <= set(both)
    assert 'n_lesions' not in both


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_any_cell_is_written_on_one_line_and_never_empty(cells):
    listed = [f'c{number}' for number in range(len(cells))]
    lines = tsv_bytes(listed, [dict(zip(listed, cells, strict=True))]).decode().split('\n')
    assert len(lines) == 3
    assert all(cell.strip() for cell in lines[1].split('\t'))
    assert len(lines[1].split('\t')) == len(listed)


def test_a_table_of_others_is_read_whatever_its_line_ends_and_encoding(tmp_path):
    place = tmp_path / 'participants.tsv'
    place.write_bytes('\ufeff"participant_id"\tage \r\nsub-1\t"7"\r\nsub-2\t\r\n'.encode())
    listed, rows = read_tsv(place)
    assert listed == ['participant_id', 'age']
    assert rows == [
        {'participant_id': 'sub-1', 'age': '7'},
        {'participant_id': 'sub-2', 'age': 'n/a'},
    ]
    place.write_bytes('a\nä\n'.encode('latin-1'))
    assert read_tsv(place)[1] == [{'a': 'ä'}]


def test_labels_are_sorted_as_people_do():
    assert sorted(['10', '2', 'b', '2a', ''], key=natural) == ['', '2', '2a', '10', 'b']
