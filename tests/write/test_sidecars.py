# SPDX-License-Identifier: Apache-2.0
"""Sidecars (BIDS.md 2.3, 2.4): direct parents, one reference, who drew it."""

import dataclasses
import json
import math

import pytest

from bids_seg.records import LesionSet
from bids_seg.write import names, paths, sidecars


@pytest.fixture
def made(summary_of):
    summary = summary_of('01', '01')
    files = names.files_of(summary)
    lesions = {
        run.task: LesionSet(
            disease=run.task,
            tissue='TC',
            measurement_space='T1wCE',
            lesions=(),
            n_specks=3,
            totals_mm3={},
        )
        for run in summary.models
        if run.task != 'brain'
    }
    contents = sidecars.visit_sidecars(summary, files, lesions=lesions)
    return {key: contents[paths.sidecar(path)] for key, path in files.items()}


RAW = 'bids:raw:sub-01/ses-01/anat/sub-01_ses-01_'
OWN = 'bids::sub-01/ses-01/anat/sub-01_ses-01_'


def test_each_output_has_a_sidecar_with_digests_and_seed(made):
    for content in made.values():
        assert content['Description'].endswith('.')
        assert isinstance(content['Sources'], list)
        assert content['SettingsSHA256'] == '5' * 64
        assert content['InputSHA256'] == '1' * 64
        assert content['Seed'] == 1
        assert 'RawSources' not in content


def test_images_of_a_visit_have_one_spatial_reference_the_raw_reference_image(made):
    places = {content['SpatialReference'] for key, content in made.items() if 'xfm' not in key}
    assert places == {f'{RAW}ce-gd_T1w.nii.gz'}


def test_sources_are_direct_parents(made):
    assert made['preproc:T1wCE']['Sources'] == [f'{RAW}ce-gd_T1w.nii.gz']
    assert made['preproc:FLAIR']['Sources'] == [
        f'{RAW}FLAIR.nii.gz',
        f'{OWN}from-FLAIR_to-T1wCE_mode-image_xfm.txt',
    ]
    assert made['xfm:FLAIR']['Sources'] == [f'{RAW}FLAIR.nii.gz', f'{RAW}ce-gd_T1w.nii.gz']
    assert made['brain_mask']['Sources'] == [f'{OWN}ce-gd_space-orig_desc-preproc_T1w.nii.gz']
    assert made['dseg:metastases']['Sources'] == [
        f'{OWN}space-orig_seg-metastases_label-TC_probseg.nii.gz'
    ]
    assert made['mask:glioma:ET']['Sources'] == [f'{OWN}space-orig_seg-glioma_dseg.nii.gz']
    assert made['lesions:glioma']['Sources'] == [f'{OWN}space-orig_seg-glioma_dseg.nii.gz']
    assert made['entropy:glioma']['Sources'] == made['probseg:glioma:WT']['Sources']
    assert f'{OWN}ce-gd_space-orig_desc-brain_mask.nii.gz' in made['entropy:glioma']['Sources']


def test_preprocessed_images_keep_true_raw_fields_and_say_whether_the_skull_is_gone(made):
    assert made['preproc:T1wCE']['ContrastBolusIngredient'] == 'GADOLINIUM'
    assert made['preproc:T2w']['MagneticFieldStrength'] == 3
    assert made['preproc:T2w']['SkullStripped'] is False
    assert 'SkullStripped' not in made['brain_mask']


def test_a_raw_field_cannot_take_the_place_of_ours(summary_of):
    summary = summary_of('01', None)
    scans = tuple(
        dataclasses.replace(scan, metadata={'Sources': 'x', 'SkullStripped': True, 'Seed': 9})
        for scan in summary.visit.scans
    )
    summary = dataclasses.replace(
        summary, visit=dataclasses.replace(summary.visit, scans=scans), models=()
    )
    contents = sidecars.visit_sidecars(summary, names.files_of(summary), lesions={})
    content = contents['sub-01/anat/sub-01_space-T1wCE_desc-preproc_T2w.json']
    assert content['SkullStripped'] is False
    assert isinstance(content['Sources'], list)
    assert content['Seed'] == 1


def test_masks_say_what_they_are_who_drew_them_and_how_large_they_are(made):
    assert made['brain_mask']['Type'] == 'Brain'
    assert made['mask:glioma:WT']['Type'] == 'Lesion'
    for key in ('brain_mask', 'mask:glioma:WT', 'dseg:glioma', 'lesions:metastases'):
        assert made[key]['Manual'] is False
        assert made[key]['Model'] in {'brain', 'glioma', 'metastases'}
        assert made[key]['ModelVersion'] == '0.1.0'
        assert made[key]['ModelSHA256'] == ['ab' * 32]
        assert made[key]['Threshold'] == 0.5
    assert made['mask:glioma:WT']['VolumeMm3'] == 119
    assert made['lesions:glioma']['NumberOfSpecks'] == 3


def test_the_quality_of_an_alignment_stands_in_the_sidecar_of_its_transform(made):
    content = made['xfm:T2w']
    assert content['RotationDeg'] == 1.2346
    assert content['NormalisedMutualInformation'] == 1.2
    assert content['DisagreementMm'] is None
    assert content['Accepted'] is True


def test_a_figure_that_is_no_number_is_null_since_json_has_no_infinity(summary_of):
    summary = summary_of('01', None)
    bad = dataclasses.replace(
        summary.alignments[0], disagreement_mm=math.inf, rotation_deg=math.nan
    )
    summary = dataclasses.replace(
        summary, alignments=(bad, *summary.alignments[1:]), models=summary.models[:1]
    )
    contents = sidecars.visit_sidecars(summary, names.files_of(summary), lesions={})
    text = json.dumps(contents, allow_nan=False)
    assert '"DisagreementMm": null' in text


def test_regions_that_could_not_be_reported_are_named_with_the_reason(summary_of):
    summary = summary_of('02', None)
    run = dataclasses.replace(
        summary.models[1], regions=('WT', 'TC'), unavailable={'ET': 'no post-contrast T1w'}
    )
    summary = dataclasses.replace(summary, models=(run,))
    empty = LesionSet(
        disease='glioma',
        tissue='WT',
        measurement_space='T1wCE',
        lesions=(),
        n_specks=0,
        totals_mm3={},
    )
    files = names.files_of(summary)
    contents = sidecars.visit_sidecars(summary, files, lesions={'glioma': empty})
    content = contents[paths.sidecar(files['dseg:glioma'])]
    assert content['UnavailableRegions'] == {'ET': 'no post-contrast T1w'}
    assert 'brain' not in ' '.join(contents[paths.sidecar(files['entropy:glioma'])]['Sources'])
