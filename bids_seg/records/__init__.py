# SPDX-License-Identifier: Apache-2.0
"""The vocabulary: frozen records that pass from room to room, and their JSON form.

Units are millimetres, cubic millimetres and days unless a name says otherwise; world
axes are RAS+. No record holds an array.
"""

from bids_seg.records.given import Given, GivenFault, GivenFile
from bids_seg.records.lesions import Diameters, Lesion, LesionSet, Line, Point, Tissue
from bids_seg.records.plain import from_json, to_json
from bids_seg.records.responses import (
    Basis,
    BestResponse,
    ConfirmStatus,
    Course,
    CriterionInForce,
    History,
    Observation,
    Response,
    Standing,
    VisitMeasurements,
)
from bids_seg.records.runs import Cost, ModelRun, VisitSummary
from bids_seg.records.tracks import (
    Event,
    Identity,
    ReaderEdit,
    Registration,
    Track,
    Tracking,
    VisitAlignment,
)
from bids_seg.records.visits import (
    REFERENCE_ORDER,
    ROLES,
    Alignment,
    Disease,
    PassedOver,
    Patient,
    Role,
    Scan,
    Visit,
)

__all__ = [
    'REFERENCE_ORDER',
    'ROLES',
    'Alignment',
    'Basis',
    'BestResponse',
    'ConfirmStatus',
    'Cost',
    'Course',
    'CriterionInForce',
    'Diameters',
    'Disease',
    'Event',
    'Given',
    'GivenFault',
    'GivenFile',
    'History',
    'Identity',
    'Lesion',
    'LesionSet',
    'Line',
    'ModelRun',
    'Observation',
    'PassedOver',
    'Patient',
    'Point',
    'ReaderEdit',
    'Registration',
    'Response',
    'Role',
    'Scan',
    'Standing',
    'Tissue',
    'Track',
    'Tracking',
    'Visit',
    'VisitAlignment',
    'VisitMeasurements',
    'VisitSummary',
    'from_json',
    'to_json',
]
