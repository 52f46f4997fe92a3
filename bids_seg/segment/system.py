# SPDX-License-Identifier: Apache-2.0
"""What a system of others is to the program: images of a visit in, probabilities and masks out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume
from bids_seg.records import Role

if TYPE_CHECKING:
    import keras

Call = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""One opinion: from a batch of inputs `(B, ..., C)` to the network's own outputs `(B, ..., R)`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """The images of a visit that a system may look at; all lie on one grid."""

    images: Mapping[Role, Volume]
    """In RAS+ order, on the reference's grid: those that the model knows, and the reference."""
    reference: Role
    """Role of the reference image; a model may not know it."""
    brain: Volume | None
    """uint8 mask on the same grid; None where it is to be made."""
    stripped: tuple[Role, ...] = ()
    """Images that came without their skull."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How closely a system follows its original."""

    parity: bool = False
    """Whether its known defects are kept."""
    quick: bool = False
    """Whether repetitions that only refine the outcome are left out, as a CPU wants it."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """What a system made of a scene: arrays `(I, J, K)` on the grid of its images, by region."""

    probabilities: Mapping[str, NDArray[np.float32]]
    """Mean over all opinions, outermost region first."""
    mutual: Mapping[str, NDArray[np.float32]]
    """Mutual information of opinion and outcome, bits; empty with one opinion."""
    masks: Mapping[str, NDArray[np.bool_]]
    """By the system's own threshold and after its own clean-up; nested."""
    images: tuple[Role, ...]
    """Roles of the images that went in."""
    warnings: tuple[str, ...] = ()
    """What a reader must know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A system of others: its network, its file of weights, and its way with images."""

    build: Callable[[], keras.Model]
    """Make the network, with random weights; imports Keras."""
    load: Callable[[keras.Model, Path], None]
    """Fill the network from one member's published file, every weight, or refuse it."""
    draw: Callable[[Scene, Sequence[Call], Manner], Drawn]
    """Draw; each call is one opinion, and there is at least one."""
    mirror: int | None = None
    """Axis of a batch along which left and right lie; None: no mirror image is looked at."""
    dropout: bool = False
    """Whether it has dropout that can be left on for further opinions."""
