# SPDX-License-Identifier: Apache-2.0
"""From labels to lesions: volumes, diameters, shape and their uncertainty."""

from bids_seg.measure.components import Tissue, usual_tissue
from bids_seg.measure.lesion import lesions
from bids_seg.measure.parts import Parts, parts

__all__ = ['Parts', 'Tissue', 'lesions', 'parts', 'usual_tissue']
