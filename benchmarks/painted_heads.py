# SPDX-License-Identifier: Apache-2.0
"""Score the networks that ship on painted heads that no training ever saw: `make figures`.

Scenes come from the label maps that are left out of training, with a seed that no run uses and
that probabilities were not fitted on. The networks are fed as in the program: the image and its
mirror image, probabilities scaled and cut as there; of what the program does after that, only the
brain is tidied. Choices are made with `--seed 20000`, on scenes of the same heads that
probabilities were fitted on; figures are recorded with nothing but what ships. `--picture` draws
how far probabilities come true.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import summary
from bids_seg.evaluate.calibration import Reliability, border_band, reliability
from bids_seg.evaluate.lesionwise import lesionwise
from bids_seg.evaluate.overlap import dice
from bids_seg.segment import brain, maps, models, weights
from bids_seg.train import calibrate, heads, step

ROOT = Path(__file__).resolve().parents[1]
SEED = 20_001
"""Neither that of a run nor that of the scenes that runs are scored on while they last."""
SCENES = {'brain': 48, 'glioma': 48, 'metastases': 110}
"""Enough of each kind; a piece of 80 mm holds few metastases."""
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
Mask = NDArray[np.bool_]
Draw = Callable[[Array], Array]
"""From an image to probabilities, `(I, J, K, R)`."""
Reached = dict[str, str]
"""Figures, by the rows of the summary."""
Cut = Callable[[Array], Mask]
"""From probabilities to masks, `(I, J, K, R)`."""
Curves = dict[str, Reliability]
"""How far probabilities come true, by network and region."""


class Scene(NamedTuple):
    """A painted head."""

    image: Array
    """`(I, J, K, C)`, as a network is given it."""
    target: Array
    """`(I, J, K, R)`, 0..1."""
    weight: Array
    """`(I, J, K, R)`, 0 where nothing is asked."""

    def known(self, region: int) -> Mask:
        """Return where a region is asked for."""
        return self.weight[..., region] > 0

    def truth(self, region: int) -> Mask:
        """Return what belongs to a region."""
        return (self.target[..., region] >= 0.5) & self.known(region)


def main() -> int:
    """Paint, draw, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('heads', type=Path, help='folder of label maps of heads')
    words.add_argument('--scenes', type=int, help=f'scenes of each kind (default: {SCENES})')
    words.add_argument('--networks', nargs='+', default=list(SCENES))
    words.add_argument('--weights', type=Path, default=weights.FOLDER, help='folder of weights')
    words.add_argument('--seed', type=int, default=SEED, help='of the scenes')
    words.add_argument('--threshold', type=float, help='another one than that of the program')
    words.add_argument('--peak', type=float, help='another one than that of the program')
    words.add_argument('--picture', type=Path, help='reliability diagram to be drawn')
    said = words.parse_args()
    found = heads.left_out(heads.read(said.heads, cache=ROOT / 'training' / 'heads'))
    tables = {'brain': _brain, 'glioma': _glioma, 'metastases': _metastases}
    chosen = (said.scenes, said.threshold, said.peak)
    as_shipped = said.weights == weights.FOLDER and said.seed == SEED and chosen == (None,) * 3
    curves: Curves = {}
    for name in said.networks:
        draw = network(name, said.weights)
        cut = cutter(name, threshold=said.threshold, peak=said.peak)
        many = scenes(name, found, said.scenes or SCENES[name], seed=said.seed)
        more, reached = tables[name](many, draw, cut)
        curves |= more
        for key, told in reached.items() if as_shipped else ():
            summary.record(key, told)
    if said.picture:
        _picture(curves, said.picture)
    return 0


def _brain(scenes: Iterator[Scene], draw: Draw, cut: Cut) -> tuple[Curves, Reached]:
    """Print the overlap of brains, one image of any contrast each."""
    spacing = models.find('brain').own.spacing
    scores, told = [], []
    for scene in scenes:
        probability = brain.tidy(draw(scene.image)[..., 0], spacing=spacing)
        known, truth = scene.known(0), scene.truth(0)
        scores.append(dice(cut(probability[..., None])[..., 0] & known, truth))
        told.append(_reliability(probability, truth, known, spacing))
    print(f'\n| brain, {len(scores)} unseen painted heads | median, mean, worst |\n|---|---|')
    _row('Dice', [_told(scores)])
    both = _errors(told)
    _row('calibration error within 10 mm: all voxels (median of heads)', [both])
    reached = {'brain painted': _told(scores), 'calibration brain': both}
    return {'brain': reduce(add, told)}, reached


