# SPDX-License-Identifier: Apache-2.0
"""Training a published network by its own recipe on a labelled dataset."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import keras

from bids_seg.errors import InputError
from bids_seg.segment import models, readers
from bids_seg.segment.system import Published
from bids_seg.train import checkpoint, labelled, published, trainer, visits
from bids_seg.train.preset import Preset
from bids_seg.train.schedule import Fall
from bids_seg.train.visits import Visit

logger = logging.getLogger(__name__)


def run(words: argparse.Namespace) -> int:
    """Train as the command line says and return the exit code.

    Parameters
    ----------
    words
        What the parser of `cli` read.

    Raises
    ------
    InputError
        If the data are no labelled dataset.
    """
    preset = published.find(words.network)
    if not labelled.is_labelled(words.data):
        raise InputError(
            f'{preset.name} learns from labelled scans, and this is no dataset of them',
            where=words.data,
            do='give a BIDS dataset with masks under derivatives/',
        )
    model = models.find(preset.name)
    seen, unseen = labelled.split(labelled.find(words.data, model))
    folder = words.out_dir / 'prepared'
    learnt = visits.Shelf(folder, seen, model=model, prepare=preset.prepare)
    if words.preview:
        logger.warning('There is no preview of a published recipe; %s was prepared', folder)
        return 0
    judged: Sequence[Visit] = (
        visits.Shelf(folder, unseen, model=model, prepare=preset.prepare) if unseen else ()
    )
    if not judged:
        logger.warning('Fewer than three participants: the run is not scored')
    keras.utils.set_random_seed(words.seed)
    work, options = prepared(preset, learnt, words)
    if work.resume():
        logger.info('Going on at step %d of %d', work.progress.step, work.schedule.samples)
    told = {key: str(value) for key, value in vars(words).items() if value is not None}
    (words.out_dir / 'command.json').write_text(json.dumps(told, indent=1), encoding='utf-8')
    progress = work.train(
        preset.source(learnt, seed=words.seed),
        validation=visits.Unseen(judged, preset.given),
        options=options,
    )
    logger.info('%d steps taken, weights in %s', progress.step, work.weights_file)
    return 0


def prepared(
    preset: Preset, learnt: Sequence[Visit], words: argparse.Namespace
) -> tuple[trainer.Run, trainer.Options]:
    """Return a run that has not begun, and what it is told.

    Parameters
    ----------
    preset
        The recipe.
    learnt
        What it learns from.
    words
        What the parser of `cli` read.
    """
    network = preset.build()
    if words.init is not None:
        initial(words.init, preset=preset, network=network)
    steps = preset.epoch(learnt)
    schedule = Fall(
        samples=words.samples or preset.epochs * steps,
        peak=words.rate or (preset.rate if words.init is None else preset.transfer),
        shape=preset.fall,
        epoch=steps,
    )
    work = trainer.Run(
        network,
        preset.loss,
        schedule=schedule,
        regions=preset.regions,
        folder=words.out_dir,
        name=preset.name,
        manner=trainer.Manner(
            optimiser=preset.optimiser, batched=True, look=preset.look, narrow=False
        ),
    )
    options = trainer.Options(
        seed=words.seed,
        minutes=words.minutes,
        epoch=steps,
        best=preset.best,
        patience=preset.patience,
    )
    return work, options


def initial(path: Path, *, preset: Preset, network: keras.Model) -> None:
    """Fill a network with weights to start from: a file of ours, or the published one.

    Parameters
    ----------
    path
        A `.weights.h5` file that was trained here, or what the authors published.
    preset
        The recipe.
    network
        As the recipe makes it; outputs for training alone that a file lacks stay random.

    Raises
    ------
    UnavailableError
        If the weights do not fit.
    """
    system = models.find(preset.name).system
    if readers.is_exported(path) or not isinstance(system, Published):
        checkpoint.initial(path, model=network)
    else:
        system.load(network, path)
