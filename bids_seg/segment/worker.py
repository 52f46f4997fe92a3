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
from bids_seg.segment.job import Choice, Job, Result, VisitJob, mutual_path
from bids_seg.segment.model import Model
from bids_seg.segment.network import Engine
from bids_seg.segment.predict import Tumour
from bids_seg.segment.system import Manner, Published, Scene

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
        choice = job.choice
        model = models.find(choice.model)
        weights.unchanged(choice.weights, choice.sha256)
        device = devices.start(job.device, threads=job.threads, seed=job.seed)
        engine = network.load(
            model,
            choice.weights,
            largest=_largest(job),
            parity=choice.parity,
            dropout=choice.dropout,
            seed=job.seed,
        )
    except UserError as error:
        for visit in job.visits:
            _append(job.results, _refused(visit, error, began))
        logger.error('%s', error)
        return error.code
    work(job, model, engine, device=device, began=began)
    return 0


def check(choice: str) -> None:
    """Fill the networks of a model with its weights, and do no more.

    Parameters
    ----------
    choice
        A `Choice` as JSON.

    Raises
    ------
    UnavailableError
        If the weights do not fit.
    """
    chosen = from_json(Choice, choice)
    devices.start('cpu', threads=1, seed=1)
    network.load(models.find(chosen.model), chosen.weights)


def work(job: Job, model: Model, engine: Engine, *, device: str, began: float) -> None:
    """Do all visits of a job.

    Parameters
    ----------
    job
        What to do.
    model
        Which model.
    engine
        Its networks.
    device
        Name of the processor, for the record.
    began
        When the program started, on the monotonic clock.
    """
    for visit in job.visits:
        do = partial(_visit, visit, job, model=model, engine=engine, device=device)
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


def _visit(visit: VisitJob, job: Job, *, model: Model, engine: Engine, device: str) -> ModelRun:
    """Run the model on one visit and write its files."""
    scene = _scene(visit, model)
    manner = Manner(parity=job.choice.parity, quick=device == 'cpu' and not job.choice.parity)
    record = partial(_record, model, job, device)
    if model.task == 'brain':
        found = predict.extract_brain(
            scene, model=model, engine=engine, border_mm=job.brain_border_mm, manner=manner
        )
        image.save(found.mask, visit.outputs['brain_mask'])
        return record(
            images=found.images, volumes={'brain': _mm3(found.mask)}, warnings=found.warnings
        )
    tumour = predict.draw_tumour(scene, model=model, engine=engine, manner=manner)
    _write(tumour, visit.outputs, disease=model.task)
    return record(
        images=tumour.images,
        volumes={region: _mm3(mask) for region, mask in tumour.masks.items()},
        unavailable=tumour.unavailable,
        warnings=tumour.warnings,
    )


def _scene(visit: VisitJob, model: Model) -> Scene:
    """Read the images of a visit that a model looks at."""
    brain_mask: Volume | None = None
    wanted: set[str] = set(model.contrasts or visit.images)
    if model.task == 'brain':
        wanted.add(visit.reference)
    elif visit.brain is not None:
        brain_mask = image.read_labels(visit.brain)
        if not brain_mask.array.any():
            raise StageError(
                'the brain mask is empty',
                where=visit.brain.name,
                do='look at the images: is there a head in them, and is it the right way up?',
            )
    images = {role: image.read_map(path) for role, path in visit.images.items() if role in wanted}
    return Scene(
        images=images, reference=visit.reference, brain=brain_mask, stripped=visit.stripped
    )


def _write(tumour: Tumour, outputs: Mapping[str, Path], *, disease: str) -> None:
    """Write the maps of a tumour; the label image last."""
    for region, probability in tumour.probabilities.items():
        image.save(probability, outputs[f'probseg:{disease}:{region}'])
        image.save(tumour.masks[region], outputs[f'mask:{disease}:{region}'])
        place = mutual_path(outputs, disease, region)
        if place is not None:
            # What an earlier run left would be taken for this one's.
            place.unlink(missing_ok=True)
            if region in tumour.mutual:
                image.save(tumour.mutual[region], place)
    image.save(tumour.entropy, outputs[f'entropy:{disease}'])
    image.save(tumour.labels, outputs[f'dseg:{disease}'])


def _record(
    model: Model,
    job: Job,
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
        weights_sha256=job.choice.sha256,
        images=images,
        regions=tuple(volumes),
        unavailable=unavailable or {},
        volumes_mm3=volumes,
        threshold=model.threshold,
        peak=model.peak,
        device=device,
        warnings=warnings,
        licence=model.licence.name,
        commercial=model.licence.commercial,
        parity=job.choice.parity and isinstance(model.system, Published),
        shipped=set(job.choice.sha256) <= {member.sha256 for member in model.members},
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
