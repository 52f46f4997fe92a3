# SPDX-License-Identifier: Apache-2.0
"""Columns of all tables: name, meaning, unit and levels, in the order in which they stand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """As in the header line."""
    description: str
    """One sentence."""
    units: str = ''
    """CMIXF units; empty where there are none."""
    levels: Mapping[str, str] | None = None
    """All values that may stand in it, with their meaning."""
    format: str = ''
    """Kind of value, for columns of which BIDS says it; empty otherwise."""
    cdisc: str = ''
    """What a trial's tables (CDISC SDTM) call it; empty where they do not know it."""


def described(columns: Iterable[Column], *, about: str = '') -> dict[str, Any]:
    """Return what stands about columns in the JSON beside a table.

    Parameters
    ----------
    columns
        Columns of the table.
    about
        One sentence on the table; empty where the JSON is that of an image too.

    Examples
    --------
    >>> described([Column('ld_mm', 'Longest diameter.', 'mm')])
    {'ld_mm': {'Description': 'Longest diameter.', 'Units': 'mm'}}
    """
    found: dict[str, Any] = {'Description': about} if about else {}
    for column in columns:
        found[column.name] = {'Description': column.description}
        if column.format:
            found[column.name]['Format'] = column.format
        if column.units:
            found[column.name]['Units'] = column.units
        if column.levels:
            found[column.name]['Levels'] = dict(column.levels)
        if column.cdisc:
            found[column.name]['CDISC'] = column.cdisc
    return found


def columns_named(columns: Iterable[Column]) -> list[str]:
    """Return the header line of columns."""
    return [column.name for column in columns]


NO_YES = {'0': 'no', '1': 'yes'}
"""Levels of what is so or is not."""
DISEASE = {'glioma': 'glioma', 'metastases': 'brain metastases'}
"""What a network looks for."""
_TISSUE = {
    'ET': 'enhancing tumour',
    'TC': 'tumour core',
    'WT': 'whole lesion',
    'NonCE': 'whole lesion without its contrast-enhancing part',
}
_IDENTITY = {
    'baseline': 'there at the first visit that can be judged',
    'new': 'came up later',
    'new_unverified': 'came up later, where no earlier visit shows the place',
    'continuing': 'there as before',
    'resolved': 'no longer segmented',
    'recurrent': 'back after a visit without it',
    'fragment': 'split from its parent',
    'merged_into': 'became a part of another lesion',
    'separated': 'apart again from the lesion of which it was a part',
}
ROLES = {
    'target': 'counts in the sum',
    'nontarget': 'there at baseline, not in the sum',
    'new': 'came up after baseline',
    'fragment': 'split from a lesion, with which it counts',
    'excluded': 'not in the sum by a reader',
}
"""As what a lesion counts by a criterion."""
VISIT_STATUS = {
    'complete': 'all files of the visit are there',
    'failed': 'something went wrong; no files',
    'skipped': 'no usable images; no files',
}
"""What became of a visit."""


def _drawn(prefix: str, words: str) -> tuple[Column, ...]:
    """Return the twelve columns of the end points of a pair of lines."""
    lines = {'ld': 'longest diameter', 'sd': 'perpendicular diameter'}
    return tuple(
        Column(
            f'{prefix}{line}_p{end}_{axis}',
            f'End point {end} of the {meaning}{words}, {axis} in scanner space (RAS+).',
            'mm',
        )
        for line, meaning in lines.items()
        for end in (0, 1)
        for axis in 'xyz'
    )


def _place(name: str, words: str) -> tuple[Column, ...]:
    """Return the three columns of a point."""
    return tuple(Column(f'{name}_{axis}', f'{words}, {axis}.', 'mm') for axis in 'xyz')


KEY = (
    Column('participant_id', 'Participant.'),
    Column('session_id', 'Session; n/a where the dataset has none.'),
)
"""Which visit a row is about."""

DATES = (
    Column('acq_date', 'Date of the visit; n/a unless dates are kept.'),
    Column('days_from_first', 'Days since the first dated visit of the participant.', 'd'),
)
"""When the visit was."""

