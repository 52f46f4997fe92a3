# SPDX-License-Identifier: Apache-2.0
"""What the plan says of lesions through time."""

from dataclasses import replace

import pytest

from bids_seg.demo import truth
from bids_seg.demo.plan import PEOPLE, Person, Tumour


def _told(person: Person, number: int) -> dict[str, tuple[bool, str, tuple[str, ...], str]]:
    return {
        fate.lesion: (fate.present, fate.identity, fate.events, fate.parent)
        for fate in truth.fates(person)
        if fate.number == number
    }


def test_of_the_metastases_one_goes_one_splits_one_grows_one_is_new_and_one_stays() -> None:
    person = PEOPLE[1]
    first = (True, 'baseline', (), '')
    stays = (True, 'continuing', (), '')
    assert _told(person, 0) == {'M1': first, 'M2': first, 'M3': first, 'M5': first}
    assert _told(person, 1) == {
        'M1': stays,
        'M2': stays,
        'M3': (False, 'resolved', (), ''),
        'M5': (True, 'continuing', ('split',), ''),
        'M6': (True, 'fragment', (), 'M5'),
    }
    assert _told(person, 2) == {
        'M1': (True, 'continuing', ('growing',), ''),
        'M2': stays,
        'M3': (False, '', (), ''),
        'M4': (True, 'new', (), ''),
        'M5': stays,
        'M6': stays,
    }


def test_the_glioma_grows() -> None:
    assert _told(PEOPLE[0], 1) == {'G1': (True, 'continuing', ('growing',), '')}


def test_two_tumours_that_touch_are_one_lesion_of_two_parts() -> None:
    person = PEOPLE[1]
    assert [one.name for one in truth.parts(person, 'M5', 0)] == ['M5', 'M6']
    assert [one.name for one in truth.parts(person, 'M5', 1)] == ['M5']
    assert truth.parts(person, 'M6', 0) == ()


@pytest.mark.parametrize(
    ('diameters', 'told'),
    [
        ((10.0, 0.0, 10.0), (True, 'recurrent', (), '')),
        ((10.0, 10.0, 8.0), (True, 'continuing', ('shrinking',), '')),
        ((10.0, 10.0, 8.5), (True, 'continuing', (), '')),
    ],
)
def test_a_lesion_may_come_back_or_shrink(
    diameters: tuple[float, ...], told: tuple[bool, str, tuple[str, ...], str]
) -> None:
    one: Tumour = replace(PEOPLE[1].tumours[1], diameters=diameters)
    assert _told(replace(PEOPLE[1], tumours=(one,)), 2) == {one.name: told}


def test_the_responses_follow_from_the_drawn_diameters() -> None:
    person = PEOPLE[1]
    sums = [
        sum(
            one.diameters[number]
            for fate in truth.fates(person)
            if fate.number == number and fate.lesion != 'M4'
            for one in truth.parts(person, fate.lesion, number)
        )
        for number in range(3)
    ]
    # RANO-BM: from -30 % of the baseline on PR; from +20 % and 5 mm of the smallest on PD.
    assert sums[1] <= 0.65 * sums[0]
    assert sums[2] >= 1.25 * sums[1]
    assert sums[2] - sums[1] >= 10
