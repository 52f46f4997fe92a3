# SPDX-License-Identifier: Apache-2.0
"""What a network makes of a visit: images on the reference's grid in, masks on it out.

The network comes as a function, so nothing here knows TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid, Volume
from bids_seg.records import ROLES, Role
from bids_seg.segment import brain, fields, maps
from bids_seg.segment.model import Model
from bids_seg.segment.network import Run

Mask = NDArray[np.bool_]

MARGIN_MM = 3.0
"""A tumour network sees the brain and so much around it; the rest is 0."""
FIELD_MM = 8.0
"""Around what it sees lies so much nothing."""
BRAIN_LITRES = (0.8, 2.0)
"""Volumes that brains of adults have."""
SUPPORT_DICE = 0.9
"""Agreement with the support of a stripped image below which the user is told."""
LARGEST_SHARE = 0.5
"""A tumour larger than this share of the brain is told to the user."""
UNSURE_BITS = 0.85
"""Mean entropy within the mask from which the network was unsure of most of it: the painted tumours
of the demo lie at 0.75 to 0.77 with the temperatures that ship."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Brain:
    """The outcome of brain extraction."""

    mask: Volume
    """uint8, on the reference's grid."""
    warnings: tuple[str, ...]
    """What a reader must know."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Tumour:
    """The outcome of a tumour network; every map lies on the reference's grid."""

    labels: Volume
    """uint8 classes."""
    probabilities: Mapping[str, Volume]
    """float32 by region, outermost first; regions that are not reported are left out."""
    masks: Mapping[str, Volume]
    """uint8 by region."""
    entropy: Volume
    """float32, bits, the largest over the regions."""
    mutual: Volume | None
    """float32, bits; None with one opinion."""
    images: tuple[Role, ...]
    """What the network was given."""
    unavailable: Mapping[str, str]
    """Regions that are not reported, and why."""
    warnings: tuple[str, ...]
    """What a reader must know."""


def extract_brain(
    images: Mapping[Role, Volume],
    reference: Role,
    *,
    model: Model,
    run: Run,
    stripped: tuple[Role, ...] = (),
    border_mm: float = 0.0,
) -> Brain:
    """Draw the brain from all images of a visit.

    Parameters
    ----------
    images
        All on the reference's grid.
    reference
        The image whose head decides the field of view.
    model
        A brain model.
    run
        Its network.
    stripped
        Images that came without skull; if the reference is one, its own outline is the mask
        and the network's answer is compared with it.
    border_mm
        Growth of the mask.
    """
    grid = images[reference].grid
    box = fields.head_box(images[reference])
    working = fields.working_grid(grid, box, spacing=model.spacing, multiple=model.multiple)
    visible = fields.seen(working, grid)
    total = np.zeros(working.shape, np.float32)
    for role in sorted(images, key=ROLES.index):
        sampled = fields.onto(images[role], working).array.astype(np.float32)
        channel = np.where(visible, model.normalise(sampled, visible), 0)
        pooled = maps.pool(run(channel[..., None]), temperatures=_temperatures(model))
        total += pooled.mean[..., 0]
    probability = brain.tidy(total / np.float32(len(images)), spacing=model.spacing)
    mask = fields.back(probability, working, reference=grid) >= model.threshold
    warnings: list[str] = []
    if reference in stripped:
        given = brain.support(images[reference])
        agreement = brain.dice(mask, given)
        if agreement < SUPPORT_DICE:
            warnings.append(
                f'the image came without skull, and its outline and the brain that was found '
                f'in it differ (Dice {agreement:.2f}); the outline was used: look at it'
            )
        mask = given
    mask = brain.move_border(mask, grid, by_mm=border_mm)
    warnings += _brain_warnings(mask, grid)
    return Brain(mask=Volume(mask.astype(np.uint8), grid), warnings=tuple(warnings))


