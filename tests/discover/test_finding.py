# SPDX-License-Identifier: Apache-2.0
"""Finding images: rules 1 to 14 of the input contract, each on a tiny dataset."""

from pathlib import Path

import pytest

from bids_seg import discover, records
from bids_seg.discover.contrast import decide
from bids_seg.discover.names import split

T1 = 'sub-01/anat/sub-01_T1w.nii.gz'
GD = 'sub-01/anat/sub-01_ce-gd_T1w.nii.gz'


@pytest.fixture
def found(make_dataset, tmp_path):
    """Return a function that makes a dataset and returns its patients."""

    def find(files, *, filters=None, wanted=(), sessions=(), **settings):
        root = make_dataset(files, **settings)
        labels = discover.select(root, wanted)
        return list(
            discover.patients(
                root,
                participants=labels,
                sessions=sessions,
                filters=filters,
                index_dir=tmp_path / 'index',
            )
        )

    return find


def only(patients):
    (patient,) = patients
    (visit,) = patient.visits
    return visit


def used(visit):
    return {scan.role: scan.path.name for scan in visit.scans}


def reasons(visit):
    return {item.relative.rpartition('/')[2]: item.reason for item in visit.passed_over}


def test_the_plan_of_a_whole_visit_is_as_expected(found):
    patients = found(
        {T1: {}, GD: {}, 'sub-01/anat/sub-01_FLAIR.nii': {}, 'sub-01/anat/sub-01_PDw.nii.gz': {}}
    )
    thick = 'thick slices, 8 mm apart: lengths and volumes are coarse'
    assert discover.as_tsv(discover.plan(patients)).splitlines() == [
        'visit\trole\tfile\tstate\treason',
        f'sub-01\tT1wCE\t{GD}\tused\t{thick}',
        f'sub-01\tT1w\t{T1}\tused\t{thick}',
        f'sub-01\tFLAIR\tsub-01/anat/sub-01_FLAIR.nii\tused\t{thick}',
        'sub-01\tn/a\tsub-01/anat/sub-01_PDw.nii.gz\tpassed over\tsuffix PDw is not used',
    ]


NO_CANDIDATES = [
    ('sub-01_PDw.nii.gz', 'suffix PDw is not used'),
    ('sub-01_T2starw.nii.gz', 'suffix T2starw is not used'),
    ('sub-01_UNIT1.nii.gz', 'suffix UNIT1 is not used'),
    ('sub-01_inv-1_part-mag_MP2RAGE.nii.gz', 'suffix MP2RAGE is not used'),
    ('sub-01_inplaneT1.nii.gz', 'suffix inplaneT1 is not used'),
    ('sub-01_inplaneT2.nii.gz', 'suffix inplaneT2 is not used'),
    ('sub-01_angio.nii.gz', 'suffix angio is not used'),
    ('sub-01_mod-T1w_defacemask.nii.gz', 'suffix defacemask is not used'),
    ('sub-01_part-phase_T1w.nii.gz', 'part-phase is no magnitude image'),
    ('sub-01_part-real_T1w.nii.gz', 'part-real is no magnitude image'),
    ('sub-01_part-imag_T2w.nii.gz', 'part-imag is no magnitude image'),
    ('sub-01_echo-2_T1w.nii.gz', 'echo-2 is not the first echo'),
    ('sub-01_inv-2_T1w.nii.gz', 'inv-2 is a part of an MP2RAGE image'),
    ('sub-01_chunk-1_T1w.nii.gz', 'chunk-1 is a part of an image'),
    ('sub-01_desc-defaced_T1w.nii.gz', 'desc-defaced marks a derivative, in a raw dataset'),
    ('sub-01_space-MNI_T1w.nii.gz', 'space-MNI marks a derivative, in a raw dataset'),
    ('sub-01_T1w (1).nii.gz', 'not a name of BIDS'),
    ('sub-01_t1w.nii.gz', 'unknown suffix `t1w` (T1w?)'),
    ('CE_T1w.nii.gz', '`CE` is no entity'),
    ('sub-01_acq-1.5T_T1w.nii.gz', 'no suffix and ending'),
    ('sub-01_ce-gd_acq-a_T1w.nii.gz', 'its parts in order are `sub-01_acq-a_ce-gd_T1w.nii.gz`'),
    ('sub-01_foo-1_T1w.nii.gz', 'unknown entity `foo`'),
    ('sub-01_acq-a_acq-b_T1w.nii.gz', 'stands twice'),
    ('sub-01_run-x_T1w.nii.gz', '`run-x` is no number'),
    ('sub-02_T1w.nii.gz', 'not those of its folder'),
    ('sub-01_ses-01_T1w.nii.gz', 'not those of its folder'),
    ('sub-01_T1w.mgz', 'not NIfTI'),
    ('sub-01_T1w.img', 'not NIfTI'),
    ('sub-01_acq-localizer_T1w.nii.gz', 'a localizer by the word `localizer`'),
    ('sub-01_acq-scout_T1w.nii.gz', 'a localizer by the word `scout`'),
    ('sub-01_acq-sagLoc_T1w.nii.gz', 'a localizer by the word `loc`'),
    ('sub-01_rec-survey_T1w.nii.gz', 'a localizer by the word `survey`'),
]


