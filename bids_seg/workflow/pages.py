# SPDX-License-Identifier: Apache-2.0
"""Pages from what lies in the output: the group level, and `--reports-only`."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from bids_seg import __version__
from bids_seg.errors import NothingToDoError
from bids_seg.settings import Settings
from bids_seg.workflow import finish
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Tally
from bids_seg.write import dataset, standard
from bids_seg.write import group as group_tables

logger = logging.getLogger(__name__)


def check(settings: Settings) -> None:
    """Refuse to build pages where there are no results.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    NothingToDoError
        If there are no results, or none of the participants asked for.
    """
    found = participants(settings.output_dir)
    wanted = settings.participant_label
    if not found or (wanted and not set(found) & set(wanted)):
        raise NothingToDoError(
            'no results of the participants asked for' if wanted else 'no results in it',
            where=settings.output_dir,
            do='run the participant level first',
        )


def again(settings: Settings, log: RunLog, tally: Tally) -> None:
    """Build the pages of participants again.

    Parameters
    ----------
    settings
        What was asked for.
    log
        Where failures are told.
    tally
        Where they are counted.
    """
    found = participants(settings.output_dir)
    wanted = settings.participant_label or found
    for label in found:
        if label in wanted and not _page(label, settings, log):
            tally.page_failed(label)


def group(settings: Settings) -> None:
    """Write the tables and the page of the group.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    NothingToDoError
        If there are no results.
    """
    if not participants(settings.output_dir):
        raise NothingToDoError(
            'no results of any participant',
            where=settings.output_dir,
            do='run the participant level first',
        )
    from bids_seg import report

    bids_dir = settings.bids_dir if any(settings.bids_dir.glob('sub-*')) else None
    dataset.write_root(settings.output_dir, dataset.Origin(version=__version__, bids_dir=bids_dir))
    group_tables.write_tables(settings.output_dir, bids_dir=bids_dir)
    standard.write_shares(settings.output_dir)
    report.group(settings.output_dir)
    logger.info('group: ok')


def participants(out_dir: Path) -> list[str]:
    """Return the labels of participants that have results, sorted.

    Parameters
    ----------
    out_dir
        Root of the output.
    """
    folders = (path for path in out_dir.glob('sub-*') if path.is_dir())
    return sorted(path.name.removeprefix('sub-') for path in folders)


def _page(label: str, settings: Settings, log: RunLog) -> bool:
    """Build one page; return whether it was made."""
    try:
        finish.page(
            label,
            settings.output_dir,
            aggregate=settings.aggregate_session_reports,
            viewer=settings.viewer,
            keep_dates=settings.keep_dates,
        )
    except Exception:
        log.write_crash(f'sub-{label}', 'report', traceback.format_exc())
        logger.exception('sub-%s report: failed', label)
        return False
    logger.info('sub-%s report: ok', label)
    return True
