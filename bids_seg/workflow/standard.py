# SPDX-License-Identifier: Apache-2.0
"""The classes of a visit on the grid of a template: brought there once, by an affine movement."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_seg import image, register
from bids_seg.errors import StageError
from bids_seg.image import Volume
from bids_seg.preprocess.stripped import background
from bids_seg.records import ModelRun, VisitSummary
from bids_seg.register import Fit, Heads, Matrix
from bids_seg.workflow.given import labels_of_masks
from bids_seg.workflow.state import RunContext, VisitState
from bids_seg.write import names, standard

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Carried:
    """What lies on grids of templates."""

    spaces: tuple[str, ...] = ()
    """As on the command line; none where the fit was refused."""
    figures: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of the sidecars: the movement and its quality."""
    warnings: tuple[str, ...] = ()
    """Why there is nothing."""


def carry(state: VisitState, about: RunContext) -> Carried:
    """Write the classes of a visit on the grids that were asked for.

    Parameters
    ----------
    state
        A visit after the networks.
    about
        The run.
    """
    spaces = tuple(about.settings.get('output-spaces', '').split())
    runs = [run for run in state.models if run.task != 'brain']
    reference = state.visit.reference
    if not spaces or not runs or reference is None:
        return Carried()
    volume = image.read_map(state.files[f'preproc:{reference.role}'])
    brain = _brain(state, volume, stripped=reference.role in state.stripped)
    try:
        matrix, fit = register.to_template(
            Heads(image=volume, brain=brain), register.template('1'), seed=about.seed
        )
        fault = fit.fault
    except StageError as error:
        fault = error.what
    if fault:
        told = f'nothing was brought onto the template {", ".join(spaces)}: {fault}'
        logger.warning('%s: %s', state.visit.name, told)
        return Carried(warnings=(told,))
    for space in spaces:
        grid = register.template(space.rpartition('-')[2]).image.grid
        for run in runs:
            (path,) = names.standard_files(state.visit, [run.task], spaces=[space]).values()
            masks = {
                region: image.resample(_map(state, run, region, matrix), grid, order=1).array >= 0.5
                for region in run.regions
            }
            image.save(Volume(labels_of_masks(masks)[0], grid), state.root / path)
    return Carried(spaces=spaces, figures=_figures(matrix, fit))


def describe(state: VisitState, summary: VisitSummary, carried: Carried) -> dict[str, str]:
    """Write sidecars and tables beside what was carried; return the paths of the images by key.

    Parameters
    ----------
    state
        The visit.
    summary
        What was done with it.
    carried
        What `carry` returned.
    """
    runs = {str(run.task): run for run in summary.models}
    files = names.standard_files(summary.visit, runs, spaces=carried.spaces)
    for key, path in files.items():
        disease, resolution = key.split(':')[1:]
        texts = standard.texts(
            path,
            summary,
            runs[disease],
            sources=_sources(state, runs[disease]),
            space=register.TEMPLATE_URL,
            resolution=f'{resolution} mm isotropic',
            figures=dict(carried.figures),
        )
        for place, content in texts.items():
            image.write_bytes(state.root / place, content)
    return files


def _brain(state: VisitState, volume: Volume, *, stripped: bool) -> Volume | None:
    """Return the brain of a visit: its mask, else what a skull-stripped image shows."""
    place = state.files.get('brain_mask')
    if place is not None:
        return image.read_labels(place)
    return Volume(~background(volume), volume.grid) if stripped else None


def _map(state: VisitState, run: ModelRun, region: str, matrix: Matrix) -> Volume:
    """Return the probability of a region, else its mask, in the space of the template."""
    place = state.files.get(f'probseg:{run.task}:{region}')
    if place is None:
        place = state.files[f'mask:{run.task}:{region}']
    return register.moved(image.read_map(place), matrix)


def _sources(state: VisitState, run: ModelRun) -> Sequence[str]:
    """Return the outputs from which classes are carried."""
    kind = 'mask' if run.sources else 'probseg'
    keys = (f'{kind}:{run.task}:{region}' for region in run.regions)
    return [state.files[key].relative_to(state.root).as_posix() for key in keys]


def _figures(matrix: Matrix, fit: Fit) -> dict[str, Any]:
    """Return the movement and its quality as fields of a sidecar."""
    return {
        'Method': 'affine registration (12 parameters) by mutual information',
        'FromTemplateToImage': [[round(float(cell), 6) for cell in row] for row in matrix[:3]],
        'DisagreementMm': fit.disagreement_mm,
        'NormalisedMutualInformation': fit.mutual_information,
        'NormalisedMutualInformationBefore': fit.mutual_information_before,
        'SmallestStretch': fit.scales[0],
        'LargestStretch': fit.scales[1],
        'BrainDice': fit.brain_dice,
    }
