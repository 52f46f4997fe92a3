# SPDX-License-Identifier: Apache-2.0
"""How many responded, with the limits between which the true rate may lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bids_seg.report.cohort.people import Judgement

RESPONSES = ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')
"""Categories in the order of pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share of participants."""

    name: str
    """What is counted."""
    hits: int
    """How many of them there are."""
    total: int
    """Of how many."""

    @property
    def limits(self) -> tuple[float, float]:
        """Limits of the 95 % interval, 0..1."""
        return clopper_pearson(self.hits, self.total)

    @property
    def said(self) -> str:
        """The rate for a reader.

        Examples
        --------
        >>> Rate(name='ORR', hits=3, total=10).said
        '30 % (3 of 10; 95 % interval 7 to 65 %)'
        """
        if not self.total:
            return 'n/a'
        low, high = (f'{100 * limit:.0f}' for limit in self.limits)
        share = 100 * self.hits / self.total
        return f'{share:.0f} % ({self.hits} of {self.total}; 95 % interval {low} to {high} %)'


def clopper_pearson(hits: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share.

    Parameters
    ----------
    hits, total
        Successes and trials; no trial says nothing.
    level
        Coverage.

    Notes
    -----
    Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404: quantiles of beta distributions.

    Examples
    --------
    >>> [round(limit, 4) for limit in clopper_pearson(0, 10)]
    [0.0, 0.3085]
    """
    from scipy.special import betaincinv

    if not total:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    return low, high


def counts(judgement: Judgement, *, confirmed: bool) -> dict[str, int]:
    """Return how many participants have each best response, others apart from the usual ones too.

    Parameters
    ----------
    judgement
        All participants by one criterion.
    confirmed
        Whether responses that must be confirmed count when they are only.
    """
    found = [person.bor if confirmed else person.unconfirmed for person in judgement.counted]
    names = [*RESPONSES, *sorted(set(found) - set(RESPONSES))]
    return {name: found.count(name) for name in names if name != 'MR' or _has_minor(judgement)}


def rates(judgement: Judgement) -> Sequence[Rate]:
    """Return the rates of objective response and of disease control, confirmed responses alone.

    Everybody with a visit after baseline counts; who was not evaluable did not respond.

    Parameters
    ----------
    judgement
        All participants by one criterion.
    """
    found = counts(judgement, confirmed=True)
    total = len(judgement.counted)
    response = found['CR'] + found['PR']
    minor = found.get('MR', 0)
    made = [Rate(name='ORR: CR or PR', hits=response, total=total)]
    if _has_minor(judgement):
        made.append(Rate(name='with MR', hits=response + minor, total=total))
    control = response + minor + found['SD']
    words = 'CR, PR, MR or SD' if _has_minor(judgement) else 'CR, PR or SD'
    made.append(Rate(name=f'DCR: {words}', hits=control, total=total))
    return made


def _has_minor(judgement: Judgement) -> bool:
    """Return whether a criterion knows minor responses."""
    if judgement.rules is not None and judgement.rules.minor_pct is not None:
        return True
    return any('MR' in {person.bor, person.unconfirmed} for person in judgement.people)
