# SPDX-License-Identifier: Apache-2.0
"""Which part an image may play, and why others may not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bids_seg import image
from bids_seg.discover import contrast, filters, sidecars
from bids_seg.discover.names import Name, image_name, words
from bids_seg.errors import ImageError
from bids_seg.records import PassedOver, Role

MIN_SLICES = 10
"""Fewer on any axis: a localizer."""
MIN_EXTENT_MM = 100.0
"""A head is longer than this on at least two axes."""
THICK_MM = 3.0
"""Distance of slices from which the page speaks of thick ones."""

_BY_SUFFIX: Mapping[str, Role] = {'T2w': 'T2w', 'FLAIR': 'FLAIR', 'T1w': 'T1w'}
_OWN_SPACES = frozenset({'orig', 'individual', 'scanner', 'T1w', 'T1wCE', 'T2w', 'FLAIR', 'ACPC'})
_LOCALIZER = re.compile(r'.*locali[sz]er.*|.*scout.*|survey|loc|aahead.*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for the whole dataset."""

    bids_dir: Path
    """Its root."""
    derivative: bool
    """Whether it holds images that somebody has prepared."""
    filters: filters.Filters
    """What the user wants."""
    root_json: tuple[str, ...] = ()
    """JSON files at the root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that may play a part."""

    relative: str
    """Path relative to the dataset's root."""
    name: Name
    """Its name, taken apart."""
    role: Role
    """The part it may play."""
    agent: Literal['gadolinium', 'unnamed', 'other']
    """Kind of contrast agent, for the post-contrast role."""
    fields: Mapping[str, Any]
    """Fields of its sidecars."""
    shape: tuple[int, int, int]
    """Voxels along the stored axes."""
    spacing: tuple[float, float, float]
    """Distance between voxel centres along the stored axes, mm."""
    notes: tuple[str, ...]
    """What the user should know about it."""
    warnings: tuple[str, ...]
    """What was odd about its sidecars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An image that can play no part."""

    passed_over: PassedOver
    """The file and the reason."""
    waits: bool = False
    """Whether it might, once its content is fetched."""
    broken: bool = False
    """Whether the file itself is at fault, so that the user must hear of it."""


def examine(
    relative: str, *, rules: Rules, participant: str, session: str | None
) -> Candidate | Rejected:
    """Return what an image file may be used for, or why not.

    Parameters
    ----------
    relative
        Its path relative to the dataset's root.
    rules
        What holds for the whole dataset.
    participant, session
        Labels of the folders it lies in.
    """
    try:
        name = image_name(relative.rpartition('/')[2], participant=participant, session=session)
    except ImageError as error:
        return _rejected(relative, None, f'{error.what}; {error.do}')
    forced = _forced(name, rules.filters)
    if name.suffix not in _BY_SUFFIX and forced is None:
        return _rejected(relative, None, f'suffix {name.suffix} is not used')
    read = sidecars.fields(rules.bids_dir, relative, at_root=rules.root_json)
    known = contrast.decide(name.entities, read.values)
    role = forced or _role(name, known, rules.filters)
    wanted = rules.filters.get(role, {})
    reason = _excluded(name, derivative=rules.derivative, wanted=wanted)
    if reason is None and wanted and not filters.matches(wanted, name):
        reason = 'left out by the filter file'
    reason = reason or _localizer_word(name, read.values)
    if reason is not None:
        return _rejected(relative, role, reason)
    path = rules.bids_dir / relative
    try:
        header = image.read_header(path)
    except ImageError as error:
        return Rejected(
            passed_over=_passed(relative, role, f'{error.what}; {error.do}'),
            waits=not image.is_fetched(path),
            broken=True,
        )
    shape = header.grid.stored_shape
    steps = np.linalg.norm(header.grid.stored_affine[:3, :3], axis=0)
    spacing = (float(steps[0]), float(steps[1]), float(steps[2]))
    reason = _localizer_size(shape, spacing)
    if reason is not None:
        return _rejected(relative, role, reason)
    notes = [*header.warnings, *_notes(read.values, spacing)]
    if name.suffix == 'T1w' and (role == 'T1wCE' or known.known):
        notes += known.notes
    if role == 'T1wCE' and not known.known:
        notes.append('post-contrast by the filter file; nothing else says so')
    return Candidate(
        relative=relative,
        name=name,
        role=role,
        agent=known.agent,
        fields=read.values,
        shape=shape,
        spacing=spacing,
        notes=tuple(notes),
        warnings=read.warnings,
    )


