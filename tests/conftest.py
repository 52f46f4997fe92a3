# SPDX-License-Identifier: Apache-2.0
"""What tests of several rooms share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tiny_dataset import write_dataset


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a dataset in `tmp_path / 'bids'` and returns its root.

    Contents by path: a mapping for an image (`shape`, `spacing`, `affine`, `dtype`, `data`,
    `seed`, `sidecar`; `{}` for a usable one), a mapping or text for JSON, text for TSV, bytes
    as they are, a `Path` for a link. `description=None` leaves the description out.
    """

    def make(files: Mapping[str, Any], *, root: Path | None = None, description: Any = ...) -> Path:
        return write_dataset(root or tmp_path / 'bids', files, description=description)

    return make
