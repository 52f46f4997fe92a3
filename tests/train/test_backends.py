# SPDX-License-Identifier: Apache-2.0
"""What is trained with JAX on an accelerator is what TensorFlow runs on a processor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STEPS = 3
PROGRAM = f"""
import json, sys
from pathlib import Path
import keras, numpy as np
from bids_seg.segment.networks import unet
from bids_seg.train import checkpoint, losses, trainer
from bids_seg.train.schedule import Schedule
from bids_seg.train.stream import Sample

folder, first = Path(sys.argv[1]), sys.argv[2:]


def source(index):
    rng = np.random.default_rng((3, index))
    target = np.zeros((16, 16, 8, 1), np.float32)
    target[4:10, 3:9, 2:6] = 1
    image = (target + rng.normal(0, 0.2, target.shape)).astype(np.float32)
    return Sample(image, target, np.ones_like(target))


network = unet.build(channels=1, regions=1, widths=(4, 8))
if first:
    checkpoint.initial(Path(first[0]), model=network)
run = trainer.Run(network, losses.brain, schedule=Schedule(samples={STEPS}, peak=3e-3),
                  regions=['brain'], folder=folder, name='brain')
checkpoint.export(folder / 'start.weights.h5', model=network, weights=run.state.weights)
run.train(source, validation=[source(9)], options=trainer.Options(log_every=1))
again = unet.build(channels=1, regions=1, widths=(4, 8))
checkpoint.initial(Path(first[1]) if first else run.weights_file, model=again)
drawn = np.asarray(again(source(5).image[None], training=False))
np.save(folder / 'drawn.npy', drawn)
print(json.dumps(keras.backend.backend()))
"""


def train(folder, backend, *words):
    folder.mkdir()
    environment = {**os.environ, 'KERAS_BACKEND': backend, 'JAX_PLATFORMS': 'cpu'}
    environment['PYTHONPATH'] = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PROGRAM, str(folder), *map(str, words)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == backend
    log = [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]
    return [line['loss'] for line in log if 'loss' in line], np.load(folder / 'drawn.npy')


def test_a_run_with_jax_takes_the_steps_of_tensorflow_and_its_weights_draw_the_same(tmp_path):
    pytest.importorskip('jax')
    losses, drawn = train(tmp_path / 'jax', 'jax')
    start, weights = (tmp_path / 'jax' / f'{name}.weights.h5' for name in ('start', 'brain'))
    other_losses, other_drawn = train(tmp_path / 'tensorflow', 'tensorflow', start, weights)
    assert len(losses) == STEPS
    # The start travels in float16.
    np.testing.assert_allclose(other_losses, losses, rtol=3e-3)
    np.testing.assert_allclose(other_drawn, drawn, atol=1e-4)


def test_another_backend_is_refused_with_what_to_do():
    code = 'from bids_seg.train import step; step.compiled(abs)'
    words = [sys.executable, '-c', f'import keras; keras.backend.backend = lambda: "numpy"; {code}']
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert 'set it to tensorflow or jax' in done.stderr
