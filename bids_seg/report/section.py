# SPDX-License-Identifier: Apache-2.0
"""What a section of the page is, what it is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import jinja2

from bids_seg.report.closeup import Piece
from bids_seg.report.history import Account
from bids_seg.report.outputs import PatientOutputs, VisitOutputs
from bids_seg.report.view import Pictures

TEMPLATES = Path(__file__).parent / 'templates'
"""Folder of the page templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShape:
    """What was asked for about pages."""

    aggregate: int = 4
    """More visits than this: a page for each."""
    viewer: bool = False
    """Whether each visit also has an interactive page."""
    keep_dates: bool = False
    """Whether calendar dates may be shown."""


PLAIN = PageShape()
"""What pages are like where nothing was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of the page, stored as a file too."""

    stem: str
    """Name of its file without ending, also the anchor on the page."""
    svg: str
    """The figure, whole: pictures inside, no reference to the outside."""
    alt: str
    """What it shows, with the numbers."""
    caption: str
    """The text below it."""
    narrow: str = ''
    """The same for a phone; empty where one drawing serves both."""
    columns: int = 0
    """Pictures side by side, which set its width on the page; 0: as wide as there is room."""

    @property
    def path(self) -> str:
        """Where it is stored, relative to the page."""
        participant = self.stem.split('_', maxsplit=1)[0]
        return f'{participant}/figures/{self.stem}.svg'


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a section gives: a fragment of the page and its figures."""

    html: str = ''
    """The fragment; empty where the section has nothing to say."""
    figures: tuple[Figure, ...] = ()
    """The figures in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a section is given."""

    patient: PatientOutputs
    """All that lies in the output folder for the participant, but no voxels."""
    visit: VisitOutputs
    """The visit that is shown; the shown one among all for sections of the participant."""
    pictures: Pictures
    """The voxels of that visit."""
    shape: PageShape = PLAIN
    """What was asked for about pages."""
    accounts: tuple[Account, ...] = ()
    """What each criterion says of the participant."""
    pieces: Mapping[tuple[str, str], Mapping[int, Piece]] = field(default_factory=dict)
    """By set and lesion: the lesion at each visit, for strips."""
    visit_page: str = ''
    """The page that shows the visit, where it is another one."""

    @property
    def several(self) -> tuple[Account, ...]:
        """The accounts of more than one visit."""
        return tuple(account for account in self.accounts if len(account.visits) > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the participant's page: one file of `sections/`."""

    title: str
    """Its heading; empty where it has none."""
    order: int
    """Where it stands, from small to large, within its scope."""
    scope: Literal['top', 'visit', 'end']
    """`top`: once, before the visits; `visit`: in every visit; `end`: once, after them."""
    render: Callable[[Scene], Part]
    """Make the fragment; reads no file."""
    anchor: str = 'findings'
    """Its anchor where it has no heading."""


@cache
def environment() -> jinja2.Environment:
    """Return the templates, with everything escaped that a template does not call safe."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def fill(template: str, values: Mapping[str, Any]) -> str:
    """Return a section's own template text, filled; the macros of `parts.html` are `parts`.

    Examples
    --------
    >>> fill('<p>{{ reason }}</p>', {'reason': '3 < 5 slices'})
    '<p>3 &lt; 5 slices</p>'
    """
    head = '{% import "parts.html" as parts %}\n'
    return environment().from_string(head + template).render(values)
