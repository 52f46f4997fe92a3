# SPDX-License-Identifier: Apache-2.0
"""How the participant level of a run ended, and the exit code that says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Word = Literal['ok', 'up to date', 'skipped', 'failed']
"""What can become of a visit."""

WORDS: tuple[Word, ...] = ('ok', 'up to date', 'skipped', 'failed')
"""All of them, in the order of the last line."""

FAILED, PAGE_FAILED = 1, 3
"""Exit codes: a visit failed; everything is complete but a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all visits."""

    visits: tuple[Word, ...] = ()
    """One word for each visit."""
    pages_failed: int = 0
    """Pages that could not be made."""
    locked: tuple[str, ...] = ()
    """Participants that another run was at."""

    @property
    def code(self) -> int:
        """Exit code."""
        if 'failed' in self.visits:
            return FAILED
        return PAGE_FAILED if self.pages_failed else 0

    @property
    def told(self) -> str:
        """The counts of the last line.

        Examples
        --------
        >>> Outcome(visits=('ok', 'failed')).told
        '1 ok, 0 up to date, 0 skipped, 1 failed'
        """
        counts = Counter(self.visits)
        return ', '.join(f'{counts[word]} {word}' for word in WORDS)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the outcome of several batches."""
    every = tuple(outcomes)
    return Outcome(
        visits=tuple(word for outcome in every for word in outcome.visits),
        pages_failed=sum(outcome.pages_failed for outcome in every),
        locked=tuple(label for outcome in every for label in outcome.locked),
    )
