# SPDX-License-Identifier: Apache-2.0
"""A digest of what goes into a visit, so that a later run knows what is up to date."""

import hashlib
import json
from collections.abc import Sequence

from bids_seg.records import Given, Visit


def input_sha256(visit: Visit, given: Sequence[Given] = ()) -> str:
    """Return a digest of a visit's images, the sidecar fields that are used, and given masks.

    Parameters
    ----------
    visit
        Its files are read whole, as they lie on disk.
    given
        Masks that take the place of networks.

    Notes
    -----
    Time stamps and the place of the dataset do not count; roles and names do.
    """
    total = hashlib.sha256()
    for scan in visit.scans:
        with scan.path.open('rb') as file:
            content = hashlib.file_digest(file, 'sha256').hexdigest()
        line = [scan.role, scan.relative, content, dict(scan.metadata)]
        total.update(json.dumps(line, sort_keys=True, default=str).encode())
    for each in given:
        total.update(f'{each.task} {each.sha256}'.encode())
    return total.hexdigest()
