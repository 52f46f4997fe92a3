# SPDX-License-Identifier: Apache-2.0
"""The lesions of one tissue through all visits: followed, and drawn with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_seg import track
from bids_seg.image import Grid, Volume
from bids_seg.records import (
    Event,
    ReaderEdit,
    Tracking,
)
from bids_seg.track import Masks, VisitComponents
from bids_seg.track.match import Graph, Known
from bids_seg.workflow.history.kinds import Kind
from bids_seg.workflow.history.place import Space
from bids_seg.workflow.history.seen import (
    Seen,
    components_of,
    masks_of,
    on_grid,
    views_of,
    window_of,
)
from bids_seg.write import tables


@dataclass(frozen=True, eq=False, kw_only=True)
class Followed:
    """One set of lesions through time, and its images."""

    kind: Kind
    """The set."""
    visits: tuple[Seen, ...]
    """Each visit."""
    common: tuple[NDArray[np.uint16] | None, ...]
    """Component index of each voxel on the participant's grid, for each visit; None where it is not
    known."""
    tracking: Tracking | None
    """Lesions for life; None where they could not be followed."""

    def labels(self, place: int) -> Volume | None:
        """Return the image of a visit with the number of each lesion, on its own grid.

        Parameters
        ----------
        place
            Of the visit.
        """
        numbers = self.visits[place].numbers
        if numbers is None:
            return None
        if self.tracking is None:
            return tables.indexed(numbers)
        return Volume(self._index(place)[numbers.array], numbers.grid)

    def individual(self, place: int, grid: Grid) -> Volume | None:
        """Return the same on the participant's grid; None where it is not known there.

        Parameters
        ----------
        place
            Of the visit.
        grid
            The participant's.
        """
        common = self.common[place]
        if common is None or self.tracking is None:
            return None
        return Volume(self._index(place)[common], grid)

    def tracks(self, grid: Grid) -> Volume:
        """Return where each lesion ever was; the lower number where several were.

        Parameters
        ----------
        grid
            The participant's.
        """
        lowest = np.full(grid.shape, np.iinfo(np.uint16).max, dtype=np.uint16)
        for place in range(len(self.visits)):
            volume = self.individual(place, grid)
            if volume is not None:
                there = np.where(volume.array > 0, volume.array, lowest)
                lowest = np.minimum(lowest, there)
        lowest[lowest == np.iinfo(np.uint16).max] = 0
        return Volume(lowest, grid)

    @cached_property
    def _events(self) -> Mapping[int, list[Event]]:
        """Events by visit."""
        found: dict[int, list[Event]] = {}
        if self.tracking is not None:
            every = [event for one in self.tracking.tracks for event in one.events]
            for event in (*every, *self.tracking.untracked):
                found.setdefault(event.visit, []).append(event)
        return found

    def _index(self, place: int) -> NDArray[np.uint16]:
        """Return the number of the lesion that each component of a visit is; 0 for none."""
        numbers = self.visits[place].numbers
        count = 0 if numbers is None else int(numbers.array.max(initial=0))
        index = np.zeros(count + 1, dtype=np.uint16)
        for event in self._events.get(place, ()):
            if event.component_index is not None:
                shift = tables.UNTRACKED if event.lesion_id.startswith('U') else 0
                index[event.component_index] = int(event.lesion_id[1:]) + shift
        return index


def follow(
    out_dir: Path,
    visits: Sequence[Seen],
    kind: Kind,
    *,
    where: Space,
    edits: Sequence[ReaderEdit] = (),
) -> Followed:
    """Give every lesion of a set one identity for life.

    Parameters
    ----------
    out_dir
        Root of the output, where probabilities lie.
    visits
        In order of time.
    kind
        The set.
    where
        The participant's space.
    edits
        A reader's corrections of this set.

    Raises
    ------
    CommandError
        A correction names a component or a lesion that is not there.

    Notes
    -----
    Component numbers are sampled once on the participant's grid, by the nearest voxel. A
    lesion that slips through between two wide slices keeps the voxel of its centroid.
    """
    common = tuple(on_grid(one, where.grid) for one in visits)
    window = window_of(common, where.grid)
    masks = [
        masks_of(out_dir, one, kind, numbers, where.grid, window)
        for one, numbers in zip(visits, common, strict=True)
    ]
    components = [components_of(one) for one in visits]
    tracking = track.follow(
        [
            VisitComponents(
                components=own,
                evaluable=one.evaluable,
                session=one.summary.visit.session,
            )
            for one, own in zip(visits, components, strict=True)
        ],
        _beyond(track.look_at(masks, components, spacing=where.grid.spacing), visits, masks),
        disease=kind.disease,
        tissue=kind.tissue,
        edits=edits,
    )
    return Followed(kind=kind, visits=tuple(visits), common=common, tracking=tracking)


def _beyond(
    look: Callable[[Sequence[Known], int], Graph], visits: Sequence[Seen], masks: Sequence[Masks]
) -> Callable[[Sequence[Known], int], Graph]:
    """Return the same for lesions that lie beyond the participant's grid too.

    Masks say nothing of them: their centroids tell which earlier visits show their site.
    """

    def looked(known: Sequence[Known], place: int) -> Graph:
        graph = look(known, place)
        there = set(np.unique(masks[place].numbers).tolist())
        components = tuple(
            one
            if one.index in there
            else replace(one, in_view=views_of(one.centroid, visits[:place]))
            for one in graph.components
        )
        return replace(graph, components=components)

    return looked