def test_what_is_no_candidate_is_listed_with_its_reason(found):
    files = {f'sub-01/anat/{file}': b'x' for file, _ in NO_CANDIDATES}
    visit = only(found({'sub-01/anat/sub-01_FLAIR.nii.gz': {}, **files}))
    assert used(visit) == {'FLAIR': 'sub-01_FLAIR.nii.gz'}
    told = reasons(visit)
    assert len(told) == len(NO_CANDIDATES)
    for file, reason in NO_CANDIDATES:
        assert reason in told[file], file


@pytest.mark.parametrize('file', ['sub-01_echo-1_T1w.nii.gz', 'sub-01_part-mag_T1w.nii'])
def test_the_first_echo_and_the_magnitude_are_candidates(found, file):
    assert used(only(found({f'sub-01/anat/{file}': {}}))) == {'T1w': file}


@pytest.mark.parametrize(
    ('name', 'sidecar', 'role'),
    [
        ('sub-01_T1w', {}, 'T1w'),
        ('sub-01_T1w', {'ContrastBolusIngredient': 'GADOLINIUM'}, 'T1wCE'),
        ('sub-01_T1w', {'ContrastBolusIngredient': ['GADOLINIUM']}, 'T1wCE'),
        ('sub-01_T1w', {'ContrastBolusIngredient': 'NONE'}, 'T1w'),
        ('sub-01_ce-gd_T1w', {'ContrastBolusIngredient': 'NONE'}, 'T1w'),
        ('sub-01_ce-none_T1w', {'ContrastBolusIngredient': 'GADOLINIUM'}, 'T1wCE'),
        ('sub-01_ce-gd_T1w', {'ContrastBolusIngredient': 'UNKNOWN'}, 'T1wCE'),
        ('sub-01_ce-gd_T1w', {}, 'T1wCE'),
        *[(f'sub-01_ce-{no}_T1w', {}, 'T1w') for no in ('none', 'no', 'noce', 'pre', 'NATIVE')],
        ('sub-01_T1w', {'ContrastBolusAgent': 'Gadovist'}, 'T1wCE'),
        ('sub-01_T1w', {'ContrastBolusVolume': 7.5}, 'T1wCE'),
        ('sub-01_T1w', {'ContrastBolusVolume': 0}, 'T1w'),
        ('sub-01_acq-post_T1w', {}, 'T1wCE'),
        ('sub-01_acq-MPRAGEGd_T1w', {}, 'T1wCE'),
        ('sub-01_acq-mprageCE_T1w', {}, 'T1wCE'),
        ('sub-01_acq-T1c_T1w', {}, 'T1wCE'),
        ('sub-01_rec-postcontrast_T1w', {}, 'T1wCE'),
        ('sub-01_acq-preGd_T1w', {}, 'T1w'),
        ('sub-01_acq-noce_T1w', {}, 'T1w'),
        ('sub-01_acq-space_T1w', {}, 'T1w'),
        ('sub-01_T1w', {'SeriesDescription': 'AX T1 POST GAD'}, 'T1wCE'),
        ('sub-01_T1w', {'SeriesDescription': 'Ax T1 +C'}, 'T1wCE'),
        ('sub-01_T1w', {'SeriesDescription': 't1_mpr_sag_KM'}, 'T1wCE'),
        ('sub-01_T1w', {'ProtocolName': 't1_native'}, 'T1w'),
        ('sub-01_T1w', {'SeriesDescription': 'T1 post op'}, 'T1w'),
        ('sub-01_T1w', {'SeriesDescription': 'Reference sequence, slice 3'}, 'T1w'),
    ],
)
def test_the_sidecar_then_the_name_then_words_tell_contrast(name, sidecar, role):
    entities = split(f'{name}.nii.gz').entities
    assert decide(entities, sidecar).state == {'T1wCE': 'post', 'T1w': 'pre'}[role]


