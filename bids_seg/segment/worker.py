# SPDX-License-Identifier: Apache-2.0
"""The program in which a network runs: `python -m bids_seg.segment.worker JOB.json`.

It does the visits of its job one after another, writes the files of each when it is done and
one line about it. An error costs its visit alone. What cannot be done for any visit (weights,
device) is written for each of them.
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bids_seg import __version__, image
from bids_seg.errors import FULL, OutputError, StageError, UserError
from bids_seg.image import Volume
from bids_seg.records import ModelRun, Role, from_json, to_json
from bids_seg.segment import devices, models, network, predict, weights
from bids_seg.segment.job import Job, Result, VisitJob, mutual_path
from bids_seg.segment.model import Model
from bids_seg.segment.network import Run

logger = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> int:
    """Do a job and return the exit code: that of the error if nothing could be done at all.

    Parameters
    ----------
    argv
        The path of the job.
    """
    logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s')
    job = from_json(Job, Path(argv[0]).read_text(encoding='utf-8'))
    began = time.monotonic()
    try:
        model = models.find(job.model)
        files = weights.verify(model)
        device = devices.start(job.device, threads=job.threads, seed=job.seed)
        run = network.load(model, files, largest=_largest(job))
    except UserError as error:
        for visit in job.visits:
            _append(job.results, _refused(visit, error, began))
        logger.error('%s', error)
        return error.code
    work(job, model, run, device=device, began=began)
    return 0


def work(job: Job, model: Model, run: Run, *, device: str, began: float) -> None:
    """Do all visits of a job.

    Parameters
    ----------
    job
        What to do.
    model
        Which model.
    run
        Its network.
    device
        Name of the processor, for the record.
    began
        When the program started, on the monotonic clock.
    """
    for visit in job.visits:
        do = partial(_visit, visit, job, model=model, run=run, device=device)
        result = _guarded(visit, began, do)
        _append(job.results, result)
        logger.info('%s: %s in %.1f s', visit.visit, result.status, result.seconds)
        began = time.monotonic()


def _guarded(visit: VisitJob, began: float, do: Callable[[], ModelRun]) -> Result:
    """Do one visit; whatever happens becomes its result."""
    try:
        record = do()
    except UserError as error:
        return _refused(visit, error, began)
    except MemoryError as error:
        full = StageError(
            f'the memory was not enough ({error})',
            where=visit.visit,
            do='give more memory, see --mem, or try --low-mem',
        )
        return _refused(visit, full, began)
    except Exception as error:  # noqa: BLE001 -- one visit fails, the others go on
        if isinstance(error, OSError) and error.errno in FULL:
            return _refused(visit, _no_room(error), began)
        return Result(
            visit=visit.visit,
            status='failed',
            seconds=_since(began),
            peak_mb=_peak_mb(),
            what=f'a defect of bids-seg ({type(error).__name__}: {error})',
            where=visit.visit,
            do='see the crash file and report it',
            trace=traceback.format_exc(),
        )
    return Result(
        visit=visit.visit, status='ok', seconds=_since(began), peak_mb=_peak_mb(), run=record
    )


def _no_room(error: OSError) -> OutputError:
    """Return what a user can do where the work folder's disk is full."""
    return OutputError(
        f'the disk is full ({error.strerror})',
        where=error.filename or 'the work folder',
        do='make room or choose another folder with --work-dir, and run it again',
    )


def _visit(visit: VisitJob, job: Job, *, model: Model, run: Run, device: str) -> ModelRun:
    """Run the network on one visit and write its files."""
    images: dict[Role, Volume] = {}
    for role, path in visit.images.items():
        if not model.contrasts or role in model.contrasts:
            images[role] = image.read_map(path)
    if model.task == 'brain':
        return _brain(visit, images, job=job, model=model, run=run, device=device)
    if visit.brain is None:
        raise StageError(
            'no brain mask, which the tumour networks need',
            where=visit.visit,
            do='run the brain model too, or give masks with --derivatives',
        )
    brain_mask = image.read_labels(visit.brain)
    if not brain_mask.array.any():
        raise StageError(
            'the brain mask is empty',
            where=visit.brain.name,
            do='look at the images: is there a head in them, and is it the right way up?',
        )
    return _tumour(visit, images, brain_mask, model=model, run=run, device=device)


