# SPDX-License-Identifier: Apache-2.0
"""What was wanted of the networks and what was reached, in one table: the end of `make figures`.

The other benchmarks write down what they reached; `python -m benchmarks.summary` prints it beside
what was wanted.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / '.bench' / 'reached.json'

ROWS: tuple[tuple[str, str, str], ...] = (
    (
        'brain painted',
        'brain, unseen painted heads: Dice median, mean, worst',
        'mean .975, worst .95',
    ),
    ('brain real', 'brain, fg6692, against HD-BET: T1w, T1wCE, T2w, FLAIR', 'each .96'),
    ('brain volume', 'the same: volume by that of HD-BET', 'stated'),
    ('glioma real', 'WT, TC, ET of 3 BraTS cases: mean Dice', '.88, .80, .75'),
    ('glioma painted', 'WT; TC; ET of unseen painted heads: Dice median, mean, worst', 'stated'),
    ('enhancing', 'thick post-contrast slices: lesion found', 'all'),
    ('false', 'the same: false lesions a visit', '1'),
    ('signs', 'the same: sign of the change between two visits', 'all right'),
    ('healthy glioma', 'heads without tumour: glioma, mL', 'below 1'),
    ('healthy metastases', 'heads without tumour with post-contrast T1w: metastases', 'at most 1'),
    (
        'metastases painted',
        'painted metastases found, 3-5, 5-10, 10-20, >20 mm; false a head',
        '.70, .90, .98, 1.0; 1',
    ),
    ('metastases real', 'met110: Dice; false', '.80; 1'),
    ('calibration brain', 'calibration error, brain: all voxels (median of heads)', '.03'),
    ('calibration glioma', 'the same, WT, TC, ET', '.03'),
    ('calibration metastases', 'the same, metastases', '.03'),
    ('calibration real', 'the same, WT, TC, ET of 3 BraTS cases: all voxels', 'stated'),
    ('glioma missing', 'mean Dice lost without T1w, T2w or both', '.03'),
)
"""Key, what it is, what is wanted."""


def record(key: str, reached: str) -> None:
    """Write down what was reached.

    Parameters
    ----------
    key
        First column of `ROWS`.
    reached
        Figures.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    if key not in [row[0] for row in ROWS]:
        message = f'there is no row {key!r}'
        raise ValueError(message)
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps({**known, key: reached}, indent=1))


def main() -> int:
    """Print the table."""
    known = json.loads(FILE.read_text()) if FILE.is_file() else {}
    print('\n| what | wanted | reached |\n|---|---|---|')
    for key, what, wanted in ROWS:
        print(f'| {what} | {wanted} | {known.get(key, "-")} |')
    return 0


if __name__ == '__main__':
    sys.exit(main())