def test_only_what_is_said_makes_an_image_post_contrast(found):
    visit = only(
        found(
            {
                'sub-01/anat/sub-01_acq-a_T1w.nii.gz': {
                    'sidecar': {'ContrastBolusAgent': 'Gadovist'}
                },
                'sub-01/anat/sub-01_acq-b_T1w.nii.gz': {},
            }
        )
    )
    assert used(visit) == {
        'T1wCE': 'sub-01_acq-a_T1w.nii.gz', 'T1w': 'sub-01_acq-b_T1w.nii.gz',
    }  # fmt: skip
    assert 'post-contrast by the sidecar field ContrastBolusAgent' in visit.scans[0].notes


def test_a_name_against_its_sidecar_is_told(found):
    visit = only(found({GD: {'sidecar': {'ContrastBolusIngredient': 'NONE'}}}))
    (scan,) = visit.scans
    assert any('the sidecar was believed' in note for note in scan.notes)


def test_contrast_assumed_from_a_word_is_told_and_both_words_are_not_believed(found):
    assumed = only(found({'sub-01/anat/sub-01_acq-post_T1w.nii.gz': {}})).scans[0]
    assert any('post-contrast assumed from the word `post`' in note for note in assumed.notes)


def test_words_for_both_states_mean_before_contrast_with_a_note(found):
    fields = {'SeriesDescription': 'T1 pre and post'}
    (scan,) = only(found({T1: {'sidecar': fields}})).scans
    assert scan.role == 'T1w'
    assert any('both' in note for note in scan.notes)


def test_gadolinium_comes_before_other_agents_even_with_a_worse_image(found):
    visit = only(
        found(
            {
                'sub-01/anat/sub-01_ce-ferumoxytol_T1w.nii.gz': {
                    'shape': (60, 61, 62),
                    'spacing': (2, 2, 2),
                },
                GD: {},
            }
        )
    )
    assert used(visit) == {'T1wCE': 'sub-01_ce-gd_T1w.nii.gz'}
    assert 'gadolinium' in reasons(visit)['sub-01_ce-ferumoxytol_T1w.nii.gz']


def test_another_agent_alone_is_used_with_a_note(found):
    (scan,) = only(found({'sub-01/anat/sub-01_ce-ferumoxytol_T1w.nii.gz': {}})).scans
    assert any('ferumoxytol enhances differently' in note for note in scan.notes)


FINE = {'shape': (60, 61, 62), 'spacing': (1.9, 1.9, 1.9)}


@pytest.mark.parametrize(
    ('better', 'worse', 'why'),
    [
        (
            ('acq-b', {'sidecar': {'MRAcquisitionType': '3D'}}),
            ('acq-a', {**FINE, 'sidecar': {'MRAcquisitionType': '2D'}}),
            '3-D',
        ),
        (('acq-b', FINE), ('acq-a', {}), '3-D'),
        (('acq-b', {'shape': (16, 15, 12)}), ('acq-a', {}), 'covers'),
        (
            ('acq-b', {'shape': (16, 15, 12), 'spacing': (7.5, 7.9, 7.5)}),
            ('acq-a', {'shape': (18, 17, 16)}),
            'side is smaller',
        ),
        (('acq-b_rec-norm', {}), ('acq-b_rec-mip', {}), 'usual reconstruction'),
        (('acq-b', {}), ('acq-b_rec-dis', {}), 'usual reconstruction'),
        (('acq-whole', {}), ('acq-defaced', {}), 'not defaced'),
        (('run-2', {}), ('run-1', {}), 'later run'),
        (('run-10', {}), ('run-9', {}), 'later run'),
        (('run-2', {}), ('', {}), 'later run'),
        (('acq-a', {}), ('acq-b', {}), 'path comes first'),
    ],
)
def test_among_equals_the_better_is_used_and_the_reason_given(found, better, worse, why):
    def file(part):
        return '_'.join(filter(None, ['sub-01', part, 'T2w.nii.gz']))

    files = {f'sub-01/anat/{file(part)}': {**spec, 'seed': 5} for part, spec in (better, worse)}
    visit = only(found(files))
    assert used(visit) == {'T2w': file(better[0])}
    reason = reasons(visit)[file(worse[0])]
    assert reason.startswith(f'{file(better[0])} was preferred: ')
    assert why in reason


