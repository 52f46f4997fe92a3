# SPDX-License-Identifier: Apache-2.0
"""What a run leaves on disk: one file from which it goes on, and weights for others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from bids_seg.errors import InputError
from bids_seg.segment import readers
from bids_seg.train.optimisers import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come."""

    step: int = 0
    """Samples seen."""
    seed: int = 0
    """Seed of the stream of samples."""
    skipped: int = 0
    """Steps left out because a gradient was not finite."""
    seconds: float = 0.0
    """Time spent, over all starts."""


def save(path: Path, *, state: State, progress: Progress) -> None:
    """Write a run's state; an interrupted write leaves the previous file whole.

    Parameters
    ----------
    path
        An `.npz` file.
    state
        Weights, their average and the optimiser's moments.
    progress
        How far the run has come.
    """
    arrays: dict[str, Any] = {
        f'{part}/{index:03d}': np.asarray(value)
        for part, values in state._asdict().items()
        for index, value in enumerate(values)
    }
    arrays['progress'] = np.array(
        [progress.step, progress.seed, progress.skipped, progress.seconds], dtype=np.float64
    )
    written = path.with_name(f'.{path.name}.part')
    with written.open('wb') as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def load(path: Path, *, like: State) -> tuple[State, Progress]:
    """Read what `save` wrote.

    Parameters
    ----------
    path
        An `.npz` file.
    like
        A state of the same network, which gives number and shapes.

    Raises
    ------
    InputError
        The file belongs to another network.
    """
    parts = []
    with np.load(path) as file:
        for part, values in like._asdict().items():
            arrays = [file[key] for key in sorted(file.files) if key.startswith(f'{part}/')]
            shapes = [array.shape for array in arrays]
            wanted = [tuple(value.shape) for value in values]
            if shapes != wanted:
                raise InputError(
                    f'{len(shapes)} arrays of {part} where {len(wanted)} of other shapes belong',
                    where=path,
                    do='continue the run that wrote it, or give another output folder',
                )
            parts.append([keras.ops.convert_to_tensor(array) for array in arrays])
        step, seed, skipped, seconds = file['progress'].tolist()
    progress = Progress(step=int(step), seed=int(seed), skipped=int(skipped), seconds=seconds)
    return State(*parts), progress


def export(
    path: Path,
    *,
    model: keras.Model,
    weights: list[Any],
    others: Sequence[Any] = (),
    narrow: bool = True,
) -> None:
    """Write weights as others load them: Keras's own file.

    Parameters
    ----------
    path
        A file that ends in `.weights.h5`.
    model
        The network; afterwards it carries these weights. Further outputs serve in training
        alone, and their weights are not written.
    weights
        In the order of the model's trained variables.
    others
        In the order of those that are not trained.
    narrow
        Whether numbers are written in float16.
    """
    import h5py

    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, others, strict=False):
        variable.assign(value)
    written = path.with_name(f'.part-{path.name}')
    slim = path.with_name(f'.slim-{path.name}')
    with warnings.catch_warnings():
        # Keras 3.15 copies its variables in a way that NumPy 2 has words for.
        warnings.filterwarnings('ignore', '__array__ implementation', DeprecationWarning)
        drawing(model).save_weights(written)
    if not narrow:
        written.replace(path)
        return

    with h5py.File(written) as source, h5py.File(slim, 'w') as target:

        def copy(name: str, item: Any) -> None:
            """Copy one group or array, with its attributes."""
            if isinstance(item, h5py.Dataset):
                value = item[()]
                narrow = np.float16 if value.dtype == np.float32 else value.dtype
                made = target.create_dataset(name, data=value.astype(narrow))
            else:
                made = target.require_group(name)
            for key, attribute in item.attrs.items():
                made.attrs[key] = attribute

        source.visititems(copy)
        for key, attribute in source.attrs.items():
            target.attrs[key] = attribute
    written.unlink()
    slim.replace(path)


def drawing(model: keras.Model) -> keras.Model:
    """Return a network with its first output alone, the one that draws.

    Parameters
    ----------
    model
        With further outputs, for training; a network with one output is returned as it is.
    """
    if len(model.outputs) == 1:
        return model
    return keras.Model(model.inputs, model.outputs[0], name=model.name)


def initial(path: Path, *, model: keras.Model) -> None:
    """Load exported weights into a network, to start from.

    Parameters
    ----------
    path
        A file that ends in `.weights.h5`.
    model
        The network that takes them.

    Raises
    ------
    UnavailableError
        The file is missing or belongs to another network.
    """
    readers.fill_exported(drawing(model), path)
