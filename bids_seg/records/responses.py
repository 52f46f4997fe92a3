# SPDX-License-Identifier: Apache-2.0
"""What a course of visits means by the response criteria."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bids_seg.records.lesions import Lesion, Tissue
from bids_seg.records.tracks import Event, ReaderEdit, Registration, Tracking, VisitAlignment
from bids_seg.records.visits import Disease, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One tracked lesion at one visit with its measurement."""

    event: Event
    """What became of its identity."""
    lesion: Lesion | None
    """Its measurement; None where it is not present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitMeasurements:
    """All that the response at one visit is made from."""

    session: str | None
    """Label without `ses-`."""
    days: int | None
    """Days on the patient's scale; None without dates."""
    date: str | None
    """ISO date; None where only days are known, or nothing."""
    evaluable: bool
    """Required images present, segmentation and registration passed their checks."""
    reason: str
    """Why it is not evaluable; empty where it is."""
    roles: tuple[Role, ...]
    """Images of the visit."""
    observations: Mapping[str, tuple[Observation, ...]]
    """Lesions by tissue; a tissue that is not tracked has no entry."""
    wt_mm3: int | None
    """Volume of the T2/FLAIR abnormality; None where it was not segmented."""
    flair_spacing_mm: float | None
    """Distance between slice centres of the T2/FLAIR image; None without one."""
    clinical: Mapping[str, str]
    """Clinical columns of this visit, by the names of the tables contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One patient's visits in order of time, as the response criteria see them."""

    participant: str
    """Label without `sub-`."""
    visits: tuple[VisitMeasurements, ...]
    """In order of time."""
    info: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Columns of the patient: `setting`, `treatment_start`, `baseline_session`, ..."""
    edits: tuple[ReaderEdit, ...] = ()
    """A reader's overrides."""


Basis = Literal['full', 'imaging_only', 'no_steroid', 'no_clinical']
"""Which inputs beside the images a response rests on."""

