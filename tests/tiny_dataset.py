# SPDX-License-Identifier: Apache-2.0
"""A tiny BIDS dataset with real small images, written by a test."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np

SHAPE = (14, 15, 12)
SPACING = (8.0, 8.0, 6.0)


def write_nifti(
    path: Path,
    *,
    shape: tuple[int, ...] = SHAPE,
    spacing: tuple[float, ...] = SPACING,
    affine: Any = None,
    dtype: Any = np.int16,
    data: Any = None,
    kind: type[nb.Nifti1Image] = nb.Nifti1Image,
    seed: int = 1,
) -> None:
    """Write an image with three different sides; 112 x 120 x 72 mm unless told."""
    if data is None:
        data = np.random.default_rng(seed).integers(1, 1000, shape)
    if affine is None:
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = [-50, -60, -30]
    image = kind(np.asarray(data).astype(dtype), affine, dtype=dtype)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nb.save(image, path)


def write_dataset(root: Path, files: Mapping[str, Any], *, description: Any = ...) -> Path:
    """Make a BIDS dataset; see `make_dataset`."""
    root.mkdir(parents=True, exist_ok=True)
    if description is ...:
        description = {'Name': 'made', 'BIDSVersion': '1.11.1', 'DatasetType': 'raw'}
    everything = dict(files)
    if description is not None:
        everything.setdefault('dataset_description.json', description)
    for name, content in everything.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding='utf-8', newline='')
        elif isinstance(content, Path):
            path.symlink_to(content)
        elif name.endswith('.json'):
            path.write_text(json.dumps(content), encoding='utf-8')
        else:
            settings = dict(content)
            sidecar = settings.pop('sidecar', None)
            write_nifti(path, **settings)
            if sidecar is not None:
                path.with_name(f'{path.name.partition(".")[0]}.json').write_text(
                    json.dumps(sidecar), encoding='utf-8'
                )
    return root
