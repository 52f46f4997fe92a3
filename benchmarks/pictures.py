# SPDX-License-Identifier: Apache-2.0
"""Draw what the networks drew: best, median and worst, for the page of pictures.

`python -m benchmarks.pictures ../shared/data docs/images/networks` takes results of real scans from
where `make figures` left them, and of the real scans those whose licences let pictures be shown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.painted_heads import ROOT, cutter, network, scenes
from bids_seg import image
from bids_seg.evaluate.overlap import dice
from bids_seg.image import Volume
from bids_seg.segment import brain, models, weights
from bids_seg.train import heads

TRUTH, OURS, HEAD = '#2ca02c', '#d62728', '#1f77b4'
"""Colours of what is true or published, of what the network drew, and of brain masks."""
STYLES = ('solid', 'dashed', 'dotted')
"""Of the lines around regions, outermost first."""
SCENES = 24
"""Painted heads among which best, median and worst are looked for."""
SHOWN = {'brain': ('image',), 'glioma': ('T1wCE', 'FLAIR'), 'metastases': ('T1wCE',)}
"""Channels of painted heads that are drawn."""

Slice = NDArray[np.floating]
Outline = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """One axial slice."""

    title: str
    """What it is."""
    grey: Slice
    """(I, J), left to right and back to front."""
    outlines: Sequence[tuple[str, str, Outline]]
    """Colour, style of the line, and what it surrounds."""
    aspect: float
    """Height of a pixel by its width."""


def main() -> int:
    """Draw all pictures."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('data', type=Path, help='folder with the datasets')
    words.add_argument('out', type=Path, help='folder for the pictures')
    words.add_argument('--results', type=Path, default=ROOT / '.bench', help='of the real scans')
    words.add_argument('--weights', type=Path, default=weights.FOLDER, help='folder of weights')
    said = words.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    found = heads.left_out(heads.read(said.data / 'heads', cache=ROOT / 'training' / 'heads'))
    for name in SHOWN:
        _page(_painted(name, found, said.weights), said.out / f'painted-{name}.webp')
    _page(_enhancing(said.data, said.results), said.out / 'post-contrast.webp')
    _page(_without(said.results), said.out / 'no-tumour.webp')
    return 0


def _painted(name: str, found: Sequence[heads.Head], folder: Path) -> list[Panel]:
    """Return best, median and worst of painted heads that hold what is looked for."""
    model = models.find(name)
    draw, cut = network(name, folder), cutter(name)
    judged: list[tuple[float, list[Panel]]] = []
    for scene in scenes(name, found, SCENES):
        truth = scene.truth(0)
        if not truth.any():
            continue
        probability = draw(scene.image)
        if name == 'brain':
            probability = brain.tidy(probability[..., 0], spacing=model.own.spacing)[..., None]
        masks = cut(probability)
        score = dice(masks[..., 0] & scene.known(0), truth)
        place = int(truth.sum(axis=(0, 1)).argmax())
        outlines = [
            (colour, style, mask[..., place])
            for region, style in zip(range(len(model.regions)), STYLES, strict=False)
            for colour, mask in ((TRUTH, scene.truth(region)), (OURS, masks[..., region]))
        ]
        panels = []
        for shown in SHOWN[name]:
            channel = model.contrasts.index(shown) if shown in model.contrasts else 0
            grey = scene.image[..., place, channel]
            title = f'Dice {score:.2f}' if len(SHOWN[name]) == 1 else f'{shown}, WT {score:.2f}'
            panels.append(Panel(title=title, grey=grey, outlines=outlines, aspect=1.0))
        judged.append((score, panels))
    return _three(judged)


