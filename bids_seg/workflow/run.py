# SPDX-License-Identifier: Apache-2.0
"""One run of the program: its levels, one after the other, and its last line."""

from __future__ import annotations

import dataclasses
import logging
import signal

from bids_seg.errors import NothingToDoError, Terminated, UserError
from bids_seg.settings import Settings
from bids_seg.workflow import choice, folders, log, pages, participants, plan, preview
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Outcome, Tally
from bids_seg.workflow.participants import Chosen

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
    # Nodes work in folders of their own, where a relative path leads nowhere.
    settings = dataclasses.replace(
        settings,
        bids_dir=settings.bids_dir.absolute(),
        output_dir=settings.output_dir.absolute(),
    )
    folders.check_input(settings.bids_dir)
    if settings.dry_run:
        return preview.run(settings)
    made = folders.check_output(settings.output_dir, settings.bids_dir)
    images = 'participant' in settings.analysis_level and not settings.reports_only
    try:
        # What the user gave wrong is said before a log is begun.
        chosen = participants.choose(settings) if images else None
        if not images:
            pages.check(settings)
    except BaseException:
        folders.unmake(made)
        raise
    run_log = log.open_log(settings, work_dir=chosen.work_dir if chosen else None)
    tally, code = Tally(), DEFECT
    try:
        sums = {} if chosen is None else choice.checksums(chosen.networks)
        log.write_settings(run_log, settings, versions=plan.versions(), weights=sums)
        _levels(settings, chosen, log=run_log, tally=tally)
        code = _code(settings, tally.outcome, images=images)
    except UserError as error:
        code = error.code
        logger.error('bids-seg: %s', error)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        logger.error('bids-seg: interrupted; run it again to go on')
    except Terminated:
        code = 128 + signal.SIGTERM
        logger.error('bids-seg: terminated; run it again to go on')
    except Exception:
        logger.exception('bids-seg: a defect of the program; please report it')
    finally:
        _last_line(run_log, tally.outcome, code)
    return code


def _levels(settings: Settings, chosen: Chosen | None, *, log: RunLog, tally: Tally) -> None:
    """Run the levels; that of the group also where visits failed."""
    if chosen is not None:
        participants.run(settings, chosen, log=log, tally=tally)
    elif settings.reports_only and 'participant' in settings.analysis_level:
        pages.again(settings, log, tally)
    if 'group' in settings.analysis_level:
        pages.group(settings)


def _code(settings: Settings, outcome: Outcome, *, images: bool) -> int:
    """Return the exit code of a run that was not broken off."""
    if images and not outcome.locked and set(outcome.visits) <= {'skipped'}:
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
