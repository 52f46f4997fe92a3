# SPDX-License-Identifier: Apache-2.0
"""Records as JSON text, and back."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

R = TypeVar('R')


def to_json(record: object) -> str:
    """Return a record as JSON text; the same record gives the same text.

    Examples
    --------
    >>> from bids_seg.records import Cost
    >>> to_json(Cost(stage='align', seconds=1.5, peak_mb=None))
    '{"stage": "align", "seconds": 1.5, "peak_mb": null}'
    """
    return json.dumps(_plain(record), ensure_ascii=False)


def from_json(kind: type[R], text: str) -> R:
    """Return the record of class `kind` that `to_json` made the text of.

    Examples
    --------
    >>> from bids_seg.records import Cost
    >>> cost = Cost(stage='align', seconds=1.5, peak_mb=None)
    >>> from_json(Cost, to_json(cost)) == cost
    True
    """
    made: R = _build(kind, json.loads(text))
    return made


def _plain(value: object) -> Any:
    """Turn records, paths and tuples into what JSON knows, field order kept."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.as_posix() if isinstance(value, Path) else value


def _build(kind: Any, value: Any) -> Any:
    """Make a value of the annotated type from what JSON gave."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is Any or origin is Literal:
        return value
    if origin in (types.UnionType, typing.Union):
        return _build(next(item for item in inner if item is not type(None)), value)
    if origin is tuple:
        each = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_build(item, part) for item, part in zip(each, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _build(inner[1], item) for key, item in value.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {field.name for field in dataclasses.fields(kind)}
        return kind(
            **{key: _build(hints[key], item) for key, item in value.items() if key in known}
        )
    return Path(value) if kind is Path else value
