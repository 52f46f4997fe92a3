# SPDX-License-Identifier: Apache-2.0
"""One lesion through all visits: the same square of the head at each, drawn on and plain."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.records import Diameters, History, Line, Point, Role
from bids_seg.report import closeup, drawing, history, view
from bids_seg.report.closeup import Ends, Piece
from bids_seg.report.drawing import FONT, GAP, Panel
from bids_seg.report.history import Account, LesionCourse
from bids_seg.report.outputs import VisitOutputs
from bids_seg.report.section import Figure, Part, Scene, fill
from bids_seg.report.view import Pictures, Plane
from bids_seg.report.wording import LESIONS, ml, mm

Kind = Literal['target', 'new', 'resolved']
"""Heading under which a strip stands."""

CELL, HEADING, SIZE = 330.0, 66.0, 23.0
"""Width of a visit, height of what stands over it, and height of letters, units."""
TEMPLATE = """
{% for title, figure in found %}<h4>{{ title }}</h4>
{{ parts.figure(figure) }}{% endfor %}
{% if note %}<p class="small">Each visit&rsquo;s own slice with the measured diameters; right side of the patient on the left.
A cross marks the same place of the head where nothing was segmented. Grey values are windowed for each visit
by itself: compare shapes, not brightness.</p>{% endif %}
"""
"""Strips of one kind, with what holds for all of them."""
KINDS: tuple[Kind, ...] = ('target', 'new', 'resolved')
"""Headings in the order of the page."""
MOST = 12
"""Lesions of an account that get a strip."""


def chosen(account: Account) -> tuple[LesionCourse, ...]:
    """Return the lesions that get a strip: targets and their parts, new ones, then those that went.

    Parameters
    ----------
    account
        Any; one of a single visit has none.
    """
    if len(account.visits) < 2:
        return ()
    judged = [one for one in account.lesions if one.role in {'target', 'fragment', 'new'}]
    if not any(one.role for one in account.lesions):
        judged = list(account.lesions)
    gone = [one for one in account.lesions if one.resolved is not None and one not in judged]
    return tuple([one for one in (*judged, *gone) if one.present][:MOST])


def pieces(
    found: Sequence[Account], past: History, visit: VisitOutputs, pictures: Pictures
) -> Iterator[Piece]:
    """Yield what the strips need of one visit, so that its voxels can be forgotten.

    Parameters
    ----------
    found
        Accounts whose lesions are shown.
    past
        How visits lie to each other.
    visit, pictures
        The visit and its voxels.
    """
    for account in history.by_tissue(found):
        place = account.place(visit.summary.visit.session)
        if place is None or not pictures.images:
            continue
        for one in chosen(account):
            made = _piece(account, one, place, past, pictures)
            if made is not None:
                yield made


def kind(one: LesionCourse) -> Kind:
    """Return under which heading a lesion's strip stands.

    Parameters
    ----------
    one
        Any lesion that gets a strip.
    """
    if one.role in {'target', 'fragment'}:
        return 'target'
    if one.resolved is not None:
        return 'resolved'
    return 'new' if one.role == 'new' else 'target'


def part(scene: Scene, heading: Kind) -> Part:
    """Return the strips that stand under a heading, of each disease.

    Parameters
    ----------
    scene
        With the pieces of all visits.
    heading
        Which lesions.
    """
    shown = [
        (account, one) for account in history.by_tissue(scene.several) for one in chosen(account)
    ]
    found = [
        (
            history.named(one),
            figure(
                account,
                one,
                scene.pieces.get((account.label, one.lesion_id), {}),
                participant=scene.patient.participant,
                dates=scene.shape.keep_dates,
            ),
        )
        for account, one in shown
        if kind(one) == heading
    ]
    if not found:
        return Part()
    # What holds for all strips is said once, under the first of the headings.
    first = min((kind(one) for _, one in shown), key=KINDS.index)
    html = fill(TEMPLATE, {'found': found, 'note': heading == first})
    return Part(html=html, figures=tuple(made for _, made in found))


def _piece(
    account: Account, one: LesionCourse, place: int, past: History, pictures: Pictures
) -> Piece | None:
    """Cut one lesion out of one visit; None where its place is not known there."""
    role, image = _image(account, pictures)
    labels, grid = pictures.lesions.get(account.label), pictures.grid
    pair, point = _pair(account, one, place), expected(account, one, place, past)
    if pair is not None:
        point = pair.ld.start
    if point is None:
        return None
    voxel = view.voxel(point, grid)
    plane = Plane(direction='axial', index=round(voxel[2]))
    if not 0 <= plane.index < grid.shape[2]:
        return None
    middle, lines = plane.place(voxel, grid), None
    if pair is not None:
        lines = (_shown(pair.ld, plane, pictures), _shown(pair.sd, plane, pictures))
        middle, _ = closeup.span(lines)
    mask = np.zeros(image.shape, bool) if labels is None else labels == _number(one.lesion_id)
    piece = closeup.cut(
        image,
        mask,
        plane=plane,
        grid=grid,
        middle=middle,
        side=_side(account, one),
        lines=lines,
        lengths=(None, None) if pair is None else (pair.ld_mm, pair.sd_mm),
    )
    return Piece(label=account.label, lesion_id=one.lesion_id, place=place, cut=piece, role=role)


def _image(account: Account, pictures: Pictures) -> tuple[Role, NDArray[np.uint8]]:
    """Return the image on which lesions of a tissue are seen best."""
    wanted: tuple[Role, ...] = ('FLAIR', 'T2w') if account.tissue in {'WT', 'NonCE'} else ()
    first = next(iter(pictures.images))
    role = next((role for role in wanted if role in pictures.images), first)
    return role, pictures.images[role]


def _pair(account: Account, one: LesionCourse, place: int) -> Diameters | None:
    """Return the diameters by which the criterion goes; None where the lesion is not there."""
    lesion = one.lesion(place)
    if lesion is None:
        return None
    product = account.criterion is not None and account.criterion.pair == 'largest_product'
    return lesion.largest_product if product else lesion.longest


def _side(account: Account, one: LesionCourse) -> float:
    """Return the side of the square that holds a lesion at every visit, mm."""
    pairs = [_pair(account, one, place) for place in one.present]
    return max(closeup.field(pair.ld_mm) for pair in pairs if pair is not None)


def _number(lesion_id: str) -> int:
    """Return the integer of a lesion in label images.

    Examples
    --------
    >>> _number('L012'), _number('U003')
    (12, 10003)
    """
    return int(lesion_id[1:]) + (10000 if lesion_id.startswith('U') else 0)


def _shown(line: Line, plane: Plane, pictures: Pictures) -> Ends:
    """Return both ends of a measured line in the shown slice, mm."""
    start, end = (view.voxel(point, pictures.grid) for point in (line.start, line.end))
    return plane.place(start, pictures.grid), plane.place(end, pictures.grid)


def expected(account: Account, one: LesionCourse, place: int, past: History) -> Point | None:
    """Return where a lesion was last seen, or will first be, in the space of a visit."""
    earlier = [other for other in one.present if other < place]
    other = earlier[-1] if earlier else one.present[0]
    lesion = one.lesion(other)
    to_then, to_now = (_matrix(account, past, where) for where in (other, place))
    if lesion is None or to_then is None or to_now is None:
        return None
    found = to_now @ np.linalg.inv(to_then) @ np.append(lesion.centroid, 1.0)
    return float(found[0]), float(found[1]), float(found[2])


def _matrix(account: Account, past: History, place: int) -> NDArray[np.float64] | None:
    """Return the matrix from the space of all visits to that of one; None where it is not known."""
    session = account.visits[place].session
    made = past.registrations.get(session or '')
    if made is not None and made.matrix is not None:
        return np.array(made.matrix, dtype=float).reshape(4, 4)
    return np.eye(4) if session == past.reference else None


def stem(participant: str, label: str, lesion_id: str) -> str:
    """Return the name of a strip, without ending.

    Examples
    --------
    >>> stem('01', 'metastases', 'L001')
    'sub-01_desc-metastasesL001strip_dseg'
    """
    return f'sub-{participant}_desc-{label}{lesion_id}strip_dseg'


def anchors(scene: Scene, label: str) -> dict[str, str]:
    """Return the anchors of the strips of a set of lesions, by lesion.

    Parameters
    ----------
    scene
        With the accounts of the participant.
    label
        Of the set.
    """
    return {
        one.lesion_id: stem(scene.patient.participant, label, one.lesion_id)
        for account in history.by_tissue(scene.several)
        if account.label == label
        for one in chosen(account)
    }


def figure(
    account: Account,
    one: LesionCourse,
    cut: Mapping[int, Piece],
    *,
    participant: str,
    dates: bool,
) -> Figure:
    """Return the strip of one lesion.

    Parameters
    ----------
    account
        Whose lesion it is.
    one
        The lesion.
    cut
        What there is of it, by place of the visit.
    participant
        Label without `sub-`.
    dates
        Whether calendar dates may be shown.
    """
    name = stem(participant, account.label, one.lesion_id)
    drawn, said = [], []
    for place, visit in enumerate(account.visits):
        x = place * (CELL + GAP)
        title, size = history.titled(visit, dates=dates), told(account, one, place)
        said.append(f'{title}: {size}')
        drawn.append(_letters((x, 24), title, weight=650) + _letters((x, 52), size, weight=400))
        piece = cut.get(place)
        if piece is None:
            drawn.append(_blank((x, HEADING), visit.reason or 'place not known here'))
            continue
        panel = closeup.panel(piece.cut, region=account.tissue, letter=SIZE / CELL)
        drawn += _both(panel, x=x, key=f'{name}-{place}')
    width = len(account.visits) * (CELL + GAP) - GAP
    noun = LESIONS[account.tissue][0]
    alt = (
        f'{noun.capitalize()} {history.named(one)}, at each visit. {"; ".join(said)}. Above with '
        'outline and diameters, below without.'
    )
    height = HEADING + 2 * CELL + GAP
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{html.escape(alt)}">{"".join(drawn)}</svg>'
    )
    shown = {piece.role for piece in cut.values()}
    side = next((piece.cut.field for piece in cut.values()), closeup.FIELD_MM)
    caption = f'{one.lesion_id} · {", ".join(sorted(shown))} · field of view {side:.0f} mm'
    return Figure(stem=name, svg=svg, alt=alt, caption=caption, columns=len(account.visits))


def told(account: Account, one: LesionCourse, place: int) -> str:
    """Return size and slice of a lesion at a visit, or why there is none.

    Parameters
    ----------
    account, one
        The lesion.
    place
        Of the visit.
    """
    lesion, pair = one.lesion(place), _pair(account, one, place)
    if lesion is not None and pair is not None:
        volume = account.criterion is not None and account.criterion.measure == 'volume'
        size = ml(lesion.volume_mm3) if volume else f'{history.cell(lesion, account)} mm'
        return f'{size} · slice {pair.slice}'
    seen = one.seen[place]
    if seen is None and one.parent is not None:
        return f'part of {one.parent}'
    if seen is None:
        return 'not yet segmented' if account.visits[place].evaluable else 'not evaluable'
    words = {
        'absorbed': f'part of {seen.event.merged_into}',
        'not_evaluable': 'not evaluable',
        'absent': 'not segmented, unsure' if seen.event.low_confidence else 'not segmented',
    }
    return words.get(seen.event.status, mm(None))


def _both(panel: Panel, *, x: float, key: str) -> Iterator[str]:
    """Yield a panel with its marks and, below, without; the picture is stored once."""
    scale = CELL / panel.width
    yield f'<defs>{panel.image.replace("<image ", f"""<image id="{key}" """, 1)}</defs>'
    for row, shown in enumerate((panel, drawing.plain(panel))):
        y = HEADING + row * (CELL + GAP)
        yield f'<rect x="{x:.0f}" y="{y:.0f}" width="{CELL:g}" height="{CELL:g}"/>'
        yield drawing.placed(shown, key, (x, y), scale, size=SIZE)


def _letters(at: tuple[float, float], said: str, *, weight: int) -> str:
    """Return what stands over a picture."""
    return (
        f'<text x="{at[0]:.0f}" y="{at[1]:.0f}" {FONT} font-size="{SIZE:g}" font-weight="{weight}" '
        f'fill="currentColor">{html.escape(said)}</text>'
    )


def _blank(at: tuple[float, float], said: str) -> str:
    """Return an empty place with the reason in it."""
    x, y = at
    words, lines = said.split(), ['']
    for word in words:
        if len(lines[-1]) + len(word) > 24:
            lines.append('')
        lines[-1] = f'{lines[-1]} {word}'.strip()
    told = ''.join(
        f'<text x="{x + CELL / 2:.0f}" y="{y + 0.42 * CELL + i * 28:.0f}" {FONT} font-size="{SIZE:g}" '
        f'fill="currentColor" text-anchor="middle">{html.escape(line)}</text>'
        for i, line in enumerate(lines[:6])
    )
    return (
        f'<rect x="{x + 1:.0f}" y="{y:.0f}" width="{CELL - 2:.0f}" height="{CELL:g}" fill="none" '
        f'stroke="currentColor" stroke-opacity=".35" stroke-dasharray="6 6"/>{told}'
    )
