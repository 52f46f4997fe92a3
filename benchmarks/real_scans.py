# SPDX-License-Identifier: Apache-2.0
"""Run the program on the real scans and print what it reached: `make figures`.

For each folder: exit code, seconds, peak memory, errors of the BIDS validator; then the
overlap of its masks with the published ones, as tables in Markdown. The folders are for
judging: nothing is fitted to them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks import summary
from bids_seg import image
from bids_seg.evaluate.calibration import Reliability, border_band, reliability
from bids_seg.evaluate.overlap import dice
from bids_seg.image import Volume

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    *('fg6692', 'brats2018', 'brats2023', 'gbm-longitudinal', 't1gd-heads'),
    *('met110', 'heads-t1w', 'ms-longitudinal'),
)
TRUTH = {'WT': (1, 2, 3), 'TC': (1, 3), 'ET': (3,)}
"""Classes of the published label maps that make up each region."""
NEAR_MM = 5.0
"""A lesion that comes so near to a published one is no false positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    name: str
    """Folder."""
    code: int
    """Exit code."""
    seconds: float
    """Wall time."""
    peak_mb: float
    """Largest peak of a stage."""
    invalid: int
    """Errors of the BIDS validator."""
    last: str
    """Last line."""


def main() -> int:
    """Run everything and print the tables."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('data', type=Path, help='folder with the datasets')
    words.add_argument('--out', type=Path, default=ROOT / '.bench', help='where results go')
    words.add_argument('--keep', action='store_true', help='score what lies there already')
    said = words.parse_args()
    data, out = said.data.resolve(), said.out.resolve()
    if not said.keep:
        shutil.rmtree(out, ignore_errors=True)
    brains = _one_contrast_each(data / 'fg6692', out / 'data' / 'fg6692-each')
    datasets = {name: data / name for name in FOLDERS} | {'fg6692-each': brains}
    ended = []
    for name, bids_dir in datasets.items():
        tasks = ['brain'] if name == 'fg6692-each' else ['auto']
        ended.append(_run(name, bids_dir, out, tasks=tasks))
    for name in ('heads-t1w', 'ms-longitudinal'):
        tasks = ['brain', 'glioma', 'metastases']
        ended.append(_run(f'{name}-both', data / name, out, tasks=tasks))
    _print_runs(ended)
    _print_brain(data, out)
    _print_glioma(data, out)
    _print_enhancing(data, out)
    _print_metastases(data, out)
    _print_claims(out)
    _print_stages(out)
    return 0


def _one_contrast_each(source: Path, target: Path) -> Path:
    """Make a dataset in which each contrast is a participant of its own."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / 'dataset_description.json', target)
    for path in sorted(source.glob('sub-01/anat/*.nii.gz')):
        role = _role(path)
        folder = target / f'sub-{role}' / 'anat'
        folder.mkdir(parents=True, exist_ok=True)
        for part in (path, Path(str(path).replace('.nii.gz', '.json'))):
            shutil.copy(part, folder / part.name.replace('sub-01', f'sub-{role}'))
    return target


def _role(path: Path) -> str:
    """Return T1gd, T1w, T2w or FLAIR, as the published masks call their spaces."""
    return 'T1gd' if '_ce-' in path.name else path.name.split('_')[-1].split('.')[0]


def _run(name: str, bids_dir: Path, out: Path, *, tasks: list[str]) -> Ended:
    """Run participant and group level on a folder, unless its results are there."""
    target, record = out / name, out / f'{name}.json'
    if record.is_file():
        return Ended(**json.loads(record.read_text()))
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / 'run.py'), str(bids_dir), str(target)),
            *('participant', 'group', '-w', str(out / 'work' / name), '--models', *tasks),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    print(f'# {name}: {done.stderr.strip().splitlines()[-1]}', file=sys.stderr, flush=True)
    events = [json.loads(line) for path in target.glob('logs/*.jsonl') for line in path.open()]
    ended = Ended(
        name=name,
        code=done.returncode,
        seconds=round(seconds, 1),
        peak_mb=max((event['peak_mb'] or 0 for event in events), default=0),
        invalid=_errors(target),
        last=done.stderr.strip().splitlines()[-1],
    )
    record.write_text(json.dumps({key: getattr(ended, key) for key in Ended.__slots__}))
    return ended


