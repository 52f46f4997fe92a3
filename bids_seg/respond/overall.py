# SPDX-License-Identifier: Apache-2.0
"""The overall response at a visit: the first row of a table whose condition holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

SMALL_DOSE = ('none', 'physiologic', 'unknown')
"""Steroids with which a complete response is possible; unknown ones are taken as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """All that the overall response at a visit follows from."""

    target: str
    """T: CR, PR, MR, SD, PD, NE, NA."""
    nontarget: str = 'NONE'
    """NT: NONE, CR, NONCR_NONPD, PD, NE."""
    new_lesion: str = 'none'
    """NL: none, equivocal, unequivocal, NE."""
    flair: str = 'not_used'
    """F: not_used, ok, worse, NE."""
    flair_applies: bool = False
    """Whether growth on T2/FLAIR alone is progression."""
    enhancement_worse: bool = False
    """Whether enhancement is malignant change."""
    steroid: str = 'unknown'
    """S: none, physiologic, decreased, stable, increased, unknown."""
    clinical: str = 'unknown'
    """C: better, stable, worse, unknown."""
    na_complete: bool = False
    """Whether CR is possible without any target."""

    @property
    def imaging_causes(self) -> tuple[str, ...]:
        """What the images show of progression."""
        causes = {
            'target': self.target == 'PD',
            'nontarget': self.nontarget == 'PD',
            'new_lesion': self.new_lesion == 'unequivocal',
            'flair': self.flair == 'worse' and self.flair_applies,
            'enhancement': self.enhancement_worse,
        }
        return tuple(name for name, there in causes.items() if there)

    @property
    def causes(self) -> tuple[str, ...]:
        """All that speaks for progression."""
        return self.imaging_causes + ('clinical',) * (self.clinical == 'worse')


Condition = Callable[[States], bool]

ROWS: tuple[tuple[int, Condition, str, str], ...] = (
    (1, lambda s: bool(s.causes), 'PD', ''),
    (2, lambda s: s.target == 'NE', 'NE', ''),
    (3, lambda s: s.steroid == 'increased', 'NE', 'steroid_increase'),
    (4, lambda s: s.target == 'NA' and _complete_without_target(s), 'CR', ''),
    (4, lambda s: s.target == 'NA', 'SD', 'no_target'),
    (5, lambda s: _complete(s), 'CR', ''),
    (6, lambda s: s.target == 'CR', 'PR', ''),
    (7, lambda s: s.target == 'PR', 'PR', ''),
    (8, lambda s: s.target == 'MR', 'MR', ''),
    (9, lambda s: s.target == 'SD', 'SD', ''),
)
"""Row number, condition, response, reason; the first row whose condition holds is taken."""


def overall(states: States) -> tuple[str, int, str]:
    """Return the overall response before confirmation, its row, and a word on the reason.

    Parameters
    ----------
    states
        At the visit.

    Raises
    ------
    ValueError
        T is none of its values.

    Examples
    --------
    >>> overall(States(target='PR', nontarget='NONCR_NONPD', steroid='stable', clinical='stable'))
    ('PR', 7, '')
    """
    for row, condition, response, reason in ROWS:
        if condition(states):
            return response, row, reason
    message = f'T is {states.target!r}'
    raise ValueError(message)


def _complete(states: States) -> bool:
    """Tell whether nothing is left of the disease, and no steroid may hide it."""
    return (
        states.target == 'CR'
        and states.nontarget in ('CR', 'NONE')
        and states.new_lesion == 'none'
        and states.steroid in SMALL_DOSE
        and states.flair != 'worse'
    )


def _complete_without_target(states: States) -> bool:
    """Tell the same of a patient without measurable disease."""
    return (
        states.na_complete
        and states.nontarget == 'CR'
        and states.new_lesion == 'none'
        and states.steroid in SMALL_DOSE
    )
