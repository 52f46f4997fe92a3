# SPDX-License-Identifier: Apache-2.0
"""The best one-to-one assignment over allowed pairs, and always the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Pair = tuple[str, int]
"""Lesion id and component index."""


def assign(
    weights: Mapping[Pair, int], order: Callable[[Pair], tuple[float | str, ...]]
) -> list[Pair]:
    """Return the one-to-one pairs of the largest total weight; among equals the first by order.

    Parameters
    ----------
    weights
        Positive; pairs that are left out may not be chosen.
    order
        Sort key of pairs: of several best solutions, the one with the first pairs is taken.

    Examples
    --------
    >>> assign({('L1', 1): 400, ('L1', 2): 450, ('L2', 2): 500}, lambda pair: (pair[0],))
    [('L1', 1), ('L2', 2)]
    """
    chosen: list[Pair] = []
    for group in _groups(weights):
        left = group
        best = _optimum(left)
        for pair in sorted(group, key=order):
            if pair not in left:
                continue
            rest = {p: w for p, w in left.items() if p[0] != pair[0] and p[1] != pair[1]}
            value = _optimum(rest)
            if group[pair] + value == best:
                chosen.append(pair)
                left, best = rest, value
    return sorted(chosen, key=order)


def _groups(weights: Mapping[Pair, int]) -> list[dict[Pair, int]]:
    """Return the pairs by connected part of the graph, so that each is a small problem."""
    if not weights:
        return []
    names = sorted({name for name, _ in weights})
    indices = sorted({index for _, index in weights})
    rows = [names.index(name) for name, _ in weights]
    columns = [len(names) + indices.index(index) for _, index in weights]
    side = len(names) + len(indices)
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(side, side))
    _, parts = connected_components(graph, directed=False)
    groups: dict[int, dict[Pair, int]] = {}
    for row, (pair, weight) in zip(rows, weights.items(), strict=True):
        groups.setdefault(int(parts[row]), {})[pair] = weight
    return list(groups.values())


def _optimum(weights: Mapping[Pair, int]) -> int:
    """Return the largest total weight of one-to-one pairs."""
    if len(weights) < 2:
        return sum(weights.values())
    rows = {name: i for i, name in enumerate(sorted({name for name, _ in weights}))}
    columns = {index: i for i, index in enumerate(sorted({index for _, index in weights}))}
    matrix = np.zeros((len(rows), len(columns)))
    for (name, index), weight in weights.items():
        matrix[rows[name], columns[index]] = weight
    return int(matrix[linear_sum_assignment(matrix, maximize=True)].sum())
