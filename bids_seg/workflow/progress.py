# SPDX-License-Identifier: Apache-2.0
"""How a run goes on: one line and one event for each visit and stage, and the counts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_seg.workflow.history.job import FollowResult
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Tally
from bids_seg.workflow.plugin import KILLED
from bids_seg.workflow.state import VisitState, load, load_as

logger = logging.getLogger(__name__)

STAGES = ('prepare', 'brain', 'glioma', 'metastases', 'finish')
"""Stages of a visit in order."""


class Stopped(BaseException):
    """The first failure ends the run, as was asked for; nipype shall not handle it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a node of the graph is about."""

    stage: str
    """Its stage."""
    states: tuple[VisitState, ...]
    """Its visits, as they were planned."""
    participant: str = ''
    """Label without `sub-` where it is about a participant as a whole."""
    result: Path | None = None
    """Where it is kept what became of that."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files of their states after it."""
        return tuple(state.at(self.stage) for state in self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Is told by nipype what becomes of each node, and tells the user."""

    log: RunLog
    """Where it is told."""
    tally: Tally
    """The counts."""
    watched: Mapping[str, Watched]
    """What each node is about, by its full name."""
    stop: bool
    """Whether the first failure ends the run."""

    def told(self, node: str, status: str) -> None:
        """Tell what became of a node.

        Parameters
        ----------
        node
            Its full name.
        status
            `start`, `end` or `exception`.

        Raises
        ------
        Stopped
            If a visit failed and that is to end the run.
        """
        about = self.watched.get(node)
        if about is None:
            return
        if status == 'start':
            for state in about.states:
                if about.stage not in ('glioma', 'metastases') or about.stage in state.tasks:
                    logger.debug('%s %s: begins', state.visit.name, about.stage)
        elif status == 'end' and about.result is not None:
            self._followed(about.result)
        elif status == 'end':
            self._ended(about)
        elif status == 'exception' and about.participant:
            tell(self.log, f'sub-{about.participant}', about.stage, 'broken', reason=KILLED)
        elif status == 'exception':
            for state in about.states:
                tell(self.log, state.visit.name, about.stage, 'broken', reason=KILLED)

    def _followed(self, place: Path) -> None:
        """Tell that the lesions of a participant were followed, well or not."""
        result = load_as(FollowResult, place)
        tell(
            self.log,
            f'sub-{result.participant}',
            'follow',
            'failed' if result.error else 'ok',
            reason=result.error,
            seconds=result.seconds,
            peak_mb=result.peak_mb,
        )
        if result.error and self.stop:
            raise Stopped

    def _ended(self, about: Watched) -> None:
        """Tell that a stage of some visits has come to its end, well or not."""
        failed = False
        for path in about.paths:
            state = load(path)
            failure = state.failure
            if about.stage == 'finish':
                self.tally.visit(state.visit.name, 'ok' if failure is None else 'failed')
            failed = failed or failure is not None
            costs = [cost for cost in state.costs if cost.stage == about.stage]
            if not costs and not (failure is not None and failure.stage == about.stage):
                continue
            tell(
                self.log,
                state.visit.name,
                about.stage,
                'ok' if failure is None else 'failed',
                reason='' if failure is None else failure.told,
                seconds=costs[-1].seconds if costs else None,
                peak_mb=costs[-1].peak_mb if costs else None,
            )
        if failed and self.stop:
            raise Stopped


def tell(
    log: RunLog,
    visit: str,
    node: str,
    status: str,
    *,
    reason: str = '',
    seconds: float | None = None,
    peak_mb: float | None = None,
) -> None:
    """Write one line to stderr and log, and one event.

    Parameters
    ----------
    log
        The run's log.
    visit, node
        Whom it is about.
    status
        ok, up to date, skipped, failed, or broken for a node that is tried once more.
    reason
        Why.
    seconds, peak_mb
        What it took.
    """
    took = '' if seconds is None else f' {seconds:.1f} s'
    levels = {'failed': logging.ERROR, 'broken': logging.WARNING}
    tail = f': {reason}' if reason else ''
    logger.log(levels.get(status, logging.INFO), '%s %s: %s%s%s', visit, node, status, took, tail)
    log.event(
        visit=visit, node=node, status=status, reason=reason, seconds=seconds, peak_mb=peak_mb
    )
