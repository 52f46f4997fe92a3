# SPDX-License-Identifier: Apache-2.0
"""The files of weights that Keras writes from version 3 on, which training here leaves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from bids_seg.errors import UnavailableError

if TYPE_CHECKING:
    import keras

SUFFIX = '.weights.h5'
"""How the name of such a file ends, without which Keras does not take it."""


def is_exported(path: Path) -> bool:
    """Return whether a file is one that training here left, by its name.

    Parameters
    ----------
    path
        Any path.
    """
    return path.name.endswith(SUFFIX)


def fill_exported(network: keras.Model, path: Path) -> None:
    """Load exported weights into a network.

    Parameters
    ----------
    network
        What takes them.
    path
        A file that ends in `.weights.h5`.

    Raises
    ------
    UnavailableError
        The file is missing or belongs to another network.
    """
    try:
        with warnings.catch_warnings():
            # Keras loads what fits and only warns of layers that it left random.
            warnings.simplefilter('error', UserWarning)
            network.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnavailableError(
            f'weights cannot be loaded ({first})',
            where=path,
            do='give a .weights.h5 file that was exported for the same network',
        ) from error
