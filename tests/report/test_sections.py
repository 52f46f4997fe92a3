# SPDX-License-Identifier: Apache-2.0
"""What every section must keep, and what some of them say."""

import dataclasses
import itertools

import pytest
from painted_output import model_run, summary

from bids_seg.report import sections, view
from bids_seg.report.outputs import PatientOutputs, VisitOutputs, read_patient
from bids_seg.report.section import Scene
from bids_seg.report.sections import checks, course, methods


def visit_outputs(made):
    return VisitOutputs(summary=made, images={}, brain=None, diseases=(), transforms={})


def scene(*summaries):
    visits = tuple(visit_outputs(made) for made in summaries)
    patient = PatientOutputs(participant='01', visits=visits, tables=())
    return Scene(patient=patient, visit=visits[-1], pictures=view.load(visits[-1]))


@pytest.mark.parametrize('section', sections.listed(), ids=lambda section: section.title)
@pytest.mark.parametrize('status', ['complete', 'skipped', 'failed'])
def test_a_section_bears_a_visit_without_any_image(section, status):
    roles = () if status == 'skipped' else ('FLAIR',)
    part = section.render(scene(summary(status=status, reason='a <b> c', roles=roles)))
    assert '<b> c' not in part.html


def test_no_two_sections_of_a_scope_have_the_same_place():
    for scope, found in itertools.groupby(sections.listed(), lambda section: section.scope):
        orders = [section.order for section in found]
        assert len(orders) == len(set(orders)), scope


def said(**changes):
    return [(c.level, c.where, c.text) for c in checks.checks(visit_outputs(summary(**changes)))]


def test_a_refused_alignment_is_named_with_its_reason():
    first = summary().alignments[0]
    refused = dataclasses.replace(first, accepted=False, note='mutual information fell')
    assert said(alignments=(refused,)) == [
        (
            'warn',
            f'Alignment refused, {first.moving} onto T1wCE',
            'Mutual information fell. This contrast was not used.',
        )
    ]


def test_an_unavailable_region_is_named_with_its_reason():
    run = model_run('glioma', {'WT': 5}, unavailable={'ET': 'no post-contrast T1w'})
    assert ('warn', 'glioma, enhancing tumour (ET) not reported', 'No post-contrast T1w.') in said(
        models=(run,)
    )


def test_thick_slices_say_what_is_not_measurable():
    made = summary()
    thick = tuple(dataclasses.replace(s, spacing=(0.9, 0.9, 6.0)) for s in made.visit.scans)
    visit = dataclasses.replace(made.visit, scans=thick)
    assert 'lesions below 12 mm are not measurable' in said_of(visit)


def said_of(visit):
    made = dataclasses.replace(summary(), visit=visit)
    return ' '.join(check.text for check in checks.checks(visit_outputs(made)))


def test_five_millimetres_are_thick_but_measurable():
    made = summary()
    scans = tuple(dataclasses.replace(s, spacing=(0.9, 0.9, 5.0)) for s in made.visit.scans)
    text = said_of(dataclasses.replace(made.visit, scans=scans))
    assert 'Slices are 5 mm apart' in text
    assert 'measurable' not in text


def test_one_remark_on_several_contrasts_is_said_once():
    made = summary(roles=('T1wCE', 'FLAIR'))
    scans = tuple(
        dataclasses.replace(s, notes=('assumed from its name',)) for s in made.visit.scans
    )
    found = said(visit=dataclasses.replace(made.visit, scans=scans), alignments=())
    assert found == [('note', 'T1wCE, FLAIR', 'Assumed from its name.')]


def test_lesions_of_two_visits_are_not_taken_for_one(made):
    patient = read_patient(made, '01')
    last = patient.latest
    text = checks.render(Scene(patient=patient, visit=last, pictures=view.load(last))).html
    assert 'Visit 01: Lesion U001' in text
    assert 'Visit 02: Lesion U001' in text


def text_of(*summaries):
    pieces = itertools.chain.from_iterable(methods.paragraphs(summaries))
    return ''.join(text for text, _ in pieces)


def test_methods_name_only_what_ran():
    run = model_run('brain', {'brain': 1})
    plain = text_of(summary(models=(run,), alignments=()))
    assert 'No bias field correction was made' in plain
    assert 'registered' not in plain
    assert 'No lesions were measured' in plain
    both = text_of(summary(models=(run, model_run('glioma', {'WT': 1})), settings={'bias': 'n4'}))
    assert 'removed with N4' in both
    assert 'registered to it rigidly' in both
    assert 'BraTS' in both


def test_methods_say_whose_weights_a_network_of_others_has():
    ours = model_run('brain', {'brain': 1})
    theirs = dataclasses.replace(
        model_run('glioma', {'WT': 1}),
        model='budakeras-flair',
        licence='CC-BY-NC-SA-4.0',
        commercial=False,
        parity=True,
        shipped=False,
    )
    text = text_of(summary(models=(ours, theirs), alignments=()))
    assert 'licence: CC-BY-NC-SA-4.0' in text
    assert 'not be used commercially' in text
    assert 'known defects and all' in text
    assert 'painted' in text
    other = dataclasses.replace(ours, shipped=False)
    told = text_of(summary(models=(other,), alignments=()))
    assert 'licence: not stated' in told
    assert 'painted' not in told


def test_every_citation_is_in_the_list_of_references():
    made = summary(models=(model_run('glioma', {'WT': 1}),), settings={'bias': 'n4'})
    keys = {key for paragraph in methods.paragraphs([made]) for _, key in paragraph if key}
    assert keys <= set(methods.REFERENCES)
    assert keys == set(methods.REFERENCES)


def test_a_failed_participant_has_no_methods():
    assert text_of(summary(status='failed')) == (
        'No visit was completed, so there is nothing to describe.'
    )


def test_visits_are_in_order_of_time(made):
    patient = read_patient(made, '01')
    assert [visit.summary.visit.session for visit in patient.visits] == ['01', '02']
    assert patient.latest.summary.visit.session == '02'
    assert list(patient.latest.images) == ['T1wCE', 'T1w', 'FLAIR', 'T2w']
    assert patient.latest.diseases[0].regions == ('WT', 'TC', 'ET')


def test_a_curve_names_every_volume():
    visits = [
        summary(session=name, days=day, models=(model_run('glioma', {'WT': mm3, 'ET': 500}),))
        for name, day, mm3 in (('a', 0, 12_000), ('b', 40, 24_000))
    ]
    figure = course.curve(scene(*visits).patient)
    assert 'a: WT 12.0 mL, ET 0.500 mL; b: WT 24.0 mL' in figure.alt
    assert course.curve(scene(visits[0]).patient) is None


def test_volumes_without_days_are_not_to_scale():
    visits = [summary(session=s, models=(model_run('glioma', {'WT': 9}),)) for s in 'ab']
    figure = course.curve(scene(*visits).patient)
    assert 'not to scale in time' in figure.caption
