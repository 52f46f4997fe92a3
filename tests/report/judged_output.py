# SPDX-License-Identifier: Apache-2.0
"""A patient with metastases through several visits: painted, measured, and judged by RANO-BM."""

import numpy as np
from painted_output import store_visit, summary

from bids_seg import image, measure
from bids_seg.image import Grid, Volume
from bids_seg.records import (
    Course,
    Event,
    History,
    Observation,
    Registration,
    Track,
    Tracking,
    VisitAlignment,
    VisitMeasurements,
    to_json,
)
from bids_seg.respond import Rules, find, respond

GRID = Grid(
    (62, 74, 41),
    np.diag([2.0, 2.0, 3.0, 1.0])
    + np.array([[0, 0, 0, -61], [0, 0, 0, -73], [0, 0, 0, -60], [0, 0, 0, 0]]),
)
SHIFTS = ((0, 0, 0), (4, -6, 3), (-6, 4, -3), (2, 2, 6))
"""How far the head lies from the first visit's, mm."""
PLACES = {'L001': (25, 20, 0), 'L002': (-30, -10, 9), 'L003': (10, -35, -12), 'L004': (-12, 34, 15)}
"""Centres in the first visit's space, mm."""
RADII = {
    'L001': (12.0, 9.0, 8.0, 13.0),
    'L002': (9.0, 7.0, 6.0, 6.0),
    'L003': (4.0, 4.0, 0.0, 0.0),
    'L004': (0.0, 0.0, 0.0, 7.0),
}
"""Radii by visit, mm; 0 where there is none."""
DAYS = (0, 58, 121, 190)
CLINICAL = ({'steroid_mg': '4', 'kps': '90'}, {'steroid_mg': '2', 'kps': '90'}, {'steroid_mg': '0', 'kps': '80'}, {'steroid_mg': '0', 'kps': '80'})  # fmt: skip


def events(radii, n):
    """Tell what becomes of each lesion, as tracking would."""
    found = {}
    for name, sizes in radii.items():
        if not any(sizes[:n]):
            continue
        first = next(i for i in range(n) if sizes[i])
        line = []
        for place in range(first, n):
            identity = 'continuing'
            if place == first:
                identity = 'baseline' if place == 0 else 'new'
            elif not sizes[place]:
                identity = 'resolved' if sizes[place - 1] else None
            elif not sizes[place - 1]:
                identity = 'recurrent'
            status = 'present' if sizes[place] else 'absent'
            line.append(Event(lesion_id=name, visit=place, status=status, identity=identity))
        found[name] = tuple(line)
    return found


def painted(place, *, radii=RADII, grid=GRID):
    """Return images, brain mask and classes of one visit, with the mask of each lesion."""
    rng = np.random.default_rng(place)
    i, j, k = np.indices(grid.shape)
    world = np.tensordot(grid.affine[:3, :3], np.stack([i, j, k]), 1) + grid.affine[:3, 3].reshape(
        3, 1, 1, 1
    )
    own = world - np.array(SHIFTS[place]).reshape(3, 1, 1, 1)
    apart = np.sqrt((own[0] / 52) ** 2 + (own[1] / 64) ** 2 + (own[2] / 48) ** 2)
    brain = apart < 1
    grey = np.where(
        brain, 300 + 40 * (np.abs(own[0]) < 3), np.where(apart < 1.13, 130, 0)
    ) + rng.normal(0, 12, grid.shape)
    masks = {}
    for name, centre in PLACES.items():
        radius = radii[name][place]
        reach = np.sqrt(sum((own[a] - centre[a]) ** 2 * (1.0, 1.5, 1.0)[a] for a in range(3)))
        masks[name] = (reach < radius) & brain
        grey[masks[name]] += np.where(reach < 0.45 * radius, -60, 190)[masks[name]]
    classes = np.where(np.any(list(masks.values()), axis=0), 5, 0).astype(np.uint8)
    return (
        Volume(grey.astype(np.float32), grid),
        Volume(brain.astype(np.uint8), grid),
        Volume(classes, grid),
        masks,
    )


def row(name, lesion):
    """Return the columns of the table that the page reads."""
    pair = lesion.longest
    found = {
        'index': int(name[1:]), 'name': name, 'color': ('#0072b2', '#d55e00', '#009e73', '#cc79a7')[int(name[1:]) - 1],
        'tissue': 'TC', 'ld_mm': pair.ld_mm, 'sd_mm': pair.sd_mm, 'ld_slice': pair.slice,
        'bp_mm2': lesion.largest_product.product_mm2, 'n_slices': lesion.n_slices, 'volume_mm3': lesion.volume_mm3,
        'et_mm3': 'n/a', 'ncr_mm3': 'n/a', 'mean_prob': '0.91', 'total_entropy_bits': '0.2100',
        'ld_low_mm': lesion.ld_low_mm, 'ld_high_mm': lesion.ld_high_mm, 'flags': 'n/a',
    }  # fmt: skip
    ends = {
        'ld_p0': pair.ld.start,
        'ld_p1': pair.ld.end,
        'sd_p0': pair.sd.start,
        'sd_p1': pair.sd.end,
    }
    for key, point in {**ends, 'centroid': lesion.centroid}.items():
        found |= {f'{key}_{axis}': f'{value:.3f}' for axis, value in zip('xyz', point, strict=True)}
    return found


