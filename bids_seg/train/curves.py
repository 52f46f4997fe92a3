# SPDX-License-Identifier: Apache-2.0
"""Draw what a run's log says: loss and scores over samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; an unfinished last line is left out.

    Parameters
    ----------
    log
        File of one JSON object a line.
    """
    lines = []
    for text in log.read_text(encoding='utf-8').splitlines():
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            continue
    return lines


def draw(log: Path, picture: Path) -> None:
    """Draw loss and validation scores of a run.

    Parameters
    ----------
    log
        File of one JSON object a line; nothing is drawn where it is missing.
    picture
        An SVG or PNG file.
    """
    from matplotlib.figure import Figure

    if not log.is_file():
        return
    lines = read(log)
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    loss, scores = figure.subplots(1, 2)
    steps = [line for line in lines if 'loss' in line]
    loss.plot([line['step'] for line in steps], [line['loss'] for line in steps], lw=1)
    loss.set(xlabel='samples', ylabel='loss', yscale='log')
    judged = [line for line in lines if 'validation' in line]
    for key in sorted({key for line in judged for key in line['validation']}):
        rows = [
            (line['step'], line['validation'][key]) for line in judged if key in line['validation']
        ]
        scores.plot(*zip(*rows, strict=True), label=key, marker='.', lw=1)
    scores.set(xlabel='samples', ylabel='Dice, left-out heads', ylim=(0, 1))
    if judged:
        scores.legend(fontsize='small', frameon=False)
    figure.savefig(picture)
