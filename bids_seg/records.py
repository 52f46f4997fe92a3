# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: frozen records that pass from room to room, and their JSON form.

Units are millimetres, cubic millimetres and days unless a name says otherwise; world
axes are RAS+. No record holds an array.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

Role = Literal['T1wCE', 'T1w', 'T2w', 'FLAIR']
"""The part an image plays: post-contrast T1w, T1w, T2w, FLAIR."""

ROLES: tuple[Role, ...] = ('T1wCE', 'T1w', 'T2w', 'FLAIR')
"""All roles, in the order of the networks' input channels."""

REFERENCE_ORDER: tuple[Role, ...] = ('T1wCE', 'T1w', 'FLAIR', 'T2w')
"""Which image is the reference of a visit: the first of these that is there."""

Disease = Literal['glioma', 'metastases']
"""What a tumour network looks for."""

Point = tuple[float, float, float]
"""A place in scanner space, mm, RAS+."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A measured line; end points in scanner space."""

    start: Point
    """mm, RAS+."""
    end: Point
    """mm, RAS+."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diameters:
    """The longest in-plane diameter of one lesion and the chord across it."""

    ld_mm: float
    """Longest diameter, recorded to 0.1 mm."""
    sd_mm: float
    """Longest chord at 90 degrees to it, at most as long, recorded to 0.1 mm."""
    slice: int
    """Index of the slice along the stored axis that is closest to S, from 0."""
    ld: Line
    """The longest diameter itself."""
    sd: Line
    """The chord itself."""

    @property
    def product_mm2(self) -> float:
        """Product of the recorded diameters, exact to 0.01 mm2."""
        return round(self.ld_mm * 10) * round(self.sd_mm * 10) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """One component of one tissue at one visit, measured (columns of the lesion table)."""

    disease: Disease
    """Which network's mask it comes from."""
    tissue: Literal['ET', 'TC', 'WT', 'NonCE']
    """The tissue that was measured."""
    component_index: int
    """1, 2, ... by decreasing volume among this visit's components of the tissue."""
    longest: Diameters
    """From the part with the longest diameter."""
    largest_product: Diameters
    """From the part with the largest product of both."""
    hull_ld_mm: float
    """Largest diameter of the convex hull of a part in a slice, recorded to 0.1 mm."""
    concave: bool
    """Whether the hull is more than 2 mm longer than the longest inside line."""
    n_slices: int
    """Slices that the lesion reaches."""
    slice_spacing_mm: float
    """Distance between slice centres along their normal."""
    axial_obliquity_deg: float
    """Angle between the slice normal and the scanner's long axis."""
    volume_mm3: int
    """Voxel count times voxel volume, rounded half up."""
    volume_filled_mm3: int
    """The same with enclosed holes and necrosis."""
    et_mm3: int | None
    """Enhancing share; None where the model has no such region."""
    ncr_mm3: int | None
    """Necrotic share (of ET: of the tumour core it rims); None where the model has no such region."""
    esd_mm: float
    """Diameter of the sphere of the same volume."""
    sphericity: float | None
    """1 for a sphere; None below 27 voxels."""
    n_voxels: int
    """Voxels of the label mask."""
    centroid: Point
    """Mean voxel centre, mm, RAS+."""
    mean_prob: float | None
    """Mean probability inside; None where a person drew the mask."""
    max_prob: float | None
    """Largest probability inside."""
    mutual_info_bits: float | None
    """Disagreement of the members, mean over the lesion and a shell; None with one member."""
    total_entropy_bits: float | None
    """Entropy of the mean probability, mean over the lesion and a shell."""
    ld_low_mm: float | None
    """Longest diameter of the component at probability 0.7; 0 where there is none, None where a
    person drew the mask."""
    ld_high_mm: float | None
    """Longest diameter of the component at probability 0.3."""
    volume_low_mm3: int | None
    """Volume of the component at probability 0.7; 0 where there is none."""
    volume_high_mm3: int | None
    """Volume of the component at probability 0.3."""
    flags: tuple[str, ...] = ()
    """`concave`, `plane_oblique`, ..., in the words of the tables contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSet:
    """All lesions of one tissue at one visit."""

    disease: Disease
    """Which network's mask they come from."""
    tissue: Literal['ET', 'TC', 'WT', 'NonCE']
    """The tissue that was measured."""
    measurement_space: str
    """BIDS label of the grid on which they were measured: `orig` is the visit's reference image's."""
    lesions: tuple[Lesion, ...]
    """By decreasing volume."""
    n_specks: int
    """Components below 3 voxels or below the smallest lesion, not counted as lesions."""
    totals_mm3: Mapping[str, int]
    """Volume of each region of the model, e.g. WT, TC, ET."""


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


Tissue = Literal['ET', 'TC', 'WT', 'NonCE']
"""What lesions are made of."""

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


R = TypeVar('R')


def to_json(record: object) -> str:
    """Return a record as JSON text; the same record gives the same text.

    Examples
    --------
    >>> to_json(Cost(stage='align', seconds=1.5, peak_mb=None))
    '{"stage": "align", "seconds": 1.5, "peak_mb": null}'
    """
    return json.dumps(_plain(record), ensure_ascii=False)


def from_json(kind: type[R], text: str) -> R:
    """Return the record of class `kind` that `to_json` made the text of.

    Examples
    --------
    >>> cost = Cost(stage='align', seconds=1.5, peak_mb=None)
    >>> from_json(Cost, to_json(cost)) == cost
    True
    """
    made: R = _build(kind, json.loads(text))
    return made


def _plain(value: object) -> Any:
    """Turn records, paths and tuples into what JSON knows, field order kept."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.as_posix() if isinstance(value, Path) else value


def _build(kind: Any, value: Any) -> Any:
    """Make a value of the annotated type from what JSON gave."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is Any or origin is Literal:
        return value
    if origin in (types.UnionType, typing.Union):
        return _build(next(item for item in inner if item is not type(None)), value)
    if origin is tuple:
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_build(item, part) for item, part in zip(each, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(inner[1], item) for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {field.name for field in dataclasses.fields(kind)}
        return kind(
            **{key: _build(hints[key], item) for key, item in value.items() if key in known}
        )
    return Path(value) if kind is Path else value
