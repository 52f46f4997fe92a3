# SPDX-License-Identifier: Apache-2.0
"""What a model makes of a visit: images on the reference's grid in, masks on it out.

Networks come as functions, so nothing here knows TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume
from bids_seg.records import ROLES, Role
from bids_seg.segment import brain, fields, maps
from bids_seg.segment.model import Model, Own
from bids_seg.segment.network import Engine, Run
from bids_seg.segment.system import Drawn, Manner, Scene

Mask = NDArray[np.bool_]

MANNER = Manner()
"""With the defects of the originals mended, and all that refines the outcome."""

MARGIN_MM = 3.0
"""A tumour network sees the brain and so much around it; the rest is 0."""
OUTSIDE_SHARE = 0.4
"""Share of a piece of tumour that may lie outside the brain mask."""
FIELD_MM = 8.0
"""Around what it sees lies so much nothing."""
BRAIN_LITRES = (0.8, 2.0)
"""Volumes that brains of adults have."""
SUPPORT_DICE = 0.9
"""Agreement with the support of a stripped image below which the user is told."""
LARGEST_SHARE = 0.5
"""A tumour larger than this share of the brain is told to the user."""
UNSURE_BITS = 0.95
"""Mean entropy within the mask from which the network was unsure of most of it: the painted tumours
of the demo lie at 0.75 to 0.77 with the scalings that ship."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Brain:
    """The outcome of brain extraction."""

    mask: Volume
    """uint8, on the reference's grid."""
    images: tuple[Role, ...]
    """What the network was given."""
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
    mutual: Mapping[str, Volume]
    """float32, bits, by region: how far the opinions differ; empty with one opinion."""
    images: tuple[Role, ...]
    """What the network was given."""
    unavailable: Mapping[str, str]
    """Regions that are not reported, and why."""
    warnings: tuple[str, ...]
    """What a reader must know."""


def extract_brain(
    scene: Scene,
    *,
    model: Model,
    engine: Engine,
    border_mm: float = 0.0,
    manner: Manner = MANNER,
) -> Brain:
    """Draw the brain from the images of a visit.

    Parameters
    ----------
    scene
        The images; the head in the reference decides the field of view. If the reference came
        without skull, its own outline is the mask, and the model's answer is compared with it.
    model
        A brain model.
    engine
        Its networks.
    border_mm
        Growth of the mask.
    manner
        How closely a system of others follows its original.
    """
    drawn = _drawn(scene, model=model, engine=engine, manner=manner)
    mask, warnings = drawn.masks['brain'], list(drawn.warnings)
    grid = _grid(scene)
    if scene.reference in scene.stripped:
        given = brain.support(scene.images[scene.reference])
        agreement = brain.dice(mask, given)
        if agreement < SUPPORT_DICE:
            warnings.append(
                f'the image came without skull, and its outline and the brain that was found '
                f'in it differ (Dice {agreement:.2f}); the outline was used: look at it'
            )
        mask = given
    mask = brain.move_border(mask, grid, by_mm=border_mm)
    warnings += _brain_warnings(mask, grid)
    return Brain(
        mask=Volume(mask.astype(np.uint8), grid), images=drawn.images, warnings=tuple(warnings)
    )


def draw_tumour(scene: Scene, *, model: Model, engine: Engine, manner: Manner = MANNER) -> Tumour:
    """Draw the tumour of a visit.

    Parameters
    ----------
    scene
        The images and the brain mask.
    model
        A tumour model.
    engine
        Its networks.
    manner
        How closely a system of others follows its original.

    Raises
    ------
    StageError
        If there is no brain mask.
    """
    if scene.brain is None:
        raise StageError(
            'no brain mask, which the tumour networks need',
            where=scene.reference,
            do='run the brain model too, or give masks with --derivatives',
        )
    grid = scene.brain.grid
    drawn = _drawn(scene, model=model, engine=engine, manner=manner)
    unavailable = _unavailable(model, drawn.images)
    shown = [region for region in drawn.masks if region not in unavailable]
    masks = {region: drawn.masks[region] for region in shown}
    entropy = np.zeros(grid.shape, np.float32)
    for region in shown:
        np.maximum(entropy, maps.entropy(drawn.probabilities[region]), out=entropy)
    warnings = _tumour_warnings(next(iter(masks.values())), scene.brain.array > 0, entropy)
    return Tumour(
        labels=Volume(maps.classes(masks), grid),
        probabilities={name: Volume(drawn.probabilities[name], grid) for name in shown},
        masks={name: Volume(mask.astype(np.uint8), grid) for name, mask in masks.items()},
        entropy=Volume(entropy, grid),
        mutual={name: Volume(drawn.mutual[name], grid) for name in shown if name in drawn.mutual},
        images=drawn.images,
        unavailable=unavailable,
        warnings=(*drawn.warnings, *warnings),
    )


