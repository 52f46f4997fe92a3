# SPDX-License-Identifier: Apache-2.0
"""All sidecars and tables of one visit, put beside its images in the work folder."""

from collections.abc import Mapping
from pathlib import Path

from bids_seg import image
from bids_seg.records import LesionSet, VisitSummary
from bids_seg.write import columns, names, paths, sidecars, tables
from bids_seg.write.text import json_bytes, tsv_bytes


def texts(
    summary: VisitSummary,
    files: Mapping[str, str],
    *,
    lesions: Mapping[str, LesionSet],
    link: str = 'raw',
) -> dict[str, bytes]:
    """Return the content of every sidecar and table of a visit by its path.

    Parameters
    ----------
    summary
        What was done.
    files
        What `names.visit_files` returned.
    lesions
        Lesions by disease, one entry for each disease with files.
    link
        Name of the input in `DatasetLinks`.
    """
    contents = sidecars.visit_sidecars(summary, files, lesions=lesions, link=link)
    runs = {str(run.task): run for run in summary.models}
    found: dict[str, bytes] = {}
    for key, path in files.items():
        kind, _, about = key.partition(':')
        content = contents[paths.sidecar(path)]
        if kind == 'dseg':
            rows, listed = tables.class_rows(runs[about]), columns.CLASSES
        elif kind == 'lesions':
            rows = tables.lesion_rows(summary.visit, lesions[about])
            listed = (*columns.LOOKUP, *columns.LESION)
        else:
            rows, listed = [], ()
        if listed:
            content |= columns.described(listed)
            found[paths.table(path)] = tsv_bytes(columns.columns_named(listed), rows)
        found[paths.sidecar(path)] = json_bytes(content)
    return found


def write_texts(
    work_dir: Path,
    summary: VisitSummary,
    *,
    files: Mapping[str, str],
    lesions: Mapping[str, LesionSet],
    link: str = 'raw',
) -> tuple[str, ...]:
    """Write all sidecars and tables of a visit; return the paths of its whole set.

    Parameters
    ----------
    work_dir
        Root below which the images of the visit already lie under their final names.
    summary
        What was done.
    files
        What `names.visit_files` returned.
    lesions
        Lesions by disease.
    link
        Name of the input in `DatasetLinks`.
    """
    for path, content in texts(summary, files, lesions=lesions, link=link).items():
        image.write_bytes(work_dir / path, content)
    return names.whole_set(files)
