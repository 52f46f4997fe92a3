# SPDX-License-Identifier: Apache-2.0
"""What is known of a visit between two stages: the file that passes from node to node."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bids_seg.image import write_bytes
from bids_seg.records import (
    Alignment,
    Cost,
    Given,
    LesionSet,
    ModelRun,
    Role,
    Visit,
    from_json,
    to_json,
)
from bids_seg.segment.job import Choice

R = TypeVar('R')


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a visit could not be finished."""

    stage: str
    """The stage that failed."""
    what: str
    """What happened."""
    where: str
    """To which file."""
    do: str
    """What the user can do."""
    trace: str = ''
    """Traceback, or the last words of a program that died; goes into a crash file."""

    @property
    def told(self) -> str:
        """What happened, where and what to do, as one sentence."""
        return f'{self.what} ({self.where}); {self.do}'


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitState:
    """A visit on its way through the rooms."""

    visit: Visit
    """What went in."""
    tasks: tuple[str, ...]
    """What the networks are asked for."""
    models_skipped: Mapping[str, str]
    """Tasks that were asked for and cannot be done, with the reason."""
    root: Path
    """The work folder; the visit's files lie in it under their final names."""
    settings_sha256: str
    """Digest of settings and weights."""
    input_sha256: str
    """Digest of the images, and of the masks that were given."""
    given: tuple[Given, ...] = ()
    """Masks that take the place of networks."""
    networks: Mapping[str, Choice] = dataclasses.field(default_factory=dict)
    """Model and weights of each task."""
    files: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """What was written so far, by the keys of `write.names`."""
    content_sha256: str = ''
    """Digest of these files, so that nipype sees a change behind an unchanged name."""
    alignments: tuple[Alignment, ...] = ()
    """How each image was brought onto the reference."""
    stripped: tuple[Role, ...] = ()
    """Images that came without their skull."""
    models: tuple[ModelRun, ...] = ()
    """Networks that were run."""
    lesion_sets: tuple[LesionSet, ...] = ()
    """What was measured."""
    spaces: tuple[str, ...] = ()
    """Grids of templates on which its classes lie too."""
    warnings: tuple[str, ...] = ()
    """What the user should know, beyond what `visit` says."""
    costs: tuple[Cost, ...] = ()
    """What each stage took."""
    failure: Failure | None = None
    """Why it ended early; later stages pass it on untouched."""

    @property
    def folder(self) -> Path:
        """Work folder of the visit."""
        top = self.root / f'sub-{self.visit.participant}'
        return top if self.visit.session is None else top / f'ses-{self.visit.session}'

    def at(self, stage: str) -> Path:
        """Return where the state after a stage is kept; `plan` is the one before all."""
        return self.folder / f'state-{stage}.json'


def load(path: Path) -> VisitState:
    """Return the state that a file holds."""
    return from_json(VisitState, path.read_text(encoding='utf-8'))


def store(state: VisitState, path: Path) -> None:
    """Write a state, with a digest of the files it names."""
    whole = dataclasses.replace(state, content_sha256=content_sha256(state.files))
    write_bytes(path, to_json(whole).encode())


def content_sha256(files: Mapping[str, Path]) -> str:
    """Return a digest of files by key; those that are not there count too.

    Parameters
    ----------
    files
        Path of each file by its key.
    """
    digest = hashlib.sha256()
    for key in sorted(files):
        digest.update(key.encode())
        if files[key].is_file():
            with files[key].open('rb') as file:
                digest.update(hashlib.file_digest(file, 'sha256').digest())
        else:
            digest.update(b'absent')
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What the last stages need to know of the run."""

    bids_dir: Path
    """Root of the input."""
    out_dir: Path
    """Root of the output."""
    work_dir: Path
    """The work folder."""
    run: str
    """Identifier of the run."""
    settings: Mapping[str, str]
    """Settings that shape results, as text."""
    versions: Mapping[str, str]
    """Versions of what shapes results."""
    seed: int
    """Seed of all that is drawn."""
    networks: Mapping[str, Choice] = dataclasses.field(default_factory=dict)
    """Model and weights of each task that may come up."""
    keep_dates: bool = False
    """Whether calendar dates are written."""
    aggregate: int = 4
    """More visits than this get a page each."""
    viewer: bool = False
    """Whether an interactive page is made for each visit."""

    @property
    def context(self) -> Path:
        """Where it is kept for the stages."""
        return self.work_dir / f'run-{self.run}.json'


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """What became of the page of a participant."""

    participant: str
    """Label without `sub-`."""
    error: str
    """Why there is none; empty where there is one."""


def load_as(kind: type[R], path: Path) -> R:
    """Return the record of some class that a file holds."""
    return from_json(kind, path.read_text(encoding='utf-8'))
