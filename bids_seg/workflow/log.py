# SPDX-License-Identifier: Apache-2.0
"""What a run says and leaves behind: stderr, one text log, one event file, its settings."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from logging.handlers import MemoryHandler
from pathlib import Path
from typing import Any

from bids_seg.image import write_bytes
from bids_seg.settings import Settings
from bids_seg.workflow.anonymous import Roots, anonymous, roots, without_host

logger = logging.getLogger('bids_seg')


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLog:
    """Where one run writes what it did."""

    run: str
    """Identifier: `YYYYMMDDTHHMMSSZ-<8 hex>`, UTC."""
    folder: Path
    """`logs/` of the output folder."""
    roots: Roots
    """Folders of this machine and what stands for them in files that are shared."""

    @property
    def text(self) -> str:
        """Path of the text log, relative to the output folder."""
        return f'logs/{self.run}.log'

    def crash(self, visit: str, stage: str) -> str:
        """Return the path of a crash file, relative to the output folder."""
        return f'logs/{self.run}/crash-{visit}-{stage}.txt'

    def anonymous(self, text: str) -> str:
        """Return a text without folders of this machine.

        Examples
        --------
        >>> log = RunLog(run='r', folder=Path('logs'), roots=(('/data/x', '<bids>'),))
        >>> log.anonymous('/data/x/sub-01: broken')
        '<bids>/sub-01: broken'
        """
        return anonymous(text, self.roots)

    def event(self, **what: object) -> None:
        """Append one line to the event file; values are made anonymous.

        Parameters
        ----------
        **what
            visit, node, status, reason, seconds, peak_mb.
        """
        told = {
            key: self.anonymous(value) if isinstance(value, str) else value
            for key, value in what.items()
        }
        line = json.dumps(told, ensure_ascii=False)
        # A full disk must not end the run: what it is about is told on the terminal.
        with (
            contextlib.suppress(OSError),
            (self.folder / f'{self.run}.jsonl').open('a', encoding='utf-8') as file,
        ):
            file.write(line + '\n')

    def write_crash(self, visit: str, stage: str, text: str) -> None:
        """Write what is known of a crash as text."""
        path = self.folder.parent / self.crash(visit, stage)
        with contextlib.suppress(OSError):
            write_bytes(path, without_host(self.anonymous(text)).encode())


def identifier() -> str:
    """Return the identifier of a run that begins now."""
    epoch = os.environ.get('SOURCE_DATE_EPOCH', '')
    now = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC) if epoch.isdigit() else None
    moment = now or datetime.datetime.now(datetime.UTC)
    return f'{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}'


def open_log(settings: Settings, *, work_dir: Path | None) -> RunLog:
    """Make the log folder, tell Python's logging where to write, and return the log.

    Parameters
    ----------
    settings
        What was asked for.
    work_dir
        The work folder, for which `<work>` stands; none at group level.
    """
    folder = settings.output_dir / 'logs'
    folder.mkdir(parents=True, exist_ok=True)
    log = RunLog(
        run=identifier(),
        folder=folder,
        roots=roots(bids_dir=settings.bids_dir, out_dir=settings.output_dir, work_dir=work_dir),
    )
    _set_handlers(settings.verbose, folder / f'{log.run}.log')
    return log


def set_stderr(verbose: int) -> None:
    """Send messages to stderr: warnings and progress, more with a higher verbosity."""
    _set_handlers(verbose, None)


def write_settings(
    log: RunLog,
    settings: Settings,
    *,
    versions: Mapping[str, str],
    weights: Mapping[str, str],
) -> None:
    """Write the settings of a run as TOML that `--config-file` takes back.

    Parameters
    ----------
    log
        The run's log.
    settings
        What was asked for; folders and files of this machine stand in comments.
    versions
        Versions of what shapes results.
    weights
        Checksums of the networks' weights.
    """
    lines = [f'# settings of {log.run}; give it back with --config-file']
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value is None or value == ():
            continue
        sign = '# ' if isinstance(value, Path) else ''
        lines.append(f'{sign}{field.name.replace("_", "-")} = {_toml(value)}')
    for title, table in (('versions', versions), ('checksums', weights)):
        lines += ['', f'[{title}]', *(f'{_toml(key)} = {_toml(table[key])}' for key in table)]
    text = log.anonymous('\n'.join(lines) + '\n')
    write_bytes(log.folder / f'{log.run}.toml', text.encode())


def _toml(value: Any) -> str:
    """Return a value as TOML: JSON's form serves for all that settings hold."""
    if isinstance(value, tuple):
        return '[' + ', '.join(_toml(item) for item in value) + ']'
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)


def _set_handlers(verbose: int, path: Path | None) -> None:
    """Replace the handlers of the package's logger, and keep nipype out of stderr."""
    # A disk that is full is told once by who meets it, not for every line.
    logging.raiseExceptions = False
    root = logging.getLogger()
    early: list[logging.LogRecord] = []
    for handler in list(root.handlers):
        if isinstance(handler, MemoryHandler):
            early += handler.buffer
        root.removeHandler(handler)
        handler.close()
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.DEBUG if verbose else logging.INFO)
    screen.addFilter(lambda record: record.name.startswith('bids_seg') or verbose > 1)
    screen.setFormatter(logging.Formatter('%(message)s'))
    root.addHandler(screen)
    root.setLevel(logging.DEBUG if verbose > 1 else logging.INFO)
    logging.getLogger('bids_seg').setLevel(logging.DEBUG if verbose else logging.NOTSET)
    logging.captureWarnings(capture=True)
    if path is None:
        # Kept until there is a file for them.
        root.addHandler(MemoryHandler(capacity=10_000, flushLevel=logging.CRITICAL + 1))
        return
    file = logging.FileHandler(path, encoding='utf-8')
    file.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(name)s: %(message)s'))
    root.addHandler(file)
    for record in early:
        file.handle(record)
