# SPDX-License-Identifier: Apache-2.0
"""What goes in: images, visits and participants, and how images of a visit were aligned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal['T1wCE', 'T1w', 'T2w', 'FLAIR']
"""The part an image plays: post-contrast T1w, T1w, T2w, FLAIR."""

ROLES: tuple[Role, ...] = ('T1wCE', 'T1w', 'T2w', 'FLAIR')
"""All roles, in the order of the networks' input channels."""

REFERENCE_ORDER: tuple[Role, ...] = ('T1wCE', 'T1w', 'FLAIR', 'T2w')
"""Which image is the reference of a visit: the first of these that is there."""

Disease = Literal['glioma', 'metastases']
"""What a tumour network looks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One image file that was chosen to play a part in a visit."""

    path: Path
    """Where the file lies."""
    relative: str
    """The same, relative to the dataset's root, with forward slashes."""
    role: Role
    """The part it plays."""
    entities: Mapping[str, str]
    """BIDS entities as written in the name, short keys (`ce`, `acq`, `run`, ...) without sub, ses."""
    suffix: str
    """BIDS suffix: T1w, T2w or FLAIR."""
    shape: tuple[int, int, int]
    """Voxels along the stored axes."""
    spacing: tuple[float, float, float]
    """Distance between voxel centres along the stored axes, mm."""
    metadata: Mapping[str, Any]
    """Sidecar fields that stay true for derivatives (ContrastBolusIngredient, Manufacturer, ...)."""
    notes: tuple[str, ...] = ()
    """What a user should know about the choice, e.g. that contrast was assumed from the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """A candidate image that is not used, and why."""

    relative: str
    """Path relative to the dataset's root, with forward slashes."""
    reason: str
    """One sentence without a full stop."""
    role: Role | None = None
    """The part it might have played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One imaging session of one participant."""

    participant: str
    """Label without `sub-`."""
    session: str | None
    """Label without `ses-`; None where the dataset has no sessions."""
    scans: tuple[Scan, ...]
    """At most one image for each role, in the order of `ROLES`."""
    passed_over: tuple[PassedOver, ...] = ()
    """Candidates that are not used."""
    days: int | None = None
    """Days since the participant's first dated visit."""
    date: str | None = None
    """ISO date; written nowhere unless the user asks for dates."""
    clinical: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Clinical columns of this visit, by the names of the tables contract."""
    warnings: tuple[str, ...] = ()
    """What the user should know about this visit's input."""

    @property
    def name(self) -> str:
        """Its name in logs and file names: `sub-01_ses-02`."""
        tail = '' if self.session is None else f'_ses-{self.session}'
        return f'sub-{self.participant}{tail}'

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that have an image."""
        return frozenset(scan.role for scan in self.scans)

    @property
    def reference(self) -> Scan | None:
        """The image on whose grid results are given; None without any image."""
        by_role = {scan.role: scan for scan in self.scans}
        return next((by_role[role] for role in REFERENCE_ORDER if role in by_role), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One participant with the visits in order of time."""

    participant: str
    """Label without `sub-`."""
    visits: tuple[Visit, ...]
    """In order of time (by date, else by natural order of labels)."""
    info: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The row of participants.tsv, without participant_id."""
    timeline: tuple[Visit, ...] = ()
    """All visits of the dataset in order of time, also those that are not asked for: days, date and
    clinical columns, without images."""
    ordered_by: Literal['date', 'label', 'one'] = 'one'
    """What decided the order of visits; `one` where there is nothing to order."""
    warnings: tuple[str, ...] = ()
    """What the user should know about this participant's input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How well one image was brought onto another, and by which movement."""

    moving: Role
    """Role of the image that was moved."""
    fixed: Role
    """Role of the reference image."""
    method: Literal['identity', 'rigid', 'header']
    """`identity`: same grid and they agree; `rigid`: registered; `header`: registration failed or was
    refused, world coordinates of the headers were trusted."""
    rotation_deg: float
    """Angle of the rotation."""
    translation_mm: float
    """Length of the movement of the reference's centre."""
    mutual_information: float
    """Normalised mutual information after alignment, 1 (none) to 2."""
    mutual_information_before: float
    """The same when the headers alone are trusted."""
    disagreement_mm: float | None
    """Largest distance over eight points, 60 mm from the centre, between the forward and the reverse
    registration; None where none was run."""
    accepted: bool
    """Whether the image may be used for segmentation."""
    note: str = ''
    """Why it was refused or what is unusual."""
