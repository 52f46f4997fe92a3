# SPDX-License-Identifier: Apache-2.0
"""One unit of each published network at its published size: `python -m benchmarks.published`.

Prints the time and memory of a block, window, patch or slice with seeded weights on two cores;
with `--double` how far float32 is from float64 and how many labels that turns; with `--monai`
the same window through MONAI in another Python that has it, and the distance to it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
UNITS = {
    'nobrainer': (1, 128, 128, 128, 1),
    'segresnet': (1, 240, 240, 160, 4),
    'brainmets': (1, 128, 128, 128, 1),
    'effunet': (1, 256, 256, 3),
    'budakeras-brain': (1, 256, 256, 3),
    'budatorch': (1, 256, 256, 3),
}
"""What each network sees at once."""
SINGLE = ('nobrainer',)
"""TensorFlow has no 3-D maximum pooling in float64."""
LOGIT = {'nobrainer': float(np.log(0.3 / 0.7))}
"""Logit of the threshold where it is not 0."""


def main() -> int:
    """Run every network in a process of its own and print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('--only', nargs='+', choices=tuple(UNITS), default=tuple(UNITS))
    words.add_argument('--double', action='store_true', help='compare with float64')
    words.add_argument('--monai', type=Path, help='a Python that has torch and monai')
    words.add_argument('--child', nargs=3, help=argparse.SUPPRESS)
    said = words.parse_args()
    if said.child:
        name, kind, folder = said.child
        run(name, kind, Path(folder))
        return 0
    print(
        '| network | parameters | as | CPU s | wall s | peak MB | max, rms apart | labels turned |'
    )
    print('|---|---|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as place:
        for name in said.only:
            folder = Path(place) / name
            folder.mkdir()
            _print_row(name, _child(name, 'float32', folder), folder)
            if said.double and name not in SINGLE:
                _print_row(name, _child(name, 'float64', folder), folder)
            if said.monai and name == 'segresnet':
                subprocess.run(
                    [str(said.monai), '-c', MONAI, str(folder)], check=True, env=_environment()
                )
                figures = json.loads((folder / 'monai.json').read_text(encoding='utf-8'))
                _print_row(name, figures, folder)
    return 0


def run(name: str, kind: str, folder: Path) -> None:
    """Run one network once and leave its logits and figures in a folder."""
    import keras
    import tensorflow as tf

    sys.path.insert(0, str(ROOT / 'tests'))
    from published_files import seed_weights

    from bids_seg.segment import models
    from bids_seg.segment.system import Published

    keras.config.set_dtype_policy(kind)
    system = models.find(name).system
    if not isinstance(system, Published):
        message = f'{name} is no system of others'
        raise TypeError(message)
    network = seed_weights(system.build(), 1)
    if name == 'segresnet' and kind == 'float32':
        _save_for_monai(network, folder)
    compiled = tf.function(lambda batch: network(batch, training=False), jit_compile=False)
    batch = tf.constant(_unit(UNITS[name]).astype(kind))
    wall, cpu = time.perf_counter(), time.process_time()
    said = compiled(batch).numpy()
    figures = {
        'parameters': network.count_params(),
        'kind': kind,
        'cpu': time.process_time() - cpu,
        'wall': time.perf_counter() - wall,
        'peak': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    np.save(folder / f'{kind}.npy', said)
    (folder / f'{kind}.json').write_text(json.dumps(figures), encoding='utf-8')


def _unit(shape: tuple[int, ...]) -> np.ndarray:
    """Return a seeded input that is nothing outside of an ellipsoid, as a head without skull."""
    noise = np.random.RandomState(7).standard_normal(shape)
    sides = shape[1:-1]
    axes = np.meshgrid(*[np.linspace(-1.3, 1.3, side) for side in sides], indexing='ij')
    inside = sum(axis**2 for axis in axes) < 1
    return (noise * inside[None, ..., None]).astype(np.float32)


def _save_for_monai(network: object, folder: Path) -> None:
    """Leave the input and the weights, by MONAI's names and in its order of axes."""
    from bids_seg.segment.networks import segresnet

    names = segresnet.names(network)
    tensors = {}
    for weight in network.weights:  # type: ignore[attr-defined]
        values = np.asarray(weight)
        turned = np.transpose(values, (4, 3, 0, 1, 2)) if values.ndim == 5 else values
        tensors[names[weight.path]] = turned
    np.savez(folder / 'monai_in.npz', **tensors)
    np.save(folder / 'monai_x.npy', np.moveaxis(_unit(UNITS['segresnet']), -1, 1))


def _child(name: str, kind: str, folder: Path) -> dict[str, float | str]:
    """Run one network in a process of its own and return its figures."""
    subprocess.run(
        [sys.executable, '-m', 'benchmarks.published', '--child', name, kind, str(folder)],
        check=True, cwd=ROOT, env=_environment(),
    )  # fmt: skip
    found: dict[str, float | str] = json.loads(
        (folder / f'{kind}.json').read_text(encoding='utf-8')
    )
    return found


def _environment() -> dict[str, str]:
    """Return the environment of a process on two cores."""
    two = {'TF_NUM_INTRAOP_THREADS': '2', 'OMP_NUM_THREADS': '2', 'TF_CPP_MIN_LOG_LEVEL': '3'}
    return os.environ | two


def _print_row(name: str, figures: dict[str, float | str], folder: Path) -> None:
    """Print one line; what is not float32 is compared with it."""
    kind = figures['kind']
    apart = turned = ''
    if kind != 'float32':
        ours, other = np.load(folder / 'float32.npy'), np.load(folder / f'{kind}.npy')
        difference = np.abs(ours - other)
        apart = f'{difference.max():.1e}, {np.sqrt((difference**2).mean()):.1e}'
        level = LOGIT.get(name, 0.0)
        turned = f'{((ours > level) != (other > level)).mean():.1e}'
    print(
        f'| {name} | {figures["parameters"]:,} | {kind} | {figures["cpu"]:.1f} | '
        f'{figures["wall"]:.1f} | {figures["peak"]:.0f} | {apart} | {turned} |',
        flush=True,
    )


MONAI = """
import json, resource, sys, time
import numpy as np, torch
from monai.networks.nets import SegResNet
torch.set_num_threads(2)
folder = sys.argv[1]
network = SegResNet(blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), init_filters=16,
                    in_channels=4, out_channels=3, dropout_prob=0.2).eval()
held = np.load(folder + '/monai_in.npz')
network.load_state_dict({name: torch.from_numpy(held[name]) for name in held.files})
x = torch.from_numpy(np.load(folder + '/monai_x.npy'))
wall, cpu = time.perf_counter(), time.process_time()
with torch.no_grad():
    said = network(x).numpy()
figures = {'kind': 'monai', 'cpu': time.process_time() - cpu, 'wall': time.perf_counter() - wall,
           'parameters': sum(p.numel() for p in network.parameters()),
           'peak': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
np.save(folder + '/monai.npy', np.moveaxis(said, 1, -1))
json.dump(figures, open(folder + '/monai.json', 'w'))
"""
"""The same window through MONAI."""

if __name__ == '__main__':
    raise SystemExit(main())