def _glioma(scenes: Iterator[Scene], draw: Draw, cut: Cut) -> tuple[Curves, Reached]:
    """Print overlaps, calibration, what a missing contrast costs, what is claimed of no tumour."""
    model = models.find('glioma')
    scores: dict[str, list[list[float]]] = {name: [] for name in ('none', *MISSING)}
    told: dict[str, list[Reliability]] = {region: [] for region in model.regions}
    claimed = []
    for scene in scenes:
        for name in scores:
            given = scene.image.copy()
            for role in MISSING.get(name, ()):
                given[..., model.contrasts.index(role)] = 0
                given[..., len(model.contrasts) + model.contrasts.index(role)] = 0
            drawn = draw(given)
            masks = cut(drawn)
            scores[name].append(_dice(masks, scene))
            if name != 'none':
                continue
            if not scene.truth(0).any():
                claimed.append(float(masks[..., 0].sum()) * model.own.spacing**3 / 1000)
            for index, region in enumerate(model.regions):
                if scene.truth(index).any():
                    parts = (drawn[..., index], scene.truth(index), scene.known(index))
                    told[region].append(_reliability(*parts, model.own.spacing))
    complete = np.array(scores['none'])
    heading = f'glioma, {len(complete)} unseen painted heads, four contrasts'
    print(f'\n| {heading} | ' + ' | '.join(model.regions) + ' |')
    print('|---|' + '---|' * len(model.regions))
    _row('Dice where it is there: median, mean, worst', [_told(c) for c in complete.T.tolist()])
    worst = 0.0
    for name in MISSING:
        lost = np.nanmean(complete - np.array(scores[name]), axis=0)
        worst = max(worst, float(np.nanmax(lost)))
        _row(f'mean Dice lost without {name}', [f'{value:.3f}' for value in lost])
    errors = [_errors(told[region]) for region in model.regions]
    _row('calibration error within 10 mm: all voxels (median of heads)', errors)
    _row(
        f'mL claimed where there is none ({len(claimed)} heads): median, largest',
        [f'{statistics.median(claimed):.1f}, {max(claimed):.1f}'] if claimed else ['-'],
    )
    reached = {
        'glioma painted': '; '.join(_told(column) for column in complete.T.tolist()),
        'glioma missing': f'at most {worst:.3f}',
        'calibration glioma': ', '.join(errors),
    }
    curves = {f'glioma {r}': reduce(add, told[r]) for r in model.regions if told[r]}
    return curves, reached


def _metastases(scenes: Iterator[Scene], draw: Draw, cut: Cut) -> tuple[Curves, Reached]:
    """Print how many are found by size, and how many are false."""
    spacing = models.find('metastases').own.spacing
    hits = dict.fromkeys(LENGTHS, 0.0)
    there = dict.fromkeys(LENGTHS, 0.0)
    false, overlaps, litres, told = 0.0, [], 0.0, []
    for scene in scenes:
        drawn = draw(scene.image)
        probability, mask = drawn[..., 0], cut(drawn)[..., 0]
        known, truth = scene.known(0), scene.truth(0)
        mask &= known
        scores = lesionwise(mask, truth, affine=np.diag([spacing, spacing, spacing, 1.0]))
        for size in LENGTHS:
            hits[size] += scores[f'sensitivity_{size}'].top
            there[size] += scores[f'sensitivity_{size}'].bottom or 0
        false += scores['false_positives'].top
        if truth.any():
            overlaps.append(dice(mask, truth))
            told.append(_reliability(probability, truth, known, spacing))
        litres += float((scene.image[..., 0] != 0).sum()) / 1e6
    print(f'\n| metastases, unseen painted pieces of heads, {litres:.0f} L in all | found |')
    print('|---|---|')
    found = [f'{hits[size]:.0f} of {there[size]:.0f}' for size in LENGTHS]
    for size, share in zip(LENGTHS.values(), found, strict=True):
        _row(size, [share])
    _row(f'false, in a head of {HEAD_LITRES} L', [f'{HEAD_LITRES * false / litres:.1f}'])
    _row('Dice where there are any: median, mean, worst', [_told(overlaps)])
    _row('calibration error within 10 mm: all voxels (median of pieces)', [_errors(told)])
    shares = [
        f'{hits[size] / there[size]:.2f} ({one})' if there[size] else f'- ({one})'
        for size, one in zip(LENGTHS, found, strict=True)
    ]
    reached = {
        'metastases painted': f'{", ".join(shares)}; {HEAD_LITRES * false / litres:.1f}',
        'calibration metastases': _errors(told),
    }
    return {'metastases': reduce(add, told)} if told else {}, reached