def test_two_spellings_of_one_run_are_told_and_the_path_decides(found):
    files = {f'sub-01/anat/sub-01_run-{run}_T1w.nii.gz': {} for run in ('1', '01')}
    visit = only(found(files))
    assert used(visit) == {'T1w': 'sub-01_run-01_T1w.nii.gz'}
    assert any('two names of one image' in warning for warning in visit.warnings)


def test_both_nii_and_nii_gz_are_two_names_of_one_image(found):
    visit = only(found({T1: {}, 'sub-01/anat/sub-01_T1w.nii': {}}))
    assert used(visit) == {'T1w': 'sub-01_T1w.nii'}
    assert any('two names of one image' in warning for warning in visit.warnings)


@pytest.mark.parametrize(
    ('files', 'reference'),
    [
        ([T1, GD, 'sub-01/anat/sub-01_FLAIR.nii.gz'], 'T1wCE'),
        ([T1, 'sub-01/anat/sub-01_FLAIR.nii.gz'], 'T1w'),
        (['sub-01/anat/sub-01_T2w.nii.gz', 'sub-01/anat/sub-01_FLAIR.nii.gz'], 'FLAIR'),
        (['sub-01/anat/sub-01_T2w.nii.gz'], 'T2w'),
    ],
)
def test_the_reference_is_the_post_contrast_image_or_the_next_best(found, files, reference):
    assert only(found({file: {} for file in files})).reference.role == reference


@pytest.mark.parametrize(
    ('spec', 'words'),
    [
        ({'shape': (14, 15, 9)}, '9 slices'),
        ({'shape': (3, 40, 40), 'spacing': (5, 5, 5)}, '3 slices'),
        ({'shape': (12, 13, 20), 'spacing': (7, 7, 7)}, '84 x 91 x 140 mm'),
        ({'sidecar': {'ProtocolName': 'AAHead_Scout'}}, 'scout'),
        ({'sidecar': {'ProtocolName': '3-plane localiser'}}, 'localiser'),
    ],
)
def test_localizers_are_left_out(found, spec, words):
    visit = only(found({T1: spec}))
    assert visit.scans == ()
    assert words in reasons(visit)['sub-01_T1w.nii.gz']


def test_exactly_ten_slices_and_100_mm_on_two_axes_are_enough(found):
    spec = {'shape': (10, 20, 25), 'spacing': (5, 5, 4)}
    assert only(found({T1: spec})).roles == {'T1w'}


def test_thick_slices_are_accepted_with_a_note_and_thinner_ones_without(found):
    thick = {'shape': (30, 31, 12), 'spacing': (4, 4, 8)}
    (scan,) = only(found({T1: thick})).scans
    assert scan.notes == ('thick slices, 8 mm apart: lengths and volumes are coarse',)
    assert scan.shape == (30, 31, 12)
    assert scan.spacing == pytest.approx((4, 4, 8))


def test_a_stripped_image_is_accepted_with_a_note(found):
    (scan,) = only(found({T1: {'sidecar': {'SkullStripped': True}}})).scans
    assert 'skull-stripped by its sidecar' in scan.notes


def test_a_visit_or_participant_without_images_stops_nothing(found):
    patients = found(
        {
            'sub-01/ses-01/func/sub-01_ses-01_task-rest_bold.nii.gz': b'x',
            'sub-01/ses-02/anat/sub-01_ses-02_T1w.nii.gz': {},
            'sub-02/func/sub-02_task-rest_bold.nii.gz': b'x',
            'sub-03/anat/sub-03_FLAIR.nii.gz': {},
        }
    )
    states = [[(visit.name, sorted(visit.roles)) for visit in p.visits] for p in patients]
    assert states == [
        [('sub-01_ses-02', ['T1w']), ('sub-01_ses-01', [])],
        [('sub-02', [])],
        [('sub-03', ['FLAIR'])],
    ]
    assert patients[1].visits[0].warnings == ('no image in its anat folder',)
    rows = discover.plan(patients)
    assert [row['visit'] for row in rows if row['state'] == 'skipped'] == [
        'sub-01_ses-01',
        'sub-02',
    ]


