# SPDX-License-Identifier: Apache-2.0
"""A worker of the pool that is killed costs its node, not the run."""

import os
import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings('default')


def work(folder, name):
    """Be killed, sleep, or write a file: runs in a worker of the pool."""
    if name == 'killed':
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    Path(folder, name).write_text('done')
    return name


def test_a_killed_worker_does_not_hang_the_run(tmp_path):
    from nipype import Function, Node, Workflow

    from bids_seg.workflow import engine
    from bids_seg.workflow.graph import Limits

    def workflow(names):
        made = Workflow(name='w', base_dir=str(tmp_path / 'nipype'))
        for name in names:
            interface = Function(['folder', 'name'], ['out'], function=work, imports=IMPORTS)
            node = Node(interface, name=f'node_{name}')
            node.inputs.folder, node.inputs.name = str(tmp_path), name
            made.add_nodes([node])
        return made

    told = []
    began = time.monotonic()
    engine.run(
        workflow(['killed', *'abcdef']),
        limits=Limits(processors=2, threads=1, memory_gb=4),
        plugin_file=None,
        crash_dir=tmp_path / 'crash',
        told=lambda node, status: told.append((node, status)),
    )
    assert time.monotonic() - began < 60
    done = {path.name for path in tmp_path.iterdir() if path.is_file()}
    # The other worker's node may fall with the pool; all that came later are done.
    assert len(done & set('abcdef')) >= 5
    assert ('w.node_killed', 'exception') in told


IMPORTS = ['import os, signal, time', 'from pathlib import Path']