def _drawn(scene: Scene, *, model: Model, engine: Engine, manner: Manner) -> Drawn:
    """Let a system of others, or our own way, draw a scene."""
    system = model.system
    if isinstance(system, Own):
        if isinstance(engine, tuple):
            message = 'a network of ours runs as one function'
            raise TypeError(message)
        if model.task == 'brain':
            return _own_brain(scene, model=model, system=system, run=engine)
        return _own_tumour(scene, model=model, system=system, run=engine)
    if not isinstance(engine, tuple):
        message = 'a system of others runs as several functions'
        raise TypeError(message)
    drawn = system.draw(scene, engine, manner)
    if model.licence.commercial is not False:
        return drawn
    licence = f'{model.name} ({model.licence.name}) may not be used commercially'
    return dataclasses.replace(drawn, warnings=(*drawn.warnings, licence))


def _grid(scene: Scene) -> Grid:
    """Return the grid on which all images of a scene lie."""
    return next(iter(scene.images.values())).grid


def _own_brain(scene: Scene, *, model: Model, system: Own, run: Run) -> Drawn:
    """Draw the brain with a network of ours: the mean over all images."""
    grid = _grid(scene)
    box = fields.head_box(scene.images[scene.reference])
    working = fields.working_grid(grid, box, spacing=system.spacing, multiple=system.multiple)
    visible = fields.seen(working, grid)
    total = np.zeros(working.shape, np.float32)
    for role in sorted(scene.images, key=ROLES.index):
        sampled = fields.onto(scene.images[role], working).array.astype(np.float32)
        channel = np.where(visible, system.normalise(sampled, visible), 0)
        pooled = maps.pool(run(channel[..., None]), scalings=_scalings(model))
        total += pooled.mean[..., 0]
    probability = brain.tidy(total / np.float32(len(scene.images)), spacing=system.spacing)
    whole = fields.back(probability, working, reference=grid)
    return Drawn(
        probabilities={'brain': whole},
        mutual={},
        masks={'brain': whole >= model.threshold},
        images=tuple(scene.images),
    )


def _own_tumour(scene: Scene, *, model: Model, system: Own, run: Run) -> Drawn:
    """Draw the tumour with a network of ours, inside the brain mask and a margin."""
    grid = _grid(scene)
    used = tuple(role for role in ROLES if role in scene.images and role in model.contrasts)
    inside = scene.brain.array > 0 if scene.brain is not None else np.ones(grid.shape, bool)
    box = fields.box_of(inside, grid, margin_mm=MARGIN_MM + FIELD_MM)
    working = fields.working_grid(grid, box, spacing=system.spacing, multiple=system.multiple)
    share = fields.onto(Volume(inside.astype(np.float32), grid), working).array
    small = share >= 0.5
    shown = brain.move_border(small, working, by_mm=MARGIN_MM) & fields.seen(working, grid)
    channels = _channels(scene.images, used, model=model, working=working, masks=(small, shown))
    pooled = maps.pool(run(channels), scalings=_scalings(model))

    # The network answers for what it was shown; elsewhere it was shown nothing.
    def back(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return fields.back(np.where(shown, values, 0), working, reference=grid)

    shares = {
        region: pooled.mean[..., index]
        for index, region in enumerate(model.regions)
        if region not in _unavailable(model, used)
    }
    probabilities = {region: back(values) for region, values in shares.items()}
    mutual = {}
    if pooled.mutual is not None:
        mutual = {r: back(pooled.mutual[..., model.regions.index(r)]) for r in shares}
    # Whether a piece is likely is seen on the network's grid: thick slices hide the peaks. On the
    # reference's grid a piece reaches as far as linear sampling spreads it.
    likely = maps.masks(shares, threshold=model.threshold, peak=model.peak)
    drawn = {
        region: (values >= model.threshold) & (back(likely[region].astype(np.float32)) > 0)
        for region, values in probabilities.items()
    }
    kept = _within(next(iter(drawn.values())), inside)
    return Drawn(
        probabilities=probabilities,
        mutual=mutual,
        masks={region: mask & kept for region, mask in drawn.items()},
        images=used,
    )


def _within(mask: Mask, inside: Mask) -> Mask:
    """Return the pieces of a mask that do not lie in the margin around the brain for the most part.

    Dura, sinuses and muscle that the margin holds are bright as tumour is.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    outside = np.bincount(pieces[~inside], minlength=count + 1)
    good = outside <= OUTSIDE_SHARE * sizes
    good[0] = False
    kept: Mask = good[pieces]
    return kept


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
                channels[..., index] = np.where(shown, model.own.normalise(sampled, inside), 0)
                if model.own.presence:
                    channels[..., len(model.contrasts) + index] = 1
    return channels


def _scalings(model: Model) -> tuple[maps.Scaling, ...]:
    """Return how the logits of each region become probabilities."""
    return tuple(model.own.scaling[region] for region in model.regions)


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
