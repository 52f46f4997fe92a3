# SPDX-License-Identifier: Apache-2.0
"""The record of a published recipe: all that distinguishes one from the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from bids_seg.train.losses import Loss
from bids_seg.train.optimisers import Optimiser
from bids_seg.train.stream import Source
from bids_seg.train.trainer import Look
from bids_seg.train.visits import Prepare, Visit

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How one published system was trained."""

    name: str
    """Of the model in the registry."""
    regions: tuple[str, ...]
    """What each output draws."""
    build: Callable[[], keras.Model]
    """Make the network with weights to start from, and its outputs for training."""
    loss: Loss
    """Of logits, or of a list of them."""
    optimiser: Optimiser
    """What moves the weights."""
    rate: float
    """Learning rate at the start."""
    transfer: float
    """The same where the run starts from given weights."""
    fall: Literal['constant', 'cosine', 'power']
    """How the rate falls."""
    epochs: int
    """Length of the run."""
    epoch: Callable[[Sequence[Visit]], int]
    """Steps of an epoch."""
    prepare: Prepare
    """From the files of a visit to its arrays."""
    source: Callable[..., Source]
    """`(visits, seed=)` to the stream of batches."""
    given: Callable[[NDArray[Any]], NDArray[Any]]
    """From prepared images to what the network is given."""
    look: Look
    """How a visit is looked at when the run is scored."""
    best: bool
    """Whether the weights of the best score are kept, or else the last."""
    patience: int = 0
    """Epochs without a better score after which the run ends; 0: it goes on."""