def measured(classes, masks):
    """Return the lesions of a visit by their names for life."""
    soft = Volume((classes.array > 0).astype(np.float32), classes.grid)
    found, components = measure.lesions(
        classes, {'TC': soft}, disease='metastases', tissue='TC', member_entropies=None
    )
    by_name = {}
    for name, mask in masks.items():
        if mask.any():
            index = int(np.bincount(components.array[mask]).argmax())
            by_name[name] = next(one for one in found.lesions if one.component_index == index)
    return by_name


def paint(out, *, radii=RADII, n=4, participant='09'):
    """Write the visits of a patient; return what was observed of each."""
    timed = events(radii, n)
    found = []
    for place in range(n):
        grey, brain, classes, masks = painted(place, radii=radii)
        made = summary(
            participant, f'{place + 1:02d}', roles=('T1wCE',), days=DAYS[place], grid=GRID
        )
        store_visit(out, made, images={'T1wCE': grey}, brain=brain, labels={'metastases': classes})
        lesions = measured(classes, masks)
        label(out, made, lesions, masks)
        seen = tuple(
            Observation(event=line[place - line[0].visit], lesion=lesions.get(name))
            for name, line in timed.items()
            if place >= line[0].visit
        )
        found.append(seen)
    return found


def judge(found, *, clinical=CLINICAL, lost=(), criteria=('rano_bm',), info=None, participant='09'):
    """Return the history of a patient of whom this was observed."""
    n = len(found)
    visits = tuple(
        VisitMeasurements(
            session=f'{place + 1:02d}', days=DAYS[place], date=None, evaluable=place not in lost,
            reason='registration failed' if place in lost else '', roles=('T1wCE',),
            observations={'TC': seen}, wt_mm3=None, flair_spacing_mm=None, clinical=clinical[place],
        )
        for place, seen in enumerate(found)
    )  # fmt: skip
    course = Course(participant=participant, visits=visits, info=info or {})
    rules = Rules()
    judged = {name: respond(course, find(name), rules=rules) for name in criteria}
    names = [one.event.lesion_id for one in found[-1]]
    tracks = tuple(
        Track(
            lesion_id=name, parent_id=None, family_root=name,
            events=tuple(one.event for seen in found for one in seen if one.event.lesion_id == name),
        )
        for name in names
    )  # fmt: skip
    return History(
        participant=participant, visits=tuple(visit.session for visit in visits), reference='01', untracked='',
        alignments={f'{p + 1:02d}': FIGURES for p in range(1, n) if p not in lost},
        trackings=(Tracking(disease='metastases', tissue='TC', untracked=(), visit_flags=((),) * n, tracks=tracks),),
        courses={'metastases': course}, responses={name: rows for name, (rows, _) in judged.items()},
        best={name: best for name, (_, best) in judged.items()}, rules=rules.differing(), edits=(),
        settings_sha256='d4' * 32, criteria={name: find(name).in_force(rules) for name in criteria},
        options=rules.in_force(), days=DAYS[:n], dates=(None,) * n, statuses=('complete',) * n,
        faults=tuple('registration failed' if p in lost else '' for p in range(n)),
        registrations={f'{p + 1:02d}': registration(SHIFTS[p], FIGURES if p else None) for p in range(n) if p not in lost},
    )  # fmt: skip


def keep(out, history):
    """Write the history of a participant."""
    name = f'sub-{history.participant}'
    path = out / name / 'figures' / f'{name}_desc-history.json'
    path.write_text(to_json(history), encoding='utf-8')


def store(out, *, n=4, participant='09', **changes):
    """Write the output of a patient with a history; return the history."""
    made = judge(paint(out, n=n, participant=participant), participant=participant, **changes)
    keep(out, made)
    return made


FIGURES = VisitAlignment(
    disagreement_mm=0.34, rotation_deg=3.1, mutual_information=1.31, mutual_information_before=1.12, brain_dice=0.962,
)  # fmt: skip


def registration(shift, figures):
    """Return the movement from the first visit's space to one that is shifted."""
    matrix = np.eye(4)
    matrix[:3, 3] = shift
    return Registration(
        made_from='e5' * 32, matrix=tuple(float(v) for v in matrix.ravel()), figures=figures
    )


def label(out, made, lesions, masks):
    """Give a visit's lesions their names for life, in image and table."""
    visit = made.visit
    anat = out / f'sub-{visit.participant}' / f'ses-{visit.session}' / 'anat'
    stem = anat / f'{visit.name}_space-orig_seg-metastasesLesions_dseg'
    array = np.zeros(GRID.shape, np.uint16)
    for name in lesions:
        array[masks[name]] = int(name[1:])
    image.save(Volume(array, GRID), stem.with_name(f'{stem.name}.nii.gz'))
    rows = [row(name, lesion) for name, lesion in lesions.items()]
    columns = list(rows[0]) if rows else ['index', 'name', 'color', 'tissue', 'volume_mm3']
    lines = [
        '\t'.join(columns),
        '\t'.join(['0', 'background', '#000000', *['n/a'] * (len(columns) - 3)]),
    ]
    lines += ['\t'.join(str(one[c]) for c in columns) for one in rows]
    stem.with_name(f'{stem.name}.tsv').write_text('\n'.join(lines) + '\n', encoding='utf-8')