LESION: tuple[Column, ...] = (
    *KEY,
    Column('disease', 'Network whose mask the lesion comes from.', levels=DISEASE),
    *DATES,
    Column('lesion_id', 'Name of the lesion: L001 for life, or U001 where it is not tracked.'),
    Column(
        'component_index',
        'Number among the connected parts of the tissue at this visit, by decreasing volume.',
    ),
    Column(
        'status',
        'Whether the lesion is there at this visit.',
        levels={
            'present': 'segmented at this visit',
            'absent': 'not segmented at this visit',
            'absorbed': 'part of another lesion at this visit',
            'not_evaluable': 'the visit cannot be judged',
        },
    ),
    Column(
        'identity_event',
        'What happened to the identity of the lesion at this visit.',
        levels=_IDENTITY,
    ),
    Column('events', 'Further events, separated by semicolons.'),
    Column('parent_id', 'Lesion that this one split from.'),
    Column('merged_into', 'Lesion that this one is part of at this visit.'),
    Column(
        'match',
        'How it was matched with the previous visit.',
        levels={
            'overlap': 'by common volume',
            'proximity': 'by distance of the centroids',
            'reader': 'by a reader',
        },
    ),
    Column('match_o_mm3', 'Volume in common with the previous visit.', 'mm^3'),
    Column('gap_visits', 'Evaluable visits without the lesion before it came back.'),
    Column('adjacent_to', 'Lesion that it touches without being matched.'),
    Column('tissue', 'Tissue that was measured.', levels=_TISSUE),
    Column(
        'exclude_reason',
        'Who excluded the lesion from the sum.',
        levels={'reader': 'a reader, by the reader file'},
    ),
    Column(
        'not_measurable_reason',
        'First clause by which it is not measurable at this visit: ld, sd, slices, spacing, reader; '
        'with the name of the criterion before it where criteria differ.',
    ),
    Column('ld_mm', 'Longest diameter in one slice.', 'mm', cdisc='TR LDIAM'),
    Column(
        'sd_mm', 'Longest chord at a right angle to it, in the same slice.', 'mm', cdisc='TR LPERP'
    ),
    Column('ld_slice', 'Slice of both, along the stored axis, from 0.'),
    Column('bp_ld_mm', 'Longest diameter where the product of both is largest.', 'mm'),
    Column('bp_sd_mm', 'Perpendicular diameter where the product is largest.', 'mm'),
    Column('bp_mm2', 'Largest product of both diameters.', 'mm^2'),
    Column('bp_slice', 'Slice of the largest product, along the stored axis, from 0.'),
    *_drawn('', ''),
    *_drawn('bp_', ' where the product is largest'),
    Column('hull_ld_mm', 'Diameter of the convex hull in the slice of ld_mm.', 'mm'),
    Column('concave', 'Whether hull_ld_mm is more than 2 mm above ld_mm.', levels=NO_YES),
    Column('n_slices', 'Slices that the lesion reaches.'),
    Column('slice_spacing_mm', 'Distance between slice centres along their normal.', 'mm'),
    Column('axial_obliquity_deg', 'Angle of the slice normal and the long axis.', 'deg'),
    Column('measurement_space', 'Kind of the image on whose grid it was measured.'),
    Column('volume_mm3', 'Volume of the label mask.', 'mm^3', cdisc='TR VOLUME'),
    Column('volume_filled_mm3', 'Volume with enclosed holes and necrosis.', 'mm^3'),
    Column('et_mm3', 'Enhancing share of the volume.', 'mm^3'),
    Column('ncr_mm3', 'Necrotic share of the volume.', 'mm^3'),
    Column('esd_mm', 'Diameter of the sphere of the same volume.', 'mm'),
    Column('sphericity', '1 for a sphere; n/a below 27 voxels.'),
    Column('n_voxels', 'Voxels of the label mask.'),
    *_place('centroid', 'Mean voxel centre in scanner space (RAS+)'),
    *_place('centroid_ref', 'Mean voxel centre in tracking space (RAS+)'),
    Column('mean_prob', 'Mean probability inside the lesion.'),
    Column('max_prob', 'Largest probability inside the lesion.'),
    Column('mutual_info_bits', 'Disagreement of the members in and around the lesion.', 'bit'),
    Column('total_entropy_bits', 'Entropy of the mean probability in and around it.', 'bit'),
    Column('ld_low_mm', 'Longest diameter at probability 0.7.', 'mm'),
    Column('ld_high_mm', 'Longest diameter at probability 0.3.', 'mm'),
    Column('volume_low_mm3', 'Volume at probability 0.7.', 'mm^3'),
    Column('volume_high_mm3', 'Volume at probability 0.3.', 'mm^3'),
    Column('dvolume_prev_pct', 'Change of volume since the last visit at which it is known.', '%'),
    Column('dld_prev_mm', 'Change of ld_mm since the last visit at which it is known.', 'mm'),
    Column('dld_nadir_mm', 'Change of ld_mm from its smallest value at earlier visits.', 'mm'),
    Column(
        'dvolume_baseline_pct',
        'Change of volume since the baseline visit of the first criterion in force; since the '
        'first visit that can be judged where there is none.',
        '%',
    ),
    Column('flags', 'What a reader should look at, separated by semicolons.'),
)
"""One lesion at one visit."""

