# SPDX-License-Identifier: Apache-2.0
"""Start a network in a program of its own, watch it, and tell what became of each visit.

No network runs in a process that nipype will use again: a child that is killed is a named
failure of the visit it was at, and its memory goes back with it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.errors import UnavailableError
from bids_seg.records import to_json
from bids_seg.segment.job import Choice
from bids_seg.workflow.processes import die_with_parent

logger = logging.getLogger(__name__)

LIMIT_S = 3600.0
"""Seconds that one visit may take before its child is taken for hung."""


TAIL_BYTES = 4000
"""How much of what a child wrote is kept where it died."""

DEVICE_LIMIT_S = 300.0
"""Seconds in which TensorFlow must have said which devices there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended."""

    code: int
    """Its return code; below 0 the number of the signal that killed it."""
    tail: str
    """The end of what it wrote to stderr."""


def run_child(words: Sequence[str], *, threads: int, log: Path, limit_s: float) -> Ended:
    """Run a program of Python in a process group of its own and wait for it.

    Parameters
    ----------
    words
        Words after the interpreter.
    threads
        Threads that it may use.
    log
        Where its output goes.
    limit_s
        Seconds after which it is killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('ab') as output:
        began = output.tell()
        child = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(threads),
            process_group=0,
            preexec_fn=die_with_parent,
        )
        try:
            code = child.wait(timeout=limit_s)
        except BaseException as error:
            os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
    with log.open('rb') as output:
        output.seek(max(began, log.stat().st_size - TAIL_BYTES))
        tail = output.read().decode('utf-8', errors='replace')
    return Ended(code=code, tail=tail)


_ASK = """
import json, sys
from bids_seg.errors import UserError
from bids_seg.segment import devices, worker
try:
    {call}
except UserError as error:
    print(json.dumps([error.what, error.where, error.do]))
    sys.exit(error.code)
"""
_LOOK = _ASK.format(call='devices.start(sys.argv[1], threads=1, seed=1)')
_LOAD = _ASK.format(call='worker.check(sys.argv[1])')


def check_device(device: str) -> None:
    """Refuse an accelerator that was asked for by name and is not there.

    Parameters
    ----------
    device
        `gpu` or `gpu:N`.

    Raises
    ------
    UnavailableError
        If TensorFlow, in a program of its own, does not find it.
    """
    where, do = f'--device {device}', 'use --device cpu or auto'
    _ask(_LOOK, device, where=where, do=do, limit_s=DEVICE_LIMIT_S)


def check_weights(choice: Choice) -> None:
    """Refuse weights that do not fit the networks of their model.

    Parameters
    ----------
    choice
        A model and its weights.

    Raises
    ------
    UnavailableError
        If a program of its own cannot fill the networks with them.
    """
    do = f'give the weights that were published for {choice.model}'
    limit = DEVICE_LIMIT_S * max(1, len(choice.weights))
    _ask(_LOAD, to_json(choice), where=f'--weights {choice.model}', do=do, limit_s=limit)


def _ask(code: str, word: str, *, where: str, do: str, limit_s: float) -> None:
    """Run a few lines in a program of its own; its errors become ours."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and module
            [sys.executable, '-c', code, word],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors='replace',
            env=environment(1),
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = f'TensorFlow did not answer within {limit_s:.0f} s'
        raise UnavailableError(what, where=where, do=do) from error
    if done.returncode == UnavailableError.code:
        what, where, do = json.loads(done.stdout.splitlines()[-1])
        raise UnavailableError(what, where=where, do=do)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f'code {done.returncode}'])[-1]
        raise UnavailableError(f'TensorFlow did not start ({last})', where=where, do=do)


def environment(threads: int) -> Mapping[str, str]:
    """Return the environment of a child: its threads, and TensorFlow as Keras' backend.

    Parameters
    ----------
    threads
        Threads that it may use.
    """
    count = str(threads)
    # The child finds the package whatever folder its parent works in.
    package = Path(__file__).resolve().parents[2]
    found = [str(package), *filter(None, [os.environ.get('PYTHONPATH')])]
    return {
        **os.environ,
        'PYTHONPATH': os.pathsep.join(found),
        'TF_NUM_INTRAOP_THREADS': count,
        'TF_NUM_INTEROP_THREADS': '1',
        'OMP_NUM_THREADS': count,
        'OPENBLAS_NUM_THREADS': count,
        'ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS': count,
        'KERAS_BACKEND': 'tensorflow',
        'TF_CPP_MIN_LOG_LEVEL': '2',
    }


def all_visits(
    visits: Sequence[str],
    start: Callable[[Sequence[str]], Ended],
    *,
    results: Path,
    memory_gb: float,
) -> Mapping[str, Mapping[str, Any]]:
    """Return the result of every visit, starting the child again for those after a death.

    Parameters
    ----------
    visits
        Names of the visits, in the order in which the child takes them.
    start
        Runs the child on some of them.
    results
        Where the child appends one JSON line for each visit that it ended.
    memory_gb
        What it was thought to need, for the message.
    """
    results.unlink(missing_ok=True)
    left = list(visits)
    found: dict[str, Mapping[str, Any]] = {}
    while left:
        ended = start(left)
        found |= read_results(results)
        left = [name for name in left if name not in found]
        if not left or ended.code == 0:
            break
        # It was at the first visit without a result: that one is lost, the others are not.
        lost = left.pop(0)
        found[lost] = death(ended, visit=lost, memory_gb=memory_gb)
    for name in left:
        found[name] = _failed(
            'the network gave no result', name, 'run it again, report it if it stays'
        )
    return found


def read_results(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the results that a child wrote, by visit; a line cut short is left out."""
    found: dict[str, Mapping[str, Any]] = {}
    if not path.is_file():
        return found
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            result = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[result['visit']] = result
    return found


def death(ended: Ended, *, visit: str, memory_gb: float) -> Mapping[str, Any]:
    """Return the result of the visit at which a child died.

    Parameters
    ----------
    ended
        How it ended.
    visit
        Name of the visit.
    memory_gb
        What it was thought to need.
    """
    tail = ended.tail or 'it wrote nothing'
    if ended.code == -signal.SIGKILL:
        what = (
            f'its process was killed (SIGKILL), most likely out of memory: '
            f'about {memory_gb:.1f} GB were thought to be enough'
        )
        return _failed(what, visit, 'give more memory, see --mem, or try --low-mem', tail)
    if ended.code < 0:
        name = signal.Signals(-ended.code).name
        return _failed(f'its process was ended by {name}', visit, 'run it again', tail)
    what = f'its process ended with code {ended.code}'
    return _failed(what, visit, 'see the crash file', tail)


def _failed(what: str, where: str, do: str, trace: str = '') -> Mapping[str, Any]:
    """Return the result of a visit that failed, as the child would have written it."""
    return {
        'visit': where,
        'status': 'failed',
        'what': what,
        'where': where,
        'do': do,
        'trace': trace,
    }
