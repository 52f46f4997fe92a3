# SPDX-License-Identifier: Apache-2.0
"""What `bids-seg train` does once its words are read; importing it loads the backend."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path

import keras

from bids_seg.errors import CommandError, OutputError, UnavailableError
from bids_seg.segment import models, weights
from bids_seg.segment.model import Model
from bids_seg.train import (
    calibrate,
    checkpoint,
    heads,
    labelled,
    preview,
    published,
    recipes,
    retrain,
    stream,
    trainer,
)
from bids_seg.train.recipes import Recipe
from bids_seg.train.schedule import Schedule
from bids_seg.train.stream import Sample, Source

logger = logging.getLogger(__name__)

GENTLE = 0.3
"""Share of the learning rate where a run starts from given weights."""


PREVIEWED = 12
"""Painted samples on the page of a preview."""


def run(words: argparse.Namespace) -> int:
    """Train as the command line says and return the exit code.

    Parameters
    ----------
    words
        What the parser of `cli` read.
    """
    _folder(words.out_dir)
    if words.network in published.names():
        if words.calibrate:
            raise CommandError(
                'the probabilities of a published system are taken as they come',
                where=words.network,
                do='calibrate brain, glioma or metastases',
            )
        return retrain.run(words)
    recipe = recipes.RECIPES[words.network]
    if words.calibrate:
        return _only_calibrate(recipe, words)
    read = _labelled if labelled.is_labelled(words.data) else _painted
    source, validation = read(recipe, words)
    if words.preview:
        samples = [source(index) for index in range(PREVIEWED)]
        preview.draw(words.out_dir / 'preview.png', samples=_beside(samples, recipe, words.beside))
        return 0
    keras.utils.set_random_seed(words.seed)
    network = recipes.network(recipe)
    if words.init is not None:
        checkpoint.initial(words.init, model=network)
    peak = words.rate or (recipe.peak if words.init is None else GENTLE * recipe.peak)
    schedule = Schedule(samples=words.samples or recipe.samples, peak=peak)
    regions = models.find(recipe.name).regions
    work = trainer.Run(
        network,
        recipes.loss(recipe),
        schedule=schedule,
        regions=regions,
        folder=words.out_dir,
        name=recipe.name,
    )
    if work.resume():
        logger.info('Going on at sample %d of %d', work.progress.step, schedule.samples)
    told = {key: str(value) for key, value in vars(words).items() if value is not None}
    (words.out_dir / 'command.json').write_text(json.dumps(told, indent=1), encoding='utf-8')
    progress = work.train(
        stream.echoed(source, times=recipe.times, lag=recipe.lag),
        validation=validation,
        options=trainer.Options(
            seed=words.seed, minutes=words.minutes, validate_every=60 * words.validate_minutes
        ),
    )
    logger.info('%d samples seen, weights in %s', progress.step, work.weights_file)
    if validation:
        model = models.find(recipe.name)
        look = calibrate.looking(model, [work.weights_file])
        _calibrate(look, validation, model, words.out_dir)
    return 0


def _beside(samples: list[Sample], recipe: Recipe, dataset: Path | None) -> list[Sample]:
    """Put a real scan of a labelled dataset after each painted one, as far as there are any."""
    if dataset is None:
        return samples
    model = models.find(recipe.name)
    shape = importlib.import_module(f'bids_seg.train.synthesis.{recipe.name}').SHAPE
    return labelled.between(samples, labelled.find(dataset, model), model, shape=shape)


def _only_calibrate(recipe: Recipe, words: argparse.Namespace) -> int:
    """Fit how sure the members of a model may be: those in the folder of a run, or that ship."""
    model = models.find(recipe.name)
    own = [words.out_dir / member.file for member in model.members]
    files = [file for file in own if file.is_file()]
    files = files or [weights.FOLDER / file.name for file in own]
    logger.info('Looking at what %s makes of unseen heads', ', '.join(map(str, files)))
    unseen = heads.left_out(heads.read(words.data, cache=words.out_dir.parent / 'heads'))
    if not unseen:
        raise UnavailableError(
            'no head there is left out of training',
            where=words.data,
            do=f'name a folder that holds the heads {", ".join(heads.LEFT_OUT)}',
        )
    scenes = recipes.painted(recipe, unseen, seed=recipes.VALIDATION_SEED)
    samples = (scenes(index) for index in range(words.calibrate))
    _calibrate(calibrate.looking(model, files), samples, model, words.out_dir)
    return 0


def _calibrate(
    opinions: calibrate.Opinions, samples: Iterable[Sample], model: Model, folder: Path
) -> None:
    """Fit on unseen heads how sure a network may be, and write it down."""
    found = calibrate.fit(opinions, samples, regions=len(model.regions), spacing=model.own.spacing)
    told = {
        region: {'temperature': round(one.temperature, 3), 'shift': round(one.shift, 3)}
        for region, one in zip(model.regions, found, strict=True)
    }
    (folder / 'scaling.json').write_text(json.dumps(told), encoding='utf-8')
    logger.info('Scaling: %s', json.dumps(told))


def _folder(path: Path) -> None:
    """Make the output folder."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f'cannot be made ({error.strerror})', where=path, do='name a folder that can be written'
        ) from error


def _painted(recipe: Recipe, words: argparse.Namespace) -> tuple[Source, list[Sample]]:
    """Return the stream of painted samples, and the scenes that the run is scored on."""
    found = heads.read(words.data, cache=words.out_dir.parent / 'heads')
    source = recipes.painted(recipe, heads.training(found), seed=words.seed)
    if words.preview:
        return source, []
    unseen = heads.left_out(found)
    if not unseen:
        logger.warning('No head is left out: the run is not scored')
        return source, []
    scenes = recipes.painted(recipe, unseen, seed=recipes.VALIDATION_SEED)
    return source, [scenes(index) for index in range(recipe.scenes)]


def _labelled(recipe: Recipe, words: argparse.Namespace) -> tuple[Source, list[Sample]]:
    """Return the stream of samples of a labelled dataset, and the visits that are left out."""
    model = models.find(recipe.name)
    shape = importlib.import_module(f'bids_seg.train.synthesis.{recipe.name}').SHAPE
    seen, unseen = labelled.split(labelled.find(words.data, model))
    source = labelled.source(seen, model, shape=shape, seed=words.seed)
    if words.preview or not unseen:
        return source, []
    fixed = labelled.source(unseen, model, shape=shape, seed=0, vary=False)
    return source, [fixed(index) for index in range(min(len(unseen), recipe.scenes))]
