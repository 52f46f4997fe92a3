# SPDX-License-Identifier: Apache-2.0
"""Which processor a network runs on; TensorFlow is told before it starts, and started here."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Any

from bids_seg.errors import CommandError, UnavailableError

logger = logging.getLogger(__name__)

HIDDEN = ('sklearn', 'matplotlib', 'pandas', 'torch', 'jax')
"""Keras imports these whenever it finds them; a program that only infers needs none."""


def check(device: str) -> None:
    """Refuse a word that names no device.

    Parameters
    ----------
    device
        `auto`, `cpu`, `gpu` or `gpu:N`.

    Raises
    ------
    CommandError
        If it is another word.

    Examples
    --------
    >>> check('gpu:1')
    """
    if not re.fullmatch(r'auto|cpu|gpu(:\d+)?', device):
        raise CommandError(
            f'no device {device!r}', where='--device', do='choose auto, cpu, gpu or gpu:N'
        )


def start(device: str, *, threads: int, seed: int) -> str:
    """Start TensorFlow on a device and return its name: `cpu`, or that of the accelerator.

    Parameters
    ----------
    device
        `auto` takes an accelerator if there is one; `gpu` insists on it.
    threads
        Threads of one operation.
    seed
        Of Keras; inference draws nothing, so this is for good measure.

    Raises
    ------
    UnavailableError
        If an accelerator was asked for and there is none.
    """
    check(device)
    _before_import(device, threads)
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    gpus = [] if device == 'cpu' else tf.config.list_physical_devices('GPU')
    chosen = _chosen(device, gpus)
    tf.config.set_visible_devices([] if chosen is None else [chosen], 'GPU')
    if chosen is None:
        if device == 'auto':
            logger.info('no accelerator was found, the network runs on the CPU')
        return 'cpu'
    tf.config.experimental.set_memory_growth(chosen, True)  # noqa: FBT003 -- TensorFlow's own
    details = tf.config.experimental.get_device_details(chosen)
    return str(details.get('device_name', chosen.name))


def _before_import(device: str, threads: int) -> None:
    """Set what TensorFlow and Keras read when they are imported."""
    os.environ['KERAS_BACKEND'] = 'tensorflow'
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    os.environ['TF_NUM_INTRAOP_THREADS'] = str(threads)
    os.environ['TF_NUM_INTEROP_THREADS'] = '1'
    os.environ['OMP_NUM_THREADS'] = str(threads)
    if device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    if 'keras' not in sys.modules:
        modules: dict[str, Any] = sys.modules  # None is Python's own word for "not to be had"
        for name in HIDDEN:
            modules.setdefault(name, None)


def _chosen(device: str, gpus: list[Any]) -> Any | None:
    """Return the accelerator to be used; None for the CPU."""
    if device == 'cpu' or (device == 'auto' and not gpus):
        return None
    number = int(device.partition(':')[2] or 0)
    if number >= len(gpus):
        raise UnavailableError(
            f'{len(gpus)} accelerators were found by TensorFlow',
            where=f'--device {device}',
            do='use --device cpu or auto, or install the GPU edition and its driver',
        )
    return gpus[number]
