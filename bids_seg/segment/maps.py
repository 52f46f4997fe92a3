# SPDX-License-Identifier: Apache-2.0
"""From several opinions to probabilities, uncertainty and classes; arrays alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

CLASSES: Mapping[str, int] = {'NCR': 1, 'SNFH': 2, 'ET': 3, 'RC': 4, 'TC': 5, 'WT': 6}
"""Values of a label image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How the logits of a region become probabilities that come true."""

    temperature: float = 1.0
    """What logits are divided by: above 1 where a network is too sure."""
    shift: float = 0.0
    """What is added then: above 0 where it claims too little."""

    def probability(self, logits: Array) -> Array:
        """Return probabilities.

        Parameters
        ----------
        logits
            Any shape.

        Examples
        --------
        >>> Scaling(temperature=2.0, shift=1.0).probability(np.float32([-2.0])).tolist()
        [0.5]
        """
        return sigmoid(logits / np.float32(self.temperature) + np.float32(self.shift))


@dataclass(frozen=True, eq=False, kw_only=True)
class Pooled:
    """What several opinions say together."""

    mean: Array
    """Mean probability; of `pool` `(I, J, K, R)`, nested: outermost first, never rising."""
    mutual: Array | None
    """Mutual information of opinion and outcome, bits, of the same shape: how much the opinions
    differ. None with one opinion."""


def pool(opinions: Iterable[Array], *, scalings: Sequence[Scaling]) -> Pooled:
    """Average the opinions of several networks, and say how far they differ.

    Parameters
    ----------
    opinions
        Logits, each of shape (I, J, K, R), one after the other.
    scalings
        How the logits of each region become probabilities.

    Raises
    ------
    ValueError
        If there is no opinion.

    Notes
    -----
    Mutual information is the entropy of the mean less the mean of the entropies:
    Depeweg, https://proceedings.mlr.press/v80/depeweg18a.html, equation 3.
    """
    total: Array | None = None
    uncertain: Array | None = None
    count = 0
    for logits in opinions:
        regions = zip(scalings, np.moveaxis(logits, -1, 0), strict=True)
        probability = nested(np.stack([one.probability(values) for one, values in regions], -1))
        own = entropy(probability)
        total = probability if total is None else total + probability
        uncertain = own if uncertain is None else uncertain + own
        count += 1
    if total is None or uncertain is None:
        message = 'no opinion to be averaged'
        raise ValueError(message)
    mean = total / np.float32(count)
    if count == 1:
        return Pooled(mean=mean, mutual=None)
    mutual = entropy(mean) - uncertain / np.float32(count)
    return Pooled(mean=mean, mutual=np.clip(mutual, 0, 1))


def pool_regions(opinions: Iterable[Mapping[str, Array]]) -> Mapping[str, Pooled]:
    """Average the opinions of a system of others, region by region, and say how far they differ.

    Parameters
    ----------
    opinions
        Probabilities by region, arrays of one shape, one opinion after the other; none is kept.

    Returns
    -------
    pooled
        By region, in the order of the first opinion; arrays of the shape that came.

    Raises
    ------
    ValueError
        If there is no opinion.

    Examples
    --------
    >>> agree = pool_regions([{'WT': np.float32([0, 1])}, {'WT': np.float32([1, 1])}])
    >>> agree['WT'].mean, agree['WT'].mutual
    (array([0.5, 1. ], dtype=float32), array([1., 0.], dtype=float32))
    """
    totals: dict[str, Array] = {}
    uncertain: dict[str, Array] = {}
    count = 0
    for opinion in opinions:
        for region, probability in opinion.items():
            own = entropy(probability)
            totals[region] = totals[region] + probability if count else probability
            uncertain[region] = uncertain[region] + own if count else own
        count += 1
    if not count:
        message = 'no opinion to be averaged'
        raise ValueError(message)
    found = {}
    for region, total in totals.items():
        mean = total / np.float32(count)
        mutual = None
        if count > 1:
            mutual = np.clip(entropy(mean) - uncertain[region] / np.float32(count), 0, 1)
        found[region] = Pooled(mean=mean, mutual=mutual)
    return found


def sigmoid(logits: Array) -> Array:
    """Return probabilities; no logit overflows.

    Parameters
    ----------
    logits
        Any shape.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0], dtype=np.float32))
    array([0. , 0.5, 1. ], dtype=float32)
    """
    result: Array = (0.5 * (1.0 + np.tanh(0.5 * logits))).astype(np.float32)
    return result


def nested(probability: Array) -> Array:
    """Return probabilities of nested regions that never rise inwards.

    An outer region is raised to what lies within it: enhancing tumour that was seen is
    tumour, also where the image that shows its surroundings is missing.

    Parameters
    ----------
    probability : array of shape (I, J, K, R)
        Outermost region first.

    Examples
    --------
    >>> nested(np.array([[0.2, 0.7, 0.4]], dtype=np.float32))
    array([[0.7, 0.7, 0.4]], dtype=float32)
    """
    raised: Array = np.maximum.accumulate(probability[..., ::-1], axis=-1)[..., ::-1]
    return raised


def entropy(probability: Array) -> Array:
    """Return the entropy of inside or outside, bits, 0 to 1.

    Parameters
    ----------
    probability
        Any shape.

    Examples
    --------
    >>> entropy(np.array([0.0, 0.5, 0.89, 1.0], dtype=np.float32))
    array([0. , 1. , 0.5, 0. ], dtype=float32)
    """
    inside = np.clip(probability, 1e-7, 1 - 1e-7)
    bits = -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside))
    result: Array = np.where(bits < 1e-5, 0, bits).astype(np.float32)
    return result


def masks(
    probabilities: Mapping[str, Array], *, threshold: float, peak: float = 0.0
) -> dict[str, NDArray[np.bool_]]:
    """Return the masks of nested regions: pieces above a threshold that are likely somewhere.

    Parameters
    ----------
    probabilities
        By region, outermost first; never rising inwards.
    threshold
        Probability from which a voxel may belong to a region.
    peak
        Probability that a piece must reach in some voxel: many faint pieces are false, and few
        true ones are faint throughout.

    Notes
    -----
    Thresholds with hysteresis, J. Canny 1986, doi:10.1109/TPAMI.1986.4767851.

    Examples
    --------
    >>> line = np.float32([0.4, 0.8, 0.4, 0.1, 0.4, 0.4])[:, None, None]
    >>> masks({'TC': line}, threshold=0.3, peak=0.7)['TC'].ravel().astype(int).tolist()
    [1, 1, 1, 0, 0, 0]
    """
    from scipy import ndimage

    found: dict[str, NDArray[np.bool_]] = {}
    outer: NDArray[np.bool_] | None = None
    for region, probability in probabilities.items():
        mask = probability >= threshold
        if outer is not None:
            mask &= outer
        if peak > threshold:
            pieces, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
            likely = np.zeros(count + 1, bool)
            likely[pieces[probability >= peak]] = True
            likely[0] = False
            mask = likely[pieces]
        found[region] = outer = mask
    return found


def classes(masks: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Return the label image of nested regions.

    Parameters
    ----------
    masks
        By region, outermost first; a region that is not reported is left out.

    Returns
    -------
    labels
        Oedema is the whole tumour outside its core, necrosis the core outside what enhances;
        a region whose inner one is not reported keeps its own class.

    Examples
    --------
    >>> whole, core = np.array([True, True, False]), np.array([True, False, False])
    >>> classes({'WT': whole, 'TC': core})
    array([5, 2, 0], dtype=uint8)
    """
    shape = next(iter(masks.values())).shape
    labels = np.zeros(shape, np.uint8)
    names = list(masks)
    outside = {'WT': 'SNFH', 'TC': 'NCR'}
    for index, (name, mask) in enumerate(masks.items()):
        divided = index + 1 < len(names)
        labels[mask] = CLASSES[outside[name] if divided else name]
    return labels
