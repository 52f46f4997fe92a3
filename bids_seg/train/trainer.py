# SPDX-License-Identifier: Apache-2.0
"""The loop: samples in, steps, a line of log now and then, weights out; stops and goes on."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from bids_seg.train import checkpoint, curves, step, stream
from bids_seg.train.checkpoint import Progress
from bids_seg.train.losses import Loss
from bids_seg.train.optimisers import AveragedAdam, Optimiser, State
from bids_seg.train.schedule import Rates
from bids_seg.train.stream import Sample, Source

logger = logging.getLogger(__name__)

CHECKPOINT = 'checkpoint.npz'
LOG = 'log.jsonl'
CURVES = 'curves.svg'


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one start of a run is told."""

    seed: int = 0
    """Seed of the stream; a run that goes on keeps the one it began with."""
    minutes: float | None = None
    """Time after which to stop, whatever is left; None: until all samples are seen."""
    save_every: float = 60.0
    """Seconds between checkpoints."""
    validate_every: float = 480.0
    """Seconds between validations."""
    log_every: int = 50
    """Steps between lines of the log."""
    epoch: int = 0
    """Steps between validations, whatever the time; 0: by the clock."""
    best: bool = False
    """Whether only weights of the best score yet are exported."""
    patience: int = 0
    """Validations in a row without a better score after which the run ends; 0: it goes on."""


Look = Callable[[Callable[[Any], Any], Any], Any]
"""From a network, batch to logits, and the whole image of a visit to its probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run steps, is scored and exported; as it stands, that of our networks."""

    optimiser: Optimiser = field(default_factory=AveragedAdam)
    """What moves the weights."""
    batched: bool = False
    """Whether samples have a batch axis."""
    look: Look | None = None
    """How an image of a visit is looked at; None: at once."""
    narrow: bool = True
    """Whether weights are exported in float16."""


@dataclass(slots=True)
class _Clock:
    """Says when something that recurs is due."""

    every: float
    last: float

    def due(self) -> bool:
        """Return whether the time has come, and begin anew if so."""
        now = time.monotonic()
        if now - self.last < self.every:
            return False
        self.last = now
        return True