def _brain(
    visit: VisitJob,
    images: Mapping[Role, Volume],
    *,
    job: Job,
    model: Model,
    run: Run,
    device: str,
) -> ModelRun:
    """Draw the brain and write its mask."""
    found = predict.extract_brain(
        images,
        visit.reference,
        model=model,
        run=run,
        stripped=visit.stripped,
        border_mm=job.brain_border_mm,
    )
    image.save(found.mask, visit.outputs['brain_mask'])
    return _record(
        model,
        device,
        images=tuple(images),
        volumes={'brain': _mm3(found.mask)},
        warnings=found.warnings,
    )


def _tumour(
    visit: VisitJob,
    images: Mapping[Role, Volume],
    brain_mask: Volume,
    *,
    model: Model,
    run: Run,
    device: str,
) -> ModelRun:
    """Draw the tumour and write its maps; the label image last."""
    found = predict.draw_tumour(images, brain_mask, model=model, run=run)
    disease, outputs = model.task, visit.outputs
    for region, probability in found.probabilities.items():
        image.save(probability, outputs[f'probseg:{disease}:{region}'])
        image.save(found.masks[region], outputs[f'mask:{disease}:{region}'])
    image.save(found.entropy, outputs[f'entropy:{disease}'])
    mutual = mutual_path(outputs, disease)
    if mutual is not None and found.mutual is not None:
        image.save(found.mutual, mutual)
    image.save(found.labels, outputs[f'dseg:{disease}'])
    return _record(
        model,
        device,
        images=found.images,
        volumes={region: _mm3(mask) for region, mask in found.masks.items()},
        unavailable=found.unavailable,
        warnings=found.warnings,
    )


def _record(
    model: Model,
    device: str,
    *,
    images: tuple[Role, ...],
    volumes: Mapping[str, int],
    unavailable: Mapping[str, str] | None = None,
    warnings: tuple[str, ...],
) -> ModelRun:
    """Return the record of a run."""
    return ModelRun(
        task=model.task,
        model=model.name,
        version=__version__,
        weights_sha256=tuple(member.sha256 for member in model.members),
        images=images,
        regions=tuple(volumes),
        unavailable=unavailable or {},
        volumes_mm3=volumes,
        threshold=model.threshold,
        device=device,
        warnings=warnings,
    )


def _mm3(mask: Volume) -> int:
    """Return the volume of a mask, rounded half up."""
    return int(int(mask.array.sum(dtype='int64')) * mask.grid.voxel_mm3 + 0.5)


def _refused(visit: VisitJob, error: UserError, began: float) -> Result:
    """Return the result of a visit that an error ended."""
    return Result(
        visit=visit.visit,
        status='failed',
        seconds=_since(began),
        peak_mb=_peak_mb(),
        what=error.what,
        where=error.where,
        do=error.do,
    )


def _append(path: Path, result: Result) -> None:
    """Write one line; it is on disk before the next visit begins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('a', encoding='utf-8') as file:
        file.write(to_json(result) + '\n')
        file.flush()
        os.fsync(file.fileno())


def _largest(job: Job) -> int:
    """Return how many voxels may go through the network at once."""
    return network.SMALL_VOXELS if job.low_mem else network.LARGEST_VOXELS


def _since(began: float) -> float:
    """Return seconds since then, to a hundredth."""
    return round(time.monotonic() - began, 2)


def _peak_mb() -> float:
    """Return the largest memory that this program held, megabytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, 1)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
