# SPDX-License-Identifier: Apache-2.0
"""Sidecars of an image by the inheritance principle; only the few that are needed are read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_seg.discover import names, text

KEPT = (
    'Manufacturer',
    'ManufacturersModelName',
    'MagneticFieldStrength',
    'Modality',
    'MRAcquisitionType',
    'PulseSequenceType',
    'ScanningSequence',
    'SequenceVariant',
    'RepetitionTime',
    'EchoTime',
    'InversionTime',
    'FlipAngle',
    'SliceThickness',
    'SpacingBetweenSlices',
    'BodyPart',
    'ContrastBolusIngredient',
)
"""Fields that stay true of an image made from the raw one."""


def kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that stay true of derivatives, in a fixed order."""
    return {key: fields[key] for key in KEPT if fields.get(key) not in (None, '')}


def fields(bids_dir: Path, relative: str, *, at_root: Sequence[str]) -> text.Fields:
    """Return the fields of an image, the nearest file winning for each key.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    relative
        Path of the image from there; its name is one of BIDS.
    at_root
        JSON files at the root, as `json_files` lists them: once, since thousands of folders
        may lie beside them.
    """
    *folders, file = relative.split('/')
    image = names.split(file)
    merged: dict[str, Any] = {}
    warnings: list[str] = []
    for depth in range(len(folders) + 1):
        level = '/'.join(folders[:depth])
        there = json_files(bids_dir / level) if depth else at_root
        fitting = [found for found in there if _applies(found, image)]
        if not fitting:
            continue
        exact = f'{file.partition(".")[0]}.json'
        if exact in fitting:
            # `sub-01_T1w.json` beside `sub-01_ce-gd_T1w.json` belongs to an image of its own.
            folder = bids_dir / level
            fitting = [exact, *(other for other in fitting if not _has_owner(folder, other, exact))]
        shown = [f'{level}/{found}'.lstrip('/') for found in fitting]
        if len(fitting) > 1:
            warnings.append(
                f'{" and ".join(shown)} apply to {relative} at one level, {shown[0]} was taken'
            )
        read = text.read_json(bids_dir / shown[0], shown=shown[0])
        merged.update(read.values)
        warnings += read.warnings
    return text.Fields(values=merged, warnings=tuple(warnings))


def json_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the JSON files of a folder."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir() if path.suffix == '.json'))
    except OSError:
        return ()


def _has_owner(folder: Path, file: str, exact: str) -> bool:
    """Return whether a JSON file is the image's own, or that of another image beside it."""
    stem = file.removesuffix('.json')
    return file == exact or any((folder / f'{stem}{end}').exists() for end in ('.nii', '.nii.gz'))


def _applies(file: str, image: names.Name) -> bool:
    """Return whether the name of a JSON file applies to an image below its folder."""
    try:
        name = names.split(file)
    except ValueError:
        return False
    return name.suffix == image.suffix and name.entities.items() <= image.entities.items()
