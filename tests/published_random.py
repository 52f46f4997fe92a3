# SPDX-License-Identifier: Apache-2.0
"""Random weights of the systems of others, in the containers in which theirs were published."""

import numpy as np
from published_files import (
    seed_weights,
    write_checkpoint,
    write_hdf5,
    write_saved_model,
    write_torch_legacy,
    write_torch_zip,
)

from bids_seg.segment import models


def write_random(name, folder, *, seed=1, folds=1):
    """Write random weights of a model and return what `--weights` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    network = seed_weights(models.find(name).system.build(), seed)
    held = {weight.path: np.asarray(weight) for weight in network.weights}
    return WRITERS[name](network, held, folder, folds)


def _nobrainer(network, held, folder, folds):
    from bids_seg.segment.networks import nobrainer

    return _hdf5(folder / 'model.h5', [held[path] for path in nobrainer.order()], whole=True)


def _buda(network, held, folder, folds):
    from bids_seg.segment.networks import buda

    return _hdf5(folder / 'weights.h5', [held[path] for path in buda.weights('none')], whole=False)


def _budatorch(network, held, folder, folds):
    from bids_seg.segment.networks import buda

    named = {name: _to_torch(held[path]) for path, name in buda.names().items()}
    counters = {
        name.replace('running_var', 'num_batches_tracked'): np.array([5], np.int64)
        for name in named
        if name.endswith('running_var')
    }
    return write_torch_legacy(folder / 'unet.pt', {**named, **counters})


def _segresnet(network, held, folder, folds):
    from bids_seg.segment.networks import segresnet

    names = segresnet.names(network)
    named = {name: _to_torch(held[path]) for path, name in names.items()}
    return write_torch_zip(folder / 'model.pt', named)


def _effunet(network, held, folder, folds):
    from bids_seg.segment.networks import effunet

    named = {key: held[path] for path, key in effunet.names('savedmodel').items()}
    return write_saved_model(folder / 'saved', named)


def _brainmets(network, held, folder, folds):
    from bids_seg.segment.networks import brainmets

    names = brainmets.names(network)
    for fold in range(folds):
        moved = {names[path]: values * (1 + 0.01 * fold) for path, values in held.items()}
        write_checkpoint(folder / f'Model_{fold}', moved, name=f'ckpt-best-{90 + fold}', keys='{}')
    return folder


def _hdf5(path, values, *, whole):
    """Write kernels and biases in turn, under numbers that tell nothing."""
    named = {
        f'conv_{9 + at // 2}/{"bias" if at % 2 else "kernel"}:0': v for at, v in enumerate(values)
    }
    return write_hdf5(path, named, whole=whole)


def _to_torch(values):
    """Return a kernel with PyTorch's order of axes."""
    if values.ndim < 3:
        return values
    return np.ascontiguousarray(values.transpose(-1, -2, *range(values.ndim - 2)))


WRITERS = {
    'nobrainer': _nobrainer,
    'effunet': _effunet,
    'budakeras-brain': _buda,
    'budakeras-flair': _buda,
    'budatorch': _budatorch,
    'segresnet': _segresnet,
    'brainmets': _brainmets,
}
