# SPDX-License-Identifier: Apache-2.0
"""Lesions planted into a head: their numbers drawn on the host, their shapes made in the graph.

Each kind of tumour has one module with three functions. `draw(rng, head)` returns the numbers of
one lesion scene, arrays of fixed shapes in mm of the head. `push(points, draw)` returns how far
the tissue seen at each position was pushed there: labels are gathered at `points - push`.
`plant(labels, points, draw, spacing=...)` returns a `Planted`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train.tissues import LESION_TISSUES

__all__ = ['LESION_TISSUES', 'Draw', 'Planted']

Draw = dict[str, NDArray[Any]]
"""Numbers of one scene by name, fixed shapes and types."""

Numbers = Mapping[str, Any]
"""The same numbers as tensors inside the compiled function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Lesions on the grid of a sample."""

    weights: Any
    """Share of each of `LESION_TISSUES` in each voxel, `(I, J, K, 7)`, 0..1, their sum <= 1."""
    targets: Any
    """Nested regions, outermost first, `(I, J, K, R)`, 0 or 1."""
    weight: Any
    """What each voxel counts in the loss, `(I, J, K)`; 0 where the truth is undecided."""


def mixture(rng: np.random.Generator, chances: Mapping[str, float]) -> str:
    """Draw one of several names.

    Parameters
    ----------
    rng
        Source of random numbers.
    chances
        How likely each name is, up to a common factor.
    """
    weights = np.fromiter(chances.values(), float)
    return str(rng.choice(list(chances), p=weights / weights.sum()))


def log_normal(
    rng: np.random.Generator, *, median: float, spread: float, low: float, high: float
) -> float:
    """Draw a size whose logarithm is normal; values outside are drawn again, in the end cut."""
    values = median * np.exp(spread * rng.standard_normal(8))
    inside = values[(values >= low) & (values <= high)]
    return float(inside[0]) if len(inside) else float(np.clip(values[0], low, high))
