# SPDX-License-Identifier: Apache-2.0
"""From labels to lesions: volumes, diameters, shape and their uncertainty."""

from bids_seg.measure.components import Tissue, usual_tissue
from bids_seg.measure.lesion import lesions

__all__ = ['Tissue', 'lesions', 'usual_tissue']