def _errors(target: Path) -> int:
    """Return how many errors the BIDS validator finds."""
    program = Path(sys.executable).parent / 'bids-validator-deno'
    words = [str(program), str(target), '--format', 'json']
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)['issues']['issues']
    return sum(issue.get('severity') == 'error' for issue in issues)


def _print_runs(ended: list[Ended]) -> None:
    """Print how each run ended."""
    print('\n| folder | exit code | seconds | peak MB of a stage | validator errors | visits |')
    print('|---|---|---|---|---|---|')
    for run in ended:
        told = run.last.removeprefix('bids-seg: ').split(';')[0]
        cells = (run.name, run.code, f'{run.seconds:.0f}', f'{run.peak_mb:.0f}', run.invalid, told)
        print('| ' + ' | '.join(map(str, cells)) + ' |')


def _print_brain(data: Path, out: Path) -> None:
    """Print the brain masks of each contrast alone against HD-BET's."""
    print('\n| brain, fg6692 | Dice with HD-BET | volume / HD-BET |\n|---|---|---|')
    scores, ratios = [], []
    for role in ('T1w', 'T1gd', 'T2w', 'FLAIR'):
        found = next((out / 'fg6692-each' / f'sub-{role}').rglob('*_desc-brain_mask.nii.gz'))
        truth = (
            data
            / f'fg6692/derivatives/truth/sub-01/anat/sub-01_space-{role}_label-brain_mask.nii.gz'
        )
        ours, theirs = _mask(found), _mask(truth)
        scores.append(dice(ours.array, theirs.array))
        ratio = ours.array.sum() / theirs.array.sum()
        ratios.append(ratio)
        print(f'| {role} | {scores[-1]:.3f} | {ratio:.3f} |')
    print(f'| **median, mean, worst** | {_told(scores)} | |')
    summary.record('brain real', ', '.join(f'{score:.3f}' for score in scores))
    summary.record('brain volume', ', '.join(f'{ratio:.3f}' for ratio in ratios))


def _print_glioma(data: Path, out: Path) -> None:
    """Print the regions against the published ones."""
    print('\n| glioma | WT | TC | ET |\n|---|---|---|---|')
    rows: list[tuple[float, ...]] = []
    told: dict[str, list[Reliability]] = {region: [] for region in TRUTH}
    for name, label in (('brats2018', '01'), ('brats2018', '02'), ('brats2023', '01')):
        folder = data / name / f'derivatives/truth/sub-{label}/anat'
        truth, ours = next(folder.glob('*_dseg.nii.gz')), out / name / f'sub-{label}'
        rows.append(_regions(truth, ours))
        for region in TRUTH:
            told[region].append(_reliability(truth, ours, region))
        print(f'| {name} sub-{label} | ' + ' | '.join(f'{score:.3f}' for score in rows[-1]) + ' |')
    columns = [list(column) for column in zip(*rows, strict=True)]
    print('| **median, mean, worst** | ' + ' | '.join(map(_told, columns)) + ' |')
    errors = [f'{reduce(add, one).error:.3f}' for one in told.values()]
    print('| calibration error within 10 mm | ' + ' | '.join(errors) + ' |')
    means = [f'{statistics.mean(column):.3f}' for column in columns]
    summary.record('glioma real', ', '.join(means))
    summary.record('calibration real', ', '.join(errors))
    truth = data / 'fg6692/derivatives/truth/sub-01/anat/sub-01_space-T1gd_desc-truth_dseg.nii.gz'
    scores = _regions(truth, out / 'fg6692' / 'sub-01')
    cells = ' | '.join(f'{score:.3f}' for score in scores)
    print(f"| fg6692 (algorithms' labels) | {cells} |")