def draw_tumour(
    images: Mapping[Role, Volume], brain_mask: Volume, *, model: Model, run: Run
) -> Tumour:
    """Draw the tumour of a visit.

    Parameters
    ----------
    images
        All on one grid, that of the brain mask.
    brain_mask
        Where the brain is.
    model
        A tumour model.
    run
        Its network.
    """
    grid = brain_mask.grid
    used = tuple(role for role in ROLES if role in images and role in model.contrasts)
    inside = brain_mask.array > 0
    box = fields.box_of(inside, grid, margin_mm=MARGIN_MM + FIELD_MM)
    working = fields.working_grid(grid, box, spacing=model.spacing, multiple=model.multiple)
    share = fields.onto(Volume(inside.astype(np.float32), grid), working).array
    small = share >= 0.5
    shown = brain.move_border(small, working, by_mm=MARGIN_MM) & fields.seen(working, grid)
    channels = _channels(images, used, model=model, working=working, masks=(small, shown))
    pooled = maps.pool(run(channels), temperatures=_temperatures(model))
    unavailable = _unavailable(model, used)
    # The network answers for what it was shown; elsewhere it was shown nothing.
    probabilities = {
        region: fields.back(np.where(shown, pooled.mean[..., index], 0), working, reference=grid)
        for index, region in enumerate(model.regions)
        if region not in unavailable
    }
    masks = {region: values >= model.threshold for region, values in probabilities.items()}
    entropy = np.zeros(grid.shape, np.float32)
    for values in probabilities.values():
        np.maximum(entropy, maps.entropy(values), out=entropy)
    mutual = pooled.mutual
    return Tumour(
        labels=Volume(maps.classes(masks), grid),
        probabilities={name: Volume(values, grid) for name, values in probabilities.items()},
        masks={name: Volume(mask.astype(np.uint8), grid) for name, mask in masks.items()},
        entropy=Volume(entropy, grid),
        mutual=None
        if mutual is None
        else Volume(fields.back(np.where(shown, mutual, 0), working, reference=grid), grid),
        images=used,
        unavailable=unavailable,
        warnings=_tumour_warnings(next(iter(masks.values())), inside, entropy),
    )


def _channels(
    images: Mapping[Role, Volume],
    used: tuple[Role, ...],
    *,
    model: Model,
    working: Grid,
    masks: tuple[Mask, Mask],
) -> NDArray[np.float32]:
    """Return what goes into a tumour network, shape (I, J, K, C)."""
    inside, shown = masks
    channels = np.zeros((*working.shape, model.channels), np.float32)
    for index, contrast in enumerate(model.contrasts):
        for role in used:
            if role == contrast:
                sampled = fields.onto(images[role], working).array.astype(np.float32)
                channels[..., index] = np.where(shown, model.normalise(sampled, inside), 0)
                if model.presence:
                    channels[..., len(model.contrasts) + index] = 1
    return channels


def _temperatures(model: Model) -> tuple[float, ...]:
    """Return the temperature of each region."""
    return tuple(model.temperature[region] for region in model.regions)


def _unavailable(model: Model, used: tuple[Role, ...]) -> dict[str, str]:
    """Return the regions that these images cannot show, and why."""
    missing: dict[str, str] = {}
    for region, roles in model.unavailable.items():
        if not any(role in used for role in roles):
            missing[region] = f'there is no {" or ".join(roles)} image'
    return missing


def _brain_warnings(mask: Mask, grid: Grid) -> list[str]:
    """Return what is implausible about a brain mask."""
    litres = float(mask.sum()) * grid.voxel_mm3 / 1e6
    low, high = BRAIN_LITRES
    if litres == 0:
        return ['no brain was found in the image: check its orientation and its field of view']
    if low <= litres <= high:
        return []
    cause = (
        'part of the brain lies outside the image or was missed'
        if litres < low
        else 'other tissue was taken for brain'
    )
    return [
        f'the brain mask holds {litres:.2f} litres; the brains of adults hold '
        f'{low:g} to {high:g}: perhaps {cause}, look at it'
    ]


def _tumour_warnings(whole: Mask, inside: Mask, entropy: NDArray[np.float32]) -> tuple[str, ...]:
    """Return what is implausible about a tumour mask."""
    if not whole.any():
        return ()
    warnings = []
    share = float(whole.sum()) / max(1.0, float(inside.sum()))
    if share > LARGEST_SHARE:
        warnings.append(
            f'the tumour mask fills {100 * share:.0f} % of the brain mask, which no tumour does: '
            f'an image or the brain mask is not what the network expects'
        )
    unsure = float(entropy[whole].mean())
    if unsure > UNSURE_BITS:
        warnings.append(
            f'the network was unsure about most of what it marked (mean entropy {unsure:.2f} of '
            f'1 bit): this may be no tumour at all, confirm it on the images'
        )
    return tuple(warnings)
