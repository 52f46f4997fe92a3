# SPDX-License-Identifier: Apache-2.0
"""How sure a network may be: two numbers per region, fitted on heads it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_seg.segment.maps import Scaling
from bids_seg.segment.model import Model
from bids_seg.train.stream import Sample

Array = npt.NDArray[np.float32]
Opinions = Callable[[Any], Array]
"""From an image `(I, J, K, C)` to the logits of all opinions, `(N, I, J, K, R)`."""

BAND = 10.0
"""mm around a region in which voxels count, and all of its inside; further off every network is
right."""

MOST = 20_000
"""Voxels of a scene that are looked at, drawn by chance: none counts more, however large."""

LIMITS = (0.25, 8.0)
"""Lowest and highest temperature."""

FARTHEST = 4.0
"""Largest shift."""


def scaling(
    opinions: Array, targets: npt.NDArray[np.bool_], *, inner: Array | None = None
) -> Scaling:
    """Return how logits must be scaled and shifted so that the mean over opinions comes true.

    Parameters
    ----------
    opinions
        Logits, `(N, V)`: of each opinion the voxels in the band.
    targets
        `(V,)`, whether they belong to the region.
    inner
        Probabilities of what lies within the region, of the same shape: no opinion falls below.

    Notes
    -----
    Platt scaling, of which temperature scaling (https://arxiv.org/abs/1706.04599, section 4.2) is
    the case without shift: the numbers of least cross-entropy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(20_000) < 0.8
    >>> logits = np.where(truth, rng.normal(2, 1, 20_000), rng.normal(-2, 1, 20_000))
    >>> found = scaling(3 * logits[None].astype(np.float32), truth)
    >>> round(found.temperature, 1), round(found.shift, 1)
    (0.8, 1.4)
    """
    from scipy.optimize import minimize

    def cost(numbers: npt.NDArray[np.float64]) -> float:
        """Return the cross-entropy at a temperature and a shift."""
        tried = Scaling(temperature=float(np.exp(numbers[0])), shift=float(numbers[1]))
        said = tried.probability(opinions)
        said = said if inner is None else np.maximum(said, inner)
        mean = said.mean(axis=0, dtype=np.float64)
        told = np.where(targets, mean, 1 - mean)
        return float(-np.log(np.maximum(told, 1e-7)).mean())

    low, high = np.log(LIMITS)
    # The simplex is where it starts; x0 only says how many numbers there are.
    found = minimize(
        cost,
        x0=np.zeros(2),
        method='Nelder-Mead',
        bounds=[(low, high), (-FARTHEST, FARTHEST)],
        options={'xatol': 1e-3, 'fatol': 1e-6, 'initial_simplex': [(0, 0), (0.5, 0), (0, 0.5)]},
    )
    return Scaling(temperature=float(np.exp(found.x[0])), shift=float(found.x[1]))


def fit(
    opinions: Opinions, samples: Iterable[Sample], *, regions: int, spacing: float
) -> list[Scaling]:
    """Return the scaling of each region.

    Parameters
    ----------
    opinions
        The network.
    samples
        Scenes of unseen heads.
    regions
        How many regions the network draws.
    spacing
        Voxel size, mm.

    Returns
    -------
    scalings
        One that changes nothing for a region that no sample holds.
    """
    from scipy import ndimage

    rng = np.random.default_rng(0)
    drawn: list[list[Array]] = [[] for _ in range(regions)]
    true: list[list[npt.NDArray[np.bool_]]] = [[] for _ in range(regions)]
    for sample in samples:
        logits = opinions(sample.image)
        targets = np.asarray(sample.target) >= 0.5
        asked = np.broadcast_to(np.asarray(sample.weight) > 0, targets.shape)
        for region in range(regions):
            target = targets[..., region] & asked[..., region]
            if not target.any():
                continue
            band = ndimage.distance_transform_edt(~target) <= BAND / spacing
            chosen = rng.permutation(np.flatnonzero(band & asked[..., region]))[:MOST]
            drawn[region].append(logits.reshape(len(logits), -1, regions)[:, chosen])
            true[region].append(target.ravel()[chosen])
    found = [Scaling()] * regions
    # From the innermost outwards, as an outer region is never less likely than what it holds.
    for region in reversed(range(regions)):
        if not drawn[region]:
            continue
        said = np.concatenate(drawn[region], axis=1)
        inner = None
        for within in range(region + 1, regions):
            one = found[within].probability(said[..., within])
            inner = one if inner is None else np.maximum(inner, one)
        truth = np.concatenate(true[region])
        found[region] = scaling(said[..., region], truth, inner=inner)
    return found


def looking(model: Model, files: Sequence[Path]) -> Opinions:
    """Return the opinions of a model as the program forms them: each member, and in the mirror.

    Parameters
    ----------
    model
        A model of ours.
    files
        The weights of each of its members.

    Raises
    ------
    UnavailableError
        If weights are missing or do not fit.
    """
    calls = [_call(model, file) for file in files]

    def look(image: Any) -> Array:
        """Return the logits of all opinions."""
        one = np.asarray(image, np.float32)[None]
        said = [
            np.asarray(call(np.ascontiguousarray(one[:, ::way])))[0, ::way]
            for call in calls
            for way in (1, -1)
        ]
        return np.stack(said)

    return look


def _call(model: Model, file: Path) -> Callable[[Array], Any]:
    """Return a compiled function from a batch of images to logits."""
    from bids_seg.train import checkpoint, step

    network = model.own.build()
    checkpoint.initial(file, model=network)
    call: Callable[[Array], Any] = step.compiled(lambda images: network(images, training=False))
    return call
