# SPDX-License-Identifier: Apache-2.0
"""Judge what the program says of two visits: responses, and how well heads come together.

`python -m benchmarks.longitudinal ../shared/data [--networks]` prints two tables in Markdown.

Responses: the program runs on `gbm-longitudinal` with the published masks given by
`--segmentations`, and is compared with `benchmarks.by_hand`, which shares no code with it; with
`--networks` it runs a second time with its own masks. The patients' days, steroids and state of
health play no part: responses are those of imaging alone.

Heads: on `ms-longitudinal` the second visit is brought onto the first by T1w, by T2w and by FLAIR,
each by itself: three measurements of one movement, from images that share neither noise nor
contrast. They are compared at eight points, 60 mm from the middle of the head: directly, and round
loops that leave by one contrast and come back by another, registered in the other direction. What
they disagree about holds the errors of two registrations and of the alignment within the visits,
so it is larger than the error of one. No better truth is known.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.by_hand import TARGETS, Verdict, spots, verdict
from bids_seg import image, register
from bids_seg.register import Heads, Matrix

ROOT = Path(__file__).resolve().parents[1]
CONTRASTS = ('T1w', 'T2w', 'FLAIR')
"""By which a head is brought onto itself; all lie on the grid of the T1w."""


def main() -> int:
    """Run both comparisons and print them."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else '')
    words.add_argument('data', type=Path, help='folder of datasets')
    words.add_argument('--networks', action='store_true', help='also with masks of the networks')
    said = words.parse_args()
    with tempfile.TemporaryDirectory(prefix='bids-seg-') as folder:
        _responses(said.data / 'gbm-longitudinal', Path(folder), networks=said.networks)
        _heads(said.data / 'ms-longitudinal', Path(folder))
    return 0


def _responses(data: Path, folder: Path, *, networks: bool) -> None:
    """Print the response of each patient, by hand and by the program."""
    masks = data / 'derivatives' / 'truth'
    ways: dict[str, tuple[str, ...]] = {'given masks': ('--segmentations', str(masks))}
    if networks:
        ways['networks'] = ()
    outs = {}
    for way, more in ways.items():
        outs[way] = folder / way.replace(' ', '-')
        _run(data, outs[way], '--criteria', *TARGETS, *more)
    print('\n| patient | criterion | by hand, mm2 | by hand |' + ''.join(f' {w} |' for w in ways))
    print('|---|---|---|---|' + '---|' * len(ways))
    agreed = dict.fromkeys(ways, 0)
    count = 0
    for patient in sorted(path.name for path in masks.glob('sub-*')):
        for criterion in TARGETS:
            hand = _by_hand(masks, patient, criterion)
            cells = []
            for way, out in outs.items():
                first, second = _rows(out, patient)
                found = second[f'response_{criterion}']
                agreed[way] += found == hand.response
                sums = [row[f'aggregate_{criterion}'] for row in (first, second)]
                cells.append(f'{found} ({sums[0]} to {sums[1]})')
            count += 1
            sizes = f'{hand.before:.0f} to {hand.after:.0f}'
            print('| ' + ' | '.join([patient, criterion, sizes, hand.response, *cells]) + ' |')
    for way, number in agreed.items():
        print(f'\n{way}: {number} of {count} agree with the hand', flush=True)


def _by_hand(masks: Path, patient: str, criterion: str) -> Verdict:
    """Return the response from masks alone."""
    places = [next((masks / patient / visit).glob('anat/*mask.nii.gz')) for visit in _VISITS]
    (first, size), (second, _) = (spots(place) for place in places)
    return verdict(first, second, size=size, criterion=criterion)


_VISITS = ('ses-01', 'ses-02')


def _rows(out: Path, patient: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what the program says of both visits."""
    with (out / patient / f'{patient}_sessions.tsv').open(encoding='utf-8') as file:
        first, second = csv.DictReader(file, delimiter='\t')
    return first, second


def _heads(data: Path, folder: Path) -> None:
    """Print how far registrations by three contrasts differ, in millimetres."""
    out = folder / 'heads'
    masks = data / 'derivatives' / 'truth'
    _run(data, out, '--models', 'brain', '--derivatives', f'truth={masks}')
    visits = [
        {contrast: _head(out / 'sub-01' / visit / 'anat', contrast) for contrast in CONTRASTS}
        for visit in _VISITS
    ]
    there: dict[str, Matrix] = {}
    back: dict[str, Matrix] = {}
    print('\n| contrast | there and back, mm | rotation, degrees | brain Dice |\n|---|---|---|---|')
    for contrast in CONTRASTS:
        first, second = visits[0][contrast], visits[1][contrast]
        there[contrast], fit = register.head_to_head(second, first, threads=2)
        back[contrast], _ = register.head_to_head(first, second, threads=2)
        cells = (contrast, f'{fit.disagreement_mm:.2f}', f'{fit.rotation_deg:.2f}', fit.brain_dice)
        print('| ' + ' | '.join(str(cell) for cell in cells) + ' |', flush=True)
    middle = register.centre(visits[0]['T1w'].image.grid)
    print('\n| leaves by | comes back by | apart, mm | round the loop, mm |\n|---|---|---|---|')
    for one, other in itertools.permutations(CONTRASTS, 2):
        apart = register.distance(there[one], there[other], around=middle)
        loop = register.distance(back[other] @ there[one], np.eye(4), around=middle)
        print(f'| {one} | {other} | {apart:.2f} | {loop:.2f} |')


def _head(folder: Path, contrast: str) -> Heads:
    """Return one image of a visit on the grid of its reference, with the brain."""
    volume = image.read_map(next(folder.glob(f'*desc-preproc_{contrast}.nii.gz')))
    brain = image.read_labels(next(folder.glob('*desc-brain_mask.nii.gz')))
    return Heads(image=volume, brain=brain)


def _run(data: Path, out: Path, *more: str) -> None:
    """Run the program; what it says goes to stderr."""
    words = [str(data), str(out), 'participant', '--skip-bids-validation']
    subprocess.run(
        [sys.executable, '-m', 'bids_seg', *words, '--work-dir', f'{out}-work', *more],
        cwd=ROOT,
        check=True,
        stdout=sys.stderr,
    )


if __name__ == '__main__':
    sys.exit(main())
