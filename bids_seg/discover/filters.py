# SPDX-License-Identifier: Apache-2.0
"""The filter file: which images may play which part."""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bids_seg.discover.names import ENTITIES, Name
from bids_seg.errors import CommandError
from bids_seg.records import ROLES, Role

Filter = Mapping[str, tuple[str | None, ...]]
"""Allowed values by short key; None: the entity may be absent, `*`: it may have any value."""

Filters = Mapping[Role, Filter]
"""Filters by the part that images play."""

_ROLES: Mapping[str, Role] = {role.lower(): role for role in ROLES}
_OTHER_KEYS = ('suffix', 'extension', 'datatype')
_KEYS = {long: short for short, long in ENTITIES.items()} | {key: key for key in _OTHER_KEYS}


def read_filters(path: Path) -> Filters:
    """Return the filters of a file.

    Parameters
    ----------
    path
        JSON: `{"t1w": {"acquisition": "mprage", "run": [1, 2], "echo": null}}`.

    Raises
    ------
    CommandError
        If it cannot be read, or names an unknown role or entity.
    """
    do = 'see "Filter file" in the documentation'
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except OSError as error:
        raise CommandError(
            f'cannot be read ({error.strerror})', where=path, do='check the name'
        ) from error
    except ValueError as error:
        raise CommandError(f'is not valid JSON ({error})', where=path, do='mend it') from error
    if not isinstance(content, dict):
        raise CommandError('holds no JSON object', where=path, do=do)
    filters: dict[Role, Filter] = {}
    for key, wanted in content.items():
        if key.lower() not in _ROLES:
            raise CommandError(
                f'unknown role `{key}`', where=path, do=f'use one of {", ".join(_ROLES)}'
            )
        if not isinstance(wanted, dict):
            raise CommandError(f'`{key}` holds no JSON object', where=path, do=do)
        filters[_ROLES[key.lower()]] = {
            _short(name, path=path): _values(name, value, path=path)
            for name, value in wanted.items()
        }
    return filters


def matches(wanted: Filter, name: Name) -> bool:
    """Return whether a file name passes a filter.

    Parameters
    ----------
    wanted
        Allowed values by short key.
    name
        The file name.
    """
    own = {**name.entities, 'suffix': name.suffix, 'extension': name.ending, 'datatype': 'anat'}
    return all(_fits(key, own.get(key), values) for key, values in wanted.items())


def names_value(wanted: Filter, key: str) -> bool:
    """Return whether a filter asks for an entity by value, so that a rule may give way to it."""
    return any(value is not None for value in wanted.get(key, ()))


def chooses(wanted: Filter) -> bool:
    """Return whether a filter speaks of how the image was made, not only of visit and run."""
    return any(
        names_value(wanted, key) for key in wanted if key not in {'ses', 'run', 'sub', *_OTHER_KEYS}
    )


def check(filters: Filters, images: Iterable[Name]) -> None:
    """Refuse a filter that matches no image at all.

    Parameters
    ----------
    filters
        By role.
    images
        Names of a dataset's images; read only until every filter has matched.

    Raises
    ------
    CommandError
        If a filter matches nothing.
    """
    left = dict(filters)
    for name in images:
        matched = [role for role in left if _may_play(role, left[role], name)]
        for role in matched:
            del left[role]
        if not left:
            return
    for role, wanted in left.items():
        shown = {key: list(values) for key, values in wanted.items()}
        raise CommandError(
            f'the filter of {role.lower()} matches no image of the dataset: {json.dumps(shown)}',
            where='--bids-filter-file',
            do='compare it with the file names',
        )


def _may_play(role: Role, wanted: Filter, name: Name) -> bool:
    """Return whether an image passes a filter and could have its role."""
    suffix = 'T1w' if role == 'T1wCE' else role
    return matches(wanted, name) and ('suffix' in wanted or name.suffix == suffix)


def _fits(key: str, own: str | None, values: tuple[str | None, ...]) -> bool:
    """Return whether one entity has an allowed value; runs compare as numbers."""
    if own is None:
        return None in values
    if '*' in values:
        return True
    if key in {'run', 'echo', 'inv', 'chunk'} and own.isdecimal():
        return int(own) in {int(value) for value in values if value and value.isdecimal()}
    prefix = {'ses': 'ses-', 'sub': 'sub-'}.get(key, '')
    return own in {value.removeprefix(prefix) for value in values if value is not None}


def _short(key: str, *, path: Path) -> str:
    """Return the short key of an entity that may be given by its long name."""
    if key in ENTITIES:
        return key
    if key in _KEYS:
        return _KEYS[key]
    near = difflib.get_close_matches(key, [*_KEYS, *ENTITIES], n=3) or ['acquisition', 'run']
    raise CommandError(f'unknown entity `{key}`', where=path, do=f'did you mean {", ".join(near)}?')


def _values(key: str, value: Any, *, path: Path) -> tuple[str | None, ...]:
    """Return the allowed values; a single one is a list of one, never a word of letters."""
    listed = value if isinstance(value, list) else [value]
    if not listed or any(
        isinstance(item, bool) or not isinstance(item, (str, int, float, type(None)))
        for item in listed
    ):
        raise CommandError(
            f'`{key}` is {json.dumps(value)}',
            where=path,
            do='give text, a number, a list of them, null or "*"',
        )
    texts = [f'{item:g}' if isinstance(item, float) else item for item in listed]
    return tuple(None if item is None else str(item) for item in texts)
