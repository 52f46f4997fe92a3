# SPDX-License-Identifier: Apache-2.0
"""Pictures of scores: their distribution, and contours of the best, median and worst case."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import OutputError
from bids_seg.evaluate.compare import Comparison, aligned
from bids_seg.evaluate.grey import grey_image

REFERENCE_COLOUR, PREDICTION_COLOUR = '#56B4E9', '#E69F00'
"""Two colours of Okabe and Ito, told apart by colour-blind readers and on grey."""
_SHOWN = (
    ('overlap', 'dice', 'Dice'),
    ('surface', 'hd95', 'HD95, mm'),
    ('surface', 'nsd_1mm', 'NSD at 1 mm'),
)
_MARGIN_MM = 15.0


def draw(comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Draw all pictures into a folder and return their paths.

    Parameters
    ----------
    comparisons
        What was compared.
    folder
        Made if need be: `distribution.png`, and `cases_<disease>_<region>.png`.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'cannot be made ({error.strerror})', where=folder, do='give another --figures'
        ) from error
    groups: dict[str, list[Comparison]] = {}
    for each in comparisons:
        disease = '' if each.pair.disease == 'n/a' else f'{each.pair.disease} '
        groups.setdefault(disease + each.pair.region, []).append(each)
    written = [_save(_distribution(groups), folder / 'distribution.png')]
    for name, own in groups.items():
        path = folder / f'cases_{name.replace(" ", "_")}.png'
        written.append(_save(_cases(own, name), path))
    return written


def _save(figure: Any, path: Path) -> Path:
    """Write a figure without a date in it, so that the same scores give the same bytes."""
    figure.savefig(path, dpi=150, metadata={'Software': None})
    return path


def _figure(width: float, height: float) -> Any:
    """Return an empty figure that belongs to no window."""
    # matplotlib costs half a second: only those who want pictures pay.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _distribution(groups: dict[str, list[Comparison]]) -> Any:
    """Return one panel for each metric, one column of points for each region."""
    figure = _figure(4 * len(_SHOWN), 4)
    panels = figure.subplots(1, len(_SHOWN), squeeze=False)[0]
    for panel, (method, metric, title) in zip(panels, _SHOWN, strict=True):
        for place, own in enumerate(groups.values()):
            values = np.array([each.scores[method][metric].value for each in own])
            values = values[np.isfinite(values)]
            if not values.size:
                continue
            # Spread by a fixed pattern: points of equal value stay visible.
            aside = 0.12 * np.resize([0, 1, -1, 0.5, -0.5], values.size)
            panel.plot(place + aside, values, 'o', ms=4, color='0.45', alpha=0.7)
            _mark(panel, place, float(np.mean(values)), '-', 'mean', first=place == 0)
            _mark(panel, place, float(np.median(values)), ':', 'median', first=place == 0)
        panel.set_xticks(range(len(groups)), list(groups), rotation=20)
        panel.set_xlim(-0.6, len(groups) - 0.4)
        panel.set_title(title)
    panels[0].legend(frameon=False, loc='best')
    return figure


def _mark(panel: Any, place: int, value: float, style: str, label: str, *, first: bool) -> None:
    """Draw a short line at a value, with the number beside it."""
    colour = 'black' if label == 'mean' else '#D55E00'
    panel.hlines(
        value, place - 0.3, place + 0.3, colour, style, lw=2, label=label if first else None
    )


def _cases(own: Sequence[Comparison], name: str) -> Any:
    """Return the best, the median and the worst case side by side."""
    ranked = sorted(own, key=lambda each: -each.scores['overlap']['dice'].value)
    chosen = {'best': ranked[0], 'median': ranked[len(ranked) // 2], 'worst': ranked[-1]}
    if len(ranked) < 3:
        chosen = {f'case {number}': each for number, each in enumerate(ranked, start=1)}
    figure = _figure(4 * len(chosen), 4.6)
    panels = figure.subplots(1, len(chosen), squeeze=False)[0]
    for panel, (title, each) in zip(panels, chosen.items(), strict=True):
        _contours(panel, each)
        dice = each.scores['overlap']['dice'].value
        session = '' if each.pair.session == 'n/a' else f' ses-{each.pair.session}'
        panel.set_title(
            f'{title}: sub-{each.pair.participant}{session}\nDice {dice:.3f}', fontsize=10
        )
    figure.suptitle(name)
    _legend(figure)
    return figure


def _contours(panel: Any, each: Comparison) -> None:
    """Draw the slice with most of both masks, seen from the feet, left on the right."""
    reference, prediction, _ = aligned(each.pair)
    both = reference.array | prediction.array
    index = int(both.sum(axis=(0, 1)).argmax())
    grey = grey_image(each.pair, reference.grid)
    first, second, _ = reference.grid.spacing
    sides = reference.array.shape
    extent = (-first / 2, (sides[0] - 0.5) * first, -second / 2, (sides[1] - 0.5) * second)
    panel.set_facecolor('black')
    if grey is None:
        panel.imshow(np.zeros(sides[:2]).T, cmap='gray', extent=extent, origin='lower')
    else:
        plane = grey.array[:, :, index]
        low, high = np.percentile(plane[plane > 0], (1, 99)) if (plane > 0).any() else (0, 1)
        panel.imshow(plane.T, cmap='gray', vmin=low, vmax=high, extent=extent, origin='lower')
    axes = (np.arange(sides[0]) * first, np.arange(sides[1]) * second)
    pictures = ((reference, REFERENCE_COLOUR, 'solid'), (prediction, PREDICTION_COLOUR, 'dashed'))
    for mask, colour, style in pictures:
        plane = mask.array[:, :, index]
        if plane.any():
            panel.contour(
                *axes, plane.T.astype(float), [0.5], colors=colour, linewidths=1.2, linestyles=style
            )
    _frame(panel, both[:, :, index], first, second)


def _frame(panel: Any, plane: NDArray[np.bool_], first: float, second: float) -> None:
    """Show what lies around the masks, left on the right, with side letters and scale bar."""
    x, y = np.nonzero(plane) if plane.any() else np.nonzero(np.ones_like(plane))
    half = max(np.ptp(x) * first, np.ptp(y) * second) / 2 + _MARGIN_MM
    centre = (x.min() + x.max()) / 2 * first, (y.min() + y.max()) / 2 * second
    panel.set_xlim(centre[0] + half, centre[0] - half)
    panel.set_ylim(centre[1] - half, centre[1] + half)
    panel.set_xticks([])
    panel.set_yticks([])
    words: dict[str, Any] = {'color': 'white', 'transform': panel.transAxes, 'va': 'center'}
    panel.text(0.02, 0.5, 'R', ha='left', **words)
    panel.text(0.98, 0.5, 'L', ha='right', **words)
    start = centre[0] + 0.9 * half
    panel.plot([start, start - 10], [centre[1] - 0.9 * half] * 2, color='white', lw=2)
    panel.text(0.05, 0.09, '10 mm', ha='left', fontsize=8, **words)


def _legend(figure: Any) -> None:
    """Say which line is which."""
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=REFERENCE_COLOUR, label='reference'),
        Line2D([], [], color=PREDICTION_COLOUR, ls='--', label='prediction'),
    ]
    figure.legend(handles=lines, loc='outside lower center', ncols=2, frameon=False)
