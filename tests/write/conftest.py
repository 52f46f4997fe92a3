# SPDX-License-Identifier: Apache-2.0
"""A small output tree in the shape of BIDS.md 2.2, made by the room's own functions."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import through_time
from made_visits import SHAPE, a_summary, a_visit, lesion_sets, oblique

from bids_seg import image
from bids_seg.records import (
    VisitSummary,
)
from bids_seg.write import (
    dataset,
    group,
    locks,
    names,
    participant,
    paths,
    publish,
    standard,
    tables,
)
from bids_seg.write import visit as visit_texts
from bids_seg.write.text import json_bytes


def write_images(work: Path, summary: VisitSummary, files: dict[str, str], count: int) -> None:
    """Every image of the set, with labels as their tables have them."""
    grid = oblique()
    for key, path in files.items():
        kind = key.partition(':')[0]
        if kind == 'xfm':
            image.write_bytes(work / path, b'#Insight Transform File V1.0\n')
            continue
        array = np.zeros(grid.shape, dtype=np.uint8)
        array[1:3, 2:5, 3] = 1
        if kind in {'preproc', 'probseg', 'entropy'}:
            array = array.astype(np.float32) * 0.5
        if kind == 'dseg':
            run = next(run for run in summary.models if key.endswith(run.task))
            array = array * np.uint8(tables.class_rows(run)[-1]['index'])
        volume = image.Volume(array, grid)
        if kind == 'lesions':
            array[:] = 0
            for number in range(1, count + 1):
                array[2 * number - 2, 1, 1] = number
            volume = tables.indexed(volume)
        image.save(volume, work / path)


@dataclass(frozen=True)
class Maker:
    """Makes visits as a participant run does."""

    work: Path
    out: Path

    def visit(self, summary: VisitSummary, *, count: int = 2) -> dict[str, str]:
        files = names.files_of(summary)
        sets = lesion_sets(summary, count=count)
        summary = replace(summary, lesion_sets=tuple(sets.values()))
        write_images(self.work, summary, files, count)
        visit_texts.write_texts(self.work, summary, files=files, lesions=sets)
        with locks.participant_lock(self.out, summary.visit.participant):
            publish.publish(self.work, self.out, visit=summary.visit, files=files)
            participant.write_summary(self.out, summary)
            participant.write_tables(self.out, summary.visit.participant)
        dataset.append_participant(self.out, summary.visit.participant, status=summary.status)
        return files

    def root(self, bids: Path | None, labels: set[str]) -> tuple[str, ...]:
        origin = dataset.Origin(version='0.1.0', bids_dir=bids)
        return dataset.write_root(self.out, origin, labels=labels)


def three_participants() -> list[VisitSummary]:
    visits = [
        a_visit('01', '01', days=0),
        a_visit('01', '02', days=84),
        a_visit('02', None, contrast=False),
        a_visit('03', 'pre'),
    ]
    return [a_summary(visit) for visit in visits]


def write_raw(root: Path, summaries: list[VisitSummary]) -> None:
    """An input dataset of empty files."""
    for summary in summaries:
        for scan in summary.visit.scans:
            place = root / scan.relative
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    (root / 'dataset_description.json').write_text('{"Name": "Heads", "BIDSVersion": "1.11.1"}')


@pytest.fixture(scope='session')
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input, with the whole tree below `derivatives/bids-seg`; not to be changed."""
    base = tmp_path_factory.mktemp('finished')
    raw = base / 'raw'
    summaries = three_participants()
    write_raw(raw, summaries)
    made = Maker(base / 'work', raw / 'derivatives' / 'bids-seg')
    labels = set()
    for number, summary in enumerate(summaries):
        files = made.visit(summary, count=0 if number == 3 else 2)
        labels |= dataset.labels_of(files.values())
        made.root(raw, labels)
        (made.out / names.page(summary.visit.participant)).write_text('<!doctype html>\n')
    for label in ('01', '02', '03'):
        follow_all(made.out, base / 'work', label)
    on_template(made.out)
    group.write_tables(made.out, bids_dir=raw)
    return raw


TEMPLATE = 'https://templateflow.s3.amazonaws.com/tpl-MNI152NLin2009aSym'


def on_template(out: Path) -> None:
    """Bring the classes of both visits of a participant onto a template, and map the group."""
    grid = image.Grid(SHAPE, np.eye(4), code=4)
    for one in participant.outcomes(out, '01'):
        run = next(run for run in one.summary.models if run.task == 'glioma')
        found = names.standard_files(
            one.summary.visit, ['glioma'], spaces=['MNI152NLin2009aSym:res-1']
        )
        (path,) = found.values()
        made = standard.texts(
            path,
            one.summary,
            run,
            sources=[names.files_of(one.summary)['dseg:glioma']],
            space=TEMPLATE,
            resolution='1 mm isotropic',
            figures={},
        )
        made[path] = image.encoded(image.Volume(np.zeros(SHAPE, np.uint8), grid))
        publish.replace_files(out, made)
    path = standard.share_map('MNI152NLin2009aSym', '1', region='WT', disease='glioma')
    image.save(image.Volume(np.zeros(SHAPE, np.float32), grid), out / path)
    words = {
        'Description': standard.SHARE,
        'Sources': [],
        'SpatialReference': TEMPLATE,
        'Resolution': '1 mm isotropic',
    }
    image.write_bytes(out / paths.sidecar(path), json_bytes(words))


def follow_all(out: Path, work: Path, label: str) -> None:
    """Follow the lesions of a participant: the second visit has one as before and a new one."""
    found = [one.summary for one in participant.outcomes(out, label)]
    trackings = []
    for number, first in enumerate(found[0].lesion_sets):
        told: dict[str, list[object]] = {'L001': [1, 2], 'L002': [2, 'absent'], 'L003': [None, 1]}
        if len(found) == 1:
            count = len(first.lesions)
            told = {f'L{place:03d}': [place] for place in range(1, count + 1)}
        trackings.append(through_time.a_tracking(found[0].lesion_sets[number], told))
    criteria = ('rano2', 'rano_bm') if len(trackings) > 1 else ()
    history = through_time.a_history(found, trackings, criteria=criteria)
    through_time.follow(out, work, found, history)
    participant.write_tables(out, label)


@pytest.fixture(scope='session')
def one_visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The input with the output of one visit; not to be changed."""
    base = tmp_path_factory.mktemp('one_visit')
    raw = base / 'raw'
    summary = three_participants()[0]
    write_raw(raw, [summary])
    made = Maker(base / 'work', raw / 'derivatives' / 'bids-seg')
    made.root(raw, dataset.labels_of(made.visit(summary).values()))
    group.write_tables(made.out, bids_dir=raw)
    return raw


@pytest.fixture
def tree(one_visit: Path, tmp_path: Path) -> Path:
    """A copy of the output of one visit that a test may break."""
    shutil.copytree(one_visit, tmp_path / 'raw')
    return tmp_path / 'raw' / 'derivatives' / 'bids-seg'


@pytest.fixture
def summary_of() -> Callable[..., VisitSummary]:
    return lambda *args, **more: a_summary(a_visit(*args), **more)
