# SPDX-License-Identifier: Apache-2.0
"""bids-seg: brain tumours in MRI, from raw BIDS data to masks, tables and a report.

The rooms stand in the order in which data passes: `discover` finds the files of every
visit, `preprocess` brings them onto one grid, `segment` draws brain and tumour, `measure`
turns masks into lesions, `write` stores BIDS derivatives, `report` makes the pages, and
`workflow` joins them. `records`, `image`, `register` and `errors` lie below all rooms;
`train`, `evaluate` and `demo` are doors of their own.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version
from pathlib import Path as _Path


def _find_version() -> str:
    """Return the text of the file `version` beside the package, else the installed one."""
    beside = _Path(__file__).parent.parent / 'version'
    if beside.is_file():
        return beside.read_text(encoding='utf-8').strip()
    try:
        return _version('bids-seg')
    except PackageNotFoundError:
        return '0+unknown'


__version__ = _find_version()
