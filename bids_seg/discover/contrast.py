# SPDX-License-Identifier: Apache-2.0
"""Whether a T1-weighted image was made after contrast; by what is written, never by grey values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bids_seg.discover.names import words

NO_AGENT = frozenset({'none', 'no', 'noce', 'pre', 'native'})
"""Labels of `ce-` that say that there is none."""

_GADOLINIUM = re.compile(
    r'gd|gad|gado.*|dotarem|clariscan|magnevist|multihance|omniscan|optimark|prohance|vueway'
    r'|elucirem|eovist|primovist|ablavar|artirem'
)
_IRON = re.compile(r'fer.*|uspio|spio|combidex|sinerem|resovist|mion')
_POST = re.compile(
    r'post(contrast|gd|gad|gado.*|km|mdc|ce|c)?|gd|gad|gado.*|ce|mdc|km|t?1?(post|gd|gad|ce|km)'
)
_PRE = re.compile(r'pre(contrast|gd|gad|gado.*|km|mdc|ce)?|nativ|native|no(contrast|ce|gd|gad|km)')
_NOT_CONTRAST = frozenset({'op', 'operative', 'surgery', 'surgical', 'treatment', 'rt', 'chemo'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """What is known about contrast agent in one image."""

    state: Literal['post', 'pre']
    """Whether agent was given."""
    known: bool
    """Whether anything at all was said about it."""
    agent: Literal['gadolinium', 'unnamed', 'other']
    """What kind of agent."""
    notes: tuple[str, ...] = ()
    """What the user should know about this decision."""


def decide(entities: Mapping[str, str], fields: Mapping[str, Any]) -> Contrast:
    """Return whether an image was made after contrast agent.

    Parameters
    ----------
    entities
        Of its name, short keys.
    fields
        Of its sidecars.

    Examples
    --------
    >>> decide({'ce': 'gd'}, {}).state
    'post'
    >>> decide({'ce': 'gd'}, {'ContrastBolusIngredient': 'NONE'}).state
    'pre'
    """
    ingredient = _text(fields.get('ContrastBolusIngredient'))
    label = entities.get('ce', '')
    by_name = (label.lower() not in NO_AGENT) if label else None
    agent = _agent(label, ingredient)
    if ingredient and ingredient.upper() != 'UNKNOWN':
        post = ingredient.upper() != 'NONE'
        notes = () if by_name in (None, post) else (_differs(label, ingredient),)
        return _contrast('post' if post else 'pre', agent, *notes)
    if by_name is not None:
        return _contrast('post' if by_name else 'pre', agent)
    other = [key for key in fields if key.startswith('ContrastBolus') and _given(fields[key])]
    other = [key for key in other if key != 'ContrastBolusIngredient']
    if other:
        agent = _agent(_text(fields.get('ContrastBolusAgent')), '')
        return _contrast('post', agent, f'post-contrast by the sidecar field {other[0]}')
    return _by_words(entities, fields)


def _by_words(entities: Mapping[str, str], fields: Mapping[str, Any]) -> Contrast:
    """Decide by the words in the name and the scanner's descriptions."""
    sources = [entities.get('acq', ''), entities.get('rec', '')]
    sources += [_text(fields.get(key)) for key in ('SeriesDescription', 'ProtocolName')]
    found = words(sources)
    after = (*found, '')[1:]
    whole = re.findall(r'[a-z0-9]+', ' '.join(sources).lower())
    post = [
        word
        for word, then in zip(found, after, strict=True)
        if _POST.fullmatch(word) and not (word == 'post' and then in _NOT_CONTRAST)
    ]
    post += [word for word in whole if re.fullmatch(r't1w?(c|ce|gd|post|km)', word)]
    post += ['+c'] if re.search(r'\+ ?c\b', ' '.join(sources).lower()) else []
    pre = [word for word in (*found, *whole) if _PRE.fullmatch(word)]
    if pre and any(word.startswith('post') for word in post):
        note = f'its name speaks of both `{pre[0]}` and `{post[0]}`, taken as pre-contrast'
        return _contrast('pre', 'unnamed', note)
    if pre:
        return _contrast('pre', 'unnamed')
    if post:
        note = f'post-contrast assumed from the word `{post[0]}`; no field or `ce-` says so'
        agent = _agent(post[0], '')
        return _contrast('post', agent, note)
    return Contrast(state='pre', known=False, agent='unnamed')


def _contrast(
    state: Literal['post', 'pre'], agent: Literal['gadolinium', 'unnamed', 'other'], *notes: str
) -> Contrast:
    """Return a decision that something was said about."""
    return Contrast(state=state, known=True, agent=agent, notes=notes)


def _agent(label: str, ingredient: str) -> Literal['gadolinium', 'unnamed', 'other']:
    """Return the kind of agent from the name's label and the sidecar's field."""
    if _IRON.fullmatch(label.lower()):
        return 'other'
    if _GADOLINIUM.fullmatch(label.lower()) or ingredient.upper().startswith('GAD'):
        return 'gadolinium'
    return 'unnamed' if ingredient.upper() in ('', 'NONE', 'UNKNOWN') else 'other'


def _differs(label: str, ingredient: str) -> str:
    """Return the warning that name and sidecar contradict each other."""
    return (
        f'the name says `ce-{label}`, the sidecar ContrastBolusIngredient {ingredient}; '
        'the sidecar was believed'
    )


def _text(value: Any) -> str:
    """Return a field as text; a list of one is its item."""
    if isinstance(value, list):
        return ' '.join(str(item) for item in value).strip()
    return '' if value is None else str(value).strip()


def _given(value: Any) -> bool:
    """Return whether a field holds more than nothing."""
    return _text(value).upper() not in ('', '0', '0.0', 'NONE', 'UNKNOWN', 'N/A', 'FALSE')
