# SPDX-License-Identifier: Apache-2.0
"""Let `python -m bids_seg` do what `bids-seg` does."""

import sys

from bids_seg.cli import main

if __name__ == '__main__':
    sys.exit(main())
