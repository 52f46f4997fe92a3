# SPDX-License-Identifier: Apache-2.0
"""What became of each lesion at each visit, worked out from the plan alone.

Nothing of the rooms that follow lesions is used: this is what they are compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bids_seg.demo.plan import Person, Tumour

GREW, SHRANK = 1.4, 0.6
"""Volume against that of the visit before from which a lesion counts as grown or shrunk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One lesion at one visit."""

    lesion: str
    """Name of its first tumour."""
    number: int
    """Which visit, from 0."""
    present: bool
    """Whether it is there."""
    identity: str
    """What happened to its identity, in the words of the lesions' table; empty for nothing."""
    events: tuple[str, ...]
    """`split`, `growing`, `shrinking`."""
    parent: str
    """Lesion from which it split; empty for none."""


def fates(person: Person) -> tuple[Fate, ...]:
    """Return every lesion at every visit from its first on, by visit, then in order of the plan.

    Parameters
    ----------
    person
        Whose.
    """
    held: dict[str, list[Fate]] = {}
    for number in range(len(person.dates)):
        lesions = _lesions(person, number)
        before = _lesions(person, number - 1) if number else {}
        for tumour in person.tumours:
            fate = _fate(tumour, number, lesions, before, held)
            if fate is not None:
                held.setdefault(tumour.name, []).append(fate)
    return tuple(
        fate
        for number in range(len(person.dates))
        for one in held.values()
        for fate in one
        if fate.number == number
    )


def parts(person: Person, lesion: str, number: int) -> tuple[Tumour, ...]:
    """Return the tumours that make up a lesion at a visit; none where it is not there.

    Parameters
    ----------
    person
        Whose.
    lesion
        Its name.
    number
        Which visit, from 0.
    """
    return _lesions(person, number).get(lesion, ())


def _lesions(person: Person, number: int) -> dict[str, tuple[Tumour, ...]]:
    """Return the tumours of each lesion of a visit; those that touch are one."""
    held: dict[str, tuple[Tumour, ...]] = {}
    for tumour in person.tumours:
        if not tumour.diameters[number]:
            continue
        other = next((one for one in person.tumours if one.name == tumour.beside), None)
        if other is not None and other.name in held:
            reach = (tumour.diameters[number] + other.diameters[number]) / 2
            if math.hypot(*tumour.offset) < reach:
                held[other.name] = (*held[other.name], tumour)
                continue
        held[tumour.name] = (tumour,)
    return held


def _fate(
    tumour: Tumour,
    number: int,
    lesions: dict[str, tuple[Tumour, ...]],
    before: dict[str, tuple[Tumour, ...]],
    held: dict[str, list[Fate]],
) -> Fate | None:
    """Return what became of the lesion that starts with a tumour; None before its first visit."""
    name, past = tumour.name, held.get(tumour.name, [])
    here = lesions.get(name)
    parent = next((lead for lead, group in before.items() if tumour in group and lead != name), '')
    identity = ''
    events: tuple[str, ...] = ()
    if here is None:
        if not past:
            return None
        identity = 'resolved' if past[-1].present else ''
    elif past:
        identity = 'continuing' if past[-1].present else 'recurrent'
        events = _events(here, before.get(name, ()), number) if past[-1].present else ()
    elif parent:
        identity = 'fragment'
    else:
        identity = 'new' if number else 'baseline'
    return Fate(
        lesion=name,
        number=number,
        present=here is not None,
        identity=identity,
        events=events,
        parent=parent if identity == 'fragment' else '',
    )


def _events(here: tuple[Tumour, ...], before: tuple[Tumour, ...], number: int) -> tuple[str, ...]:
    """Return what happened to the size of a lesion that was there before."""
    if len(here) < len(before):
        return ('split',)
    now, then = (sum(one.diameters[at] ** 3 for one in here) for at in (number, number - 1))
    if now >= GREW * then:
        return ('growing',)
    return ('shrinking',) if now <= SHRANK * then else ()
