# SPDX-License-Identifier: Apache-2.0
"""The whole tree: its listing name by name, and the BIDS validator's word on it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bids_seg.write import check, dataset, group, participant

VALIDATOR = shutil.which(
    'bids-validator-deno', path=str(Path(sys.executable).parent)
) or shutil.which('bids-validator-deno')

ROOT = """
.bidsignore README.md dataset_description.json descriptions.tsv descriptions.json
participants.tsv participants.json sub-01.html sub-02.html sub-03.html
group_lesions.tsv group_lesions.json group_visits.tsv group_visits.json
group_best.tsv group_best.json group_qc.tsv group_qc.json logs/CITATION.md
tpl-MNI152NLin2009aSym/anat/tpl-MNI152NLin2009aSym_res-1_label-WT_desc-glioma_probseg.nii.gz
tpl-MNI152NLin2009aSym/anat/tpl-MNI152NLin2009aSym_res-1_label-WT_desc-glioma_probseg.json
sub-01/sub-01_lesions.tsv sub-01/sub-01_lesions.json
sub-01/sub-01_sessions.tsv sub-01/sub-01_sessions.json
sub-02/sub-02_lesions.tsv sub-02/sub-02_lesions.json
sub-03/sub-03_lesions.tsv sub-03/sub-03_lesions.json
sub-03/sub-03_sessions.tsv sub-03/sub-03_sessions.json
sub-01/figures/sub-01_ses-01_desc-summary.json sub-01/figures/sub-01_ses-02_desc-summary.json
sub-02/figures/sub-02_desc-summary.json sub-03/figures/sub-03_ses-pre_desc-summary.json
sub-01/figures/sub-01_desc-history.json sub-02/figures/sub-02_desc-history.json
sub-03/figures/sub-03_desc-history.json
sub-01/anat/sub-01_space-individual_seg-gliomaTracks_dseg.nii.gz
sub-01/anat/sub-01_space-individual_seg-gliomaTracks_dseg.json
sub-01/anat/sub-01_space-individual_seg-gliomaTracks_dseg.tsv
sub-01/anat/sub-01_space-individual_seg-metastasesTracks_dseg.nii.gz
sub-01/anat/sub-01_space-individual_seg-metastasesTracks_dseg.json
sub-01/anat/sub-01_space-individual_seg-metastasesTracks_dseg.tsv
"""
FOLLOWED = """
from-orig_to-individual_mode-image_xfm.txt from-orig_to-individual_mode-image_xfm.json
space-individual_seg-gliomaLesions_dseg.nii.gz space-individual_seg-gliomaLesions_dseg.json
space-individual_seg-gliomaLesions_dseg.tsv
space-individual_seg-metastasesLesions_dseg.nii.gz
space-individual_seg-metastasesLesions_dseg.json
space-individual_seg-metastasesLesions_dseg.tsv
space-MNI152NLin2009aSym_seg-glioma_res-1_dseg.nii.gz
space-MNI152NLin2009aSym_seg-glioma_res-1_dseg.json
space-MNI152NLin2009aSym_seg-glioma_res-1_dseg.tsv
"""
WITH_CONTRAST = """
ce-gd_space-orig_desc-brain_mask.nii.gz ce-gd_space-orig_desc-brain_mask.json
ce-gd_space-orig_desc-preproc_T1w.nii.gz ce-gd_space-orig_desc-preproc_T1w.json
space-T1wCE_desc-preproc_T1w.nii.gz space-T1wCE_desc-preproc_T1w.json
space-T1wCE_desc-preproc_T2w.nii.gz space-T1wCE_desc-preproc_T2w.json
space-T1wCE_desc-preproc_FLAIR.nii.gz space-T1wCE_desc-preproc_FLAIR.json
from-T1w_to-T1wCE_mode-image_xfm.txt from-T1w_to-T1wCE_mode-image_xfm.json
from-T2w_to-T1wCE_mode-image_xfm.txt from-T2w_to-T1wCE_mode-image_xfm.json
from-FLAIR_to-T1wCE_mode-image_xfm.txt from-FLAIR_to-T1wCE_mode-image_xfm.json
space-orig_seg-glioma_dseg.nii.gz space-orig_seg-glioma_dseg.json space-orig_seg-glioma_dseg.tsv
space-orig_seg-glioma_label-WT_probseg.nii.gz space-orig_seg-glioma_label-WT_probseg.json
space-orig_seg-glioma_label-TC_probseg.nii.gz space-orig_seg-glioma_label-TC_probseg.json
space-orig_seg-glioma_label-ET_probseg.nii.gz space-orig_seg-glioma_label-ET_probseg.json
space-orig_seg-glioma_desc-entropy_probseg.nii.gz space-orig_seg-glioma_desc-entropy_probseg.json
space-orig_label-WT_desc-glioma_mask.nii.gz space-orig_label-WT_desc-glioma_mask.json
space-orig_label-TC_desc-glioma_mask.nii.gz space-orig_label-TC_desc-glioma_mask.json
space-orig_label-ET_desc-glioma_mask.nii.gz space-orig_label-ET_desc-glioma_mask.json
space-orig_seg-gliomaLesions_dseg.nii.gz space-orig_seg-gliomaLesions_dseg.json
space-orig_seg-gliomaLesions_dseg.tsv
space-orig_seg-metastases_dseg.nii.gz space-orig_seg-metastases_dseg.json
space-orig_seg-metastases_dseg.tsv
space-orig_seg-metastases_label-TC_probseg.nii.gz space-orig_seg-metastases_label-TC_probseg.json
space-orig_seg-metastases_desc-entropy_probseg.nii.gz
space-orig_seg-metastases_desc-entropy_probseg.json
space-orig_label-TC_desc-metastases_mask.nii.gz space-orig_label-TC_desc-metastases_mask.json
space-orig_seg-metastasesLesions_dseg.nii.gz space-orig_seg-metastasesLesions_dseg.json
space-orig_seg-metastasesLesions_dseg.tsv
"""
WITHOUT_CONTRAST = """
space-orig_desc-brain_mask.nii.gz space-orig_desc-brain_mask.json
space-orig_desc-preproc_T1w.nii.gz space-orig_desc-preproc_T1w.json
space-T1w_desc-preproc_T2w.nii.gz space-T1w_desc-preproc_T2w.json
space-T1w_desc-preproc_FLAIR.nii.gz space-T1w_desc-preproc_FLAIR.json
from-T2w_to-T1w_mode-image_xfm.txt from-T2w_to-T1w_mode-image_xfm.json
from-FLAIR_to-T1w_mode-image_xfm.txt from-FLAIR_to-T1w_mode-image_xfm.json
space-orig_seg-glioma_dseg.nii.gz space-orig_seg-glioma_dseg.json space-orig_seg-glioma_dseg.tsv
space-orig_seg-glioma_label-WT_probseg.nii.gz space-orig_seg-glioma_label-WT_probseg.json
space-orig_seg-glioma_label-TC_probseg.nii.gz space-orig_seg-glioma_label-TC_probseg.json
space-orig_seg-glioma_desc-entropy_probseg.nii.gz space-orig_seg-glioma_desc-entropy_probseg.json
space-orig_label-WT_desc-glioma_mask.nii.gz space-orig_label-WT_desc-glioma_mask.json
space-orig_label-TC_desc-glioma_mask.nii.gz space-orig_label-TC_desc-glioma_mask.json
space-orig_seg-gliomaWTLesions_dseg.nii.gz space-orig_seg-gliomaWTLesions_dseg.json
space-orig_seg-gliomaWTLesions_dseg.tsv
"""


def expected() -> set[str]:
    found = set(ROOT.split())
    for folder, words in {
        'sub-01/ses-01': WITH_CONTRAST + FOLLOWED,
        'sub-01/ses-02': WITH_CONTRAST + FOLLOWED,
        'sub-02': WITHOUT_CONTRAST,
        'sub-03/ses-pre': WITH_CONTRAST,
    }.items():
        found |= {f'{folder}/anat/{folder.replace("/", "_")}_{end}' for end in words.split()}
    return found


def listing(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob('*') if path.is_file()}


def validated(root: Path) -> list[dict[str, object]]:
    done = subprocess.run(
        [VALIDATOR, str(root), '--format', 'json'], capture_output=True, text=True, check=False
    )
    issues: list[dict[str, object]] = json.loads(done.stdout)['issues']['issues']
    return issues


def test_the_listing_is_that_of_the_contract_name_by_name(finished):
    found = listing(finished / 'derivatives' / 'bids-seg')
    assert sorted(found ^ expected()) == []


@pytest.mark.skipif(VALIDATOR is None, reason='the BIDS validator is not installed')
def test_the_bids_validator_finds_no_error_and_one_known_warning(finished):
    issues = validated(finished / 'derivatives' / 'bids-seg')
    errors = [issue for issue in issues if issue['severity'] == 'error']
    assert errors == []
    assert {issue['code'] for issue in issues} <= {'TOO_FEW_AUTHORS'}


@pytest.mark.skipif(VALIDATOR is None, reason='the BIDS validator is not installed')
def test_the_tree_stays_valid_with_failed_visits_and_a_participant_after_the_group(
    finished, tmp_path, summary_of
):
    shutil.copytree(finished, tmp_path / 'raw')
    out = tmp_path / 'raw' / 'derivatives' / 'bids-seg'
    failed = summary_of('01', '03', status='failed', reason='signal 9', models=())
    participant.write_summary(out, failed)
    participant.write_tables(out, '01')
    skipped = summary_of('04', 'x', status='skipped', reason='no images', models=())
    participant.write_summary(out, skipped)
    participant.write_tables(out, '04')
    dataset.append_participant(out, '04', status='skipped')
    found = validated(out)
    assert [issue for issue in found if issue['severity'] == 'error'] == []
    group.write_tables(out)
    found = validated(out)
    assert [issue for issue in found if issue['severity'] == 'error'] == []
    assert check.problems(out) == []
