# SPDX-License-Identifier: Apache-2.0
"""The side door from end to end: names, tables, grids, streams, exit codes, pictures."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bids_seg.errors import CommandError, NothingToDoError, OutputError
from bids_seg.evaluate.cli import main
from bids_seg.image import Grid, Volume, save

SHAPE = (24, 21, 12)
SPACING = (1.0, 1.0, 1.0)


def grid(spacing=SPACING, shape=SHAPE):
    return Grid(shape, np.diag([*spacing, 1.0]))


def core(shift=0):
    array = np.zeros(SHAPE, dtype=np.uint8)
    array[6 + shift : 14 + shift, 6:13, 3:9] = 1
    return array


def write(path, array, where=None):
    save(Volume(array, where or grid()), path)


def reference(root, names=('01', '02'), *, table=True):
    """A dataset of label maps with oedema 2 and enhancing tumour 3, as others name them."""
    for name in names:
        array = np.zeros(SHAPE, dtype=np.uint8)
        array[4:17, 4:16, 2:10] = 2
        array[core() > 0] = 3
        write(root / f'sub-{name}/anat/sub-{name}_space-orig_desc-truth_dseg.nii.gz', array)
    if table:
        text = 'index\tname\tabbreviation\n1\tcore\tNCR\n2\toedema\tED\n3\tenhancing\tET\n'
        (root / 'desc-truth_dseg.tsv').write_text(text)
    return root


def prediction(root, shifts=(0, 2)):
    for name, shift in zip(('01', '02'), shifts, strict=False):
        folder = root / f'sub-{name}/anat'
        write(folder / f'sub-{name}_space-orig_label-ET_desc-glioma_mask.nii.gz', core(shift))
        lesions = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.uint16)
        write(folder / f'sub-{name}_space-orig_seg-gliomaLesions_dseg.nii.gz', lesions)
        write(folder / f'sub-{name}_space-individual_label-ET_desc-glioma_mask.nii.gz', core(5))
    return root


def table(text):
    return list(csv.DictReader(io.StringIO(text), delimiter='\t'))


def pick(rows, metric, statistic='case', **more):
    found = [row for row in rows if (row['metric'], row['statistic']) == (metric, statistic)]
    return [row for row in found if all(row[key] == value for key, value in more.items())]


def test_two_datasets_are_paired_by_participant_and_region(tmp_path, capsys):
    code = main([str(prediction(tmp_path / 'p')), str(reference(tmp_path / 'r'))])
    said = capsys.readouterr()
    rows = table(said.out)
    assert code == 0
    cases = pick(rows, 'dice', method='overlap')
    assert [row['participant_id'] for row in cases] == ['sub-01', 'sub-02']
    assert {row['region'] for row in rows} == {'ET'}
    assert {row['disease'] for row in rows} == {'glioma'}
    assert float(cases[0]['value']) == 1.0
    assert float(cases[1]['value']) == pytest.approx(0.75)
    mean = pick(rows, 'dice', 'mean')[0]
    assert float(mean['value']) == pytest.approx(0.875)
    assert (float(mean['low']), float(mean['high'])) == pytest.approx((0.75, 1.0))
    assert mean['n'] == '2'
    assert said.err.splitlines()[-1] == 'bids-seg evaluate: 2 compared, 0 failed; exit 0'


def test_with_an_output_the_main_figures_go_to_stdout(tmp_path, capsys):
    output = tmp_path / 'scores.tsv'
    words = [str(prediction(tmp_path / 'p')), str(reference(tmp_path / 'r'))]
    main([*words, '--output', str(output)])
    shown = capsys.readouterr().out
    assert 'glioma ET' in shown
    assert 'Dice, mean' in shown
    assert 'lesions found' in shown
    assert '\t' not in shown
    rows = table(output.read_text())
    assert {row['method'] for row in rows} == {
        'overlap',
        'surface',
        'lesionwise',
        'lesionwise_min0',
        'brats2023',
    }
    assert all(cell for row in rows for cell in row.values())


def test_two_files_are_compared_whatever_their_names(tmp_path, capsys):
    write(tmp_path / 'a.nii.gz', core())
    write(tmp_path / 'b.nii.gz', core(1))
    assert main([str(tmp_path / 'a.nii.gz'), str(tmp_path / 'b.nii.gz')]) == 0
    row = pick(table(capsys.readouterr().out), 'dice', method='overlap')[0]
    assert (row['participant_id'], row['region']) == ('n/a', 'mask')
    assert float(row['value']) == pytest.approx(7 / 8)


def test_values_given_by_the_user_win(tmp_path, capsys):
    write(tmp_path / 'a.nii.gz', 4 * core())
    write(tmp_path / 'b.nii.gz', 4 * core())
    files = [str(tmp_path / 'a.nii.gz'), str(tmp_path / 'b.nii.gz')]
    assert main([*files, '--labels', 'ET=4', 'TC=1,4']) == 0
    rows = pick(table(capsys.readouterr().out), 'volume_reference_ml')
    assert {row['region']: float(row['value']) for row in rows} == {'ET': 0.336, 'TC': 0.336}


def test_a_prediction_on_another_grid_is_resampled_and_that_is_said(tmp_path, capsys):
    fine = np.repeat(core(), 2, axis=2)
    half = np.diag([1.0, 1.0, 0.5, 1.0])
    half[2, 3] = -0.25
    write(tmp_path / 'p.nii.gz', fine, Grid(fine.shape, half))
    write(tmp_path / 'r.nii.gz', core())
    main([str(tmp_path / 'p.nii.gz'), str(tmp_path / 'r.nii.gz')])
    said = capsys.readouterr()
    row = pick(table(said.out), 'dice', method='overlap')[0]
    assert float(row['value']) == 1.0
    assert 'resampled from 24x21x24 to 24x21x12' in row['note']
    assert 'resampled' in said.err


def test_a_reference_called_lesion_is_what_the_disease_measures(tmp_path, capsys):
    folder = tmp_path / 'r/sub-01/anat'
    write(folder / 'sub-01_space-orig_label-lesion_mask.nii.gz', core())
    mets = tmp_path / 'm/sub-01/anat'
    write(mets / 'sub-01_space-orig_label-TC_desc-metastases_mask.nii.gz', core())
    main([str(prediction(tmp_path / 'p', (0,))), str(tmp_path / 'r')])
    assert pick(table(capsys.readouterr().out), 'dice', method='overlap')[0]['region'] == 'ET'
    main([str(tmp_path / 'm'), str(tmp_path / 'r')])
    assert pick(table(capsys.readouterr().out), 'dice', method='overlap')[0]['region'] == 'TC'


def test_brain_masks_are_paired_under_both_names_and_not_lesion_by_lesion(tmp_path, capsys):
    write(tmp_path / 'p/sub-01/anat/sub-01_space-orig_desc-brain_mask.nii.gz', core())
    near = tmp_path / 'r/sub-01/anat/sub-01_space-T1w_label-brain_mask.nii.gz'
    write(near, core())
    far = np.zeros((12, 10, 6), dtype=np.uint8)
    write(
        near.with_name('sub-01_space-FLAIR_label-brain_mask.nii.gz'),
        far,
        grid((2, 2, 2), far.shape),
    )
    main([str(tmp_path / 'p'), str(tmp_path / 'r')])
    rows = table(capsys.readouterr().out)
    assert {row['region'] for row in rows} == {'brain'}
    assert {row['method'] for row in rows} == {'overlap', 'surface'}
    # Of two references the one on the prediction's grid is taken.
    assert pick(rows, 'dice')[0]['reference'].endswith('space-T1w_label-brain_mask.nii.gz')


def test_probabilities_beside_the_prediction_are_checked_for_calibration(tmp_path, capsys):
    root = prediction(tmp_path / 'p', (0,))
    name = 'sub-01_space-orig_seg-glioma_label-ET_probseg.nii.gz'
    write(root / 'sub-01/anat' / name, core().astype(np.float32))
    main([str(root), str(reference(tmp_path / 'r', ('01',)))])
    assert float(pick(table(capsys.readouterr().out), 'ece_10mm')[0]['value']) == 0


def test_a_table_that_knows_no_enhancing_class_gives_no_such_region(tmp_path):
    root = reference(tmp_path / 'r', ('01',), table=False)
    (root / 'desc-truth_dseg.tsv').write_text('index\tabbreviation\n1\tED\n2\tMET\n')
    with pytest.raises(NothingToDoError, match='no region on both sides'):
        main([str(prediction(tmp_path / 'p', (0,))), str(root)])


def test_one_broken_file_costs_its_pair_only(tmp_path, capsys):
    root = prediction(tmp_path / 'p')
    path = root / 'sub-02/anat/sub-02_space-orig_label-ET_desc-glioma_mask.nii.gz'
    path.write_bytes(path.read_bytes()[:-40])
    code = main([str(root), str(reference(tmp_path / 'r'))])
    said = capsys.readouterr()
    assert code == 1
    assert len(pick(table(said.out), 'dice', method='overlap')) == 1
    assert said.err.splitlines()[-1] == 'bids-seg evaluate: 1 compared, 1 failed; exit 1'


def test_errors_say_what_and_where(tmp_path):
    root = prediction(tmp_path / 'p')
    truth = str(reference(tmp_path / 'r'))
    with pytest.raises(CommandError, match='no such file or folder'):
        main([str(root), str(tmp_path / 'nowhere')])
    with pytest.raises(CommandError, match='one is a folder'):
        main([truth, str(next(root.rglob('*_mask.nii.gz')))])
    with pytest.raises(NothingToDoError, match='regions on both sides: ET'):
        main([str(root), truth, '--region', 'WT'])
    with pytest.raises(CommandError, match='no list of whole numbers'):
        main([str(root), truth, '--region', 'WT=one'])
    (tmp_path / 'empty').mkdir()
    with pytest.raises(NothingToDoError, match='none with a region'):
        main([str(tmp_path / 'empty'), truth])
    blocked = tmp_path / 'file'
    blocked.write_text('')
    with pytest.raises(OutputError, match='cannot be written'):
        main([str(root), truth, '--output', str(blocked / 'x.tsv')])
    with pytest.raises(OutputError, match='cannot be made'):
        main([str(root), truth, '--figures', str(blocked / 'x')])
    with pytest.raises(SystemExit) as stop:
        main(['--no-such-option'])
    assert stop.value.code == 2


def test_the_environment_gives_defaults(tmp_path, capsys, monkeypatch):
    output = tmp_path / 'o.tsv'
    monkeypatch.setenv('BIDS_SEG_OUTPUT', str(output))
    main([str(prediction(tmp_path / 'p')), str(reference(tmp_path / 'r'))])
    assert output.exists()
    assert 'Dice' in capsys.readouterr().out


def test_pictures_are_drawn_with_and_without_a_grey_image(tmp_path, capsys):
    root = reference(tmp_path / 'raw/derivatives/truth')
    (root / 'dataset_description.json').write_text(json.dumps({'DatasetLinks': {'raw': '../..'}}))
    grey = np.random.default_rng(1).integers(1, 200, SHAPE).astype(np.uint8)
    write(tmp_path / 'raw/sub-01/anat/sub-01_ce-gd_T1w.nii.gz', grey)
    words = [str(prediction(tmp_path / 'p')), str(root), '--output', str(tmp_path / 'o.tsv')]
    main([*words, '--figures', str(tmp_path / 'figures')])
    drawn = sorted(path.name for path in (tmp_path / 'figures').iterdir())
    assert drawn == ['cases_glioma_ET.png', 'distribution.png']
    first = (tmp_path / 'figures/cases_glioma_ET.png').read_bytes()
    main([*words, '--figures', str(tmp_path / 'again')])
    assert (tmp_path / 'again/cases_glioma_ET.png').read_bytes() == first
    assert '2 figures' in capsys.readouterr().err


def test_the_help_loads_no_heavy_library():
    code = (
        'import sys\n'
        'from bids_seg.evaluate.cli import main\n'
        'try:\n    main(["--help"])\nexcept SystemExit as stop:\n    assert stop.code == 0\n'
        'heavy = {"matplotlib", "tensorflow", "SimpleITK", "bids", "nilearn", "pandas", "scipy"}\n'
        'assert not heavy & set(sys.modules), heavy & set(sys.modules)\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


SHARED = Path(__file__).resolve().parents[2].parent / 'shared/data'


@pytest.mark.skipif(not SHARED.is_dir(), reason='needs the shared scans')
def test_a_real_reference_is_equal_to_itself(tmp_path, capsys):
    truth = SHARED / 'gbm-longitudinal/derivatives/truth'
    files = sorted(truth.glob('sub-02/ses-*/anat/*_mask.nii.gz'))
    main([str(files[0]), str(files[0])])
    rows = table(capsys.readouterr().out)
    assert [float(row['value']) for row in pick(rows, 'dice', method='overlap')] == [1.0]
    assert float(pick(rows, 'f1', method='lesionwise')[0]['value']) == 1.0
