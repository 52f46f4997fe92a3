# SPDX-License-Identifier: Apache-2.0
"""Rows of the tables of a visit, from records alone; columns and units stand in `columns`.

Recorded values are rounded half up in decimals, so that a reader can redo every sum by hand.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from bids_seg.image import Volume
from bids_seg.records import Diameters, Lesion, LesionSet, Line, ModelRun, Point, Visit
from bids_seg.write import columns, responses
from bids_seg.write.text import MISSING, Row

UNTRACKED = 10_000
"""Integers of lesions that are not tracked begin above this one."""

PALETTE = (
    *('#E69F00', '#56B4E9', '#009E73', '#F0E442', '#0072B2', '#D55E00', '#CC79A7'),
    *('#F5C766', '#A6D8F4', '#66C5AB', '#FAF3A8', '#66AAD1', '#E69E66', '#E5BFD3'),
)
"""Okabe and Ito's colours for all kinds of colour vision (doi:10.1038/nmeth.1618), then the same
mixed with two fifths white; figures number the lesions as well."""

_CLASS_ROWS: Mapping[int, tuple[str, str, str]] = {
    0: ('Background', 'BG', '#000000'),
    1: ('Necrotic core', 'NCR', '#CC79A7'),
    2: ('Surrounding FLAIR hyperintensity', 'SNFH', '#56B4E9'),
    3: ('Enhancing tumour', 'ET', '#E69F00'),
    4: ('Resection cavity', 'RC', '#0072B2'),
    5: ('Tumour core, not divided', 'TC', '#D55E00'),
    6: ('Lesion, not divided', 'WT', '#009E73'),
}


def colour(index: int) -> str:
    """Return the colour of a lesion, fixed by its integer in the label image.

    Examples
    --------
    >>> colour(1) == colour(10001)
    True
    """
    number = index - UNTRACKED if index > UNTRACKED else index
    return PALETTE[(number - 1) % len(PALETTE)]


def lesion_id(component_index: int) -> str:
    """Return the name of a lesion that is not tracked.

    Examples
    --------
    >>> lesion_id(7)
    'U007'
    """
    return f'U{component_index:03d}'


def index_of(name: str) -> int:
    """Return the integer of a lesion in label images.

    Parameters
    ----------
    name
        `L001` for life, `U001` where it is not tracked.

    Examples
    --------
    >>> index_of('L012'), index_of('U003')
    (12, 10003)
    """
    number = int(name[1:])
    return number + UNTRACKED if name.startswith('U') else number


def indexed(components: Volume) -> Volume:
    """Return the label image of lesions from the image of component numbers.

    Parameters
    ----------
    components
        0 outside, 1, 2, ... by decreasing volume.
    """
    array = components.array
    shifted = np.where(array > 0, array.astype(np.uint32) + UNTRACKED, 0)
    return Volume(shifted.astype(np.uint16), components.grid)


def class_rows(run: ModelRun) -> list[Row]:
    """Return the lookup table of a class image: all classes the network knows, there or not.

    Parameters
    ----------
    run
        The network with the regions it reported and those it could not.
    """
    known = {*run.regions, *run.unavailable}
    needs = {1: {'TC', 'ET'}, 2: {'WT', 'TC'}, 3: {'ET'}, 4: {'RC'}, 5: {'TC'}, 6: {'WT'}}
    found = [0, *(index for index, regions in needs.items() if regions <= known)]
    return [
        {
            'index': str(index),
            'name': _CLASS_ROWS[index][0],
            'abbreviation': _CLASS_ROWS[index][1],
            'color': _CLASS_ROWS[index][2],
            'mapping': '7' if index else '0',
        }
        for index in found
    ]


def lesion_rows(visit: Visit, found: LesionSet) -> list[Row]:
    """Return the lookup table of a lesion image, with all that was measured.

    Parameters
    ----------
    visit
        The visit; its date is left out.
    found
        Lesions of one disease.

    Notes
    -----
    What tracking and response know is `n/a`.
    """
    return [
        {**key_cells(visit, found, lesion_id(lesion.component_index)), **measured(found, lesion)}
        for lesion in found.lesions
    ]


def key_cells(visit: Visit, found: LesionSet, name: str) -> dict[str, str]:
    """Return which lesion at which visit a row is about.

    Parameters
    ----------
    visit
        The visit; its date is left out.
    found
        Says what was looked for.
    name
        Of the lesion.
    """
    index = index_of(name)
    return {
        'index': str(index),
        'name': name,
        'color': colour(index),
        'participant_id': f'sub-{visit.participant}',
        'session_id': session_id(visit),
        'disease': found.disease,
        'days_from_first': MISSING if visit.days is None else str(visit.days),
        'lesion_id': name,
        'tissue': found.tissue,
    }


def measured(found: LesionSet, lesion: Lesion) -> dict[str, str]:
    """Return all that was measured of a lesion that is there.

    Parameters
    ----------
    found
        Says where it was measured.
    lesion
        The lesion.
    """
    return {
        'component_index': str(lesion.component_index),
        'status': 'present',
        'measurement_space': found.measurement_space,
        **_diameters(lesion),
        **_sizes(lesion),
        **_doubts(lesion),
        'flags': ';'.join(lesion.flags),
    }


def totals(run: ModelRun, *, n_lesions: int, n_specks: int) -> Row:
    """Return the sums over one disease at one visit.

    Parameters
    ----------
    run
        The network with the volumes of its regions.
    n_lesions, n_specks
        Lesions, and parts too small for one.
    """
    volumes = run.volumes_mm3
    return {
        'n_lesions': str(n_lesions),
        'n_specks': str(n_specks),
        **{f'{name.lower()}_mm3': whole(volumes.get(name)) for name in ('WT', 'TC', 'ET')},
    }


def session_columns(
    diseases: Collection[str], criteria: Sequence[str] = ()
) -> list[columns.Column]:
    """Return the columns of the table of visits of one participant.

    Parameters
    ----------
    diseases
        Networks that were run; with more than one, the name of each stands behind its totals.
    criteria
        Names of the response criteria in force.
    """
    found = [
        columns.Column('session_id', 'Session.'),
        *columns.DATES,
        columns.STATUS,
    ]
    for disease in sorted(diseases) or ['']:
        tail = f'_{disease}' if len(diseases) > 1 else ''
        words = f' ({disease})' if tail else ''
        found += [
            columns.Column(
                f'{column.name}{tail}', f'{column.description[:-1]}{words}.', column.units
            )
            for column in columns.TOTALS
        ]
    return [*found, columns.BRAIN, *responses.wide(criteria)]


def session_row(
    visit: Visit, *, status: str, sums: Mapping[str, Row], brain_mm3: str, diseases: Sequence[str]
) -> Row:
    """Return the row of one visit in the table of visits of its participant.

    Parameters
    ----------
    visit
        A visit with a session.
    status
        complete, failed or skipped.
    sums
        Totals by disease.
    brain_mm3
        Volume of the brain mask, or `n/a`.
    diseases
        Networks that were run at any visit of the participant.
    """
    row = {
        'session_id': session_id(visit),
        'days_from_first': MISSING if visit.days is None else str(visit.days),
        'visit_status': status,
        'brain_mm3': brain_mm3,
    }
    for disease, values in sums.items():
        tail = f'_{disease}' if len(diseases) > 1 else ''
        row |= {f'{name}{tail}': value for name, value in values.items()}
    return row


def session_id(visit: Visit) -> str:
    """Return the session as tables write it: `ses-01`, or `n/a`."""
    return MISSING if visit.session is None else f'ses-{visit.session}'


def fixed(value: float | None, places: int) -> str:
    """Return a number with so many decimals, rounded half up; `n/a` for None.

    Examples
    --------
    >>> fixed(0.25, 1), fixed(-0.04, 1), fixed(None, 1)
    ('0.3', '0.0', 'n/a')
    """
    if value is None or value - value != 0:
        return MISSING
    step = Decimal(1).scaleb(-places)
    rounded = Decimal(str(float(value))).quantize(step, rounding=ROUND_HALF_UP)
    return str(abs(rounded) if rounded == 0 else rounded)


def whole(value: int | None) -> str:
    """Return a whole number as text; `n/a` for None."""
    return MISSING if value is None else str(int(value))


def _diameters(lesion: Lesion) -> Row:
    """Return both pairs of diameters and the lines to draw."""
    longest, product = lesion.longest, lesion.largest_product
    area = Decimal(fixed(product.ld_mm, 1)) * Decimal(fixed(product.sd_mm, 1))
    return {
        'ld_mm': fixed(longest.ld_mm, 1),
        'sd_mm': fixed(longest.sd_mm, 1),
        'ld_slice': str(longest.slice),
        'bp_ld_mm': fixed(product.ld_mm, 1),
        'bp_sd_mm': fixed(product.sd_mm, 1),
        'bp_mm2': str(area.quantize(Decimal('0.01'))),
        'bp_slice': str(product.slice),
        **_lines('', longest),
        **_lines('bp_', product),
        'hull_ld_mm': fixed(lesion.hull_ld_mm, 1),
        'concave': str(int(lesion.concave)),
        'n_slices': str(lesion.n_slices),
        'slice_spacing_mm': fixed(lesion.slice_spacing_mm, 3),
        'axial_obliquity_deg': fixed(lesion.axial_obliquity_deg, 1),
    }


def _lines(prefix: str, diameters: Diameters) -> Row:
    """Return the end points of a pair of lines."""
    lines: dict[str, Line] = {'ld': diameters.ld, 'sd': diameters.sd}
    found: dict[str, str] = {}
    for name, line in lines.items():
        found |= place_cells(f'{prefix}{name}_p0', line.start) | place_cells(
            f'{prefix}{name}_p1', line.end
        )
    return found


def place_cells(name: str, point: Point) -> dict[str, str]:
    """Return the three cells of a point, micrometres kept.

    Parameters
    ----------
    name
        What the columns begin with.
    point
        mm, RAS+.
    """
    return {f'{name}_{axis}': fixed(value, 3) for axis, value in zip('xyz', point, strict=True)}


def _sizes(lesion: Lesion) -> Row:
    """Return volume, shape and place."""
    return {
        'volume_mm3': whole(lesion.volume_mm3),
        'volume_filled_mm3': whole(lesion.volume_filled_mm3),
        'et_mm3': whole(lesion.et_mm3),
        'ncr_mm3': whole(lesion.ncr_mm3),
        'esd_mm': fixed(lesion.esd_mm, 2),
        'sphericity': fixed(lesion.sphericity, 3),
        'n_voxels': str(lesion.n_voxels),
        **place_cells('centroid', lesion.centroid),
    }


def _doubts(lesion: Lesion) -> Row:
    """Return how sure the network was."""
    return {
        'mean_prob': fixed(lesion.mean_prob, 3),
        'max_prob': fixed(lesion.max_prob, 3),
        'mutual_info_bits': fixed(lesion.mutual_info_bits, 3),
        'total_entropy_bits': fixed(lesion.total_entropy_bits, 3),
        'ld_low_mm': fixed(lesion.ld_low_mm, 1),
        'ld_high_mm': fixed(lesion.ld_high_mm, 1),
        'volume_low_mm3': whole(lesion.volume_low_mm3),
        'volume_high_mm3': whole(lesion.volume_high_mm3),
    }
