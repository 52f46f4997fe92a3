# SPDX-License-Identifier: Apache-2.0
"""Names and words of what lies on the grid of a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bids_seg.records import ModelRun, VisitSummary
from bids_seg.write import tables
from bids_seg.write.columns import CLASSES, columns_named, described
from bids_seg.write.text import json_bytes, tsv_bytes

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
