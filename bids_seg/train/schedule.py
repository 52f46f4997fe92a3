# SPDX-License-Identifier: Apache-2.0
"""The learning rate, laid out in samples: two half hours give what one hour gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol


class Rates(Protocol):
    """How long a run is and how fast it learns."""

    @property
    def samples(self) -> int:
        """Steps of the whole run."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A rise, then half a cosine down to a small rest."""

    samples: int
    """Samples of the whole run."""
    peak: float
    """Highest rate."""
    warm_up: int = 200
    """Samples of the rise; at most a tenth of the run."""
    rest: float = 0.02
    """Last rate, as a share of the highest."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        step
            Samples seen before it.

        Examples
        --------
        >>> schedule = Schedule(samples=1000, peak=1.0, warm_up=100)
        >>> [round(schedule.rate(step), 3) for step in (0, 49, 100, 550, 1000)]
        [0.01, 0.5, 1.0, 0.51, 0.02]
        """
        rise = min(self.warm_up, max(self.samples // 10, 1))
        if step < rise:
            return self.peak * (step + 1) / rise
        share = min((step - rise) / max(self.samples - rise, 1), 1.0)
        return self.peak * (self.rest + (1.0 - self.rest) * (1.0 + math.cos(math.pi * share)) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """A rate that stays, or falls to nothing at the end of the run: those of other recipes."""

    samples: int
    """Steps of the whole run."""
    peak: float
    """First rate."""
    shape: Literal['constant', 'cosine', 'power']
    """Half a cosine changes from epoch to epoch, a power from step to step."""
    epoch: int = 1
    """Steps of an epoch."""
    power: float = 0.9
    """Of the share that is left."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        step
            Steps taken before it.

        Examples
        --------
        >>> fall = Fall(samples=100, peak=1.0, shape='cosine', epoch=25)
        >>> [round(fall.rate(step), 3) for step in (0, 24, 25, 99)]
        [1.0, 1.0, 0.854, 0.146]
        """
        if self.shape == 'constant':
            return self.peak
        if self.shape == 'power':
            left = 1.0 - min(step / max(self.samples, 1), 1.0)
            return float(self.peak * left**self.power)
        epochs = max(self.samples / self.epoch, 1.0)
        share = min((step // self.epoch) / epochs, 1.0)
        return self.peak * (1.0 + math.cos(math.pi * share)) / 2
