# SPDX-License-Identifier: Apache-2.0
"""A reader's corrections of identities, checked and put in the form in which they are applied."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit
from bids_seg.track.assign import Pair
from bids_seg.track.match import Graph, Known, Orders

ACTIONS = ('link', 'unlink', 'merge', 'reject')
"""What a reader can do to identities."""


def orders_of(edits: Sequence[ReaderEdit], *, graph: Graph, known: Mapping[str, Known]) -> Orders:
    """Return a reader's edits of one visit in the form in which they are applied.

    Parameters
    ----------
    edits
        Those of this visit; overrides of the response are left aside. `link`, `unlink`: a
        component index and a lesion id; `merge`: a component index, which becomes a fragment
        of the lesion given, or a lesion id, which is absorbed by it; `reject`: a component.
    graph
        The components of the visit.
    known
        Lesions known before it.

    Raises
    ------
    CommandError
        A component or a lesion is not there, or is linked twice.
    """
    indices = {str(one.index): one.index for one in graph.components}
    own = [edit for edit in edits if edit.action in ACTIONS]
    hosts = {e.item: e.value for e in own if e.action == 'merge' and e.item in known}
    pairs: dict[str, list[Pair]] = {action: [] for action in ACTIONS}
    for edit in own:
        if edit.action != 'reject' and edit.value not in known:
            raise _wrong(edit, f'`{edit.value}` is no earlier lesion', known)
        if edit.item in hosts and edit.action == 'merge':
            continue
        if edit.item not in indices:
            raise _wrong(edit, f'`{edit.item}` is no component', indices)
        pair = (edit.value, indices[edit.item])
        if edit.action == 'link' and any({*pair} & {*other} for other in pairs['link']):
            raise _wrong(edit, f'`{edit.item}` or `{edit.value}` is linked twice', ())
        pairs[edit.action].append(pair)
    return Orders(
        links={index: name for name, index in pairs['link']},
        unlinks=frozenset(pairs['unlink']),
        parts={index: name for name, index in pairs['merge']},
        hosts=hosts,
        rejects=frozenset(index for _, index in pairs['reject']),
    )


def _wrong(edit: ReaderEdit, what: str, known: Collection[str]) -> CommandError:
    """Return the error for an edit that cannot be applied."""
    where = f'reader file, ses-{edit.session}, {edit.action}'
    return CommandError(
        what, where=where, do=f'name one of: {", ".join(sorted(known)) or "none is left"}'
    )
