# SPDX-License-Identifier: Apache-2.0
"""Which component of a visit is which known lesion: a graph, an assignment, what is left over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bids_seg.records import Point
from bids_seg.track.assign import Pair, assign

EDGE = 0.25
"""Least share of one of two masks within tau of the other for them to be related."""
PART = 0.50
"""Least share for a fragment (of the component) or an absorbed lesion (of the lesion)."""
REACH_MM = 5.0
"""Largest distance of centroids of lesions that do not overlap, mm."""
RATIO = 8
"""Largest ratio of their volumes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One connected region at one visit, before its identity is known."""

    index: int
    """1, 2, ... by decreasing volume."""
    volume_mm3: int
    """Recorded volume, from native space."""
    centroid: Point
    """In the space in which visits are compared, mm, RAS+."""
    ld_mm: float = 0.0
    """Recorded longest diameter."""
    in_view: tuple[int, ...] | None = None
    """Visits whose field of view holds its site; None: all of them."""

    @property
    def rank(self) -> tuple[float, ...]:
        """Its place in the order that settles ties: larger, then lower z, y, x."""
        x, y, z = self.centroid
        return (-self.volume_mm3, z, y, x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One lesion as it is known before a visit."""

    lesion_id: str
    """`L001`, ..."""
    state: Literal['present', 'absent', 'absorbed']
    """After the last evaluable visit."""
    visit: int
    """Visit at which it was last present, from 0."""
    component: int
    """Which component it was there."""
    volume_mm3: int
    """Its volume there."""
    centroid: Point
    """Its centroid there, mm."""
    ld_mm: float
    """Its longest diameter there."""
    parent_id: str | None = None
    """Lesion from which it split."""
    host: str | None = None
    """Lesion of which it is a part now."""
    gap: int = 0
    """Evaluable visits since it was last seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A known lesion and a component that have enough in common."""

    lesion_id: str
    """The lesion."""
    component: int
    """The component."""
    a: float
    """Share of the lesion's last mask within tau of the component."""
    b: float
    """Share of the component within tau of the lesion's last mask."""
    overlap_mm3: float
    """Smaller one of both numerators, mm3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """What is left at the place of a lesion that no component stands for."""

    probability: float | None
    """Largest probability inside its last mask and 2 mm around; None where there is no map."""
    speck: bool = False
    """Whether a component too small for a lesion lies there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """How the components of a visit relate to the lesions known before."""

    components: tuple[Component, ...]
    """In any order."""
    edges: tuple[Edge, ...] = ()
    """Pairs that have enough in common."""
    distances: Mapping[Pair, float] = field(default_factory=dict)
    """Distance of centroids, mm; a pair that is far apart may be left out."""
    residues: Mapping[str, Residue] = field(default_factory=dict)
    """By lesion id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """What a reader has decided for one visit."""

    links: Mapping[int, str] = field(default_factory=dict)
    """Component that is this lesion."""
    unlinks: frozenset[Pair] = frozenset()
    """Pairs that are not the same."""
    parts: Mapping[int, str] = field(default_factory=dict)
    """Component that is a part of this lesion."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """Lesion that has become a part of this lesion."""
    rejects: frozenset[int] = frozenset()
    """Components that are no lesion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A component that is a known lesion."""

    lesion_id: str
    """The lesion."""
    how: Literal['overlap', 'proximity', 'reader']
    """How it was found."""
    overlap_mm3: float | None
    """Volume in common; None without an edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """What became of every component and of every lesion that was there before."""

    found: Mapping[int, Found]
    """Components that are known lesions."""
    fragments: Mapping[int, str]
    """Components that split from a lesion."""
    new: tuple[int, ...]
    """Components that are new, by decreasing volume."""
    absorbed: Mapping[str, str]
    """Lesions that became part of another."""
    beside: Mapping[int, str]
    """New components that touch a lesion."""
    left_beside: Mapping[str, str]
    """Lesions that are gone, and the lesion that is beside their place."""


def match(known: Sequence[Known], graph: Graph, *, orders: Orders | None = None) -> Matching:
    """Say which component is which lesion, and what the others are.

    Parameters
    ----------
    known
        Every lesion of the patient so far.
    graph
        The visit's components and how they relate to these lesions.
    orders
        What a reader has decided.

    Notes
    -----
    Assignment by the Hungarian method over edges alone, weight 1 for lesions that were
    present and 0.5 for others; what overlaps nothing may be assigned by distance.

    Examples
    --------
    >>> lesion = Known(lesion_id='L001', state='present', visit=0, component=1, volume_mm3=500,
    ...     centroid=(0.0, 0.0, 0.0), ld_mm=10.0)
    >>> graph = Graph(
    ...     components=(Component(index=1, volume_mm3=520, centroid=(0.0, 0.0, 1.0)),),
    ...     edges=(Edge(lesion_id='L001', component=1, a=0.9, b=0.9, overlap_mm3=480.0),))
    >>> match([lesion], graph).found[1].lesion_id
    'L001'
    """
    orders = orders or Orders()
    lesions = {one.lesion_id: one for one in known}
    components = {one.index: one for one in graph.components if one.index not in orders.rejects}
    edges = [edge for edge in graph.edges if _stands(edge, components, orders)]
    common = {(edge.lesion_id, edge.component): edge.overlap_mm3 for edge in edges}
    found = {
        index: Found(lesion_id=name, how='reader', overlap_mm3=common.get((name, index)))
        for index, name in orders.links.items()
    }
    used = {*orders.links.values(), *orders.hosts}
    free = [edge for edge in edges if edge.lesion_id not in used]
    free = [edge for edge in free if edge.component not in {*found, *orders.parts}]
    for name, index in assign(
        {_pair(edge): _weight(edge, lesions) for edge in free}, _order(components)
    ):
        found[index] = Found(lesion_id=name, how='overlap', overlap_mm3=common[name, index])
    owners = {index: one.lesion_id for index, one in found.items()}
    fragments, beside = _parts(components, edges, owners, lesions)
    fragments.update(orders.parts)
    absorbed, left_beside = _absorbed(lesions, edges, owners)
    absorbed.update(orders.hosts)
    taken: set[str | int] = {*fragments, *absorbed, *found, *owners.values()}
    taken |= {end for edge in edges for end in _pair(edge)}
    for name, index in _by_distance(known, components, taken, graph.distances, orders):
        found[index] = Found(lesion_id=name, how='proximity', overlap_mm3=None)
    new = [one for index, one in components.items() if index not in {*found, *fragments}]
    return Matching(
        found=found,
        fragments=fragments,
        new=tuple(one.index for one in sorted(new, key=lambda one: one.rank)),
        absorbed=absorbed,
        beside=beside,
        left_beside=left_beside,
    )


