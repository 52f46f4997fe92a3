# SPDX-License-Identifier: Apache-2.0
"""nipype's MultiProc plugin, mended to survive a worker that is killed.

As it ships (nipype 1.12 and before), a worker that dies by a signal leaves its task without
a result for ever and the run hangs (nipype#2548). Here the task gets a failure as its
result, the pool is made again, and the run goes on.
"""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from nipype.pipeline.plugins.multiproc import MultiProcPlugin, process_initializer, run_node

from bids_seg.workflow.processes import set_up_worker

logger = logging.getLogger(__name__)

KILLED = 'a worker process was killed, most likely out of memory'
"""First words of the trace of a task whose worker died."""


class SurvivingMultiProcPlugin(MultiProcPlugin):
    """Run nodes in a pool of processes; a killed process costs its tasks, not the run."""

    pool: ProcessPoolExecutor

    def __init__(self, plugin_args: dict[str, Any]) -> None:
        super().__init__(plugin_args=plugin_args)
        # The pool that nipype made has started no process yet.
        self.pool.shutdown(wait=False)
        self.pool = self._pool()

    def _pool(self) -> ProcessPoolExecutor:
        """Return a pool whose workers are forked: nothing in them has threads."""
        return ProcessPoolExecutor(
            max_workers=self.processors,
            initializer=_begin,
            initargs=(self._cwd,),
            mp_context=multiprocessing.get_context('fork'),
        )

    def _submit_job(self, node: Any, updatehash: bool = False) -> int:  # noqa: FBT001, FBT002 -- nipype's
        """Hand one node to the pool, which is made again if it broke."""
        self._taskid += 1
        task = int(self._taskid)
        try:
            future = self.pool.submit(run_node, node, updatehash, task)
        except BrokenProcessPool:
            logger.warning('the pool of workers is started again')
            self.pool.shutdown(wait=False)
            self.pool = self._pool()
            future = self.pool.submit(run_node, node, updatehash, task)
        # The id travels with the callback: a broken future holds no result to read it from.
        future.add_done_callback(lambda done: self._store(task, done))
        self._task_obj[task] = future
        return task

    def _store(self, task: int, future: Future[dict[str, Any]]) -> None:
        """Keep the result of a task, or that it has none."""
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self._taskresult[task] = future.result()
            return
        words = KILLED if isinstance(error, BrokenProcessPool) else repr(error)
        self._taskresult[task] = {'result': None, 'taskid': task, 'traceback': [words]}


def _begin(folder: str) -> None:
    """Set up a worker: the main process alone acts on signals."""
    process_initializer(folder)
    set_up_worker()
