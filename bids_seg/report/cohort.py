# SPDX-License-Identifier: Apache-2.0
"""The group's page: counts, spread of volumes, quality, and a table that links every participant."""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bids_seg
from bids_seg.errors import NothingToDoError
from bids_seg.image import write_bytes
from bids_seg.report.outputs import Row, read_table
from bids_seg.report.page import BANNER, SIGNS
from bids_seg.report.section import TEMPLATES, environment
from bids_seg.report.wording import NOTHING, natural, number

FAR = 3.5
"""Robust z-score from which a value stands out
(Iglewicz and Hoaglin 1993, How to detect and handle outliers)."""
FEWEST = 8
"""Values that a spread is judged from."""
ALIKE: Mapping[str, float] = {'brain_mm3': 0.03, 'registration_nmi': 0.01}
"""Smallest spread that is believed, as a share of the median: five equal heads are no law."""
STRIPS: Mapping[str, tuple[str, float]] = {
    'wt_mm3': ('whole lesion with oedema (WT), mL', 1000.0),
    'tc_mm3': ('tumour core (TC), mL', 1000.0),
    'et_mm3': ('enhancing tumour (ET), mL', 1000.0),
    'brain_mm3': ('brain, mL', 1000.0),
    'n_lesions': ('lesions', 1.0),
}
"""Columns of the visits' table that get a strip plot: title and divisor."""
FEWEST_DOTS = 3
"""Visits that a strip plot is worth drawing for."""
WIDTH, HEIGHT = 420.0, 74.0
"""Size of a strip plot, units."""
SIDE = 14.0
"""Its margin, units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupVisit:
    """A row of the group page's table: one visit as one network saw it."""

    participant: str
    """With `sub-`."""
    session: str
    """Label without `ses-`; empty where there are none."""
    status: str
    """complete, failed, skipped."""
    disease: str
    """Whose totals these are; empty where no tumour network was run."""
    row: Row
    """Its row in the visits' table."""
    remarks: tuple[str, ...]
    """What stands out in its quality; on the first row of a visit alone."""
    reason: str
    """Why it was skipped or failed."""

    @property
    def name(self) -> str:
        """Participant and session."""
        return f'{self.participant} {self.session}'.strip()


def group(out_dir: Path) -> Path:
    """Write the group's page from the group's tables; return its path.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset, with `group_visits.tsv`; `group_qc.tsv` is read if there.

    Raises
    ------
    NothingToDoError
        If there is no table of visits.
    """
    table = out_dir / 'group_visits.tsv'
    rows = read_table(table)
    if not rows:
        raise NothingToDoError(
            'no visits in it, or it is not there', where=table, do='run the participant level first'
        )
    visits = judged(rows, read_table(out_dir / 'group_qc.tsv'))
    pages = {path.stem for path in out_dir.glob('sub-*.html')}
    path = out_dir / 'group.html'
    write_bytes(
        path, _page(visits, pages, sorted(p.name for p in out_dir.glob('group_*.tsv'))).encode()
    )
    return path


def judged(rows: Sequence[Row], quality: Sequence[Row]) -> tuple[GroupVisit, ...]:
    """Return one entry for each visit and disease, with what stands out, in natural order.

    Parameters
    ----------
    rows
        The table of visits; of several criteria for one visit and disease the first row counts.
    quality
        The table of quality, one row for each image.
    """
    remarks = _brains(rows)
    for key, words in _registrations(quality).items():
        remarks.setdefault(key, []).extend(words)
    reasons = {
        _key(row): row['reason']
        for row in reversed([*quality, *rows])
        if row.get('visit_status') != 'complete' and row.get('reason', 'n/a') != 'n/a'
    }
    found: dict[tuple[str, str, str], GroupVisit] = {}
    for row in rows:
        participant, session = _key(row)
        disease = row.get('disease', 'n/a').replace('n/a', '')
        if (participant, session, disease) not in found:
            found[participant, session, disease] = GroupVisit(
                participant=participant,
                session='' if session == 'n/a' else session.removeprefix('ses-'),
                status=row.get('visit_status', 'n/a'),
                disease=disease,
                row=row,
                remarks=tuple(remarks.pop((participant, session), ())),
                reason=reasons.get((participant, session), ''),
            )
    return tuple(
        sorted(found.values(), key=lambda one: (natural(one.participant), natural(one.session)))
    )


