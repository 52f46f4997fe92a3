# SPDX-License-Identifier: Apache-2.0
"""The words of the command line, of the environment and of the configuration file."""

import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

from bids_seg import __version__
from bids_seg.cli import main, settings
from bids_seg.errors import CommandError
from bids_seg.options import OPTIONS
from bids_seg.settings import Settings, memory_mb

BASE = ['bids', 'out', 'participant']
ROOT = Path(__file__).resolve().parents[1]

VALUES = {
    'participant-label': ['sub-01', '02'],
    'session-label': ['ses-pre'],
    'bids-filter-file': ['filter.json'],
    'models': ['brain', 'glioma'],
    'brain-border': ['-1.5'],
    'device': ['gpu:1'],
    'work-dir': ['w'],
    'overwrite': ['always'],
    'nprocs': ['3'],
    'omp-nthreads': ['2'],
    'mem': ['16G'],
    'use-plugin': ['plugin.yml'],
    'random-seed': ['7'],
    'derivatives': ['brains=/masks'],
    'segmentations': ['/corrected'],
    'brain-extraction': ['nobrainer'],
    'glioma': ['segresnet'],
    'metastases': ['brainmets'],
    'weights': ['nobrainer=/weights/brain.h5'],
    'weights-dir': ['/weights'],
    'mc-dropout': ['4'],
    'criteria': ['rano_bm', 'mrano'],
    'rules': ['flair_pd=apply'],
    'reader-file': ['/reader.tsv'],
    'subject-anatomical-reference': ['sessionwise'],
    'sessions-file': ['/sessions.tsv'],
    'output-spaces': ['MNI152NLin2009aSym:res-1'],
    'aggregate-session-reports': ['2'],
}


def read(words, environment=None):
    return settings([*BASE, *words], environment=environment or {})


def test_every_option_fills_a_field_of_the_settings():
    known = {field.name for field in fields(Settings)}
    assert {option.field for option in OPTIONS} <= known


@pytest.mark.parametrize('option', OPTIONS, ids=lambda option: option.name)
def test_each_option_reads_the_same_with_dashes_underscores_environment_and_file(option, tmp_path):
    words = VALUES.get(option.name, [])
    dashes = read([f'--{option.name}', *words])
    underscores = read([f'--{option.field}', *words])
    variable = read([], {f'BIDS_SEG_{option.field.upper()}': ' '.join(words) or '1'})
    value = 'true' if option.flag else repr(words) if option.many else repr(words[0])
    file = tmp_path / 'c.toml'
    file.write_text(f'{option.name} = {value}\n')
    from_file = read(['--config-file', str(file)])
    assert dashes == underscores == variable == from_file
    assert dashes != read([])


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    file = tmp_path / 'c.toml'
    file.write_text('nprocs = 2\nmem = "4G"\nrandom-seed = 5\n')
    got = read(
        ['--config-file', str(file), '--nprocs', '4'],
        {'BIDS_SEG_NPROCS': '3', 'BIDS_SEG_MEM': '8G'},
    )
    assert (got.nprocs, got.mem, got.random_seed) == (4, 8000, 5)


def test_an_unknown_key_of_the_file_is_named(tmp_path):
    file = tmp_path / 'c.toml'
    file.write_text('frobnicate = 1\n')
    with pytest.raises(CommandError, match=r'c\.toml: no option is called .frobnicate'):
        read(['--config-file', str(file)])


@pytest.mark.parametrize(
    ('text', 'mb'),
    [
        ('16G', 16000), ('16GB', 16000), ('16GiB', 17180), ('1.5G', 1500), ('16000M', 16000),
        ('16000MB', 16000), ('16000', 16000), ('512', 512), ('2 G', 2000), ('16g', 16000),
        ('0.6g', 600), ('1024MiB', 1074), ('8gb', 8000), (' 4G ', 4000),
    ],
)  # fmt: skip
def test_memory_is_read_with_units(text, mb):
    assert memory_mb(text) == mb


@pytest.mark.parametrize('text', ['', '16X', 'G', '-4G', '0', '1,5G', '511', '16'])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(CommandError):
        memory_mb(text)


def test_a_bare_small_number_is_answered_with_the_likely_meaning():
    with pytest.raises(CommandError, match='write 16G'):
        memory_mb('16')


def test_a_bare_number_of_mem_gb_is_in_gigabytes():
    assert read(['--mem-gb', '4']).mem == 4000


@pytest.mark.parametrize(
    ('said', 'label'),
    [('s060', 's060'), ('sub-sub1', 'sub1'), ('bus', 'bus'), ('001', '001'), ('a+b', 'a+b')],
)
def test_one_prefix_is_removed_from_a_label_and_no_letter_more(said, label):
    assert read(['--participant-label', said]).participant_label == (label,)


def test_repeated_labels_count_once():
    assert read(['--participant-label', '01', 'sub-01', '001']).participant_label == ('01', '001')


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--participant-label', 'sub_01'], 'letters, digits'),
        (['--device', 'tpu'], 'auto, cpu, gpu'),
        (['--models', 'auto', 'brain'], 'auto alone'),
        (['--nprocs', '0'], 'below 1'),
        (['--brain-border', '80'], 'outside'),
    ],
)
def test_wrong_values_are_told_with_what_to_do(words, told):
    with pytest.raises(CommandError, match=told):
        read(words)


@pytest.mark.parametrize('words', [['--frobnicate'], ['--overwrite', 'perhaps'], ['--models', 'x']])
def test_unknown_words_end_with_code_2(words):
    with pytest.raises(SystemExit) as ended:
        read(words)
    assert ended.value.code == 2


def test_levels_keep_their_order_and_count_once():
    got = settings(['b', 'o', 'group', 'participant', 'group'], environment={})
    assert got.analysis_level == ('group', 'participant')


def test_a_missing_folder_ends_with_code_2_and_one_line(tmp_path, capsys):
    assert main([str(tmp_path / 'nothing'), str(tmp_path / 'out'), 'participant']) == 2
    told = capsys.readouterr().err
    assert told.count('\n') == 1
    assert 'no such folder' in told


def test_version_prints_one_line_alone():
    done = subprocess.run(
        [sys.executable, 'run.py', '--version'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (f'bids-seg {__version__}\n', '')


def test_help_loads_nothing_heavy():
    code = (
        'import sys\nfrom bids_seg.cli import parser\nparser().format_help()\n'
        "heavy = {'tensorflow', 'keras', 'nipype', 'bids', 'nilearn', 'SimpleITK', 'numpy'}\n"
        'print(sorted(heavy & set(sys.modules)))'
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == '[]'
    assert time.monotonic() - began < 5


def test_a_home_that_cannot_be_written_is_replaced_for_the_run(tmp_path):
    code = (
        'import os\nfrom bids_seg.cli import main\n'
        f"main(['{tmp_path}/nothing', '{tmp_path}/out', 'participant'])\n"
        "print(os.environ['HOME'], os.environ['MPLCONFIGDIR'], os.path.isdir(os.environ['HOME']))"
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        env={'HOME': '/nonexistent', 'PATH': os.environ['PATH'], 'TMPDIR': str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    home, matplotlib, there = done.stdout.split()
    assert home == matplotlib
    assert home.startswith(str(tmp_path))
    assert there == 'True'
    assert not Path(home).exists()
