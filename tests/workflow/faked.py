# SPDX-License-Identifier: Apache-2.0
"""The program as it is, but for its networks: a small program stands in for them.

`python faked.py WORDS...` runs the program; `python faked.py --child JOB.json` is the network.
The environment variable FAKED holds JSON: what the child does at a visit: `kill` (itself),
`sleep`, `fail`; otherwise it takes what is not black for brain and what is bright for tumour.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(words: Sequence[str]) -> int:
    """Run the program with the networks replaced."""
    sys.path.insert(0, str(ROOT))
    if words[0] == '--child':
        return child(Path(words[1]))
    from bids_seg.cli import main as program

    replace_networks(setattr)
    return program(words)


def replace_networks(put) -> None:
    """Replace networks and the check of their weights; `put` works like setattr."""
    from bids_seg.segment import weights
    from bids_seg.workflow import network

    run_child = network.run_child

    def run(words, **how):
        return run_child([__file__, '--child', words[-1]], **how)

    put(network, 'run_child', run)
    put(weights, 'verify', lambda _: ())


def child(place: Path) -> int:
    """Do a job without a network."""
    from bids_seg.records import from_json
    from bids_seg.segment.job import Job

    job = from_json(Job, place.read_text())
    plan = json.loads(os.environ.get('FAKED', '{}'))
    for visit in job.visits:
        what = plan.get(visit.visit, '')
        if what == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        if what == 'sleep':
            Path(os.environ['FAKED_AT']).write_text(str(os.getpid()))
            time.sleep(120)
        line = {'visit': visit.visit, 'status': 'ok', 'seconds': 0.1, 'peak_mb': 50.0}
        if what == 'fail':
            line |= {'status': 'failed', 'what': 'it was told to fail', 'where': visit.visit}
            line |= {'do': 'tell it otherwise', 'trace': f'File "{__file__}", line 1\nFailure'}
        else:
            line['run'] = draw(job, visit)
        with job.results.open('a') as file:
            file.write(json.dumps(line) + '\n')
    return 0


def draw(job, visit) -> dict:
    """Write the files of a visit and return what is said of them."""
    import numpy as np

    from bids_seg import __version__, image
    from bids_seg.image import Volume
    from bids_seg.segment import models

    model = models.find(job.choice.model)
    volume = image.read_map(visit.images[visit.reference])
    inside = volume.array > 0

    def save(key, array):
        image.save(Volume(array, volume.grid), visit.outputs[key])

    if model.name == 'brain':
        save('brain_mask', inside.astype(np.uint8))
        volumes = {'brain': int(inside.sum() * volume.grid.voxel_mm3)}
    else:
        tumour = volume.array > 0.8 * volume.array.max()
        share = np.where(tumour, 0.9, 0.1).astype(np.float32)
        for region in model.regions:
            save(f'probseg:{model.name}:{region}', share)
            save(f'mask:{model.name}:{region}', tumour.astype(np.uint8))
        save(f'entropy:{model.name}', np.full(share.shape, 0.469, np.float32))
        classes = 3 if 'ET' in model.regions else 5
        save(f'dseg:{model.name}', np.where(tumour, classes, 0).astype(np.uint8))
        volumes = dict.fromkeys(model.regions, int(tumour.sum() * volume.grid.voxel_mm3))
    return {
        'task': model.name,
        'model': model.name,
        'version': __version__,
        'weights_sha256': list(job.choice.sha256),
        'images': list(visit.images),
        'regions': list(volumes),
        'unavailable': {},
        'volumes_mm3': volumes,
        'threshold': 0.5,
        'device': 'cpu',
        'warnings': [],
    }


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
