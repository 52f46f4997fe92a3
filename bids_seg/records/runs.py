# SPDX-License-Identifier: Apache-2.0
"""What was done with a visit, and what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bids_seg.records.lesions import LesionSet
from bids_seg.records.visits import Alignment, Role, Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """One network that was run on one visit, and what it could say."""

    task: Literal['brain', 'glioma', 'metastases']
    """What it was asked for."""
    model: str
    """Its name in the registry."""
    version: str
    """Version of the program that ran it."""
    weights_sha256: tuple[str, ...]
    """Checksum of the weights of each member."""
    images: tuple[Role, ...]
    """Roles of the images that went in."""
    regions: tuple[str, ...]
    """Regions it reported, outermost first."""
    unavailable: Mapping[str, str]
    """Regions it knows but could not report, with the reason."""
    volumes_mm3: Mapping[str, int]
    """Volume of each region."""
    threshold: float
    """Probability from which a voxel is inside."""
    device: str
    """`cpu`, or the name of the accelerator."""
    warnings: tuple[str, ...] = ()
    """What a reader must know before trusting the masks."""
    sources: tuple[str, ...] = ()
    """BIDS URIs of the files that were given in place of the network; none where it ran. There are
    no probabilities then."""
    manual: bool = False
    """Whether a person drew what was given."""
    licence: str = ''
    """Under what its weights may be used; empty where it is not known."""
    commercial: bool | None = None
    """Whether that allows commercial use; None where nothing was stated."""
    parity: bool = False
    """Whether a system of others ran with its known defects."""
    peak: float = 0.0
    """Probability that a piece of a mask reaches somewhere; 0 where that was not asked."""
    shipped: bool = True
    """Whether its weights came with the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one stage of a visit took."""

    stage: str
    """Name of the stage."""
    seconds: float
    """Wall time."""
    peak_mb: float | None
    """Peak resident memory of its process, megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSummary:
    """What became of one visit: stored beside its figures, so that pages can be built again."""

    visit: Visit
    """What went in; paths are relative to the dataset, the date is left out."""
    status: Literal['complete', 'skipped', 'failed']
    """Whether its set of files is there."""
    reason: str
    """Why it was skipped or failed; empty where it is complete."""
    crash: str | None
    """Crash file, relative to the output folder; None where nothing crashed."""
    alignments: tuple[Alignment, ...]
    """How each image was brought onto the reference."""
    models: tuple[ModelRun, ...]
    """Networks that were run."""
    models_skipped: Mapping[str, str]
    """Tasks that were asked for and could not be done, with the reason."""
    costs: tuple[Cost, ...]
    """What each stage took."""
    settings: Mapping[str, str]
    """Settings that shape results, as text."""
    settings_sha256: str
    """Digest of these settings and of the weights."""
    input_sha256: str
    """Digest of the images that went in."""
    versions: Mapping[str, str]
    """Versions of the program and of the libraries that shape results."""
    run: str
    """Identifier of the run that made it."""
    stripped: Mapping[Role, bool] = dataclasses.field(default_factory=dict)
    """Whether the image of each role came without its skull."""
    seed: int = 1
    """Seed of everything that is drawn."""
    spaces: tuple[str, ...] = ()
    """Grids of templates on which its classes lie too, as `MNI152NLin2009aSym:res-1`."""
    lesion_sets: tuple[LesionSet, ...] = ()
    """What was measured, one set for each tumour network."""
