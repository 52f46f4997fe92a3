# SPDX-License-Identifier: Apache-2.0
"""Score the networks that ship on painted heads that no training ever saw: `make figures`.

Scenes come from the label maps that are left out of training, with a seed that no run uses. The
networks are fed as in the program: the image and its mirror image, probabilities by their
temperatures; what the program does after them is done to the brain alone.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.evaluate import calibration
from bids_seg.evaluate.lesionwise import lesionwise
from bids_seg.evaluate.overlap import dice
from bids_seg.segment import brain, models
from bids_seg.train import checkpoint, heads, step

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / 'bids_seg' / 'segment' / 'weights'
SEED = 20_001
"""Neither that of a run nor that of the scenes that runs are scored on while they last."""
LENGTHS = {
    '3_5mm': '3 to 5 mm',
    '5_10mm': '5 to 10 mm',
    '10_20mm': '10 to 20 mm',
    '20mm_up': '20 mm and more',
}
MISSING = {'T1w': ('T1w',), 'T2w': ('T2w',), 'T1w and T2w': ('T1w', 'T2w')}
"""Contrasts that are taken away."""
HEAD_LITRES = 1.3
"""Brain of a head, to compare pieces with heads."""

Array = NDArray[np.floating[Any]]
Draw = Callable[[Array], Array]


def main() -> int:
    """Paint, draw, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('heads', type=Path, help='folder of label maps of heads')
    words.add_argument('--scenes', type=int, default=48, help='scenes of each kind')
    words.add_argument('--networks', nargs='+', default=['brain', 'glioma', 'metastases'])
    words.add_argument('--weights', type=Path, default=WEIGHTS, help='folder of weights')
    said = words.parse_args()
    found = heads.left_out(heads.read(said.heads, cache=ROOT / 'training' / 'heads'))
    tables = {'brain': _brain, 'glioma': _glioma, 'metastases': _metastases}
    for name in said.networks:
        tables[name](found, said.scenes, said.weights)
    return 0


def _brain(found: list[heads.Head], count: int, weights: Path) -> None:
    """Print the overlap of brains, one image of any contrast each."""
    draw = _network('brain', weights)
    scores = []
    for image, target, weight in _scenes('brain', found, count):
        drawn = brain.tidy(draw(image)[..., 0], spacing=models.find('brain').system.spacing) >= 0.5
        known = weight[..., 0] > 0
        scores.append(dice(drawn & known, (target[..., 0] >= 0.5) & known))
    print(f'\n| brain, {count} unseen painted heads | median, mean, worst |\n|---|---|')
    print(f'| Dice | {_told(scores)} |', flush=True)


def _glioma(found: list[heads.Head], count: int, weights: Path) -> None:
    """Print overlaps, calibration, and what a missing contrast costs."""
    draw, regions = _network('glioma', weights), models.find('glioma').regions
    contrasts = models.find('glioma').contrasts
    spacing = models.find('glioma').system.spacing
    scores: dict[str, list[list[float]]] = {name: [] for name in ('none', *MISSING)}
    errors: list[list[float]] = []
    for image, target, weight in _scenes('glioma', found, count, complete=True):
        for name in scores:
            given = image.copy()
            for role in MISSING.get(name, ()):
                given[..., contrasts.index(role)] = 0
                given[..., len(contrasts) + contrasts.index(role)] = 0
            drawn = draw(given)
            scores[name].append(_dice(drawn, target, weight))
            if name == 'none':
                errors.append(_errors(drawn, target, weight, spacing=spacing))
    print(f'\n| glioma, {count} unseen painted heads | ' + ' | '.join(regions) + ' |')
    print('|---|' + '---|' * len(regions))
    complete = np.array(scores['none'])
    _row('Dice where it is there: median, mean, worst', [_told(c) for c in complete.T.tolist()])
    for name in MISSING:
        lost = np.nanmean(complete - np.array(scores[name]), axis=0)
        _row(f'mean Dice lost without {name}', [f'{value:.3f}' for value in lost])
    _row('calibration error within 10 mm', [f'{v:.3f}' for v in np.nanmean(errors, axis=0)])


