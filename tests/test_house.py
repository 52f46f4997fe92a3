# SPDX-License-Identifier: Apache-2.0
"""What holds for the repository as a whole: links, commands in the documentation, no traces."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bids_seg import __version__
from bids_seg.cli import DOORS, settings
from bids_seg.discover import read_edits, read_filters, read_visit_rows
from bids_seg.options import OPTIONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md')])


def tracked():
    done = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip('not a git checkout')
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding='utf-8')
    for target, heading in re.findall(r'\]\(([^)#]*)#?([^)]*)\)', text):
        if re.match(r'[a-z]+:', target):
            continue
        place = page.parent / target if target else page
        assert place.exists(), f'{page.name} links to {target}'
        if heading:
            assert heading in anchors(place), f'{page.name} links to {target}#{heading}'


def anchors(page):
    headings = re.findall(r'^#+ (.*)$', page.read_text(encoding='utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', line.lower()).replace(' ', '-') for line in headings}


def commands():
    for page in PAGES:
        for block in re.findall(
            r'^```\w*\n(.*?)^```', page.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL
        ):
            for line in block.splitlines():
                found = re.search(
                    r'(?:run\.py|^bids-seg|bids_seg|\bbids-seg(?:\.sif)?) (\S.*)', line
                )
                if found and '{' not in line and 'git clone' not in line:
                    yield page.name, found[1].split(' #')[0].strip()


@pytest.mark.parametrize(('page', 'words'), list(commands()), ids=str)
def test_every_command_of_the_documentation_can_be_said(page, words):
    split = shlex.split(words.replace('"$LABEL"', '01').replace('"$TMPDIR/work"', 'work'))
    if split[0] not in DOORS:
        settings(split, environment={})


def test_every_option_named_in_the_documentation_exists():
    known = {f'--{option.name}' for option in OPTIONS} | {'--help', '--mem-gb', '--config-file'}
    known |= {alias for option in OPTIONS for alias in option.aliases}
    usage = (ROOT / 'docs' / 'usage.md').read_text(encoding='utf-8')
    named = set(re.findall(r'`(--[a-z0-9-]+)', usage))
    assert named - known - {'--init', '--cleanenv', '--verbose'} == set()
    words = {name for option in OPTIONS for name in (f'--{option.name}', *option.aliases)}
    assert {word for word in words if not re.search(rf'{word}\b', usage)} == set()


def test_the_examples_can_be_read():
    folder = ROOT / 'examples'
    assert set(read_edits(folder / 'reader.tsv')) == {'metastases'}
    assert len(read_visit_rows(folder / 'sessions.tsv').of('metastases')) == 3
    assert set(read_filters(folder / 'filter.json')) == {'T1w', 'T1wCE', 'FLAIR'}
    words = ['in', 'out', 'group', '--config-file', str(folder / 'settings.toml')]
    assert settings(words, environment={}).criteria == ('auto', 'rano_hgg')


def test_the_makefile_has_every_target_that_the_documentation_names():
    targets = set(re.findall(r'^([a-z0-9]+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    text = '\n'.join(page.read_text(encoding='utf-8') for page in PAGES)
    assert set(re.findall(r'\bmake ([a-z0-9]+)\b', text)) - {'up', 'sure'} <= targets


def test_no_file_names_a_folder_of_a_machine_or_the_host_of_a_registry():
    folder = re.compile(r'(^|[^\w.<])/(work|root|farm)/[a-z]')
    host = re.compile(r'https?://[^\s"\')]*(pypi|pythonhosted|npmjs|registry)')
    for path in tracked():
        if path.suffix in {'.h5', '.png', '.webp', '.gz'} or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), start=1):
            assert not folder.search(line), f'{path.name}:{number}: {line.strip()}'
            assert not host.search(line), f'{path.name}:{number}: {line.strip()}'


def test_the_locks_carry_a_hash_for_every_package():
    for lock in (ROOT / 'requirements').glob('*.txt'):
        entries = re.split(r'\n(?=[a-zA-Z])', lock.read_text(encoding='utf-8'))
        pinned = [entry for entry in entries if '==' in entry.splitlines()[0]]
        assert len(pinned) > 30
        assert all('--hash=sha256:' in entry for entry in pinned), lock.name


def test_the_version_stands_in_one_file():
    assert (ROOT / 'version').read_text(encoding='utf-8').strip() == __version__
    assert (
        'version = "' not in (ROOT / 'pyproject.toml').read_text(encoding='utf-8').split('[tool')[0]
    )


def test_every_python_file_names_its_licence_first():
    for path in tracked():
        if path.suffix == '.py':
            lines = path.read_text(encoding='utf-8').splitlines()
            assert any('SPDX-License-Identifier: Apache-2.0' in line for line in lines[:2]), path