def _key(row: Row) -> tuple[str, str]:
    """Return participant and session of a row of any table."""
    return row.get('participant_id', ''), row.get('session_id', 'n/a')


def _brains(rows: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """Return remarks on brain volumes that are far from those of the other visits."""
    brains = {_key(row): number(row.get('brain_mm3')) for row in rows}
    marks = _marks(list(brains.values()), 'brain_mm3')
    return {
        key: [f'brain of {(mm3 or 0) / 1000:.0f} mL is unusually {mark}']
        for (key, mm3), mark in zip(brains.items(), marks, strict=True)
        if mark
    }


def _registrations(quality: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """Return remarks on the alignment of images, compared with the same contrast of others."""
    found: dict[tuple[str, str], list[str]] = {}
    for role in dict.fromkeys(row.get('image_role', '') for row in quality):
        same = [row for row in quality if row.get('image_role') == role]
        values = [number(row.get('registration_nmi')) for row in same]
        for row, value, mark in zip(same, values, _marks(values, 'registration_nmi'), strict=True):
            if mark == 'small':
                found.setdefault(_key(row), []).append(
                    f'alignment of {role}: mutual information {value:.3f} is unusually small'
                )
    for row in quality:
        flags = row.get('flags') or 'n/a'
        if flags != 'n/a':
            said = f'{row.get("image_role", "")}: {flags.replace("_", " ").replace(";", ", ")}'
            found.setdefault(_key(row), []).append(said)
    return found


def _marks(values: Sequence[float | None], column: str) -> list[str]:
    """Return `small`, `large` or nothing for each value, by its distance from the median."""
    known = [value for value in values if value is not None]
    if len(known) < FEWEST:
        return [''] * len(values)
    middle = statistics.median(known)
    spread = statistics.median(abs(value - middle) for value in known) * 1.4826
    spread = max(spread, ALIKE[column] * abs(middle), 1e-12)
    marks = []
    for value in values:
        z = 0.0 if value is None else (value - middle) / spread
        marks.append('large' if z > FAR else 'small' if z < -FAR else '')
    return marks


def strip(values: Sequence[tuple[str, float]], title: str) -> str:
    """Return a strip plot as SVG: one dot for each value, a line at the median.

    Parameters
    ----------
    values
        Name and value of each visit; at least one.
    title
        What they are, with the unit.

    Examples
    --------
    >>> strip([('sub-01', 1.0), ('sub-02', 3.0)], 'lesions').count('<circle')
    2
    """
    numbers = [value for _, value in values]
    middle = statistics.median(numbers)
    low = 0.0 if min(numbers) < 0.5 * max(numbers) else min(numbers)
    high = max(numbers) if max(numbers) > low else low + 1

    def across(value: float) -> float:
        return SIDE + (value - low) / (high - low) * (WIDTH - 2 * SIDE)

    # Counts fall on few places: they are shaken sideways too.
    shake = 0.6 if all(value == int(value) for value in numbers) and high - low < 60 else 0.0
    radius, ink = (3.4, 0.5) if len(values) < 100 else (2.6, 0.3)
    dots = []
    for rank, (name, value) in enumerate(values):
        x = across(value) + (rank * 0.7549 % 1 - 0.5) * shake * (across(low + 1) - across(low))
        # Neighbours in the table get different heights, the same ones every time.
        y = 12 + (rank * 0.618 % 1) * (HEIGHT - 46)
        dots.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="currentColor" '
            f'fill-opacity="{ink}"><title>{html.escape(name)}: {value:.4g}</title></circle>'
        )
    alt = (
        f'{title}: {len(numbers)} visits, median {middle:.4g}, from {min(numbers):.4g} '
        f'to {max(numbers):.4g}'
    )
    letter = 'font-size="13" fill="currentColor" font-family="system-ui, sans-serif"'
    base = HEIGHT - 24
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{html.escape(alt)}"><path d="M{SIDE} {base}H{WIDTH - SIDE}" '
        f'stroke="currentColor" stroke-opacity=".3"/>{"".join(dots)}'
        f'<path d="M{across(middle):.1f} 4V{base + 4}" stroke="currentColor" stroke-width="2"/>'
        f'<text x="{SIDE}" y="{HEIGHT - 6}" {letter}>{low:.4g}</text>'
        f'<text x="{WIDTH - SIDE}" y="{HEIGHT - 6}" {letter} text-anchor="end">{high:.4g}</text></svg>'
    )


