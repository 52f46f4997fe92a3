# SPDX-License-Identifier: Apache-2.0
"""Files of lesions that are followed: of each visit, of the participant, and the record of all.

They are written when all visits of a participant lie in the output, and again when a visit is
added, removed or made again. What differs in nothing is not written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bids_seg import image
from bids_seg.image import Volume
from bids_seg.records import (
    History,
    LesionSet,
    Tracking,
    Visit,
    VisitSummary,
    from_json,
    to_json,
)
from bids_seg.write import (
    changes,
    columns,
    common_space,
    dataset,
    followed_sidecars,
    following,
    names,
    tables,
)
from bids_seg.write.paths import entities, sidecar, table
from bids_seg.write.publish import replace_files
from bids_seg.write.text import (
    Row,
    json_bytes,
    read_json,
    read_tsv,
    tsv_bytes,
    write_if_different,
)


def read_history(out_dir: Path, participant: str) -> History | None:
    """Return a participant through time; None where nothing can be read.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    participant
        Label without `sub-`.
    """
    try:
        return from_json(
            History, (out_dir / names.history(participant)).read_text(encoding='utf-8')
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_history(out_dir: Path, history: History) -> Path:
    """Store a participant through time beside the figures; return the file.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    history
        Holds dates only where the user asked for them.
    """
    place = out_dir / names.history(history.participant)
    write_if_different(place, (to_json(history) + '\n').encode())
    return place


def write_visit(
    out_dir: Path,
    summary: VisitSummary,
    history: History,
    *,
    labels: Mapping[str, Volume],
    individual: Mapping[str, Volume],
    transform: Path | None,
) -> tuple[str, ...]:
    """Write what following made of one visit; return the files that changed.

    Parameters
    ----------
    out_dir
        Root of the output dataset; the participant's lock must be held.
    summary
        The visit, complete, with all sets of lesions.
    history
        The participant through time.
    labels
        By the name of the set, on the grid of the visit: the number of an L id, 10000 + the number
        of a U id. A set that is left out is not followed: its image gets U ids again.
    individual
        The same in the space in which lesions are followed; empty where there is none.
    transform
        ITK text file that leads there; None where there is none.

    Raises
    ------
    OutputError
        If the output cannot be written; the visit is as it was before then.
    """
    visit = summary.visit
    place = history.visits.index(visit.session)
    within = individual if visit.session in common_space.followed(history) else {}
    there = names.followed_files(visit, within)
    contents: dict[str, bytes] = {}
    for label, own, found in names.lesion_sets(summary):
        path = names.lesion_image(visit, label)
        volume = labels.get(label) or _numbered_anew(out_dir, path)
        if volume is None:
            continue
        rows, listed = visit_table(history, place, visit=visit, found=found)
        first = path if own else names.files_of(summary)[f'lesions:{found.disease}']
        content = followed_sidecars.own_grid(read_json(out_dir / sidecar(first)), found, rows)
        content |= followed_sidecars.edits(history, visit)
        contents |= _label_image(path, volume, content=content, listed=listed, rows=rows)
        if label in within:
            content = followed_sidecars.other_grid(content, [path, there['xfm:individual']])
            content['SpatialReference'] = followed_sidecars.reference_uri(out_dir, history)
            contents |= _label_image(
                there[f'individual:{label}'],
                within[label],
                content=content,
                listed=columns.LOOKUP,
                rows=rows,
            )
    if within and transform is not None:
        path = there['xfm:individual']
        contents[path] = transform.read_bytes()
        contents[sidecar(path)] = json_bytes(followed_sidecars.transform(out_dir, summary, history))
    return replace_files(out_dir, contents)


def visit_table(
    history: History, place: int, *, visit: Visit, found: LesionSet
) -> tuple[list[Row], list[columns.Column]]:
    """Return the rows and columns beside a label image of lesions.

    Parameters
    ----------
    history
        The participant through time.
    place
        Of the visit, from 0.
    visit
        The visit.
    found
        What was measured.
    """
    tracking = tracking_of(history, found)
    if tracking is None:
        return tables.lesion_rows(visit, found), [*columns.LOOKUP, *columns.LESION]
    rows = following.lesion_rows(history, place, tracking=tracking, visit=visit, found=found)
    criteria = changes.criteria_of(history, tracking)
    return rows, [*columns.LOOKUP, *columns.lesion_columns(criteria)]


def tracking_of(history: History, found: LesionSet) -> Tracking | None:
    """Return the lesions for life to which a set of lesions belongs; None where there are none.

    Parameters
    ----------
    history
        The participant through time.
    found
        Lesions of one visit.
    """
    wanted = (found.disease, found.tissue)
    return next((one for one in history.trackings if (one.disease, one.tissue) == wanted), None)


def write_participant(
    out_dir: Path, history: History, *, tracks: Mapping[str, Volume], mean: Volume | None
) -> tuple[str, ...]:
    """Write what following made of a participant as a whole; return the files that changed.

    Parameters
    ----------
    out_dir
        Root of the output dataset; what belongs to visits is there already.
    history
        The participant through time.
    tracks
        By the name of the set, in the space in which lesions are followed: where each lesion ever
        was; empty where there is no such space.
    mean
        Mean of the visits, where that space is the middle of them.

    Raises
    ------
    OutputError
        If the output cannot be written.
    """
    contents: dict[str, bytes] = {}
    followed = common_space.followed(history)
    for tracking in history.trackings:
        label = names.lesion_set(tracking.disease, tracking.tissue)
        if not followed or label not in tracks:
            continue
        content: followed_sidecars.Content = {
            'Description': (
                'Where each lesion ever was, over all visits of the participant; where lesions '
                'share a place, the one of the lower number.'
            ),
            'Sources': followed_sidecars.individual_images(out_dir, history, label),
            'SpatialReference': followed_sidecars.reference_uri(out_dir, history),
            'Manual': False,
            'Tissue': tracking.tissue,
        }
        contents |= _label_image(
            names.tracks_image(history.participant, label),
            tracks[label],
            content=content,
            listed=columns.track_columns(changes.criteria_of(history, tracking)),
            rows=following.track_rows(history, tracking),
        )
    if followed and mean is not None:
        content = followed_sidecars.mean(out_dir, history)
        path = str(content['SpatialReference']).removeprefix('bids::')
        contents |= {path: image.encoded(mean), sidecar(path): json_bytes(content)}
        dataset.add_labels(out_dir, dataset.labels_of([path]))
    return replace_files(out_dir, contents)


def paths(history: History, summaries: Sequence[VisitSummary]) -> tuple[str, ...]:
    """Return all files that `write_visit` and `write_participant` leave in the output.

    Parameters
    ----------
    history
        The participant through time.
    summaries
        Of its visits.
    """
    followed = common_space.followed(history)
    files: dict[str, str] = {}
    for summary in summaries:
        if summary.status != 'complete':
            continue
        name, sets = summary.visit.name, names.lesion_sets(summary)
        files |= {
            f'lesions:{name}:{label}': names.lesion_image(summary.visit, label)
            for label, _, _ in sets
        }
        if summary.visit.session in followed:
            within = [label for label, _, found in sets if tracking_of(history, found) is not None]
            there = names.followed_files(summary.visit, within)
            files |= {f'{key}:{name}': path for key, path in there.items()}
    for tracking in history.trackings if followed else ():
        label = names.lesion_set(tracking.disease, tracking.tissue)
        files[f'individual:{label}'] = names.tracks_image(history.participant, label)
    found = names.whole_set(files)
    if common_space.mean_grid(history):
        mean = followed_sidecars.mean_path(history, summaries)
        found = (sidecar(mean), *found, mean)
    return found


def prune(out_dir: Path, history: History, summaries: Sequence[VisitSummary]) -> tuple[str, ...]:
    """Remove files of lesions that are no longer followed or measured; return them.

    Parameters
    ----------
    out_dir
        Root of the output dataset; the participant's lock must be held.
    history
        The participant through time.
    summaries
        Of its visits; what a visit that is not complete still has on its own grid stays.
    """
    kept = {*paths(history, summaries)}
    complete = {names.visit_folder(one.visit) for one in summaries if one.status == 'complete'}
    root = out_dir / f'sub-{history.participant}'
    there = (path.relative_to(out_dir).as_posix() for path in root.glob('**/anat/*'))
    gone = [path for path in there if path not in kept and _ours(path, complete)]
    for path in sorted(gone, reverse=True):
        (out_dir / path).unlink(missing_ok=True)
    return tuple(sorted(gone))


def _numbered_anew(out_dir: Path, path: str) -> Volume | None:
    """Return a label image with the numbers of components; None where there is no such image."""
    numbers = {
        int(row['index']): int(row['component_index'])
        for row in read_tsv(out_dir / table(path))[1]
        if row.get('status') == 'present'
    }
    if not (out_dir / path).is_file():
        return None
    volume = image.read_labels(out_dir / path)
    array = np.zeros(volume.array.shape, np.uint16)
    for index, component in numbers.items():
        array[volume.array == index] = component
    return tables.indexed(Volume(array, volume.grid))


def _label_image(
    path: str,
    volume: Volume,
    *,
    content: followed_sidecars.Content,
    listed: Sequence[columns.Column],
    rows: Sequence[Row],
) -> dict[str, bytes]:
    """Return a label image with its sidecar and table, by path."""
    return {
        sidecar(path): json_bytes({**content, **columns.described(listed)}),
        table(path): tsv_bytes(columns.columns_named(listed), rows),
        path: image.encoded(volume),
    }


def _ours(path: str, complete: set[str]) -> bool:
    """Return whether a file is one of lesions that are followed or measured at a complete visit."""
    found, _ = entities(path)
    if 'individual' in (found.get('space'), found.get('to')):
        return True
    lesions = found.get('seg', '').endswith('Lesions') and found.get('space') == 'orig'
    return lesions and path.rpartition('/')[0] in complete
