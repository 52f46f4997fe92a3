# SPDX-License-Identifier: Apache-2.0
"""One run of the program: its levels, one after the other, and its last line."""

from __future__ import annotations

import logging

from bids_seg.errors import NothingToDoError, UserError
from bids_seg.settings import Settings
from bids_seg.workflow import folders, log, pages, participants, plan, preview
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Outcome

logger = logging.getLogger(__name__)

DEFECT = 70
"""Exit code of a defect of the program."""


def run(settings: Settings) -> int:
    """Run the levels that were asked for and return the exit code.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    UserError
        If the user gave something wrong; nothing was begun.
    """
    log.set_stderr(settings.verbose)
    folders.check_input(settings.bids_dir)
    if settings.dry_run:
        return preview.run(settings)
    folders.check_output(settings.output_dir, settings.bids_dir)
    images = 'participant' in settings.analysis_level and not settings.reports_only
    # What the user gave wrong is said before a log is begun.
    chosen = participants.choose(settings) if images else None
    run_log = log.open_log(settings, work_dir=chosen.work_dir if chosen else None)
    log.write_settings(run_log, settings, versions=plan.versions())
    outcome, code = Outcome(), DEFECT
    try:
        if chosen is not None:
            outcome = participants.run(settings, chosen, run_log)
        elif settings.reports_only and 'participant' in settings.analysis_level:
            outcome = pages.again(settings, run_log)
        code = _code(settings, outcome)
    except UserError as error:
        code = error.code
        logger.error('bids-seg: %s', error)
    finally:
        _last_line(run_log, outcome, code)
    return code


def _code(settings: Settings, outcome: Outcome) -> int:
    """Do the group level, also where visits failed, and return the exit code."""
    if 'group' in settings.analysis_level:
        pages.group(settings)
    if outcome.visits and set(outcome.visits) == {'skipped'}:
        raise NothingToDoError(
            'no visit has the images that a chosen model needs',
            where=settings.bids_dir,
            do='see the reasons above, or --dry-run',
        )
    return outcome.code


def _last_line(run_log: RunLog, outcome: Outcome, code: int) -> None:
    """Say how it ended: the last line of every run."""
    logger.info('bids-seg: %s; exit %d; %s', outcome.told, code, run_log.text)
    run_log.event(
        visit=None,
        node='run',
        status=f'exit {code}',
        reason=outcome.told,
        seconds=None,
        peak_mb=None,
    )
