# SPDX-License-Identifier: Apache-2.0
"""One image for each part: choosing among equals, never averaging."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.discover.candidates import Candidate
from bids_seg.discover.names import words
from bids_seg.records import PassedOver

THIN_MM = 2.0
"""A volume whose slices lie closer than this is taken for a 3-D series, if no field says."""

_AGENTS = ('gadolinium', 'unnamed', 'other')


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The image that plays a part, and the others."""

    winner: Candidate
    """The one that is used."""
    passed_over: tuple[PassedOver, ...]
    """The others, each with the reason."""
    warnings: tuple[str, ...]
    """What was odd among them."""


def choose(candidates: Sequence[Candidate], *, bids_dir: Path) -> Chosen:
    """Return which of several images of one role is used.

    Parameters
    ----------
    candidates
        At least one, all of one role and visit.
    bids_dir
        Root of the dataset, to see which files are one and the same.

    Notes
    -----
    In this order: gadolinium before other agents; 3-D before 2-D; the smallest largest
    spacing; the largest coverage; `rec-norm` or none before other reconstructions; not defaced
    before defaced; the highest run, since repeats are made because the first was bad; path.
    """
    ranked = sorted(candidates, key=_key)
    winner = ranked[0]
    passed = tuple(
        PassedOver(
            relative=other.relative, reason=_reason(winner, other, bids_dir), role=other.role
        )
        for other in ranked[1:]
    )
    return Chosen(winner=winner, passed_over=passed, warnings=tuple(_twins(candidates)))


def _dimensions(image: Candidate) -> int:
    """Return 0 for a 3-D series and 1 for a stack of 2-D slices."""
    kind = str(image.fields.get('MRAcquisitionType', '')).upper()
    if kind in ('2D', '3D'):
        return 0 if kind == '3D' else 1
    return 0 if max(image.spacing) < THIN_MM else 1


def _coverage(image: Candidate) -> float:
    """Return the negative volume of the field of view, in steps of 10 ml."""
    sides = [side * step for side, step in zip(image.shape, image.spacing, strict=True)]
    return -round(math.prod(sides) / 1e4)


def _reconstruction(image: Candidate) -> int:
    """Return 0 for `rec-norm` or no entity, 1 for any other reconstruction."""
    return 0 if image.name.entities.get('rec', 'norm').lower() == 'norm' else 1


def _defaced(image: Candidate) -> int:
    """Return 1 where name or description say that the face was removed."""
    spoken = words([*image.name.entities.values(), str(image.fields.get('SeriesDescription', ''))])
    return int(any(re.fullmatch('deface.*|.*defaced', word) for word in spoken))


def _run(image: Candidate) -> int:
    """Return the negative run, so that the highest comes first."""
    return -int(image.name.entities.get('run', '0'))


_RULES: tuple[tuple[Callable[[Candidate], Any], str], ...] = (
    (lambda image: _AGENTS.index(image.agent), 'its contrast agent is gadolinium'),
    (_dimensions, 'it is a 3-D series'),
    (lambda image: round(max(image.spacing), 2), 'its largest voxel side is smaller'),
    (_coverage, 'it covers more'),
    (_reconstruction, 'it is the usual reconstruction'),
    (_defaced, 'it is not defaced'),
    (_run, 'it is the later run'),
    (lambda image: image.relative, 'its path comes first'),
)


def _key(image: Candidate) -> tuple[Any, ...]:
    """Return what images are sorted by."""
    return tuple(rule(image) for rule, _ in _RULES)


def _reason(winner: Candidate, other: Candidate, bids_dir: Path) -> str:
    """Return why another image was preferred."""
    file = winner.relative.rpartition('/')[2]
    if (bids_dir / winner.relative).resolve() == (bids_dir / other.relative).resolve():
        return f'the same file as {file}, by a link'
    why = next(text for rule, text in _RULES if rule(winner) != rule(other))
    return f'{file} was preferred: {why}'


def _twins(candidates: Sequence[Candidate]) -> list[str]:
    """Return a warning for each pair of names that mean one image, as run-1 and run-01."""
    seen: dict[tuple[Any, ...], str] = {}
    warnings = []
    for image in sorted(candidates, key=lambda image: image.relative):
        entities = {**image.name.entities, 'run': str(-_run(image))}
        key = (*sorted(entities.items()), image.name.suffix)
        if key in seen:
            warnings.append(f'{seen[key]} and {image.relative} are two names of one image')
        seen.setdefault(key, image.relative)
    return warnings