def _metastases(found: list[heads.Head], count: int, weights: Path) -> None:
    """Print how many are found by size, and how many are false."""
    draw, spacing = _network('metastases', weights), models.find('metastases').system.spacing
    hits = dict.fromkeys(LENGTHS, 0.0)
    there = dict.fromkeys(LENGTHS, 0.0)
    false, overlaps, litres, errors = 0.0, [], 0.0, []
    for image, target, weight in _scenes('metastases', found, count):
        known = np.broadcast_to(weight[..., :1] > 0, target.shape)[..., 0]
        drawn = draw(image)
        truth, mask = (target[..., 0] >= 0.5) & known, (drawn[..., 0] >= 0.5) & known
        scores = lesionwise(mask, truth, affine=np.diag([spacing, spacing, spacing, 1.0]))
        for size in LENGTHS:
            hits[size] += scores[f'sensitivity_{size}'].top
            there[size] += scores[f'sensitivity_{size}'].bottom or 0
        false += scores['false_positives'].top
        overlaps.append(dice(mask, truth) if truth.any() else float('nan'))
        errors.append(_errors(drawn, target, weight, spacing=spacing))
        litres += float((image[..., 0] != 0).sum()) / 1e6
    print(f'\n| metastases, {count} unseen painted pieces | found |\n|---|---|')
    for size in LENGTHS:
        _row(
            LENGTHS[size],
            [f'{hits[size]:.0f} of {there[size]:.0f}'],
        )
    _row('false, in a head of 1.3 L', [f'{HEAD_LITRES * false / litres:.1f}'])
    _row('Dice where there are any: median, mean, worst', [_told(overlaps)])
    _row('calibration error within 10 mm', [f'{np.nanmean(errors):.3f}'])


def _scenes(
    name: str, found: list[heads.Head], count: int, *, complete: bool = False
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield image, target and weight of each scene; with all contrasts where asked for."""
    synthesis = importlib.import_module(f'bids_seg.train.synthesis.{name}')
    render = step.compiled(synthesis.render)
    for index in range(count):
        drawn = synthesis.draw(np.random.default_rng((SEED, index)), found)
        if complete:
            drawn['present'] = np.ones_like(drawn['present'])
        head = found[int(drawn.pop('head'))]
        painted = render(head.arrays, drawn)
        image, target, weight = (np.asarray(painted[key]) for key in ('image', 'target', 'weight'))
        yield image, target, np.broadcast_to(weight, target.shape)


def _network(name: str, weights: Path) -> Draw:
    """Return what draws probabilities: all members, each with the mirror image."""
    model = models.find(name)
    system: Any = model.system
    temperature = np.array([system.temperature[region] for region in model.regions])
    members = []
    for member in model.members:
        network = system.build()
        checkpoint.initial(weights / member.file, model=network)
        members.append(
            step.compiled(lambda images, network=network: network(images, training=False))
        )

    def draw(image: Array) -> Array:
        """Return probabilities, `(I, J, K, R)`."""
        opinions = []
        for call in members:
            for flip in (1, -1):
                logits = np.asarray(call(np.ascontiguousarray(image[None, ::flip])))[0, ::flip]
                opinions.append(1 / (1 + np.exp(-np.clip(logits / temperature, -30, 30))))
        mean: Array = np.mean(opinions, axis=0)
        return mean

    return draw


def _dice(drawn: Array, target: Array, weight: Array) -> list[float]:
    """Return the overlap of each region, nothing where it is not there."""
    out = []
    for region in range(target.shape[-1]):
        known, truth = weight[..., region] > 0, target[..., region] >= 0.5
        there = (truth & known).any()
        mask = (drawn[..., region] >= 0.5) & known
        out.append(dice(mask, truth & known) if there else float('nan'))
    return out


def _errors(drawn: Array, target: Array, weight: Array, *, spacing: float) -> list[float]:
    """Return the calibration error of each region, nothing where it is not there."""
    out = []
    for region in range(target.shape[-1]):
        truth = target[..., region] >= 0.5
        band = calibration.border_band(truth, (spacing,) * 3) & (weight[..., region] > 0)
        out.append(calibration.ece(drawn[..., region], truth, band))
    return out


def _row(title: str, cells: list[str]) -> None:
    """Print a row of a table."""
    print(f'| {title} | ' + ' | '.join(cells) + ' |', flush=True)


def _told(scores: list[float]) -> str:
    """Return median, mean and worst of what is known."""
    known = [score for score in scores if np.isfinite(score)]
    return f'{statistics.median(known):.3f}, {statistics.mean(known):.3f}, {min(known):.3f}'


if __name__ == '__main__':
    sys.exit(main())
