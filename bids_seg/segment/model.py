# SPDX-License-Identifier: Apache-2.0
"""The record of a network: all that the rest of the program may know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

Task = Literal['brain', 'glioma', 'metastases']
"""What a network draws."""

Array = npt.NDArray[np.float32]
"""One image or one channel, `(I, J, K)`."""

Mask = npt.NDArray[np.bool_]
"""A mask on the same grid, `(I, J, K)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One file of weights that ships with the package."""

    file: str
    """Name of the file in `bids_seg/segment/weights`."""
    sha256: str
    """Digest of its bytes, lower-case hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One network: what it needs, what it gives, how it is built.

    Arrays that enter it are in RAS+ order (I to the right, J forward, K up) on an isotropic
    grid, shape `(1, I, J, K, C)`; what comes out are logits `(1, I, J, K, R)`.
    """

    name: str
    """Word of the registry and of the command line."""
    task: Task
    """What it draws."""
    title: str
    """One line for lists of models."""
    contrasts: tuple[str, ...]
    """Roles of the image channels in their order; empty: any single image."""
    needs: tuple[tuple[str, ...], ...]
    """Sets of roles; all of one set have to be there."""
    regions: tuple[str, ...]
    """Nested outputs, outermost first."""
    unavailable: Mapping[str, tuple[str, ...]]
    """Roles without any of which a region is not reported."""
    spacing: float
    """Edge of a voxel of the network's grid, mm."""
    multiple: int
    """Every side of the input is a multiple of this many voxels."""
    threshold: float
    """Probability from which a voxel belongs to a region."""
    members: tuple[Weights, ...]
    """The networks whose probabilities are averaged."""
    temperature: Mapping[str, float]
    """Number by which the logits of a region are divided."""
    normalise: Callable[[Array, Mask | None], Array]
    """Bring the intensities of one image to the range that the network knows."""
    build: Callable[[], keras.Model]
    """Make the network, with random weights; imports Keras."""
    presence: bool
    """Whether a plane of ones or zeros per contrast follows the image channels."""
    card: str
    """How it was made and how far to trust it, Markdown."""

    @property
    def channels(self) -> int:
        """Return the number of input channels."""
        images = max(len(self.contrasts), 1)
        return 2 * images if self.presence else images
