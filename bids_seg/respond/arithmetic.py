# SPDX-License-Identifier: Apache-2.0
"""Whole numbers: recorded values, tests of change that never divide, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Measure = Literal['ld', 'product', 'volume']
"""What is summed over targets."""

UNITS = {'ld': 'mm', 'product': 'mm2', 'volume': 'mm3'}
"""Unit in which each measure is shown."""
STEPS = {'ld': 10, 'product': 100, 'volume': 1}
"""How many recorded steps make one unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A relative change that decides a category; equality belongs to it."""

    change: Literal['increase', 'decrease']
    """Which way."""
    percent: int
    """At least by this much, %."""
    source: str
    """Where it is written."""

    def met(self, now: int, reference: int) -> bool:
        """Tell whether a sum has changed by the limit or more.

        Parameters
        ----------
        now, reference
            Recorded sums in the same unit; the reference is above 0.

        Raises
        ------
        ValueError
            The reference is 0: there is no relative change.

        Examples
        --------
        >>> limit = Limit(change='decrease', percent=30, source='')
        >>> limit.met(280, 400), limit.met(281, 400)
        (True, False)
        """
        if reference <= 0:
            message = f'no relative change from {reference}'
            raise ValueError(message)
        if self.change == 'increase':
            return 100 * now >= (100 + self.percent) * reference
        return 100 * now <= (100 - self.percent) * reference


def percent(now: int | None, reference: int | None) -> str | None:
    """Return a change in percent with one decimal, rounded half up; None from 0.

    Parameters
    ----------
    now, reference
        Recorded sums in the same unit.

    Examples
    --------
    >>> percent(281, 400), percent(300, 250), percent(5, 0)
    ('-29.8', '20.0', None)
    """
    if now is None or not reference:
        return None
    share = Decimal(100 * (now - reference)) / Decimal(reference)
    return str(share.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP) + Decimal('0.0'))


def recorded(value: float | Decimal, steps: int) -> int:
    """Return a value as a whole number of steps, rounded half up in decimals.

    Parameters
    ----------
    value
        E.g. millimetres.
    steps
        Steps in one unit: 10 for tenths.

    Examples
    --------
    >>> recorded(12.25, 10), recorded(0.3, 10)
    (123, 3)
    """
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return int((exact * steps).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def shown(value: int, measure: Measure) -> str:
    """Return a recorded value with its unit.

    Parameters
    ----------
    value
        In recorded steps.
    measure
        What it is.

    Examples
    --------
    >>> shown(300, 'ld'), shown(40001, 'product'), shown(3500, 'volume')
    ('30.0 mm', '400.01 mm2', '3500 mm3')
    """
    return f'{Decimal(value) / STEPS[measure]:.{len(str(STEPS[measure])) - 1}f} {UNITS[measure]}'
