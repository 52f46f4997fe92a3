# SPDX-License-Identifier: Apache-2.0
"""Scores as a long table, and the few that a reader wants first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bids_seg.evaluate.compare import Comparison
from bids_seg.evaluate.scores import estimates

COLUMNS = (
    'participant_id',
    'session_id',
    'disease',
    'region',
    'method',
    'metric',
    'statistic',
    'value',
    'low',
    'high',
    'n',
    'prediction',
    'reference',
    'note',
)
"""Columns of the long table."""

_FIRST: tuple[tuple[str, str, str, str], ...] = (
    ('overlap', 'dice', 'mean', 'Dice, mean'),
    ('overlap', 'dice', 'median', 'Dice, median'),
    ('surface', 'hd95', 'mean', 'HD95, mm'),
    ('surface', 'nsd_1mm', 'mean', 'NSD at 1 mm'),
    ('overlap', 'volume_error_pct', 'mean', 'volume error, %'),
    ('lesionwise', 'sensitivity', 'pooled', 'lesions found'),
    ('lesionwise', 'false_positives', 'mean', 'false lesions a case'),
    ('lesionwise', 'f1', 'pooled', 'lesion F1'),
    ('lesionwise', 'penalised_dice', 'pooled', 'penalised lesion Dice'),
    ('brats2023', 'lesionwise_dice', 'mean', 'BraTS lesion-wise Dice'),
    ('calibration', 'ece_10mm', 'mean', 'calibration error'),
)

Row = Mapping[str, str]


def rows(comparisons: Sequence[Comparison], *, seed: int = 1) -> list[Row]:
    """Return the long table: every score of every case, then over all cases.

    Parameters
    ----------
    comparisons
        What was compared.
    seed
        Of the bootstrap.

    Returns
    -------
    list of dict
        Keys are `COLUMNS`. Rows of one case have statistic `case`; rows over all cases have
        participant `all`, the number of cases that have the figure, and an interval over
        participants.
    """
    return [*_cases(comparisons), *_over_all(comparisons, seed)]


def tsv(table: Sequence[Row]) -> str:
    """Return the long table as text.

    Parameters
    ----------
    table
        As `rows` gives it.
    """
    lines = ['\t'.join(COLUMNS)]
    lines += ['\t'.join(row[name] for name in COLUMNS) for row in table]
    return '\n'.join(lines) + '\n'


def readable(table: Sequence[Row]) -> str:
    """Return the figures that a reader wants first, in aligned columns.

    Parameters
    ----------
    table
        As `rows` gives it.
    """
    found = {
        (row['disease'], row['region'], row['method'], row['metric'], row['statistic']): row
        for row in table
        if row['participant_id'] == 'all'
    }
    groups = list(dict.fromkeys(key[:2] for key in found))
    names = [region if disease == 'n/a' else f'{disease} {region}' for disease, region in groups]
    lines = [['', *names]]
    for method, metric, statistic, title in _FIRST:
        cells = [_cell(found.get((*group, method, metric, statistic))) for group in groups]
        if any(cells):
            lines.append([title, *(cell or '-' for cell in cells)])
    counts = [found[(*group, 'overlap', 'dice', 'mean')]['n'] for group in groups]
    lines.insert(1, ['cases', *counts])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ''.join(
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + '\n'
        for line in lines
    )


def _cases(comparisons: Sequence[Comparison]) -> Iterator[Row]:
    """Yield one row for each score of each case."""
    for each in comparisons:
        for method, scores in each.scores.items():
            for metric, score in scores.items():
                yield {
                    'participant_id': _prefixed('sub', each.pair.participant),
                    'session_id': _prefixed('ses', each.pair.session),
                    'disease': each.pair.disease,
                    'region': each.pair.region,
                    'method': method,
                    'metric': metric,
                    'statistic': 'case',
                    'value': _number(score.value),
                    'low': 'n/a',
                    'high': 'n/a',
                    'n': '1',
                    'prediction': each.pair.prediction.relative,
                    'reference': each.pair.reference.relative,
                    'note': each.note or 'n/a',
                }


def _over_all(comparisons: Sequence[Comparison], seed: int) -> Iterator[Row]:
    """Yield the rows over all cases of a disease and region."""
    groups = dict.fromkeys((each.pair.disease, each.pair.region) for each in comparisons)
    for disease, region in groups:
        own = [
            each
            for each in comparisons
            if (each.pair.disease, each.pair.region) == (disease, region)
        ]
        names = dict.fromkeys(
            (method, metric)
            for each in own
            for method, found in each.scores.items()
            for metric in found
        )
        for method, metric in names:
            having = [each for each in own if metric in each.scores.get(method, {})]
            scores = [each.scores[method][metric] for each in having]
            participants = [each.pair.participant for each in having]
            for estimate in estimates(scores, participants, seed=seed):
                yield {
                    **dict.fromkeys(COLUMNS, 'n/a'),
                    'participant_id': 'all',
                    'disease': disease,
                    'region': region,
                    'method': method,
                    'metric': metric,
                    'statistic': estimate.statistic,
                    'value': _number(estimate.value),
                    'low': _number(estimate.low),
                    'high': _number(estimate.high),
                    'n': str(estimate.n),
                }


def _cell(row: Row | None) -> str:
    """Return a figure with its interval, empty where there is none."""
    if row is None or row['value'] == 'n/a':
        return ''
    value = f'{float(row["value"]):.3f}'
    if row['low'] == 'n/a':
        return value
    return f'{value} [{float(row["low"]):.3f}, {float(row["high"]):.3f}]'


def _prefixed(prefix: str, label: str) -> str:
    """Return a label with its prefix."""
    return label if label == 'n/a' else f'{prefix}-{label}'


def _number(value: float) -> str:
    """Return a figure as text: six digits, n/a for what says nothing, inf for no distance."""
    if math.isnan(value):
        return 'n/a'
    return f'{value:.6g}'
