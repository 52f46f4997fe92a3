# SPDX-License-Identifier: Apache-2.0
"""Run the program on a real scan with every system of others: `python -m benchmarks.published_in_app`.

Weights are random, in the containers in which others published theirs, so what is drawn means
nothing: the run counts, its exit code, its time and its memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from bids_seg.segment import models
from bids_seg.workflow.choice import OPTIONS

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from published_random import WRITERS, write_random  # noqa: E402


def main() -> int:
    """Write the weights where they are not yet there, run everything and print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument('bids_dir', type=Path, help='dataset with all four contrasts')
    words.add_argument('--out', type=Path, default=ROOT / '.bench' / 'published')
    words.add_argument('--only', nargs='+', choices=tuple(WRITERS), default=tuple(WRITERS))
    words.add_argument('--folds', type=int, default=1, help='networks of brainmets')
    words.add_argument('--parity', action='store_true', help='as the originals')
    said = words.parse_args()
    out = said.out.resolve()
    print('| system | exit code | seconds | seconds of its stage | peak MB | drawn, ml |')
    print('|---|---|---|---|---|---|')
    for name in said.only:
        place = out / 'weights' / name
        if not place.exists():
            write_random(name, place, folds=said.folds)
        more = ('--parity',) if said.parity else ()
        print(_row(name, _weights(place), said.bids_dir.resolve(), out, more), flush=True)
    return 0


def _weights(folder: Path) -> Path:
    """Return what is given to the program: the one file or folder, or the folder of folds."""
    found = sorted(folder.iterdir())
    return folder if found[0].name.startswith('Model_') else found[0]


def _row(name: str, weights: Path, bids_dir: Path, out: Path, more: tuple[str, ...]) -> str:
    """Run one system and return its line of the table."""
    model = models.find(name)
    target = out / ('-'.join([name, *(word.strip('-') for word in more)]))
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / 'run.py'), str(bids_dir), str(target), 'participant'),
            *('--work-dir', str(out / 'work' / target.name), '--overwrite', 'always'),
            *('--models', model.task, f'--{OPTIONS[model.task]}', name),
            *('--weights', f'{name}={weights}', '--nprocs', '2', '--skip-bids-validation', *more),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        print(f'# {name}: {done.stderr.strip()[-600:]}', file=sys.stderr, flush=True)
    logs = sorted(target.glob('logs/*.jsonl'))[-1:]
    events = [json.loads(line) for path in logs for line in path.open()]
    stage = [event for event in events if event['node'] == model.task]
    taken = sum(event['seconds'] or 0 for event in stage)
    peak = max((event['peak_mb'] or 0 for event in stage), default=0)
    cells = (
        name,
        done.returncode,
        f'{seconds:.0f}',
        f'{taken:.0f}',
        f'{peak:.0f}',
        _ml(target, model.name),
    )
    return '| ' + ' | '.join(map(str, cells)) + ' |'


def _ml(target: Path, name: str) -> str:
    """Return the volumes that a model drew, from the summary of the visit."""
    for path in target.rglob('*.json'):
        held = json.loads(path.read_text(encoding='utf-8'))
        for run in held.get('models', ()) if isinstance(held, dict) else ():
            if run.get('model') == name:
                volumes = run['volumes_mm3'].items()
                return ', '.join(f'{region} {mm3 / 1000:.0f}' for region, mm3 in volumes)
    return 'n/a'


if __name__ == '__main__':
    sys.exit(main())
