# SPDX-License-Identifier: Apache-2.0
"""Tracking and response together: one lesion new, one gone, one grown, one split."""

from patients import WELL, lesion

from bids_seg.records import Course, Observation, VisitMeasurements
from bids_seg.respond import find, respond
from bids_seg.track import Component, VisitComponents, follow
from bids_seg.track.match import Edge, Graph

SIZES = [
    {1: (30.0, 20.0), 2: (20.0, 15.0), 3: (12.0, 10.0)},
    {1: (30.0, 20.0), 2: (20.0, 15.0)},
    {1: (22.0, 20.0), 2: (29.0, 20.0), 3: (7.0, 7.0), 4: (8.0, 8.0)},
]
# The first lesion splits into 1 and 4, the second grows into 2, 3 is new.
EDGES = {
    1: [('L001', 1), ('L002', 2)],
    2: [('L001', 1), ('L001', 4), ('L002', 2)],
}


def visits():
    return [
        VisitComponents(
            components=tuple(
                Component(
                    index=index,
                    volume_mm3=lesion(*size).volume_mm3,
                    centroid=(50.0 * index, 0.0, 0.0),
                    ld_mm=size[0],
                )
                for index, size in some.items()
            )
        )
        for some in SIZES
    ]


def look(known, place):
    components = visits()[place].components
    volume = {one.index: float(one.volume_mm3) for one in components}
    edges = [
        Edge(lesion_id=name, component=index, a=0.9, b=0.9, overlap_mm3=volume[index])
        for name, index in EDGES.get(place, [])
    ]
    return Graph(components=components, edges=tuple(edges))


def test_identities_decide_what_counts_in_the_response():
    tracks = follow(visits(), look, disease='metastases', tissue='TC').tracks
    measured = []
    for place, some in enumerate(SIZES):
        events = [event for track in tracks if (event := track.at(place)) is not None]
        seen = tuple(
            Observation(
                event=event,
                lesion=None
                if event.component_index is None
                else lesion(*some[event.component_index]),
            )
            for event in events
        )
        measured.append(
            VisitMeasurements(
                session=str(place + 1),
                days=60 * place,
                date=None,
                evaluable=True,
                reason='',
                roles=('T1wCE',),
                observations={'TC': seen},
                wt_mm3=None,
                flair_spacing_mm=None,
                clinical=WELL,
            )
        )
    rows, best = respond(Course(participant='01', visits=tuple(measured)), find('rano_bm'))
    assert [row.aggregate for row in rows] == [620, 500, 590]
    last = rows[-1]
    assert last.roles == {
        'L001': 'target',
        'L002': 'target',
        'L003': 'target',
        'L004': 'fragment',
        'L005': 'new',
    }
    assert (last.target, last.new_lesion, last.response) == ('SD', 'unequivocal', 'PD')
    assert (best.bor, best.progression_days) == ('SD', 120)
