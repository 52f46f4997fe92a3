# SPDX-License-Identifier: Apache-2.0
"""Texts that may be shared: no folder, no host and no user of the machine that made them."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
"""Folder in which the package lies."""

_PATH = re.compile(r'(?<![\w.:/<>~*+,)-])/(?:[\w.+-]+/)+([\w.+-]*)')
_LIBRARY = re.compile(r'(?<![\w.>-])/(?:[\w.+-]+/)*(?:site|dist)-packages/')

Roots = tuple[tuple[str, str], ...]
"""Folders of this machine and what stands for them, the longest first."""


def roots(*, bids_dir: Path, out_dir: Path, work_dir: Path | None) -> Roots:
    """Return the folders of this machine that may turn up in a text.

    Parameters
    ----------
    bids_dir, out_dir, work_dir
        The folders of a run; none where it has no work folder.
    """
    named: list[tuple[Path, str]] = [
        (bids_dir, '<bids>'),
        (out_dir, '<out>'),
        (PACKAGE / 'bids_seg', '<package>'),
        (Path(sys.prefix), '<python>'),
        (Path(sys.base_prefix), '<python>'),
        (Path(tempfile.gettempdir()), '<tmp>'),
    ]
    if work_dir is not None:
        named.insert(0, (work_dir, '<work>'))
    found: dict[str, str] = {}
    for path, name in named:
        for text in (str(path.resolve()), str(path)):
            if text.startswith('/') and len(text) > 1:
                found.setdefault(text, name)
    # The longest first: one folder may lie in another.
    return tuple(sorted(found.items(), key=lambda root: -len(root[0])))


def anonymous(text: str, known: Roots) -> str:
    """Return a text without folders of this machine.

    Parameters
    ----------
    text
        Any text.
    known
        What `roots` returned.

    Examples
    --------
    >>> anonymous('/data/x/sub-01: broken, see /srv/y/z.txt', (('/data/x', '<bids>'),))
    '<bids>/sub-01: broken, see <path>/z.txt'
    """
    text = _LIBRARY.sub('<library>/', text)
    for folder, name in known:
        text = re.sub(re.escape(folder) + r'(?![\w.-])', name, text)
    return _PATH.sub(r'<path>/\1', text)


def without_host(text: str) -> str:
    """Return a text without the name of this machine, as crash texts of nipype hold it."""
    host = platform.node()
    return re.sub(rf'\b{re.escape(host)}\b', '<host>', text) if len(host) > 2 else text
