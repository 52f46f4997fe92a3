# SPDX-License-Identifier: Apache-2.0
"""How the participant level of a run goes and ends, and the exit code that says so."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from bids_seg.errors import LockedError

Word = Literal['ok', 'up to date', 'skipped', 'failed', 'not done']
"""What can become of a visit; `not done` until it has come to an end."""

WORDS: tuple[Word, ...] = ('ok', 'up to date', 'skipped', 'failed')
"""Those that the last line always counts, in its order."""

FAILED, PAGE_FAILED = 1, 3
"""Exit codes: a visit failed; everything is complete but a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of all visits."""

    visits: tuple[Word, ...] = ()
    """One word for each visit."""
    follows_failed: int = 0
    """Participants whose lesions could not be followed as was asked for."""
    pages_failed: int = 0
    """Pages that could not be made."""
    locked: tuple[str, ...] = ()
    """Participants that another run was at."""

    @property
    def code(self) -> int:
        """Exit code."""
        if self.follows_failed or {'failed', 'not done'} & set(self.visits):
            return FAILED
        if self.locked:
            return LockedError.code
        return PAGE_FAILED if self.pages_failed else 0

    @property
    def told(self) -> str:
        """The counts of the last line.

        Examples
        --------
        >>> Outcome(visits=('ok', 'failed')).told
        '1 ok, 0 up to date, 0 skipped, 1 failed'
        >>> Outcome(visits=('not done',), locked=('01',)).told
        '0 ok, 0 up to date, 0 skipped, 0 failed, 1 not done, 1 locked'
        """
        counts = Counter(self.visits)
        parts = [f'{counts[word]} {word}' for word in WORDS]
        if counts['not done']:
            parts.append(f'{counts["not done"]} not done')
        if self.follows_failed:
            parts.append(f'{self.follows_failed} not followed')
        if self.locked:
            parts.append(f'{len(self.locked)} locked')
        return ', '.join(parts)


class Tally:
    """What has become of the visits so far, so that an interrupted run can tell it too."""

    def __init__(self) -> None:
        self._words: dict[str, Word] = {}
        self._follows: set[str] = set()
        self._pages: set[str] = set()
        self._locked: list[str] = []

    def visit(self, name: str, word: Word) -> None:
        """Note what became of a visit; the last word counts.

        Parameters
        ----------
        name
            Its name, `sub-01_ses-02`.
        word
            What became of it.
        """
        self._words[name] = word

    def follow_failed(self, participant: str) -> None:
        """Note that lesions could not be followed as was asked for."""
        self._follows.add(participant)

    def page_failed(self, participant: str) -> None:
        """Note that a page could not be made."""
        self._pages.add(participant)

    def lock(self, participant: str) -> None:
        """Note that another run was at a participant."""
        self._locked.append(participant)

    def words(self, names: list[str]) -> tuple[Word, ...]:
        """Return what became of some visits; those that were not begun are left out.

        Parameters
        ----------
        names
            Names of the visits.
        """
        return tuple(self._words[name] for name in names if name in self._words)

    @property
    def locked(self) -> frozenset[str]:
        """Participants that another run was at."""
        return frozenset(self._locked)

    @property
    def outcome(self) -> Outcome:
        """All of it."""
        return Outcome(
            visits=tuple(self._words.values()),
            follows_failed=len(self._follows),
            pages_failed=len(self._pages),
            locked=tuple(self._locked),
        )