def scenes(
    name: str, found: Sequence[heads.Head], count: int, *, seed: int = SEED
) -> Iterator[Scene]:
    """Yield scenes; those for glioma with all contrasts."""
    synthesis = importlib.import_module(f'bids_seg.train.synthesis.{name}')
    render = step.compiled(synthesis.render)
    for index in range(count):
        drawn = synthesis.draw(np.random.default_rng((seed, index)), found)
        if 'present' in drawn:
            drawn['present'] = np.ones_like(drawn['present'])
        head = found[int(drawn.pop('head'))]
        painted = render(head.arrays, drawn)
        image, target, weight = (np.asarray(painted[key]) for key in ('image', 'target', 'weight'))
        yield Scene(image, target, np.broadcast_to(weight, target.shape))


def network(name: str, folder: Path) -> Draw:
    """Return what draws probabilities, `(I, J, K, R)`: all members, each with the mirror image."""
    model = models.find(name)
    look = calibrate.looking(model, [folder / member.file for member in model.members])
    scalings = [model.own.scaling[region] for region in model.regions]
    return lambda image: maps.pool(look(image), scalings=scalings).mean


def cutter(name: str, *, threshold: float | None = None, peak: float | None = None) -> Cut:
    """Return what makes masks of probabilities: as the program does, or by other numbers."""
    model = models.find(name)
    low = model.threshold if threshold is None else threshold
    high = model.peak if peak is None else peak

    def cut(drawn: Array) -> Mask:
        """Return masks."""
        regions = dict(zip(model.regions, np.moveaxis(drawn, -1, 0), strict=True))
        return np.stack([*maps.masks(regions, threshold=low, peak=high).values()], axis=-1)

    return cut


def _dice(masks: Mask, scene: Scene) -> list[float]:
    """Return the overlap of each region, nothing where it is not there."""
    return [
        dice(masks[..., region] & scene.known(region), scene.truth(region))
        if scene.truth(region).any()
        else float('nan')
        for region in range(masks.shape[-1])
    ]


def _reliability(probability: Array, truth: Mask, known: Mask, spacing: float) -> Reliability:
    """Count how far probabilities around a region come true."""
    return reliability(probability, truth, border_band(truth, (spacing,) * 3) & known)


def _errors(told: list[Reliability]) -> str:
    """Return the calibration error over all voxels of all scenes, and that of a typical scene."""
    if not told:
        return '-'
    return f'{reduce(add, told).error:.3f} ({statistics.median(one.error for one in told):.3f})'


def _picture(curves: Curves, path: Path) -> None:
    """Draw reliability diagrams: what was promised against what was kept."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.9 * len(curves), 3.2), layout='constrained')
    row = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (name, one) in zip(row, curves.items(), strict=True):
        held = one.count > 0
        promised, kept = one.promised[held] / one.count[held], one.kept[held] / one.count[held]
        axes.plot([0, 1], [0, 1], color='0.7', linewidth=1)
        axes.plot(promised, kept, color='#1f4e79', linewidth=1)
        axes.scatter(promised, kept, s=6 + 300 * one.count[held] / one.count.sum(), c='#1f4e79')
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect='equal', xlabel='probability')
        axes.set_title(f'{name}: error {one.error:.3f}', fontsize=10)
    figure.axes[0].set_ylabel('share inside')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _row(title: str, cells: list[str]) -> None:
    """Print a row of a table."""
    print(f'| {title} | ' + ' | '.join(cells) + ' |', flush=True)


def _told(scores: list[float]) -> str:
    """Return median, mean and worst of what is known."""
    known = [score for score in scores if np.isfinite(score)]
    if not known:
        return '-'
    return f'{statistics.median(known):.3f}, {statistics.mean(known):.3f}, {min(known):.3f}'


if __name__ == '__main__':
    sys.exit(main())