def _three(judged: list[tuple[float, list[Panel]]]) -> list[Panel]:
    """Return the panels of best, median and worst."""
    ordered = sorted(judged, key=lambda one: -one[0])
    chosen = (ordered[0], ordered[len(ordered) // 2], ordered[-1])
    return [panel for _, panels in chosen for panel in panels]


def _enhancing(data: Path, results: Path) -> list[Panel]:
    """Return best, median and worst visit of thick post-contrast slices, plain and outlined."""
    judged = []
    for name in ('gbm-longitudinal', 't1gd-heads'):
        for file in sorted((data / name / 'derivatives/truth').rglob('*-lesion_mask.nii.gz')):
            visit = file.name.split('_space-')[0]
            region = next((results / name).rglob(f'{visit}_*label-ET_desc-glioma_mask.nii.gz'))
            shown = next((results / name).rglob(f'{visit}_*desc-preproc_T1w.nii.gz'))
            grey = image.read(shown)[0]
            truth, ours = (_onto(each, grey) for each in (file, region))
            score = dice(ours, truth)
            place = int(truth.sum(axis=(0, 1)).argmax())
            outlines = [(TRUTH, 'solid', truth[..., place]), (OURS, 'solid', ours[..., place])]
            title = f'{name} {visit.replace("_", " ")}, Dice {score:.2f}'
            judged.append(
                (score, [_slice('', grey, place, []), _slice(title, grey, place, outlines)])
            )
    return _three(judged)


def _without(results: Path) -> list[Panel]:
    """Return heads without tumour: brain masks, and what the glioma network claims."""
    visits = (
        ('heads-t1w-both', 'sub-02', 'FLAIR'),
        ('ms-longitudinal-both', 'sub-01_ses-01', 'FLAIR'),
        ('ms-longitudinal-both', 'sub-01_ses-02', 'FLAIR'),
    )
    panels = []
    for name, visit, contrast in visits:
        grey = image.read(next((results / name).rglob(f'{visit}_*preproc_{contrast}.nii.gz')))[0]
        head = _onto(next((results / name).rglob(f'{visit}_*desc-brain_mask.nii.gz')), grey)
        files = list((results / name).rglob(f'{visit}_*label-WT_desc-glioma_mask.nii.gz'))
        claim = _onto(files[0], grey) if files else np.zeros_like(head)
        most = claim if claim.any() else head
        place = int(most.sum(axis=(0, 1)).argmax())
        volume = claim.sum() * grey.grid.voxel_mm3 / 1000
        title = f'{name.removesuffix("-both")} {visit.replace("_", " ")}: {volume:.1f} mL claimed'
        outlines = [(HEAD, 'solid', head[..., place]), (OURS, 'solid', claim[..., place])]
        panels += [_slice('', grey, place, []), _slice(title, grey, place, outlines)]
    return panels


def _onto(file: Path, grey: Volume) -> Outline:
    """Return a mask on the grid of an image."""
    labels = image.read_labels(file)
    mask = Volume((labels.array > 0).astype(np.uint8), labels.grid)
    return image.resample(mask, grey.grid, order=0).array > 0


def _slice(
    title: str, grey: Volume, place: int, outlines: Sequence[tuple[str, str, Outline]]
) -> Panel:
    """Return an axial slice of an image."""
    i, j, _ = grey.grid.spacing
    return Panel(title=title, grey=grey.array[..., place], outlines=outlines, aspect=j / i)


def _page(panels: Sequence[Panel], path: Path) -> None:
    """Draw panels in rows of up to six."""
    from matplotlib.figure import Figure

    across = min(len(panels), 6)
    rows = -(-len(panels) // across)
    figure = Figure(figsize=(2.4 * across, 3.1 * rows), layout='constrained', facecolor='white')
    for axes, panel in zip(figure.subplots(rows, across, squeeze=False).flat, panels, strict=False):
        # Seen from the feet, the patient's right on the left.
        low, high = np.percentile(panel.grey, [1, 99.7])
        axes.imshow(
            panel.grey[::-1].T, origin='lower', cmap='gray', vmin=low, vmax=high,
            aspect=panel.aspect,
        )  # fmt: skip
        for colour, style, mask in panel.outlines:
            if mask.any():
                shown = mask[::-1].T.astype(float)
                axes.contour(shown, [0.5], colors=colour, linewidths=1.1, linestyles=style)
        axes.set_title(panel.title, fontsize=7.5)
        axes.axis('off')
    figure.savefig(path, dpi=100, pil_kwargs={'quality': 80, 'method': 6})
    print(f'{path}: {path.stat().st_size / 1000:.0f} kB')


if __name__ == '__main__':
    sys.exit(main())
