# SPDX-License-Identifier: Apache-2.0
"""How each network that ships is trained: one row a network."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bids_seg.train.heads import Head

if TYPE_CHECKING:
    import keras

    from bids_seg.train.losses import Loss
    from bids_seg.train.stream import Source

VALIDATION_SEED = 20_000
"""Seed of the scenes that runs are scored on; never that of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a network is trained with."""

    name: str
    """Name of the model, of its synthesis (`synthesis.<name>`) and of its loss (`losses.<name>`)."""
    peak: float
    """Highest learning rate."""
    samples: int
    """Steps of a whole run where the command line does not say."""
    times: int
    """How often a painted image is seen, every other time mirrored."""
    lag: int
    """Painted images between two of these times."""
    scenes: int
    """Left-out scenes that the run is scored on."""


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(name='brain', peak=1.5e-3, samples=3500, times=3, lag=8, scenes=24),
        Recipe(name='glioma', peak=1.5e-3, samples=7000, times=4, lag=8, scenes=24),
        Recipe(name='metastases', peak=1.5e-3, samples=10500, times=3, lag=8, scenes=24),
    )
}
"""The recipes by name."""


def network(recipe: Recipe) -> keras.Model:
    """Make the network of a recipe as its model does, but convolving in bfloat16.

    Parameters
    ----------
    recipe
        A row of `RECIPES`.
    """
    module = importlib.import_module(f'bids_seg.segment.models.{recipe.name}')
    return module.network(compute='bfloat16')


def loss(recipe: Recipe) -> Loss:
    """Return the loss of a recipe.

    Parameters
    ----------
    recipe
        A row of `RECIPES`.
    """
    chosen: Loss = getattr(importlib.import_module('bids_seg.train.losses'), recipe.name)
    return chosen


def painted(recipe: Recipe, heads: Sequence[Head], *, seed: int) -> Source:
    """Return the stream of images painted from heads.

    Parameters
    ----------
    recipe
        A row of `RECIPES`.
    heads
        What to paint; a head is drawn by its weight.
    seed
        With the index of a sample it decides everything in it.
    """
    from keras import ops

    from bids_seg.train import step, stream

    synthesis: Any = importlib.import_module(f'bids_seg.train.synthesis.{recipe.name}')
    render = step.compiled(synthesis.render)
    arrays = [
        {key: ops.convert_to_tensor(value) for key, value in head.arrays.items()} for head in heads
    ]

    def source(index: int) -> stream.Sample:
        """Paint one sample."""
        drawn = synthesis.draw(np.random.default_rng((seed, index)), heads)
        which = int(drawn.pop('head'))
        tensors = {key: ops.convert_to_tensor(value) for key, value in drawn.items()}
        painted = render(arrays[which], tensors)
        return stream.Sample(painted['image'], painted['target'], painted['weight'])

    return source