def _regions(truth: Path, folder: Path) -> tuple[float, ...]:
    """Return Dice of WT, TC and ET of one participant."""
    labels = image.read_labels(truth)
    scores = []
    for region, values in TRUTH.items():
        ours = _mask(next(folder.rglob(f'*_label-{region}_desc-glioma_mask.nii.gz')))
        ours = image.resample(ours, labels.grid, order=0)
        scores.append(dice(ours.array, np.isin(labels.array, values)))
    return tuple(scores)


def _reliability(truth: Path, folder: Path, region: str) -> Reliability:
    """Return how far the probabilities of a region come true within 10 mm of its border."""
    labels = image.read_labels(truth)
    file = next(folder.rglob(f'*_seg-glioma_label-{region}_probseg.nii.gz'))
    probability = image.resample(image.read(file)[0], labels.grid, order=1).array
    inside = np.isin(labels.array, TRUTH[region])
    return reliability(probability, inside, border_band(inside, labels.grid.spacing))


def _print_enhancing(data: Path, out: Path) -> None:
    """Print what was found of the enhancing lesions in post-contrast images alone."""
    print('\n| enhancing lesion | reference mL | ours mL | Dice | found | false positives |')
    print('|---|---|---|---|---|---|')
    change: dict[str, list[tuple[float, float]]] = {}
    found_all, false_all = [], []
    for name in ('gbm-longitudinal', 't1gd-heads'):
        for truth in sorted(
            (data / name / 'derivatives/truth').rglob('*_label-lesion_mask.nii.gz')
        ):
            visit = truth.name.split('_space-')[0]
            theirs = _mask(truth)
            regions = list((out / name).rglob(f'{visit}_*label-ET_desc-glioma_mask.nii.gz'))
            lesions = list((out / name).rglob(f'{visit}_*seg-gliomaLesions_dseg.nii.gz'))
            if not regions or not lesions:
                print(f'| {name} {visit} | {_ml(theirs):.1f} | - | - | no result | - |')
                found_all.append(False)
                continue
            ours = image.resample(_mask(regions[0]), theirs.grid, order=0)
            false = sum(1 for _ in _false(image.read_labels(lesions[0]), theirs))
            found = bool((ours.array & theirs.array).any())
            found_all.append(found)
            false_all.append(false)
            change.setdefault(f'{name} {visit[:6]}', []).append((_ml(theirs), _ml(ours)))
            cells = (
                f'{_ml(theirs):.1f}',
                f'{_ml(ours):.1f}',
                f'{dice(ours.array, theirs.array):.3f}',
            )
            told = 'yes' if found else 'no'
            print(f'| {name} {visit} | ' + ' | '.join(cells) + f' | {told} | {false} |')
    pairs = [both for both in change.values() if len(both) == 2]
    signs = sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs)
    print(
        f'| **all** | | | | {sum(found_all)} of {len(found_all)} | '
        f'{statistics.mean(false_all) if false_all else 0:.1f} a visit |'
    )
    print(f'\nSign of the change between two visits: right in {signs} of {len(pairs)}.')
    summary.record('enhancing', f'{sum(found_all)} of {len(found_all)}')
    summary.record('false', f'{statistics.mean(false_all) if false_all else 0:.1f}')
    summary.record('signs', f'{signs} of {len(pairs)}')


def _false(lesions: Volume, truth: Volume) -> Iterator[int]:
    """Yield the lesions that come near no published one."""
    distance = ndimage.distance_transform_edt(~truth.array, sampling=truth.grid.spacing)
    there = image.resample(lesions, truth.grid, order=0).array
    for number in np.unique(there[there > 0]):
        if distance[there == number].min() > NEAR_MM:
            yield int(number)


