# SPDX-License-Identifier: Apache-2.0
"""The words of `bids-seg train`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bids_seg.errors import UserError
from bids_seg.train import published

logger = logging.getLogger(__name__)

NETWORKS = ('brain', 'glioma', 'metastases', *published.names())


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(
        prog='bids-seg train',
        description='Train one of the networks on images painted from label maps of heads, or go '
        'on training it on labelled scans; or train the network of a published system by its '
        'own recipe on labelled scans. A run that is started again in the same folder goes '
        'on where it stopped.',
    )
    made.add_argument('network', choices=NETWORKS, help='which network')
    made.add_argument(
        'data',
        type=Path,
        help='folder of head label maps (head-NN_dseg.nii.gz), or a BIDS dataset of scans with '
        'masks under derivatives/',
    )
    made.add_argument('out_dir', type=Path, help='folder for checkpoint, log, curves and weights')
    made.add_argument(
        '--samples', type=_count, metavar='N', help='steps of the whole run, over all starts'
    )
    made.add_argument('--seed', type=int, default=0, help='seed of the samples (default: 0)')
    made.add_argument(
        '--init',
        type=Path,
        metavar='WEIGHTS',
        help='weights to start from (.weights.h5, or as published): transfer learning',
    )
    made.add_argument(
        '--rate',
        type=_above_zero,
        metavar='RATE',
        help="highest learning rate (default: the recipe's, which is lower with --init)",
    )
    made.add_argument(
        '--threads', type=_count, default=1, metavar='N', help='threads of one operation (1)'
    )
    made.add_argument(
        '--minutes', type=float, metavar='M', help='stop after this time; start again to go on'
    )
    made.add_argument(
        '--validate-minutes',
        type=float,
        default=8.0,
        metavar='M',
        help='minutes between validations, each of which writes weights (8)',
    )
    made.add_argument(
        '--calibrate',
        type=_count,
        metavar='N',
        help='do not train: paint N scenes of the heads that training leaves out, fit on them how '
        'sure the networks in OUT_DIR (those that ship where there are none) may be, and write '
        'scaling.json; DATA holds label maps',
    )
    made.add_argument(
        '--preview', action='store_true', help='only draw samples, as preview.png, and stop'
    )
    made.add_argument(
        '--beside',
        type=Path,
        metavar='DATASET',
        help='with --preview: put the scans of this labelled BIDS dataset between the painted ones',
    )
    return made


def _count(text: str) -> int:
    """Read a whole number above zero."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{number} is below 1')
    return number


def _above_zero(text: str) -> float:
    """Read a number above zero."""
    number = float(text)
    if not 0 < number < float('inf'):
        raise argparse.ArgumentTypeError(f'{text} is no number above 0')
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv
        Words after `bids-seg train`; None: those of the process.
    """
    words = parser().parse_args(argv)
    os.environ.setdefault('KERAS_BACKEND', 'tensorflow')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    os.environ.setdefault('TF_NUM_INTRAOP_THREADS', str(words.threads))
    os.environ.setdefault('TF_NUM_INTEROP_THREADS', '2')
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s', stream=sys.stderr)
    # A cluster's time limit ends in SIGTERM: leave as Ctrl-C does, with a checkpoint.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # The command line is read before the heavy libraries are, so that --help answers at once.
    from bids_seg.train import command

    try:
        return command.run(words)
    except UserError as error:
        logger.error('%s', error)
        return error.code


if __name__ == '__main__':
    sys.exit(main())
