# SPDX-License-Identifier: Apache-2.0
"""What the program that runs a network is told, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_seg.records import ModelRun, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitJob:
    """What a network is to do for one visit."""

    visit: str
    """Name of the visit, `sub-01_ses-02`."""
    images: Mapping[Role, Path]
    """Its images, all on the reference's grid."""
    reference: Role
    """Role of the reference image."""
    brain: Path | None
    """Brain mask on the same grid; None where it is to be made."""
    stripped: tuple[Role, ...]
    """Images that came without their skull."""
    outputs: Mapping[str, Path]
    """Where each file is written, by the keys of `write.names`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which model does a task, with which weights, and how."""

    model: str
    """Name in the registry."""
    weights: tuple[Path, ...]
    """File or folder of each member."""
    sha256: tuple[str, ...]
    """Digest of each, by which a change of them is noticed."""
    parity: bool = False
    """Whether a system of others keeps its known defects."""
    dropout: int = 0
    """Further opinions of each member by random dropout."""

    @property
    def looks(self) -> int:
        """Return about how often an image is looked at: with parity, also at mirror images."""
        return max(1, len(self.weights)) * ((8 if self.parity else 1) + self.dropout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one start of the program is to do."""

    choice: Choice
    """Which model, and its weights."""
    device: str
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    threads: int
    """Threads that it may use."""
    seed: int
    """Seed of all that is drawn."""
    brain_border_mm: float
    """Growth of the brain mask, mm."""
    low_mem: bool
    """Whether it works patch by patch."""
    results: Path
    """JSON lines: one is appended for each visit that ended."""
    visits: tuple[VisitJob, ...]
    """In the order in which they are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one visit: one line of the results."""

    visit: str
    """Name of the visit."""
    status: Literal['ok', 'failed']
    """Whether its files are there."""
    seconds: float
    """Wall time; the first visit bears the start of the program."""
    peak_mb: float
    """Peak resident memory of the program so far, megabytes."""
    run: ModelRun | None = None
    """What the network could say; None where it failed."""
    what: str = ''
    """What happened where it failed."""
    where: str = ''
    """To which file."""
    do: str = ''
    """What the user can do."""
    trace: str = ''
    """Traceback, where the cause is a defect of the program."""


def mutual_path(outputs: Mapping[str, Path], disease: str, region: str) -> Path | None:
    """Return where the disagreement of the opinions is kept: in the work folder alone.

    Parameters
    ----------
    outputs
        Files of a visit.
    disease
        Which network.
    region
        About what they disagree.

    Returns
    -------
    path
        Beside the entropy map; None where that is not asked for.

    Examples
    --------
    >>> entropy = Path('sub-01_space-orig_seg-glioma_desc-entropy_probseg.nii.gz')
    >>> mutual_path({'entropy:glioma': entropy}, 'glioma', 'WT').name
    'sub-01_space-orig_seg-glioma_desc-mutualWT_probseg.nii.gz'
    """
    entropy = outputs.get(f'entropy:{disease}')
    if entropy is None:
        return None
    return entropy.with_name(entropy.name.replace('desc-entropy', f'desc-mutual{region}'))
