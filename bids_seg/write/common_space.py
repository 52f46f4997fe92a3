# SPDX-License-Identifier: Apache-2.0
"""The space in which the lesions of a participant are followed, and which visits lie in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.records import History, Point
from bids_seg.write import tables


def followed(history: History) -> tuple[str | None, ...]:
    """Return the sessions that lie in one space in which lesions are followed.

    Parameters
    ----------
    history
        The participant through time.

    Notes
    -----
    One visit alone needs no such space: there is none then.
    """
    if history.untracked:
        return ()
    found = tuple(session for session in history.visits if matrix_of(history, session) is not None)
    return found if len(found) > 1 else ()


def mean_grid(history: History) -> bool:
    """Return whether that space is the middle of all visits, and none of the visits' own.

    Parameters
    ----------
    history
        The participant through time.
    """
    matrix = matrix_of(history, history.reference)
    return bool(followed(history)) and (matrix is None or not np.array_equal(matrix, np.eye(4)))


def centroid_cells(history: History, session: str | None, point: Point) -> dict[str, str]:
    """Return where a point of a visit lies in the space in which lesions are followed.

    Parameters
    ----------
    history
        The participant through time.
    session
        Of the visit.
    point
        mm of the visit, RAS+.
    """
    matrix = matrix_of(history, session)
    if matrix is None:
        return {}
    x, y, z, _ = np.linalg.solve(matrix, np.array([*point, 1.0]))
    return tables.place_cells('centroid_ref', (float(x), float(y), float(z)))


def matrix_of(history: History, session: str | None) -> NDArray[np.float64] | None:
    """Return what takes mm of the common space to mm of a visit, RAS+; None where nothing does.

    Parameters
    ----------
    history
        The participant through time.
    session
        Of the visit.
    """
    registration = history.registrations.get(session or '')
    if registration is None:
        here = session == history.reference and session in history.visits
        return np.eye(4) if here and not history.untracked else None
    if registration.matrix is None or registration.failure:
        return None
    return np.array(registration.matrix).reshape(4, 4)