def _strips(visits: Sequence[GroupVisit]) -> list[tuple[str, str, str]]:
    """Return title, picture and caption of the columns that have values, by disease."""
    made = []
    diseases = sorted({visit.disease for visit in visits if visit.disease})
    for column, (title, divisor) in STRIPS.items():
        # The brain does not depend on the disease: each visit counts once.
        for disease in [''] if column == 'brain_mm3' else diseases or ['']:
            values = {
                visit.name: value / divisor
                for visit in visits
                if visit.status == 'complete'
                and disease in {'', visit.disease}
                and (value := number(visit.row.get(column))) is not None
            }
            if len(values) >= FEWEST_DOTS:
                whose = f'{disease}, ' if disease and len(diseases) > 1 else ''
                middle = statistics.median(values.values())
                picture = strip(list(values.items()), whose + title)
                made.append(
                    (whose + title, picture, f'median {_brief(middle)}, {len(values)} visits')
                )
    return made


def _brief(value: float) -> str:
    """Return a number with three digits, large ones whole.

    Examples
    --------
    >>> _brief(1508.6), _brief(8.888), _brief(0)
    ('1509', '8.89', '0')
    """
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'


def _cells(visit: GroupVisit) -> list[tuple[str, str, str]]:
    """Return text, sorting key and kind of each number of a visit's row."""
    cells = []
    for column in ('days_from_first', 'n_lesions', 'wt_mm3', 'tc_mm3', 'et_mm3', 'brain_mm3'):
        value = number(visit.row.get(column))
        shown = 'n/a'
        if value is not None:
            shown = f'{value / 1000:.1f}' if column.endswith('_mm3') else f'{value:.0f}'
        # Missing values sort last, whichever way.
        cells.append((shown, '' if value is None else f'{value:.10g}', 'n'))
    return cells


def _page(visits: Sequence[GroupVisit], pages: set[str], tables: Sequence[str]) -> str:
    """Return the whole page."""
    by_status = {visit.name: visit.status for visit in visits}
    counts = {status: list(by_status.values()).count(status) for status in SIGNS}
    rows = [
        {
            'name': visit.participant,
            'link': f'{visit.participant}.html' if visit.participant in pages else '',
            'session': visit.session or NOTHING,
            'status': visit.status,
            'sign': SIGNS.get(visit.status, ''),
            'cells': _cells(visit),
            'remarks': visit.remarks,
            'reason': visit.reason,
            'disease': visit.disease or NOTHING,
        }
        for visit in visits
    ]
    return (
        environment()
        .get_template('group.html')
        .render(
            banner=BANNER,
            version=bids_seg.__version__,
            style=(TEMPLATES / 'style.css').read_text(encoding='utf-8'),
            participants=len({visit.participant for visit in visits}),
            visits=len(by_status),
            counts=counts,
            signs=SIGNS,
            strips=_strips(visits),
            odd=[visit for visit in visits if visit.remarks],
            rows=rows,
            tables=tables,
        )
    )
