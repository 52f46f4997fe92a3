# SPDX-License-Identifier: Apache-2.0
"""nipype as the engine: how it is set up, what it is given, how it is ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from nipype import Workflow, config

from bids_seg.errors import CommandError
from bids_seg.workflow.graph import Limits
from bids_seg.workflow.plugin import SurvivingMultiProcPlugin
from bids_seg.workflow.processes import end_children

logger = logging.getLogger(__name__)

POLL_S = 0.1
"""Seconds between two looks at the queue; nipype's 2 s would be most of a short run."""

Told = Callable[[str, str], None]
"""Is told the full name of a node and `start`, `end` or `exception`."""


def run(
    workflow: Workflow,
    *,
    limits: Limits,
    plugin_file: Path | None,
    crash_dir: Path,
    told: Told,
) -> None:
    """Run a workflow; what its nodes could not do is found in the states, not raised.

    Parameters
    ----------
    workflow
        The graph.
    limits
        What it may use.
    plugin_file
        YAML with `plugin` and `plugin_args`; none: our own pool of processes.
    crash_dir
        Where nipype puts its crash files.
    told
        Called at the start and the end of each node; what it raises ends the run.
    """
    _configure(workflow, crash_dir=crash_dir)
    arguments: dict[str, Any] = {
        'status_callback': lambda node, status: told(node.fullname, status)
    }
    try:
        if plugin_file is None:
            arguments |= {
                'n_procs': limits.processors,
                'memory_gb': limits.memory_gb,
                'raise_insufficient': False,
            }
            workflow.run(plugin=SurvivingMultiProcPlugin(arguments))
        else:
            name, own = read_plugin(plugin_file)
            workflow.run(plugin=name, plugin_args={**own, **arguments})
    except RuntimeError as error:
        # nipype raises the first of all failures once every node that can run has run.
        logger.debug('nipype: %s', error)
    finally:
        end_children()


def read_plugin(path: Path) -> tuple[str, dict[str, Any]]:
    """Return name and arguments of a nipype plugin.

    Parameters
    ----------
    path
        YAML with the keys `plugin` and `plugin_args`.

    Raises
    ------
    CommandError
        If it cannot be read or names no plugin.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CommandError(
            f'cannot be read ({error})', where=path, do='check --use-plugin'
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get('plugin'), str):
        raise CommandError('names no plugin', where=path, do='write e.g. `plugin: MultiProc`')
    arguments = content.get('plugin_args') or {}
    if not isinstance(arguments, dict):
        raise CommandError('plugin_args is no mapping', where=path, do='write key: value pairs')
    return content['plugin'], arguments


def _configure(workflow: Workflow, *, crash_dir: Path) -> None:
    """Set nipype up: no calls home, content hashes, text crash files, no pictures."""
    os.environ.setdefault('LOGNAME', 'bids-seg')
    execution = {
        'check_version': 'false',
        'crashdump_dir': str(crash_dir),
        'crashfile_format': 'txt',
        'create_report': 'false',
        'hash_method': 'content',
        'poll_sleep_duration': str(POLL_S),
        'remove_unnecessary_outputs': 'false',
        'stop_on_first_crash': 'false',
        'use_relative_paths': 'false',
    }
    crash_dir.mkdir(parents=True, exist_ok=True)
    config.update_config({'execution': execution, 'logging': {'log_to_file': 'false'}})
    workflow.config['execution'] = execution
    for name in ('nipype', 'nipype.workflow', 'nipype.interface', 'nipype.utils'):
        quiet = logging.getLogger(name)
        quiet.handlers.clear()
        quiet.propagate = True
        quiet.setLevel(logging.WARNING)