def distances(known: Iterable[Known], components: Iterable[Component]) -> dict[Pair, float]:
    """Return the distance of centroids of every lesion and component, mm.

    Parameters
    ----------
    known
        Lesions.
    components
        Components.
    """
    found = {}
    for lesion in known:
        for one in components:
            step = np.subtract(lesion.centroid, one.centroid)
            found[lesion.lesion_id, one.index] = float(np.linalg.norm(step))
    return found


def _stands(edge: Edge, components: Mapping[int, Component], orders: Orders) -> bool:
    """Tell whether an edge is strong enough and not forbidden."""
    kept = edge.component in components and _pair(edge) not in orders.unlinks
    return kept and max(edge.a, edge.b) >= EDGE


def _pair(edge: Edge) -> Pair:
    """Return what an edge joins."""
    return edge.lesion_id, edge.component


def _weight(edge: Edge, lesions: Mapping[str, Known]) -> int:
    """Return the weight of an edge, a whole number so that equal sums are equal."""
    share = 2 if lesions[edge.lesion_id].state == 'present' else 1
    return max(1, round(edge.overlap_mm3 * 1000)) * share


def _order(components: Mapping[int, Component]) -> Callable[[Pair], tuple[float | str, ...]]:
    """Return the key that settles ties."""
    return lambda pair: (*components[pair[1]].rank, pair[0])


def _parts(
    components: Mapping[int, Component],
    edges: Sequence[Edge],
    owners: Mapping[int, str],
    lesions: Mapping[str, Known],
) -> tuple[dict[int, str], dict[int, str]]:
    """Return components that split from a lesion, and those that only touch one."""
    fragments: dict[int, str] = {}
    beside: dict[int, str] = {}
    matched = set(owners.values())
    for index in components:
        if index in owners:
            continue
        own = [edge for edge in edges if edge.component == index]
        parents = [
            edge
            for edge in own
            if edge.b >= PART
            and (edge.lesion_id in matched or lesions[edge.lesion_id].state == 'present')
        ]
        if parents:
            fragments[index] = _largest(parents).lesion_id
        elif own:
            beside[index] = _largest(own).lesion_id
    return fragments, beside


def _absorbed(
    lesions: Mapping[str, Known], edges: Sequence[Edge], owners: Mapping[int, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return lesions that became part of another, and those that another only touches."""
    absorbed: dict[str, str] = {}
    beside: dict[str, str] = {}
    matched = set(owners.values())
    for name, lesion in lesions.items():
        if lesion.state != 'present' or name in matched:
            continue
        own = [edge for edge in edges if edge.lesion_id == name and edge.component in owners]
        hosts = [edge for edge in own if edge.a >= PART]
        if hosts:
            absorbed[name] = owners[_largest(hosts).component]
        elif own:
            beside[name] = owners[_largest(own).component]
    return absorbed, beside


def _largest(edges: Sequence[Edge]) -> Edge:
    """Return the edge of the largest overlap; the first by id and index among equals."""
    return min(edges, key=lambda edge: (-edge.overlap_mm3, edge.lesion_id, edge.component))


def _by_distance(
    known: Sequence[Known],
    components: Mapping[int, Component],
    taken: Collection[str | int],
    spans: Mapping[Pair, float],
    orders: Orders,
) -> list[Pair]:
    """Pair lesions that are gone with components that overlap nothing, where they are near."""
    gone = [one for one in known if one.state == 'present' and one.lesion_id not in taken]
    fresh = [one for index, one in components.items() if index not in taken]
    return assign(_near(gone, fresh, spans, orders), _order(components))


def _near(
    gone: Sequence[Known],
    fresh: Sequence[Component],
    spans: Mapping[Pair, float],
    orders: Orders,
) -> dict[Pair, int]:
    """Return weights of pairs that are near enough: as many as can be, then as near as can be."""
    # One pair more outweighs any saving of distance, which is counted in micrometres.
    one_more = round(REACH_MM * 1000) * (min(len(gone), len(fresh)) + 1)
    found = {}
    for lesion in gone:
        for one in fresh:
            pair = (lesion.lesion_id, one.index)
            small, large = sorted((lesion.volume_mm3, one.volume_mm3))
            span = spans.get(pair, np.inf)
            if span <= REACH_MM + 1e-9 and large <= RATIO * small and pair not in orders.unlinks:
                found[pair] = one_more - round(span * 1000)
    return found
