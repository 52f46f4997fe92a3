# SPDX-License-Identifier: Apache-2.0
"""Whole runs of a patient with two visits: lesions are followed, again only where need be."""

import json

import faked
import numpy as np
import pytest
from tiny_dataset import write_nifti

from bids_seg.image import read_labels
from bids_seg.write.check import problems
from bids_seg.write.history import read_history

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default')]

NAME = 'sub-01/ses-{0}/anat/sub-01_ses-{0}_ce-gd_T1w.nii.gz'
KILLED = {f'sub-01_ses-{session}': 'kill' for session in '123'}


def scan(*spots):
    """Return the values of one head with bright spots."""
    data = np.random.default_rng(1).integers(300, 500, (14, 15, 12))
    data[[0, -1]] = data[:, [0, -1]] = data[:, :, [0, -1]] = 0
    for i, j, k in spots:
        data[i : i + 3, j : j + 3, k : k + 2] = 1000
    return data


@pytest.fixture
def bids(make_dataset):
    return make_dataset(
        {
            'participants.tsv': 'participant_id\tgroup\nsub-01\tglioma\n',
            'sub-01/sub-01_sessions.tsv': 'session_id\tdays\nses-1\t10\nses-2\t80\nses-3\t150\n',
            NAME.format(1): {'data': scan((5, 5, 5), (9, 9, 2))},
            NAME.format(2): {'data': scan((5, 5, 5), (2, 10, 7))},
        }
    )


@pytest.fixture
def run(bids, monkeypatch, capsys):
    """Return a function that runs the program here, but for its networks."""
    from bids_seg.cli import main

    faked.replace_networks(monkeypatch.setattr)
    out, work = bids.parent / 'out', bids.parent / 'work'

    def start(*more, plan=None):
        monkeypatch.setenv('FAKED', json.dumps(plan or {}))
        words = [str(bids), str(out), 'participant', '-w', str(work), '--skip-bids-validation']
        code = main([*words, '--nprocs', '2', *more])
        return code, capsys.readouterr().err

    return start


def test_lesions_are_followed_and_judged_again_without_a_network(run, bids):
    out = bids.parent / 'out'
    code, text = run()
    assert code == 0, text
    assert 'sub-01 follow: ok' in text
    history = read_history(out, '01')
    assert (history.visits, history.days, history.faults) == (('1', '2'), (0, 70), ('', ''))
    assert [
        [event.identity for event in track.events] for track in history.trackings[0].tracks
    ] == [
        ['baseline', 'resolved'],
        ['baseline', 'continuing'],
        ['new'],
    ]
    assert [row.response for row in history.responses['rano2']] == ['n/a', 'PD']
    tracks = out / 'sub-01/anat/sub-01_space-individual_seg-gliomaTracks_dseg.nii.gz'
    assert set(np.unique(read_labels(tracks).array)) == {0, 1, 2, 3}
    assert problems(out, raw=bids) == []

    # Nothing differs: nothing is followed again.
    code, text = run(plan=KILLED)
    assert (code, 'follow' in text, '2 up to date' in text) == (0, False, True)

    # Other criteria want no network.
    code, text = run('--criteria', 'rano_hgg', '--rules', 'tiny_rule=recist5', plan=KILLED)
    assert (code, 'sub-01 follow: ok' in text, '2 up to date' in text) == (0, True, True)
    again = read_history(out, '01')
    assert (list(again.responses), again.rules) == (['rano_hgg'], {'tiny_rule': 'recist5'})
    assert again.trackings[0] == history.trackings[0]
    assert problems(out, raw=bids) == []

    # A further visit leaves what was as it was.
    write_nifti(bids / NAME.format(3), data=scan((9, 9, 2)))
    code, text = run('--session-label', '3', plan={**KILLED, 'sub-01_ses-3': ''})
    assert code == 0, text
    after = read_history(out, '01')
    assert (after.visits, after.days) == (('1', '2', '3'), (0, 70, 140))
    assert after.trackings[0].tracks[0].events[-1].identity == 'recurrent'
    for old, new in zip(again.trackings[0].tracks, after.trackings[0].tracks, strict=True):
        assert new.events[:-1] == old.events


def test_a_reader_who_names_what_is_not_there_is_told_and_the_visits_stand(run, bids):
    reader = bids.parent / 'reader.tsv'
    header = 'participant_id\tsession_id\titem\taction\tvalue\n'
    reader.write_text(f'{header}sub-01\tses-2\t7\treject\tn/a\n')
    code, text = run('--reader-file', str(reader))
    assert (code, '2 ok' in text, '1 not followed; exit 1' in text) == (1, True, True)
    assert 'reader file, ses-2, reject: `7` is no component' in text
    assert read_history(bids.parent / 'out', '01').untracked
    reader.write_text(f'{header}sub-01\tses-2\t2\treject\tn/a\n')
    code, text = run('--reader-file', str(reader), plan=KILLED)
    assert (code, '2 up to date' in text) == (0, True)
    assert len(read_history(bids.parent / 'out', '01').trackings[0].tracks) == 2


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--criteria', 'rano_bn'], 'did you mean rano_bm'),
        (['--rules', 'flair=apply'], 'did you mean flair_pd'),
        (['--sessions-file', 'none.tsv'], 'there is no such file'),
        (['--reader-file', 'none.tsv'], 'there is no such file'),
    ],
)
@pytest.mark.parametrize('dry', [[], ['--dry-run']])
def test_what_is_wrong_is_said_before_any_work(run, bids, words, told, dry):
    code, text = run(*words, *dry)
    assert (code, told in text) == (2, True)
    assert not (bids.parent / 'out').exists()
