# SPDX-License-Identifier: Apache-2.0
"""The side door `bids-seg demo`: its command line, streams and exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bids_seg.errors import OutputError

_PREFIX = 'BIDS_SEG_'
_MARK = 'Painted heads with known tumours'


def main(argv: Sequence[str] | None = None) -> int:
    """Make the dataset; with `--run` or `--run-truth`, run the program on it and compare.

    Parameters
    ----------
    argv
        Words after `demo`; none: those of this process.

    Returns
    -------
    int
        The highest of the runs; 0 where none was asked for.

    Raises
    ------
    UserError
        If a folder cannot be written or holds something else.
    """
    given = _parser().parse_args(argv)
    _check(given.folder)
    try:
        _make(given.folder, given.seed)
    except OSError as error:
        raise OutputError(
            f'cannot be written ({error.strerror})', where=given.folder, do='give another folder'
        ) from error
    _say(f'dataset in {given.folder}, its truth in {given.folder / "derivatives" / "truth"}')
    from bids_seg.demo import dataset

    codes = []
    if given.run is not None:
        codes.append(_run(given.folder, given.run, given.work_dir, masks=None))
    if given.run_truth is not None:
        truth = given.folder / dataset.TRUTH
        codes.append(_run(given.folder, given.run_truth, given.work_dir, masks=truth))
    return max(codes, default=0)


def _run(folder: Path, output: Path, work_dir: Path | None, *, masks: Path | None) -> int:
    """Run both levels on the dataset, print the comparison, and return the exit code."""
    from bids_seg.demo import course, dataset
    from bids_seg.settings import Settings
    from bids_seg.workflow.run import run

    code = run(
        Settings(
            bids_dir=folder,
            output_dir=output,
            analysis_level=('participant', 'group'),
            work_dir=work_dir,
            segmentations=masks,
        )
    )
    truth = folder / dataset.TRUTH
    if masks is None:
        _compare(output, truth)
    whose = 'of the networks' if masks is None else 'of the truth'
    sys.stdout.write(f'\nLesions and responses, by the masks {whose}\n')
    sys.stdout.write(course.table(course.told(output, truth)))
    sys.stdout.flush()
    for page in sorted(output.glob('*.html')):
        _say(f'page: {page}')
    return code


def _compare(output: Path, truth: Path) -> None:
    """Print how the masks of the networks compare with the truth."""
    from bids_seg.demo import compare
    from bids_seg.errors import NothingToDoError

    try:
        compared = compare.rows(output, truth)
    except NothingToDoError as error:
        _say(str(error))
    else:
        sys.stdout.write(compare.table(compared))


def _make(folder: Path, seed: int) -> None:
    """Make the dataset in a process of its own: the memory of Keras is free when the run begins."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    spawned = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=spawned) as pool:
        pool.submit(_made, folder, seed).result()


def _made(folder: Path, seed: int) -> None:
    """Make the dataset and tell of it on stderr."""
    os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
    # The same bytes with and without a graphics card.
    os.environ['CUDA_VISIBLE_DEVICES'] = ''
    os.environ['TF_ENABLE_ONEDNN_OPTS'] = '0'
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    logging.basicConfig(
        level=logging.WARNING, format='bids-seg demo: %(message)s', stream=sys.stderr
    )
    logging.getLogger('bids_seg.demo').setLevel(logging.INFO)
    from bids_seg.demo import dataset

    dataset.make(folder, seed=seed)


def _check(folder: Path) -> None:
    """Refuse a folder that holds something else than an earlier demo."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    note = folder / 'dataset_description.json'
    if not note.is_file() or _MARK not in note.read_text(encoding='utf-8', errors='replace'):
        raise OutputError(
            'it holds something else', where=folder, do='give an empty folder or a new one'
        )


def _parser() -> argparse.ArgumentParser:
    """Return the parser; the environment gives defaults."""
    made = argparse.ArgumentParser(
        prog='bids-seg demo',
        description='Make a small BIDS dataset of painted heads with known tumours.',
    )
    made.add_argument('folder', metavar='DIR', type=Path, help='where the dataset goes')
    made.add_argument(
        '--seed',
        '--random-seed',
        '--random_seed',
        type=int,
        default=os.environ.get(_PREFIX + 'RANDOM_SEED', '1'),
        metavar='N',
        help='the same seed gives the same bytes (default: 1)',
    )
    made.add_argument(
        '--run',
        type=Path,
        metavar='OUT',
        help='run participant and group level into OUT, and compare with the truth',
    )
    made.add_argument(
        '--run-truth',
        type=Path,
        metavar='OUT',
        help='the same into OUT with the true masks in place of the networks',
    )
    made.add_argument(
        '-w',
        '--work-dir',
        '--work_dir',
        type=Path,
        default=os.environ.get(_PREFIX + 'WORK_DIR') or None,
        metavar='DIR',
        help='intermediate files of that run',
    )
    return made


def _say(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f'bids-seg demo: {text}\n')
