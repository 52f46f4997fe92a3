# SPDX-License-Identifier: Apache-2.0
"""Lesions through time: identities and their events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bids_seg.records.lesions import Tissue
from bids_seg.records.visits import Disease

Identity = Literal[
    'baseline',
    'new',
    'new_unverified',
    'continuing',
    'resolved',
    'recurrent',
    'fragment',
    'merged_into',
    'separated',
]
"""What may happen to the identity of a lesion; `new_unverified`: no earlier visit shows its site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One tracked lesion at one visit: whether it is there and what became of its identity."""

    lesion_id: str
    """`L001` for life, `U001` where the visit is not tracked."""
    visit: int
    """Place of the visit among the patient's visits, from 0."""
    status: Literal['present', 'absent', 'absorbed', 'not_evaluable']
    """Whether it is there; `absorbed`: part of another lesion."""
    identity: Identity | None = None
    """What happened to it; None where nothing did."""
    events: tuple[str, ...] = ()
    """`split`, `merged`, `growing`, `shrinking`, in this order."""
    component_index: int | None = None
    """Which component of the visit it is; None where it is not there."""
    parent_id: str | None = None
    """Lesion from which it split."""
    merged_into: str | None = None
    """Lesion of which it is a part at this visit."""
    match: Literal['overlap', 'proximity', 'reader'] | None = None
    """How it was found again."""
    match_o_mm3: int | None = None
    """Volume in common with its last mask, rounded half up."""
    gap_visits: int | None = None
    """Evaluable visits without it before it came back."""
    adjacent_to: str | None = None
    """Lesion that it touches without being the same."""
    in_view: tuple[int, ...] | None = None
    """Visits whose field of view holds its site, at its first presence; None: all of them."""
    low_confidence: bool = False
    """Whether it is absent although something is left at its place."""
    flags: tuple[str, ...] = ()
    """`possible_missed_detection`, `speck_remains`, `no_probabilities`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One lesion for life."""

    lesion_id: str
    """`L001`, `L002`, ...; never used again."""
    parent_id: str | None
    """Lesion from which it split; None where it came up by itself."""
    family_root: str
    """The lesion from which its family started, through any number of splits; maybe itself."""
    events: tuple[Event, ...]
    """One for each visit of the patient from its first presence on."""

    def at(self, visit: int) -> Event | None:
        """Return its event at a visit; None before its first presence."""
        place = visit - self.events[0].visit
        return self.events[place] if 0 <= place < len(self.events) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """All lesions of one tissue of one patient, through all visits."""

    disease: Disease
    """Which network's masks they come from."""
    tissue: Tissue
    """What they are made of."""
    tracks: tuple[Track, ...]
    """By number."""
    untracked: tuple[Event, ...]
    """Components of visits that could not be tracked, as `U001`, `U002`, ..."""
    visit_flags: tuple[tuple[str, ...], ...]
    """For each visit, what a reader should look at: `review_detection`, `n_components_high`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderEdit:
    """One line of a reader's file: a correction of identities, or an override."""

    session: str | None
    """Label without `ses-` of the visit that it is about; None for the whole patient."""
    action: str
    """`link`, `unlink`, `merge`, `reject`, or the name of an override."""
    item: str
    """Component index or lesion id; empty where the override needs none."""
    value: str
    """Lesion id to link with, or the override's value."""
    tissue: Tissue | Literal[''] = ''
    """Which set of lesions a correction is about; empty: the usual one of the disease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitAlignment:
    """Figures that tell whether a visit was brought onto the patient's reference visit."""

    disagreement_mm: float
    """Largest distance over eight points, 60 mm out, between forward and reverse registration."""
    rotation_deg: float
    """Angle of the rotation."""
    mutual_information: float
    """Normalised mutual information after registration, 1 to 2."""
    mutual_information_before: float
    """The same after alignment of the centres of mass alone."""
    brain_dice: float | None
    """Dice of the brain masks inside the common field of view; None without brain masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """How a visit was brought into the space in which a patient's lesions are followed."""

    made_from: str
    """Digest of what went in, so that it is done once."""
    matrix: tuple[float, ...] | None
    """16 numbers, row by row: from mm of that space to mm of the visit, RAS+; None where the
    registration failed."""
    figures: VisitAlignment | None
    """How far to trust it; None where the visit was not registered to another one."""
    failure: str = ''
    """Why it cannot be used; a sentence without a full stop."""
    within: Literal['brain', 'head'] = 'brain'
    """What was compared: the brains, or the heads as a whole where no brain mask is there or the
    brains alone did not come together."""