ConfirmStatus = Literal['not_required', 'pending', 'confirmed', 'unconfirmed']
"""Whether a later visit bore a response out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """As what one lesion counts at one visit by one criterion."""

    lesion_id: str
    """Name of the lesion."""
    tissue: Tissue
    """What it is made of; lesions of two tissues may have the same name."""
    role: str
    """target, nontarget, new, fragment, excluded; empty where it has none."""
    failing: str | None
    """First clause by which it is not measurable at this visit: ld, sd, slices, spacing, reader;
    empty where it is measurable, None where it is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response at one visit by one criterion (columns of the visits' table)."""

    session: str | None
    """Label without `ses-`."""
    criterion: str
    """Name of the criterion."""
    criterion_version: str
    """Version of its published text."""
    measure: Literal['ld', 'product', 'volume']
    """What is summed."""
    response: str
    """CR, PR, MR, SD, PD, PD_prelim, PD_prelim_not_confirmed, NE or n/a."""
    rule_fired: str
    """Row of the overall table and step of the target rule, e.g. `2.6#7;2.4#6`."""
    reason: str
    """Short word for it, e.g. `steroid_increase`; empty where the rule says all."""
    sentence: str
    """The same for a reader, with the numbers."""
    basis: Basis
    """Which inputs there were."""
    provisional: bool
    """Whether a reader must complete it before use."""
    days: int | None = None
    """Days on the patient's scale."""
    days_from_baseline: int | None = None
    """Days since the baseline visit."""
    days_from_rt_end: int | None = None
    """Days since the last radiotherapy ended."""
    n_targets: int = 0
    """Targets chosen at baseline."""
    n_targets_evaluable: int = 0
    """Those that can be judged at this visit."""
    aggregate: int | None = None
    """Sum over targets: tenths of mm, hundredths of mm2, or mm3; None where it is not known."""
    aggregate_unit: str = ''
    """`mm`, `mm2` or `mm3`: the unit in which tables show the sum."""
    baseline_session: str | None = None
    """Session of the baseline."""
    baseline_aggregate: int | None = None
    """Its sum."""
    nadir_session: str | None = None
    """Session of the smallest earlier sum."""
    nadir_aggregate: int | None = None
    """That sum."""
    pct_from_baseline: str | None = None
    """Change in percent, one decimal."""
    pct_from_nadir: str | None = None
    """Change in percent, one decimal."""
    max_target_ld_increase_mm: float | None = None
    """Largest growth of one target's longest diameter over that at the nadir visit."""
    target: str = 'NA'
    """T: CR, PR, MR, SD, PD, NE, NA."""
    nontarget: str = 'NONE'
    """NT: NONE, CR, NONCR_NONPD, PD, NE."""
    new_lesion: str = 'none'
    """NL: none, equivocal, unequivocal, NE."""
    n_new_unequivocal: int = 0
    """New lesions present that are certain."""
    n_new_equivocal: int = 0
    """New lesions present that are not."""
    flair: str = 'not_used'
    """F: not_used, ok, worse, NE."""
    steroid: str = 'unknown'
    """S: none, physiologic, decreased, stable, increased, unknown."""
    clinical: str = 'unknown'
    """C: better, stable, worse, unknown."""
    steroid_mg: str | None = None
    """Dose of dexamethasone or its equivalent a day, as given."""
    confirm_status: ConfirmStatus = 'not_required'
    """Whether a later visit bore it out."""
    confirm_session: str | None = None
    """That visit."""
    response_confirmed: str = 'n/a'
    """The response as far as it is confirmed."""
    threshold_sensitive: bool = False
    """Whether T depends on the probability at which lesions are drawn."""
    alternative_response: str | None = None
    """What T would be otherwise; several separated by semicolons."""
    reader_response: str | None = None
    """The response by a reader's overrides, beside the computed one."""
    flags: tuple[str, ...] = ()
    """What a reader should look at, in the words of the tables contract."""
    roles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """By lesion id: target, nontarget, new, fragment, excluded."""
    standings: tuple[Standing, ...] = ()
    """The same with the tissue, of both parts of a mixed criterion, and what is measurable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BestResponse:
    """One patient's course by one criterion, in a line (columns of the best responses' table)."""

    participant: str
    """Label without `sub-`."""
    criterion: str
    """Name of the criterion."""
    best_pct_from_baseline: str | None
    """Smallest change in percent after baseline up to the first PD."""
    bor: str
    """Best overall response; n/a where there is nothing after baseline."""
    bor_unconfirmed: str
    """The same, unconfirmed responses counted."""
    first_response_days: int | None
    """Days from baseline to the first response that counts in `bor`."""
    progression_session: str | None
    """Visit to which PD is dated."""
    progression_days: int | None
    """Days from baseline to it."""
    progression_reason: str
    """Which rule made it PD; empty without."""
    last_visit_days: int | None
    """Days from baseline to the last visit."""
    censored: bool
    """Whether there was no PD."""
    basis: Basis
    """Which inputs there were at all visits that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionInForce:
    """What a reader of tables and pages must know of a criterion that was applied."""

    name: str
    """As on the command line and in tables."""
    title: str
    """As in reports."""
    version: str
    """Year of the published text."""
    source: str
    """DOI of it."""
    tissue: Tissue
    """Whose lesions are measured."""
    measure: Literal['ld', 'product', 'volume']
    """What is summed."""
    pair: Literal['longest', 'largest_product']
    """Which pair of diameters is used."""
    partial_pct: int
    """Decrease from baseline that is a partial response, %."""
    minor_pct: int | None
    """Decrease from baseline that is a minor response, %; None where there is none."""
    progression_pct: int
    """Increase over the nadir that is progression, %."""
    least_growth_mm: float | None
    """Growth of one target without which there is no progression; None where it is not asked for."""
    exploratory: bool = False
    """Whether no category may rest on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A participant through time: what tracking and response made of all visits in the output."""

    participant: str
    """Label without `sub-`."""
    visits: tuple[str | None, ...]
    """Sessions in order of time; places of events count in it."""
    reference: str | None
    """Session of the visit on whose grid lesions were followed."""
    untracked: str
    """Why lesions were not followed at all; empty where they were."""
    alignments: Mapping[str, VisitAlignment]
    """How each other visit was brought onto the reference visit, by session; visits that could not
    be registered are missing."""
    trackings: tuple[Tracking, ...]
    """Lesions for life, one for each tissue of each disease."""
    courses: Mapping[Disease, Course]
    """What the criteria were given."""
    responses: Mapping[str, tuple[Response, ...]]
    """By criterion, one for each visit."""
    best: Mapping[str, BestResponse]
    """The course in a line, by criterion."""
    rules: Mapping[str, str]
    """Options of the criteria that differ from their defaults."""
    edits: tuple[ReaderEdit, ...]
    """A reader's corrections in force."""
    settings_sha256: str
    """Digest of everything that it was made from."""
    warnings: tuple[str, ...] = ()
    """What a reader must know."""
    criteria: Mapping[str, CriterionInForce] = dataclasses.field(default_factory=dict)
    """The criteria that were applied, by name."""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """All options of the criteria as they were, those at their defaults among them."""
    days: tuple[int | None, ...] = ()
    """Days from the first visit, for each visit; None where they are not known."""
    dates: tuple[str | None, ...] = ()
    """ISO dates, for each visit; None unless the user asks for dates."""
    statuses: tuple[str, ...] = ()
    """complete, failed or skipped, for each visit."""
    faults: tuple[str, ...] = ()
    """Why the lesions of a visit could not be followed, for each visit; empty where they were."""
    registrations: Mapping[str, Registration] = dataclasses.field(default_factory=dict)
    """How each visit lies in the space in which lesions are followed, by session; the key of a
    visit without session is empty."""
