# SPDX-License-Identifier: Apache-2.0
"""Scores that can be pooled, and their intervals over participants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
"""Bootstrap samples."""
PERCENTILES = (2.5, 97.5)
"""Ends of the intervals."""


@dataclass(frozen=True, slots=True)
class Score:
    """A figure of one case as a fraction, so that cases can be pooled."""

    top: float
    """Numerator, e.g. lesions found."""
    bottom: float | None = None
    """Denominator, e.g. lesions there are; None where the figure is no share."""
    empty: float = math.nan
    """What the fraction is worth where the denominator is 0; NaN: it says nothing."""

    @property
    def value(self) -> float:
        """The figure itself; NaN where it says nothing.

        Examples
        --------
        >>> Score(1, 4).value, Score(0, 0, 1.0).value
        (0.25, 1.0)
        """
        if self.bottom is None:
            return self.top
        return self.top / self.bottom if self.bottom else self.empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure over all cases."""

    statistic: str
    """mean or median over cases, or pooled over all that cases hold."""
    value: float
    """The figure; NaN where it says nothing."""
    low: float
    """2.5th percentile over bootstrap samples of participants; NaN with one participant."""
    high: float
    """97.5th percentile."""
    n: int
    """Cases that have the figure."""


def estimates(
    scores: Sequence[Score], participants: Sequence[str], *, seed: int = 1
) -> tuple[Estimate, ...]:
    """Return mean, median and, for shares, the pooled figure, with intervals.

    Parameters
    ----------
    scores
        One for each case.
    participants
        Whose each case is; participants are drawn, with all their cases, not cases.
    seed
        Of the 2000 draws.

    Notes
    -----
    Infinite distances (one mask empty) are left out, as is what says nothing; `n` tells of
    it. The percentile bootstrap is Efron's, doi:10.1214/ss/1177013815.

    Examples
    --------
    >>> found = estimates([Score(1, 1), Score(1, 3)], ['01', '02'])
    >>> [(each.statistic, round(each.value, 3)) for each in found]
    [('mean', 0.667), ('median', 0.667), ('pooled', 0.5)]
    """
    values = np.array([score.value for score in scores], dtype=float)
    tops = np.array([score.top for score in scores], dtype=float)
    bottoms = np.array([score.bottom or 0 for score in scores], dtype=float)
    usable = np.isfinite(values)
    names, own = np.unique(np.asarray(participants), return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=DRAWS
    )
    # First row: everyone once, the estimate itself.
    weights = np.concatenate([np.ones((1, len(names)), dtype=int), drawn])[:, own]
    weights = np.where(usable, weights, 0)
    filled = np.where(usable, values, 0.0)
    count = int(usable.sum())
    statistics = {
        'mean': _ratio(weights @ filled, weights.sum(axis=1)),
        'median': _medians(filled, weights),
    }
    if any(score.bottom is not None for score in scores):
        finite = np.isfinite(tops)
        pooled = _ratio(weights @ np.where(finite, tops, 0.0), weights @ bottoms)
        # Where a share is worth 1 without anything and 0 with one side empty, one such is enough.
        worth = min(score.empty for score in scores)
        statistics['pooled'] = np.where(weights @ bottoms == 0, worth, pooled)
    several = len(names) > 1
    return tuple(
        Estimate(
            statistic=name, value=float(row[0]), n=count, **_interval(row[1:], several=several)
        )
        for name, row in statistics.items()
    )


def _interval(draws: NDArray[np.float64], *, several: bool) -> dict[str, float]:
    """Return both ends of an interval; draws without any case are left out."""
    known = draws[np.isfinite(draws)]
    if not several or not known.size:
        return {'low': math.nan, 'high': math.nan}
    low, high = np.percentile(known, PERCENTILES)
    return {'low': float(low), 'high': float(high)}


def _ratio(
    tops: NDArray[np.floating], bottoms: NDArray[np.floating] | NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return quotients, NaN where nothing is below."""
    quotients: NDArray[np.float64] = np.where(
        bottoms > 0, tops / np.where(bottoms > 0, bottoms, 1), np.nan
    )
    return quotients


def _medians(values: NDArray[np.float64], weights: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the median of values that occur `weights` times, one for each row of weights."""
    order = np.argsort(values)
    heights = np.cumsum(weights[:, order], axis=1)
    total = heights[:, -1:]
    lower = np.argmax(2 * heights >= total, axis=1)
    upper = np.argmax(2 * heights > total, axis=1)
    middle = (values[order][lower] + values[order][upper]) / 2
    medians: NDArray[np.float64] = np.where(total[:, 0] > 0, middle, np.nan)
    return medians
