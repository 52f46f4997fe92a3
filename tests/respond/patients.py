# SPDX-License-Identifier: Apache-2.0
"""Patients for the tests: lesions as diameters in mm, visit by visit."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bids_seg.records import (
    Course,
    Diameters,
    Event,
    Lesion,
    Line,
    Observation,
    Response,
    VisitMeasurements,
)
from bids_seg.respond import Rules, find, respond

HERE = (0.0, 0.0, 0.0)
NOT_KNOWN = {'steroid_mg': 'n/a'}
WELL = {'steroid_mg': '0', 'clinical_status': 'stable'}


@dataclass(frozen=True)
class At:
    """A lesion at a visit with more than its size: fields of the event or of the measurement."""

    size: tuple[float, float] | None = None
    event: dict[str, Any] = field(default_factory=dict)
    lesion: dict[str, Any] = field(default_factory=dict)


def lesion(ld: float, sd: float, **more: Any) -> Lesion:
    """Make a measured lesion."""
    line = Line(start=HERE, end=HERE)
    cross = Diameters(ld_mm=ld, sd_mm=sd, slice=0, ld=line, sd=line)
    volume = more.pop('volume_mm3', round(0.5 * ld * sd * sd))
    facts: dict[str, Any] = {
        'disease': 'metastases',
        'tissue': 'TC',
        'component_index': 1,
        'longest': cross,
        'largest_product': cross,
        'hull_ld_mm': ld,
        'concave': False,
        'n_slices': 5,
        'slice_spacing_mm': 1.0,
        'axial_obliquity_deg': 0.0,
        'volume_mm3': volume,
        'volume_filled_mm3': volume,
        'et_mm3': None,
        'ncr_mm3': None,
        'esd_mm': 1.0,
        'sphericity': None,
        'n_voxels': volume,
        'centroid': HERE,
        'mean_prob': 0.9,
        'max_prob': 1.0,
        'mutual_info_bits': None,
        'total_entropy_bits': None,
        'ld_low_mm': ld,
        'ld_high_mm': ld,
        'volume_low_mm3': volume,
        'volume_high_mm3': volume,
    }
    return Lesion(**{**facts, **more})


def course(
    tissue: str = 'TC',
    *,
    days: list[int | None] | None = None,
    dates: list[str] | None = None,
    clinical: list[dict[str, str]] | dict[str, str] | None = None,
    lost: tuple[int, ...] = (),
    info: dict[str, str] | None = None,
    edits: tuple = (),
    wt: list[int | None] | None = None,
    more: dict[str, dict[str, list]] | None = None,
    sessions: list[str] | None = None,
    **lesions: list,
) -> Course:
    """Make a patient.

    Each lesion is a list with one entry a visit: `(ld, sd)`, None where it is not there, or `At`.
    Visits are 30 days apart unless told; `lost` ones cannot be judged; `more` has lesions of
    other tissues.
    """
    sets = {tissue: lesions, **(more or {})}
    n = max((len(one) for some in sets.values() for one in some.values()), default=0)
    n = max(n, len(days or ()), len(dates or ()))
    days = days if days is not None or dates else [30 * i for i in range(n)]
    rows = clinical if isinstance(clinical, list) else [clinical or WELL] * n
    visits = []
    for place in range(n):
        seen = {
            name: tuple(
                made
                for key, sizes in some.items()
                if (made := _observed(key, sizes, place, lost)) is not None
            )
            for name, some in sets.items()
        }
        visits.append(
            VisitMeasurements(
                session=sessions[place] if sessions else f'{place + 1:02d}',
                days=days[place] if days else None,
                date=dates[place] if dates else None,
                evaluable=place not in lost,
                reason='' if place not in lost else 'not_evaluable',
                roles=('T1wCE', 'FLAIR'),
                observations={} if place in lost else seen,
                wt_mm3=wt[place] if wt else None,
                flair_spacing_mm=None,
                clinical=rows[place],
            )
        )
    return Course(participant='01', visits=tuple(visits), info=info or {}, edits=edits)


def _observed(name: str, sizes: list, place: int, lost: tuple[int, ...]) -> Observation | None:
    """Make what is seen of a lesion at a visit; None before its first presence."""
    item = sizes[place] if place < len(sizes) else None
    at = item if isinstance(item, At) else At(size=item)
    before = [s for i, s in enumerate(sizes[:place]) if i not in lost]
    known = any(one.size if isinstance(one, At) else one for one in before)
    if at.size is None and not known and not at.event:
        return None
    first = 'new' if any(i not in lost for i in range(place)) else 'baseline'
    was = bool(before) and (before[-1].size if isinstance(before[-1], At) else before[-1])
    identity = ('continuing' if was else 'recurrent') if known else first
    facts = {
        'status': 'present' if at.size else 'absent',
        'identity': identity if at.size else 'resolved' if was else None,
        'component_index': 1 if at.size else None,
        **at.event,
    }
    return Observation(
        event=Event(lesion_id=name, visit=place, **facts),
        lesion=lesion(*at.size, **at.lesion) if at.size else None,
    )


def run(patient: Course, criterion: str = 'rano_bm', **rules: Any) -> tuple[Response, ...]:
    """Return the responses at all visits."""
    return respond(patient, find(criterion), rules=Rules(**rules))[0]


def said(patient: Course, criterion: str = 'rano_bm', **rules: Any) -> list[str]:
    """Return the response at each visit."""
    return [row.response for row in run(patient, criterion, **rules)]


@lru_cache
def products(total: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return two pairs of diameters, mm, whose products sum up to hundredths of mm2."""
    for first in range(100, 400):
        rest = total - first * first
        for small in range(100, 400):
            if rest > 0 and rest % small == 0 and 100 <= rest // small < 900:
                large = rest // small
                pair = (max(large, small) / 10, min(large, small) / 10)
                return (first / 10, first / 10), pair
    message = f'no pairs for {total}'
    raise ValueError(message)


def by_products(*sums: int, **more: Any) -> Course:
    """Make a glioma patient whose two targets have these sums of products, hundredths of mm2."""
    pairs = [products(one) if one else (None, None) for one in sums]
    return course('ET', L001=[one[0] for one in pairs], L002=[one[1] for one in pairs], **more)


def by_volumes(*volumes: int, tissue: str = 'ET', **more: Any) -> Course:
    """Make a glioma patient whose single target has these volumes, mm3."""
    sizes = [At((20.0, 20.0), lesion={'volume_mm3': one}) if one else None for one in volumes]
    return course(tissue, L001=sizes, **more)
