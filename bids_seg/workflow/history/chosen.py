# SPDX-License-Identifier: Apache-2.0
"""Which response criteria are in force for a disease, and which lesions they want measured."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from bids_seg import respond
from bids_seg.errors import CommandError
from bids_seg.records import Disease, Tissue
from bids_seg.respond import Criterion, Rules

USUAL: dict[Disease, tuple[str, ...]] = {'glioma': ('rano2',), 'metastases': ('rano_bm',)}
"""What `auto` stands for."""


def check(asked: Sequence[str], rules: Sequence[str]) -> None:
    """Refuse criteria and options that are not there, before anything is done.

    Parameters
    ----------
    asked
        `auto`, `none`, or names of criteria.
    rules
        `KEY=VALUE` for each option.

    Raises
    ------
    CommandError
        One of them is not known, or `none` stands beside others.
    """
    for name in asked:
        if name not in (*respond.names(), 'auto', 'none'):
            raise CommandError(
                f'no criterion {name!r}',
                where='--criteria',
                do=f'did you mean {_nearest(name, respond.names())}?',
            )
    if 'none' in asked and len(set(asked)) > 1:
        raise CommandError(
            '`none` stands beside other criteria', where='--criteria', do='give it alone'
        )
    known = tuple(Rules().in_force())
    for item in rules:
        key = item.partition('=')[0].strip()
        if key not in known:
            raise CommandError(
                f'no rule {item!r}', where='--rules', do=f'did you mean {_nearest(key, known)}?'
            )
    respond.parse(rules)


def criteria(asked: Sequence[str], disease: Disease) -> tuple[Criterion, ...]:
    """Return the criteria in force for a disease.

    Parameters
    ----------
    asked
        `auto`, `none`, or names of criteria.
    disease
        What the network looked for.

    Examples
    --------
    >>> [one.name for one in criteria(('auto', 'rano_hgg'), 'glioma')]
    ['rano2', 'rano_hgg']
    """
    names: list[str] = []
    for name in asked:
        names += USUAL[disease] if name == 'auto' else [] if name == 'none' else [name]
    found = (respond.find(name) for name in dict.fromkeys(names))
    return tuple(one for one in found if (one.tissue == 'TC') == (disease == 'metastases'))


def tissues(asked: Sequence[str], disease: Disease) -> tuple[Tissue, ...]:
    """Return what lesions the criteria in force want measured.

    Parameters
    ----------
    asked
        `auto`, `none`, or names of criteria.
    disease
        What the network looked for.

    Examples
    --------
    >>> tissues(('auto',), 'glioma'), tissues(('rano_lgg',), 'glioma')
    (('ET', 'NonCE'), ('WT',))
    """
    found: list[Tissue] = []
    for one in criteria(asked, disease):
        parts = [respond.find(name) for name in one.parts] or [one]
        found += [part.tissue for part in parts]
    return tuple(dict.fromkeys(found))


def _nearest(word: str, known: Sequence[str]) -> str:
    """Return the three names that are most like a word."""
    return ', '.join(difflib.get_close_matches(word, known, n=3, cutoff=0.0))
