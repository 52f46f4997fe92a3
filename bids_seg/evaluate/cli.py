# SPDX-License-Identifier: Apache-2.0
"""The side door `bids-seg evaluate`: its command line, streams and exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bids_seg.errors import CommandError, ImageError, OutputError

logger = logging.getLogger(__name__)

_LIMITS = 'WT TC ET brain lesion'
_PREFIX = 'BIDS_SEG_'


def main(argv: Sequence[str] | None = None) -> int:
    """Compare predictions with references, print the table and return an exit code.

    Parameters
    ----------
    argv
        Words after `evaluate`; none: those of this process.

    Returns
    -------
    int
        0: all was compared; 1: a pair or the figures failed, the others are in the table.

    Raises
    ------
    UserError
        If nothing can be compared or written; its `code` is the exit code.
    """
    given = _parser().parse_args(argv)
    names, labels = _regions(given.region)
    if given.min_lesion_mm3 < 0:
        raise CommandError(
            f'{given.min_lesion_mm3:g} is below 0', where='--min-lesion-mm3', do='give mm3'
        )
    # scipy costs half a second: not before the words are known to be right.
    from bids_seg.evaluate.compare import Comparison, compare
    from bids_seg.evaluate.pairs import mask_files, pair
    from bids_seg.evaluate.table import readable, rows, tsv

    for path in (given.prediction, given.reference):
        if not path.exists():
            raise CommandError('no such file or folder', where=path, do='check the name')
    if given.prediction.is_dir() != given.reference.is_dir():
        raise CommandError(
            'one is a folder, the other a file',
            where=f'{given.prediction} and {given.reference}',
            do='give two files or two folders',
        )
    pairs = pair(
        mask_files(given.prediction, labels), mask_files(given.reference, labels), regions=names
    )
    done: list[Comparison] = []
    failed = 0
    for each in pairs:
        name = f'sub-{each.participant} ses-{each.session} {each.region}'
        try:
            done.append(
                compare(each, min_lesion_mm3=given.min_lesion_mm3, challenge=given.challenge)
            )
            note = f'; {done[-1].note}' if done[-1].note else ''
            _say(f'{name}: {each.prediction.relative} against {each.reference.relative}{note}')
        except ImageError as error:
            failed += 1
            _say(f'{name} failed: {error}')
    if not done:
        _say(f'0 compared, {failed} failed; exit 1')
        return 1
    table = rows(done, seed=given.random_seed)
    if given.output is None:
        sys.stdout.write(tsv(table))
    else:
        _write(given.output, tsv(table))
        sys.stdout.write(readable(table))
    if given.figures is not None:
        from bids_seg.evaluate.figures import draw

        written = draw(done, given.figures)
        _say(f'{len(written)} figures in {given.figures}')
    code = 1 if failed else 0
    _say(f'{len(done)} compared, {failed} failed; exit {code}')
    return code


def _parser() -> argparse.ArgumentParser:
    """Return the parser; the environment gives defaults."""
    made = argparse.ArgumentParser(
        prog='bids-seg evaluate',
        description='Compare masks with a reference: overlap, surface, lesion by lesion, volume.',
        epilog='PRED and REF are two NIfTI files or two BIDS derivative folders.',
    )
    made.add_argument('prediction', metavar='PRED', type=Path, help='what is to be judged')
    made.add_argument('reference', metavar='REF', type=Path, help='what is held to be true')
    made.add_argument(
        '--region',
        '--labels',
        nargs='+',
        default=_environment('REGION', '').split() or _environment('LABELS', '').split(),
        metavar='NAME[=VALUES]',
        help=f'only these regions ({_LIMITS}); values as in ET=4 where a label map has no table',
    )
    made.add_argument(
        '--output',
        type=Path,
        default=_environment('OUTPUT', '') or None,
        metavar='F.tsv',
        help='write the table there, and the main figures to stdout',
    )
    made.add_argument(
        '--figures',
        type=Path,
        default=_environment('FIGURES', '') or None,
        metavar='DIR',
        help='draw distributions, and contours of the best, median and worst case',
    )
    made.add_argument(
        '--min-lesion-mm3',
        '--min_lesion_mm3',
        type=float,
        default=_environment('MIN_LESION_MM3', '8'),
        metavar='MM3',
        help='smaller components are no lesions (default: 8)',
    )
    made.add_argument(
        '--challenge',
        choices=('auto', 'GLI', 'METS', 'MEN', 'PED', 'SSA'),
        default=_environment('CHALLENGE', 'auto'),
        help='whose rules the brats2023 figures follow (default: by disease)',
    )
    made.add_argument(
        '--random-seed',
        '--random_seed',
        type=int,
        default=_environment('RANDOM_SEED', '1'),
        metavar='N',
        help='of the bootstrap (default: 1)',
    )
    return made


def _environment(name: str, default: str) -> str:
    """Return what the environment says of an option."""
    return os.environ.get(_PREFIX + name, default)


def _regions(words: Sequence[str]) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    """Return the names of regions, and the values of those that have any."""
    names, labels = [], {}
    for word in words:
        name, _, values = word.partition('=')
        names.append(name)
        if '=' not in word:
            continue
        try:
            labels[name] = tuple(int(value) for value in values.split(','))
        except ValueError as error:
            raise CommandError(
                f'{values!r} is no list of whole numbers',
                where=f'--region {word}',
                do='write NAME=1,4',
            ) from error
    return names, labels


def _write(path: Path, text: str) -> None:
    """Write the table, all of it or nothing."""
    from bids_seg.image import write_bytes

    try:
        write_bytes(path, text.encode())
    except OSError as error:
        raise OutputError(
            f'cannot be written ({error.strerror})', where=path, do='give another --output'
        ) from error


def _say(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f'bids-seg evaluate: {text}\n')
