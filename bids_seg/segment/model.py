# SPDX-License-Identifier: Apache-2.0
"""The record of a model: all that the rest of the program may know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from bids_seg.errors import CommandError
from bids_seg.segment.maps import Scaling
from bids_seg.segment.system import Published

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
    """One file of weights as it was published, or one folder where the format wants several."""

    file: str
    """Name of the file: in `bids_seg/segment/weights` if it ships, else in the folder of the
    model under `--weights-dir`; empty: whatever lies there, the name was never published."""
    sha256: str = ''
    """Digest of its bytes, lower-case hexadecimal; empty where none was published."""
    md5: str = ''
    """The same for MD5."""
    url: str = ''
    """Where it was published; empty where it ships."""

    @property
    def ships(self) -> bool:
        """Whether it comes with the package."""
        return not self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under what the weights of a model may be used."""

    name: str
    """As in SPDX where that knows it, or that none was stated."""
    commercial: bool | None
    """Whether it allows commercial use; None where nothing was stated."""


OWN = Licence(name='Apache-2.0', commercial=True)
"""Of the networks that ship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """How a network of ours is made and fed.

    Arrays that enter it are in RAS+ order (I to the right, J forward, K up) on an isotropic
    grid, shape `(1, I, J, K, C)`; what comes out are logits `(1, I, J, K, R)`.
    """

    spacing: float
    """Edge of a voxel of the network's grid, mm."""
    multiple: int
    """Every side of the input is a multiple of this many voxels."""
    scaling: Mapping[str, Scaling]
    """How the logits of each region become probabilities; fitted on heads it never saw."""
    normalise: Callable[[Array, Mask | None], Array]
    """Bring the intensities of one image to the range that the network knows."""
    build: Callable[[], keras.Model]
    """Make the network, with random weights; imports Keras."""
    presence: bool
    """Whether a plane of ones or zeros per contrast follows the image channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: what it needs, what it gives, where its weights come from, how it works."""

    name: str
    """Word of the registry and of the command line."""
    task: Task
    """What it draws."""
    title: str
    """One line for lists of models."""
    contrasts: tuple[str, ...]
    """Roles of the images that it can take, in its order; empty: any single image."""
    needs: tuple[tuple[str, ...], ...]
    """Sets of roles; all of one set have to be there."""
    regions: tuple[str, ...]
    """Nested outputs, outermost first."""
    unavailable: Mapping[str, tuple[str, ...]]
    """Roles without any of which a region is not reported."""
    threshold: float
    """Probability from which a voxel belongs to a region."""
    peak: float = 0.0
    """Probability that a piece of a tumour must reach somewhere; 0: none is asked."""
    members: tuple[Weights, ...]
    """The published weights of each network whose probabilities are averaged."""
    licence: Licence
    """Under what the weights may be used."""
    scores: str
    """What it scored, and on what."""
    source: str
    """Who made it: a repository, a paper."""
    system: Own | Published
    """How images become probabilities."""
    memory_gb: float = 0.0
    """Memory that it needs beyond that of a network of ours, GB."""
    card: str
    """How it was made and how far to trust it, Markdown."""

    @property
    def ships(self) -> bool:
        """Whether its weights come with the package."""
        return all(member.ships for member in self.members)

    @property
    def own(self) -> Own:
        """Return how it is fed, of a network of ours.

        Raises
        ------
        CommandError
            If it is a system of others.
        """
        if isinstance(self.system, Own):
            return self.system
        raise CommandError(
            'the network is not of the kind that is trained here',
            where=self.name,
            do='choose brain, glioma or metastases',
        )

    @property
    def channels(self) -> int:
        """Return the number of input channels of a network of ours."""
        images = max(len(self.contrasts), 1)
        return 2 * images if self.own.presence else images
