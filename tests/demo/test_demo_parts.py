# SPDX-License-Identifier: Apache-2.0
"""What the made dataset is made of, without painting a whole one."""

import json
from pathlib import Path

import numpy as np
import pytest

from bids_seg.demo import anatomy, cli, compare, dataset, scan, scene
from bids_seg.demo.plan import PEOPLE
from bids_seg.errors import OutputError
from bids_seg.image import Grid, Volume
from bids_seg.train import tissues


def test_each_visit_has_a_date_in_a_shifted_year_and_a_size_for_each_tumour() -> None:
    for person in PEOPLE:
        assert list(person.dates) == sorted(person.dates)
        assert all(int(date[:4]) <= 1925 for date in person.dates)
        for tumour in person.tumours:
            assert len(tumour.diameters) == len(tumour.oedema) == len(person.dates)
        assert len(person.responses) == len(person.dates)
        assert {len(column) for column in person.clinical.values()} == {len(person.dates)}


def test_positions_of_two_visits_differ_by_a_rigid_movement_only() -> None:
    head = _Head()
    points = [
        np.stack(scene.positions(PEOPLE[1], head, number=number, seed=3)[0], -1)  # type: ignore[arg-type]
        for number in (0, 1)
    ]
    assert np.abs(points[0] - points[1]).max() > 1
    # A small head is crossed in few voxels; mirrored, and up to bending.
    step = np.diff(points[0][:, 100, 100, 0]).mean()
    assert step == pytest.approx(1 / PEOPLE[1].scale[0], abs=0.08)


class _Head:
    """Stands for a head where its middle alone is asked for."""

    centre = (0.0, -8.0, 6.0)


def test_noise_of_the_same_seed_is_the_same_and_of_unit_spread() -> None:
    first, second = (
        anatomy.noise(np.random.default_rng(4), (60, 70, 80), pitch=3.0) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert first.shape == (60, 70, 80)
    assert first.std() == pytest.approx(1, abs=0.05)


def test_a_ball_off_the_middle_is_on_both_sides() -> None:
    at = anatomy.axes((21, 11, 9), (-10.0, -5.0, -4.0))
    inside = anatomy.ball(at, (6, 1, 0), (3, 4, 2)) > 0
    assert np.array_equal(inside, inside[::-1])
    assert inside[16, 6, 4]
    assert not inside[10, 6, 4]


def test_contrasts_have_the_order_that_a_radiologist_expects() -> None:
    tissue, lesion = scan.brightness(np.random.default_rng(1))
    enhanced, plain, t2w, flair = tissue.T
    white, grey, fluid = (
        tissues.INDEX[name] for name in ('white matter left', 'cortex left', 'csf')
    )
    for column in (enhanced, plain):
        assert column[white] > column[grey] > column[fluid]
    assert t2w[fluid] > t2w[grey] > t2w[white]
    assert flair[grey] > flair[white] > flair[fluid]
    bright = lesion[tissues.LESION_TISSUES.index('enhancing')]
    assert bright[0] > 1.3
    assert bright[1] < 1.0


def test_a_thick_tilted_scan_shows_a_thing_where_its_header_says() -> None:
    own = Grid((60, 64, 60), np.diag([1.0, 1.0, 1.0, 1.0]))
    array = np.zeros((60, 64, 60), np.float32)
    array[28:33, 38:43, 46:51] = 1
    protocol = scan.Protocol(
        spacing=(0.9, 1.1, 3.0),
        shape=(70, 60, 40),
        tilt=8.0,
        moved=0.0,
        noise=0.01,
        orientation=(-1, 1, 1),
    )
    seen = scan.scan(Volume(array, own), protocol, rng=np.random.default_rng(2))
    assert seen.grid.shape == (70, 60, 40)
    assert seen.grid.stored_affine[0, 0] < 0
    # scan() carries the array in stored order's RAS+ form: its centre of mass is the thing's.
    weight = np.where(seen.array > 80, seen.array, 0).astype(float)
    middle = np.asarray([(weight * index).sum() for index in np.indices(weight.shape)])
    world = seen.grid.affine @ np.append(middle / weight.sum(), 1)
    assert world[:3] == pytest.approx([30, 40, 48], abs=0.6)


def test_the_table_leaves_counts_out_where_lesions_are_one_piece() -> None:
    row = compare.Row(
        visit='sub-a_ses-01', region='brain', dice=0.9, found_ml=1, true_ml=2, lesions=None
    )
    text = compare.table([row]).splitlines()
    assert text[0].split()[:2] == ['visit', 'region']
    assert text[1].split() == ['sub-a_ses-01', 'brain', '0.900', '1.0', '2.0']


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'thesis.txt').write_text('ten years')
    with pytest.raises(OutputError, match='something else'):
        cli.main([str(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']


def test_both_runs_are_made_and_the_worse_exit_code_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, Path | None]] = []

    def run(folder: Path, output: Path, work_dir: Path | None, *, masks: Path | None) -> int:
        asked.append((output, masks))
        return 1 if masks is None else 0

    monkeypatch.setattr(cli, '_make', lambda folder, seed: None)
    monkeypatch.setattr(cli, '_run', run)
    data, one, two = (str(tmp_path / name) for name in ('data', 'one', 'two'))
    assert cli.main([data]) == 0
    assert cli.main([data, '--run', one, '--run-truth', two]) == 1
    assert asked == [(Path(one), None), (Path(two), Path(data) / dataset.TRUTH)]


def test_the_tables_of_the_dataset_say_who_has_what(tmp_path: Path) -> None:
    dataset.write_tables(tmp_path)
    people = (tmp_path / 'participants.tsv').read_text().splitlines()
    assert people[1].split('\t')[3] == 'glioma'
    assert people[2].split('\t')[3] == 'brain metastases'
    sessions = (tmp_path / 'sub-glioma' / 'sub-glioma_sessions.tsv').read_text()
    assert sessions.startswith('session_id\tacq_time\tsteroid_mg\tkps\trt_end_date\nses-01\t1905-')
    assert '\t4\t90\t' in sessions.splitlines()[1]
    described = json.loads((tmp_path / 'sub-glioma' / 'sub-glioma_sessions.json').read_text())
    assert set(described) == {'steroid_mg', 'kps', 'rt_end_date'}
    truth = tmp_path / dataset.TRUTH
    assert (truth / 'dataset_description.json').is_file()
    responses = [line.split('\t') for line in (truth / 'responses.tsv').read_text().splitlines()]
    assert [row[-1] for row in responses if row[0] == 'sub-metastases'] == ['n/a', 'PR', 'PD']
