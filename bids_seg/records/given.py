# SPDX-License-Identifier: Apache-2.0
"""Masks of other datasets that take the place of a network's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFile:
    """One image of classes, or the mask of one region."""

    path: Path
    """Where it lies."""
    relative: str
    """The same, relative to the root of its dataset, with forward slashes."""
    link: str
    """Name of its dataset in `DatasetLinks`."""
    region: str | None = None
    """Region that a mask shows: `brain`, `WT`, `TC`, `ET` or `RC`; None for an image of classes."""
    classes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Class of each value of an image of classes, by the program's own abbreviations: `BG` also for
    what is no tumour."""

    @property
    def uri(self) -> str:
        """Its BIDS URI."""
        return f'bids:{self.link}:{self.relative}'


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFault:
    """Why what was given cannot be used."""

    what: str
    """What is wrong."""
    where: str
    """With which file."""
    do: str
    """What the user can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was given for one task at one visit."""

    task: Literal['brain', 'glioma', 'metastases']
    """Whose place it takes."""
    files: tuple[GivenFile, ...] = ()
    """One image of classes, or one mask for each region."""
    manual: bool = True
    """Whether a person drew it: so unless a sidecar says otherwise."""
    sha256: str = ''
    """Digest of these files, their tables and sidecars."""
    warnings: tuple[str, ...] = ()
    """What the user should know about the choice."""
    fault: GivenFault | None = None
    """Why it cannot be used; None where it can."""