class Run:
    """One training run in one folder.

    Parameters
    ----------
    model
        The network; carries the weights to start from.
    loss
        What is made small.
    schedule
        Learning rate, and how many samples.
    regions
        Names of the output channels.
    folder
        Where checkpoint, log, curves and weights are written; made where missing.
    name
        Stem of the file of weights.
    manner
        How it steps, is scored and exported; None: as our networks do.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Loss,
        *,
        schedule: Rates,
        regions: Sequence[str],
        folder: Path,
        name: str,
        manner: Manner | None = None,
    ) -> None:
        self.model = model
        self.manner = manner or Manner()
        self.schedule = schedule
        self.regions = tuple(regions)
        self.folder = folder
        self.weights_file = folder / f'{name}.weights.h5'
        self.state: State = step.start(model, self.manner.optimiser)
        self.progress = Progress()
        self._step = step.make(
            model, loss, optimiser=self.manner.optimiser, batched=self.manner.batched
        )
        self._predict = step.predictor(model)
        self._call = step.caller(model)
        self._recent: list[tuple[float, float]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self) -> bool:
        """Take up the state that an earlier start left; return whether there was one."""
        path = self.folder / CHECKPOINT
        if not path.is_file():
            return False
        self.state, self.progress = checkpoint.load(path, like=self.state)
        return True

    def train(self, source: Source, *, validation: Sequence[Sample], options: Options) -> Progress:
        """Take steps until all samples are seen or the time is over.

        Parameters
        ----------
        source
            The stream of samples, which has to be that of the run's seed.
        validation
            Samples of heads that the stream does not hold.
        options
            Seed, time, how often to tell.

        Returns
        -------
        progress
            How far the run has come.
        """
        began = time.monotonic()
        before = self.progress.seconds
        self.progress = replace(self.progress, seed=options.seed)
        saving = _Clock(options.save_every, began)
        judging = _Clock(options.validate_every, began)
        limit = float('inf') if options.minutes is None else 60 * options.minutes
        samples = stream.ahead(source, self.progress.step)
        try:
            while self.progress.step < self.schedule.samples:
                self._advance(next(samples))
                elapsed = time.monotonic() - began
                self.progress = replace(self.progress, seconds=before + elapsed)
                if self.progress.step % options.log_every == 0:
                    self._log_steps()
                if saving.due():
                    self.save()
                if self._judge(judging, validation, options) or elapsed > limit:
                    break
        finally:
            samples.close()
            self._log_steps()
            self.save()
        if not options.epoch or self.progress.step % options.epoch:
            self.validate(validation, best=options.best)
        return self.progress

    def _judge(self, clock: _Clock, validation: Sequence[Sample], options: Options) -> bool:
        """Validate where it is due; return whether nothing better has come for too long."""
        if not options.epoch:
            if clock.due():
                self.validate(validation, best=options.best)
            return False
        if self.progress.step % options.epoch:
            return False
        self.validate(validation, best=options.best)
        scores = self._scores()
        since = len(scores) - 1 - scores.index(max(scores)) if scores else 0
        return 0 < options.patience <= since

    def save(self) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.folder / CHECKPOINT, state=self.state, progress=self.progress)

    def validate(self, samples: Sequence[Sample], *, best: bool = False) -> dict[str, float]:
        """Score the averaged weights, log it, draw the curves and export the weights.

        Parameters
        ----------
        samples
            What to score on.
        best
            Whether to export only where no earlier score was as good.

        Returns
        -------
        scores
            Median and lowest Dice per region over the samples that hold it.
        """
        dice = [score(self.predict(sample.image), sample) for sample in samples]
        scores: dict[str, float] = {}
        for channel, region in enumerate(self.regions):
            values = np.array([row[channel] for row in dice], dtype=np.float64)
            values = values[np.isfinite(values)]
            if len(values):
                scores[f'{region} median'] = round(float(np.median(values)), 4)
                scores[f'{region} mean'] = round(float(values.mean()), 4)
                scores[f'{region} lowest'] = round(float(values.min()), 4)
        if scores:
            self._write({'validation': scores})
        curves.draw(self.folder / LOG, self.folder / CURVES)
        earlier = self._scores()[:-1]
        if not (best and scores and earlier) or self._scores()[-1] > max(earlier):
            checkpoint.export(
                self.weights_file,
                model=self.model,
                weights=self.state.average,
                others=self.state.others,
                narrow=self.manner.narrow,
            )
        return scores

    def _scores(self) -> list[float]:
        """Return the mean over regions of the score of each validation so far."""
        log = self.folder / LOG
        lines = curves.read(log) if log.is_file() else []
        told = {line['step']: line['validation'] for line in lines if 'validation' in line}
        return [
            float(np.mean([value for name, value in one.items() if name.endswith(' mean')]))
            for at, one in sorted(told.items())
            if at <= self.progress.step
        ]

    def predict(self, image: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the probabilities of the averaged weights, `(I, J, K, R)`.

        Parameters
        ----------
        image
            `(I, J, K, C)`, normalised; a stack of slices is `(S, rows, columns, C)`.
        """
        look = self.manner.look
        if look is None:
            return np.asarray(self._predict(self.state.average, image), dtype=np.float32)

        def call(batch: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
            """Return logits of a batch."""
            said = self._call(self.state.average, self.state.others, ops.convert_to_tensor(batch))
            return np.asarray(said, dtype=np.float32)

        return np.asarray(look(call, image), dtype=np.float32)

    def _advance(self, sample: Sample) -> None:
        """Take one step."""
        seen = self.progress.step
        rate = ops.cast(self.schedule.rate(seen), 'float32')
        count = ops.cast(seen - self.progress.skipped, 'float32')
        self.state, told = self._step(self.state, *sample, rate, count)
        counted = bool(told.counted)
        if not counted:
            logger.warning('Step %d left out: loss or gradient not finite', seen)
        self._recent.append((float(told.loss), float(told.norm)))
        skipped = self.progress.skipped + (not counted)
        self.progress = replace(self.progress, step=seen + 1, skipped=skipped)

    def _log_steps(self) -> None:
        """Write one line on the steps since the last one."""
        recent = np.array(self._recent, dtype=np.float64).reshape(-1, 2)
        recent = recent[np.isfinite(recent).all(axis=1)]
        self._recent.clear()
        if len(recent):
            loss, norm = recent.mean(axis=0)
            rate = self.schedule.rate(self.progress.step)
            self._write({'loss': round(loss, 5), 'norm': round(norm, 4), 'rate': round(rate, 7)})

    def _write(self, said: dict[str, Any]) -> None:
        """Append a line to the log."""
        progress = self.progress
        line = {
            'step': progress.step,
            'of': self.schedule.samples,
            'seconds': round(progress.seconds, 1),
            'skipped': progress.skipped,
            **said,
        }
        with (self.folder / LOG).open('a', encoding='utf-8') as file:
            file.write(json.dumps(line) + '\n')
        logger.info('%s', json.dumps(line))


def score(probability: np.ndarray[Any, np.dtype[np.float32]], sample: Sample) -> list[float]:
    """Return the Dice overlap of each region; not a number where the sample does not hold it.

    Parameters
    ----------
    probability
        `(I, J, K, R)`.
    sample
        Its target; voxels of no weight do not count.

    Examples
    --------
    >>> target = np.zeros((2, 2, 2, 1), np.float32)
    >>> target[0] = 1
    >>> drawn = np.ones((2, 2, 2, 1), np.float32)
    >>> score(drawn, Sample(None, target, np.ones_like(target)))
    [0.66...]
    """
    target = np.asarray(sample.target) >= 0.5
    counted = np.broadcast_to(np.asarray(sample.weight) > 0, target.shape)
    drawn = (probability >= 0.5) & counted
    target = target & counted
    axes = (0, 1, 2)
    shared = np.count_nonzero(drawn & target, axis=axes)
    both = np.count_nonzero(drawn, axis=axes) + np.count_nonzero(target, axis=axes)
    held = np.count_nonzero(target, axis=axes) > 0
    return [
        float(2.0 * one / two) if there else float('nan')
        for one, two, there in zip(shared, both, held, strict=True)
    ]
