#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run bids-seg: `python run.py BIDS_DIR OUTPUT_DIR participant group`."""

import sys

from bids_seg.cli import main

if __name__ == '__main__':
    sys.exit(main())
