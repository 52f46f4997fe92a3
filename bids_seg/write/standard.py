# SPDX-License-Identifier: Apache-2.0
"""Names and words of what lies on the grid of a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_seg import image
from bids_seg.image import Volume
from bids_seg.records import ModelRun, VisitSummary
from bids_seg.write import names, paths, publish, tables
from bids_seg.write.columns import CLASSES, columns_named, described
from bids_seg.write.text import json_bytes, read_json, tsv_bytes, write_if_different

INSIDE: Mapping[str, tuple[int, ...]] = {
    'WT': (1, 2, 3, 5, 6),
    'TC': (1, 3, 5),
    'ET': (3,),
    'RC': (4,),
}
"""Classes of which each region is made."""

SHARE = 'Share of visits with this region at each place of the template.'
"""What the maps of the group show."""


def share_map(template: str, resolution: str, *, region: str, disease: str) -> str:
    """Return the path of the share of visits with a region at each place of a template.

    Parameters
    ----------
    template, resolution
        As in names: `MNI152NLin2009aSym`, `1`.
    region
        Of the disease's network.
    disease
        Network that drew it.
    """
    base = f'tpl-{template}/anat/tpl-{template}_res-{resolution}'
    return f'{base}_label-{region}_desc-{disease}_probseg.nii.gz'


def write_shares(out_dir: Path) -> tuple[str, ...]:
    """Write how often each region lies at each place of a template, over all visits of the output.

    Parameters
    ----------
    out_dir
        Root of the output dataset.

    Returns
    -------
    tuple
        Paths of the maps; older ones beside them are removed.
    """
    made: dict[str, bytes] = {}
    for (space, disease), visits in _visits(out_dir).items():
        template, _, resolution = space.partition(':res-')
        regions = [region for region in INSIDE if any(region in run.regions for run, _ in visits)]
        for region in regions:
            # A network that cannot tell a region says nothing about where it is.
            images = [path for run, path in visits if region in run.regions]
            path = share_map(template, resolution, region=region, disease=disease)
            made[path] = image.encoded(_share(out_dir, images, region))
            sidecar = read_json(out_dir / paths.sidecar(images[0]))
            words = {
                'Description': SHARE,
                'Sources': [f'bids::{each}' for each in images],
                'SpatialReference': sidecar.get('SpatialReference', ''),
                'Resolution': sidecar.get('Resolution', ''),
                'NumberOfVisits': len(images),
            }
            made[paths.sidecar(path)] = json_bytes(words)
    for place in out_dir.glob('tpl-*/anat/tpl-*_probseg.*'):
        if place.relative_to(out_dir).as_posix() not in made:
            place.unlink()
    for name, content in made.items():
        write_if_different(out_dir / name, content)
    return tuple(name for name in made if name.endswith('.nii.gz'))


def _visits(out_dir: Path) -> dict[tuple[str, str], list[tuple[ModelRun, str]]]:
    """Return the runs and images of all visits by space and disease, in the order of their names."""
    found: dict[tuple[str, str], list[tuple[ModelRun, str]]] = {}
    for place in sorted(out_dir.glob('sub-*/figures/*_desc-summary.json')):
        summary = publish.load_summary(place)
        if summary is None or summary.status != 'complete':
            continue
        for space in summary.spaces:
            for run in summary.models:
                files = names.standard_files(summary.visit, [run.task], spaces=[space])
                for path in files.values():
                    if (out_dir / path).is_file():
                        found.setdefault((space, str(run.task)), []).append((run, path))
    return dict(sorted(found.items()))


def _share(out_dir: Path, images: Sequence[str], region: str) -> Volume:
    """Return the share of images of classes in which a region lies at each place."""
    count: Any = 0
    for path in images:
        labels = image.read_labels(out_dir / path)
        count = count + np.isin(labels.array, INSIDE[region]).astype(np.float32)
    return Volume((count / np.float32(len(images))).astype(np.float32), labels.grid)


def texts(
    path: str,
    summary: VisitSummary,
    run: ModelRun,
    *,
    sources: Sequence[str],
    space: str,
    resolution: str,
    figures: dict[str, Any],
) -> dict[str, bytes]:
    """Return the sidecar and the lookup table of a class image on a template's grid, by path.

    Parameters
    ----------
    path
        What `names.standard_files` returned.
    summary
        Says from which input and settings it was made.
    run
        The network that drew the classes.
    sources
        Outputs from which it was made, relative to the output's root.
    space
        URL of the template.
    resolution
        In words: `1 mm isotropic`.
    figures
        Further fields: how the visit was brought there, and how well.
    """
    who = 'given for this visit' if run.sources else f'found by the {run.task} network'
    model = {} if run.sources else {'Model': run.model, 'ModelVersion': run.version}
    content: dict[str, Any] = {
        'Description': f'Tissue classes {who}, on the grid of a template; not for measuring.',
        'Sources': [f'bids::{source}' for source in sources],
        'SpatialReference': space,
        'Resolution': resolution,
        'Manual': run.manual,
        **model,
        **figures,
        'Seed': summary.seed,
        'SettingsSHA256': summary.settings_sha256,
        'InputSHA256': summary.input_sha256,
    }
    rows = tables.class_rows(run)
    stem = path.removesuffix('.nii.gz')
    return {
        f'{stem}.json': json_bytes(content | described(CLASSES)),
        f'{stem}.tsv': tsv_bytes(columns_named(CLASSES), rows),
    }