def _print_metastases(data: Path, out: Path) -> None:
    """Print the metastasis against the published output of an algorithm."""
    truth = next((data / 'met110/derivatives/algorithm').rglob('*_dseg.nii.gz'))
    labels = image.read_labels(truth)
    theirs = Volume(labels.array == 2, labels.grid)
    folder = out / 'met110' / 'sub-01'
    masks = list(folder.rglob('*_label-TC_desc-metastases_mask.nii.gz'))
    print('\n| metastasis, met110 | Dice | reference mL | ours mL | false positives |')
    print('|---|---|---|---|---|')
    if not masks:
        print('| no result | | | | |')
        summary.record('metastases real', 'no result')
        return
    ours = image.resample(_mask(masks[0]), labels.grid, order=0)
    lesions = image.read_labels(next(folder.rglob('*_seg-metastasesLesions_dseg.nii.gz')))
    score, false = dice(ours.array, theirs.array), sum(1 for _ in _false(lesions, theirs))
    summary.record('metastases real', f'{score:.2f}; {false}')
    print(f'| sub-01 | {score:.3f} | {_ml(theirs):.1f} | {_ml(ours):.1f} | {false} |')


def _print_claims(out: Path) -> None:
    """Print what was claimed in heads without a tumour, with the warnings that stand beside."""
    print('\n| no tumour | network | volume mL | warnings |\n|---|---|---|---|')
    volumes: list[float] = []
    lesions: list[int] = []
    for name in ('heads-t1w-both', 'ms-longitudinal-both'):
        for path in sorted((out / name).glob('sub-*/figures/*_desc-summary.json')):
            page = json.loads(path.read_text())
            for run in page['models']:
                if run['task'] == 'brain':
                    continue
                volume = max(run['volumes_mm3'].values(), default=0) / 1000
                visit = path.name.split('_desc-')[0]
                if run['task'] == 'glioma':
                    volumes.append(volume)
                else:
                    files = (out / name).rglob(f'{visit}_*seg-metastasesLesions_dseg.nii.gz')
                    lesions += [len(np.unique(image.read_labels(one).array)) - 1 for one in files]
                warnings = ' '.join(run['warnings']) or '-'
                print(f'| {name} {visit} | {run["task"]} | {volume:.2f} | {warnings} |')
    summary.record('healthy glioma', ', '.join(f'{one:.1f}' for one in volumes))
    summary.record('healthy metastases', ', '.join(map(str, lesions)) or 'no head looked at')


def _print_stages(out: Path) -> None:
    """Print what each stage took, over all visits."""
    stages: dict[str, list[tuple[float, float]]] = {}
    for path in out.glob('*/logs/*.jsonl'):
        for line in path.open():
            event = json.loads(line)
            if event['seconds'] is not None:
                took = (event['seconds'], event['peak_mb'] or 0)
                stages.setdefault(event['node'], []).append(took)
    print('\n| stage | visits | median s | largest s | largest peak MB |\n|---|---|---|---|---|')
    for stage, took in stages.items():
        seconds = [each[0] for each in took]
        peak = max(each[1] for each in took)
        middle = statistics.median(seconds)
        print(f'| {stage} | {len(took)} | {middle:.1f} | {max(seconds):.1f} | {peak:.0f} |')


def _mask(path: Path) -> Volume:
    """Return a mask."""
    labels = image.read_labels(path)
    return Volume(labels.array > 0, labels.grid)


def _ml(mask: Volume) -> float:
    """Return the volume of a mask, mL."""
    return float(mask.array.sum() * mask.grid.voxel_mm3 / 1000)


def _told(scores: list[float]) -> str:
    """Return median, mean and worst."""
    return f'{statistics.median(scores):.3f}, {statistics.mean(scores):.3f}, {min(scores):.3f}'


if __name__ == '__main__':
    sys.exit(main())