LOOKUP: tuple[Column, ...] = (
    Column('index', 'Integer in the label image.', format='integer'),
    Column('name', 'Name of the lesion.'),
    Column('color', 'Colour of the lesion in all figures.'),
)
"""First columns of the table beside a lesion image."""

CLASSES: tuple[Column, ...] = (
    Column('index', 'Integer in the label image.', format='integer'),
    Column('name', 'Name of the tissue class.'),
    Column('abbreviation', 'Short name of the tissue class.'),
    Column('color', 'Colour of the tissue class in all figures.'),
    Column('mapping', 'Class of the BIDS common table: 0 background, 7 lesion.', format='integer'),
)
"""The table beside a class image."""

TOTALS: tuple[Column, ...] = (
    Column('n_lesions', 'Number of lesions.'),
    Column('n_specks', 'Connected parts too small for a lesion.'),
    Column('wt_mm3', 'Volume of the whole lesion.', 'mm^3'),
    Column('tc_mm3', 'Volume of the tumour core.', 'mm^3'),
    Column('et_mm3', 'Volume of the enhancing tumour.', 'mm^3'),
)
"""Sums over one disease at one visit."""

BRAIN = Column('brain_mm3', 'Volume of the brain mask.', 'mm^3')
"""The only total without a disease."""

STATUS = Column('visit_status', 'What became of the visit.', levels=VISIT_STATUS)
"""What became of a visit."""

GROUP_QC: tuple[Column, ...] = (
    *KEY,
    Column('image_role', 'Part that the image plays.'),
    Column('spacing_mm', 'Distance between voxel centres along the stored axes.', 'mm'),
    Column(
        'registration_dice',
        'Overlap of the brains after registration; of the reference image of a visit: with that '
        'of the visit on whose grid lesions are followed.',
    ),
    Column(
        'registration_rotation_deg',
        'Angle of the rotation onto the reference image of the visit; of that image itself: onto '
        'that of the visit on whose grid lesions are followed.',
        'deg',
    ),
    Column(
        'registration_nmi',
        'Normalised mutual information with the image onto which it was registered, 1 to 2.',
    ),
    BRAIN,
    STATUS,
    Column('reason', 'Why the visit was skipped or failed, or the image is not used.'),
    Column('flags', 'What a reader should look at, separated by semicolons.'),
)
"""One row for each visit and image of the group."""

PARTICIPANT: tuple[Column, ...] = (
    KEY[0],
    Column(
        'status',
        'What became of the participant.',
        levels={
            'complete': 'at least one visit is complete and none failed',
            'failed': 'at least one visit failed',
            'skipped': 'no visit has usable images',
        },
    ),
    Column('n_visits', 'Visits that were asked for.'),
    Column('n_visits_complete', 'Visits whose files are all there.'),
)
"""One row for each participant."""


def lesion_columns(criteria: Sequence[str]) -> list[Column]:
    """Return the columns of lesions with those of the criteria in force.

    Parameters
    ----------
    criteria
        Names of the criteria.
    """
    found: list[Column] = []
    for column in LESION:
        if column.name == 'exclude_reason':
            found += [
                Column(f'role_{name}', f'What the lesion counts as by {name}.', levels=ROLES)
                for name in criteria
            ]
        if column.name == 'not_measurable_reason':
            found += [
                Column(
                    f'measurable_{name}',
                    f'Whether it is measurable at this visit by {name}.',
                    levels=NO_YES,
                )
                for name in criteria
            ]
        found.append(column)
    return found


def track_columns(criteria: Sequence[str]) -> list[Column]:
    """Return the columns of the table beside the image of a participant's tracks.

    Parameters
    ----------
    criteria
        Names of the criteria that judge these lesions.
    """
    roles = [
        Column(f'role_{name}', f'What the lesion counts as by {name}, last known.')
        for name in criteria
    ]
    return [
        *LOOKUP,
        Column('first_session', 'Session of its first presence.'),
        Column('last_session', 'Session of its last presence.'),
        Column('n_visits_present', 'Visits at which it is there.'),
        *roles,
        Column('parent_id', 'Lesion that this one split from.'),
        Column('merged_into', 'Lesion that this one is part of at the last visit.'),
        Column('family_root', 'Lesion from which its family started by splits.'),
    ]
