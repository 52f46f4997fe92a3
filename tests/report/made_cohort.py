# SPDX-License-Identifier: Apache-2.0
"""Group tables of made participants whose sums are drawn at random and judged in a few lines."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

BEST = ('CR', 'PR', 'SD', 'PD', 'NE')
CRITERIA = {
    'rano_bm': {
        'name': 'rano_bm', 'title': 'RANO-BM', 'version': '2015', 'source': 'doi', 'tissue': 'TC',
        'measure': 'ld', 'pair': 'longest', 'partial_pct': 30, 'minor_pct': None,
        'progression_pct': 20, 'least_growth_mm': 5.0, 'exploratory': False,
    },
    'rano_lgg': {
        'name': 'rano_lgg', 'title': 'RANO-LGG', 'version': '2011', 'source': 'doi', 'tissue': 'WT',
        'measure': 'product', 'pair': 'longest', 'partial_pct': 50, 'minor_pct': 25,
        'progression_pct': 25, 'least_growth_mm': None, 'exploratory': False,
    },
}  # fmt: skip


def write(
    out: Path, *, number: int, criteria: tuple[str, ...] = ('rano_bm',), seed: int = 3
) -> None:
    """Write the tables of so many participants, their histories and empty pages."""
    rng = np.random.default_rng(seed)
    visits: list[dict[str, Any]] = []
    best: list[dict[str, Any]] = []
    quality: list[dict[str, Any]] = []
    for index in range(number):
        name = f'sub-{index + 1:03d}'
        full = rng.random() < 0.7
        times = np.cumsum([0, *rng.integers(40, 100, rng.integers(1, 6))])
        for criterion in criteria:
            rows = _course(rng, name, criterion, times, full=full)
            visits += rows
            best.append(_best(rows, name, criterion, full=full))
        quality += [
            {
                'participant_id': name, 'session_id': f'ses-{i + 1:02d}', 'image_role': role,
                'spacing_mm': '1.0', 'registration_dice': '0.95', 'registration_rotation_deg': '2.0',
                'registration_nmi': f'{rng.normal(1.2, 0.01):.3f}', 'brain_mm3': '1400000',
                'visit_status': 'complete', 'reason': 'n/a', 'flags': 'n/a',
            }
            for i in range(len(times))
            for role in ('T1wCE', 'T1w', 'T2w', 'FLAIR')
            if role == 'T1wCE' or rng.random() < 0.9
        ]  # fmt: skip
        folder = out / name / 'figures'
        folder.mkdir(parents=True, exist_ok=True)
        started = {'treatment_start': str(int(rng.integers(1, 12)))}
        history = {
            'participant': name.removeprefix('sub-'),
            'rules': {'bm_min_ld': '5'},
            'criteria': {one: CRITERIA[one] for one in criteria},
            'courses': {'metastases': {'info': started, 'visits': []}},
        }
        (folder / f'{name}_desc-history.json').write_text(json.dumps(history))
        (out / f'{name}.html').write_text('x')
    for table, rows in (('visits', visits), ('best', best), ('qc', quality)):
        lines = ['\t'.join(rows[0]), *('\t'.join(map(str, row.values())) for row in rows)]
        (out / f'group_{table}.tsv').write_text('\n'.join(lines) + '\n')
    (out / 'group_lesions.tsv').write_text('participant_id\tlesion_id\nsub-001\tL001\n')


def _course(
    rng: np.random.Generator, name: str, criterion: str, times: Any, *, full: bool
) -> list[dict[str, Any]]:
    """Return the rows of one participant by one criterion."""
    trend = rng.normal(-0.2, 0.4)
    sums = [40.0]
    rows = []
    progressed = False
    for i, day in enumerate(times):
        if i:
            sums.append(max(sums[-1] * (1 + trend + rng.normal(0, 0.15)), 0.0))
            if rng.random() < 0.05:
                sums[-1] = 0.0
            trend += rng.normal(0.12, 0.2)
        now, base, nadir = sums[-1], sums[0], min(sums[:-1] or sums)
        new = bool(i and rng.random() < 0.06)
        response = 'n/a' if not i else 'SD'
        if i and (new or (now >= 1.2 * nadir and now - nadir >= 5)):
            response = 'PD'
        elif i and now == 0:
            response = 'CR'
        elif i and now <= 0.7 * base:
            response = 'PR'
        rows.append(
            {
                'participant_id': name, 'session_id': f'ses-{i + 1:02d}', 'visit_status': 'complete',
                'disease': 'metastases', 'days_from_first': int(day),
                'days_from_baseline': int(day), 'days_from_rt_end': int(day) + 30 if full else 'n/a',
                'criterion': criterion, 'baseline_session': 'ses-01', 'response': response,
                'pct_from_baseline': f'{100 * (now - base) / base:.1f}',
                'n_new_unequivocal': int(new), 'steroid_mg': 2 if full else 'n/a',
                'C': 'stable' if full else 'unknown', 'confirm_status': 'not_required',
                'confirm_session': 'n/a', 'n_lesions': 3, 'tc_mm3': int(now * 100), 'wt_mm3': 'n/a',
                'et_mm3': 'n/a', 'brain_mm3': int(rng.normal(1.4e6, 6e4)), 'reason': 'n/a',
                'after_pd': int(progressed),
            }
        )  # fmt: skip
        progressed = progressed or response == 'PD'
    answered = [row for row in rows[1:] if row['response'] in {'CR', 'PR'} and not row['after_pd']]
    for row, later in itertools.pairwise(answered):
        row |= {'confirm_status': 'confirmed', 'confirm_session': later['session_id']}
    return rows


def _best(rows: list[dict[str, Any]], name: str, criterion: str, *, full: bool) -> dict[str, Any]:
    """Return a participant's row of best responses."""
    counted = [row for row in rows[1:] if not row['after_pd']]
    held = {row['response'] for row in counted}
    confirmed = [row for row in counted if row['confirm_status'] == 'confirmed']
    loose = next((one for one in BEST if one in held), 'n/a')
    bor = loose
    if loose in {'CR', 'PR'}:
        bor = confirmed[0]['response'] if confirmed else 'SD'
    ended = next((row for row in counted if row['response'] == 'PD'), None)
    changes = [float(row['pct_from_baseline']) for row in counted]
    return {
        'participant_id': name, 'criterion': criterion,
        'best_pct_from_baseline': min(changes) if changes else 'n/a',
        'bor': bor, 'bor_unconfirmed': loose,
        'first_response_days': confirmed[0]['days_from_baseline'] if confirmed else 'n/a',
        'progression_date': 'n/a',
        'progression_days': ended['days_from_baseline'] if ended else 'n/a',
        'progression_reason': 'target_growth' if ended else 'n/a',
        'last_visit_days': rows[-1]['days_from_baseline'],
        'censored': 0 if ended else 1, 'basis': 'full' if full else 'imaging_only',
    }  # fmt: skip