def _forced(name: Name, wanted: filters.Filters) -> Role | None:
    """Return the role whose filter asks for this unusual suffix by name."""
    if name.suffix in _BY_SUFFIX:
        return None
    asking = (role for role, chosen in wanted.items() if name.suffix in chosen.get('suffix', ()))
    return next(asking, None)


def _role(name: Name, known: contrast.Contrast, wanted: filters.Filters) -> Role:
    """Return the role by suffix and contrast; a filter speaks where nothing else does."""
    if name.suffix != 'T1w':
        return _BY_SUFFIX[name.suffix]
    if known.known:
        return 'T1wCE' if known.state == 'post' else 'T1w'
    chosen = wanted.get('T1wCE', {})
    return 'T1wCE' if filters.chooses(chosen) and filters.matches(chosen, name) else 'T1w'


def _excluded(name: Name, *, derivative: bool, wanted: filters.Filter) -> str | None:
    """Return why a file with this name is no candidate; a filter that names the entity wins."""

    def value(key: str) -> str:
        return '' if filters.names_value(wanted, key) else name.entities.get(key, '')

    if value('part') in {'phase', 'real', 'imag'}:
        return f'part-{value("part")} is no magnitude image'
    if value('echo') and int(value('echo')) > 1:
        return f'echo-{value("echo")} is not the first echo'
    if value('inv'):
        return f'inv-{value("inv")} is a part of an MP2RAGE image'
    if value('chunk'):
        return f'chunk-{value("chunk")} is a part of an image'
    if not derivative:
        made = next((key for key in ('desc', 'space', 'res', 'label', 'seg') if value(key)), None)
        return made and f'{made}-{value(made)} marks a derivative, in a raw dataset'
    if not filters.names_value(wanted, 'desc') and value('desc') != 'preproc':
        return 'without desc-preproc, in a derivative dataset'
    if value('space') and value('space') not in _OWN_SPACES:
        return f'space-{value("space")} is not the space of the participant'
    return None


def _localizer_word(name: Name, fields: Mapping[str, Any]) -> str | None:
    """Return why an image is taken for a localizer by its name, or None."""
    spoken = words([*name.entities.values(), str(fields.get('ProtocolName', ''))])
    word = next(filter(_LOCALIZER.fullmatch, spoken), None)
    return word and f'a localizer by the word `{word}`'


def _localizer_size(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> str | None:
    """Return why an image is taken for a localizer by its size, or None."""
    if min(shape) < MIN_SLICES:
        return f'a localizer: {min(shape)} slices, {MIN_SLICES} are needed'
    extent = [side * step for side, step in zip(shape, spacing, strict=True)]
    # A tenth of a millimetre is nothing; 100 mm stored as float32 may be a little less.
    if sum(length < MIN_EXTENT_MM - 0.1 for length in extent) >= 2:
        shown = ' x '.join(f'{length:.0f}' for length in extent)
        return f'a localizer: it covers {shown} mm, {MIN_EXTENT_MM:.0f} mm on two axes are needed'
    return None


def _notes(fields: Mapping[str, Any], spacing: tuple[float, float, float]) -> list[str]:
    """Return what a reader should know about an image that is used."""
    notes = []
    if round(max(spacing), 2) > THICK_MM:
        notes.append(f'thick slices, {max(spacing):.3g} mm apart: lengths and volumes are coarse')
    if fields.get('SkullStripped') is True:
        notes.append('skull-stripped by its sidecar')
    return notes


def _passed(relative: str, role: Role | None, reason: str) -> PassedOver:
    """Return the record of a file that is not used."""
    return PassedOver(relative=relative, reason=reason, role=role)


def _rejected(relative: str, role: Role | None, reason: str) -> Rejected:
    """Return a rejection that concerns the choice, not the file."""
    return Rejected(passed_over=_passed(relative, role, reason))