def test_images_inside_and_outside_of_sessions_are_visits_of_their_own(found):
    (patient,) = found(
        {
            T1: {},
            'sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz': {},
            'sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz': {},
        }
    )
    assert [visit.session for visit in patient.visits] == [None, 'a', 'b']
    assert any('outside of any session' in warning for warning in patient.warnings)


def test_participants_with_and_without_sessions_live_together(found):
    patients = found({T1: {}, 'sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz': {}})
    assert [visit.name for patient in patients for visit in patient.visits] == [
        'sub-01',
        'sub-02_ses-1',
    ]


def test_labels_keep_case_and_zeros_and_may_have_a_prefix(make_dataset):
    labels = ['1', '01', 's060', 'bus', 'sub1', 'a+b', 'AB', 'ab']
    root = make_dataset({f'sub-{label}/x.txt': 'x' for label in labels})
    assert set(discover.participants(root)) == set(labels)
    assert discover.select(root, ['sub-sub1', 'sub1', 's060', 'bus', 'sub-01']) == (
        '01', 'bus', 's060', 'sub1',
    )  # fmt: skip
    assert discover.select(root, []) == discover.participants(root)


def test_an_unknown_label_is_refused_with_the_nearest_ones(make_dataset):
    from bids_seg.errors import CommandError

    root = make_dataset({f'sub-{label}/x.txt': 'x' for label in ('001', '002', '003', 'xyz')})
    with pytest.raises(CommandError, match='sub-004 is not in the dataset; did you mean') as caught:
        discover.select(root, ['sub-004'])
    assert caught.value.code == 2
    assert caught.value.do.count('00') >= 2 + 1


def test_sessions_are_selected_and_unknown_ones_refused(found):
    from bids_seg.errors import CommandError

    files = {f'sub-01/ses-{ses}/anat/sub-01_ses-{ses}_T1w.nii.gz': {} for ses in ('1', '2', '10')}
    (patient,) = found(files, sessions=['ses-10', '2'])
    assert [visit.session for visit in patient.visits] == ['2', '10']
    with pytest.raises(CommandError, match='ses-3 is not in the dataset'):
        found({}, sessions=['3'])


def test_a_record_survives_json(found):
    (patient,) = found({T1: {'sidecar': {'Manufacturer': 'X', 'MagneticFieldStrength': 3}}})
    assert records.from_json(records.Patient, records.to_json(patient)) == patient
    assert patient.visits[0].scans[0].metadata == {'Manufacturer': 'X', 'MagneticFieldStrength': 3}


def test_derivative_input_takes_prepared_images_only(found):
    derivative = {'Name': 'x', 'BIDSVersion': '1.11.1', 'DatasetType': 'derivative'}
    prepared = 'sub-01/anat/sub-01_ce-gd_desc-preproc_T1w.nii.gz'
    visit = only(
        found(
            {
                prepared: {'sidecar': {'SkullStripped': True}},
                'sub-01/anat/sub-01_space-T1wCE_desc-preproc_FLAIR.nii.gz': {},
                'sub-01/anat/sub-01_space-MNI152NLin2009cAsym_desc-preproc_T2w.nii.gz': {},
                'sub-01/anat/sub-01_desc-brain_T2w.nii.gz': {},
                'sub-01/anat/sub-01_desc-brain_mask.nii.gz': {},
            },
            description=derivative,
        )
    )
    assert used(visit) == {
        'T1wCE': Path(prepared).name,
        'FLAIR': 'sub-01_space-T1wCE_desc-preproc_FLAIR.nii.gz',
    }
    assert visit.reference.relative == prepared
    assert 'skull-stripped by its sidecar' in visit.reference.notes
    told = reasons(visit)
    assert (
        'not the space of the participant'
        in told['sub-01_space-MNI152NLin2009cAsym_desc-preproc_T2w.nii.gz']
    )
    assert 'without desc-preproc' in told['sub-01_desc-brain_T2w.nii.gz']
    assert told['sub-01_desc-brain_mask.nii.gz'] == 'suffix mask is not used'


def test_the_digest_follows_contents_and_used_fields_only(found, make_dataset):
    def digest(**spec):
        return discover.input_sha256(only(found({T1: spec})))

    first = digest(seed=1, sidecar={'Manufacturer': 'X'})
    assert first == digest(seed=1, sidecar={'Manufacturer': 'X', 'Unrelated': 1})
    assert first != digest(seed=2, sidecar={'Manufacturer': 'X'})
    assert first != digest(seed=1, sidecar={'Manufacturer': 'Y'})
    assert len(first) == 64
