# SPDX-License-Identifier: Apache-2.0
"""Whether a visit lies well enough on the patient's reference visit to be tracked."""

from __future__ import annotations

from bids_seg.records import VisitAlignment

MOST_DISAGREEMENT_MM = 2.0
"""Forward and reverse registration must agree within this, mm."""
LEAST_DICE = 0.85
"""Brains must overlap by this inside the common field of view."""
MOST_ROTATION_DEG = 45.0
"""No head is turned by more, degrees."""


def faults(figures: VisitAlignment) -> tuple[str, ...]:
    """Return why a visit cannot be tracked, each a sentence without a full stop; empty if it can.

    Parameters
    ----------
    figures
        Of the registration of the visit onto the reference visit.

    Examples
    --------
    >>> faults(VisitAlignment(disagreement_mm=3.25, rotation_deg=5.0, mutual_information=1.2,
    ...     mutual_information_before=1.1, brain_dice=None))
    ('forward and reverse registration differ by 3.2 mm (at most 2.0)',)
    """
    dice = figures.brain_dice
    # Written so that a figure that is not a number is a fault.
    checks = (
        (
            figures.disagreement_mm <= MOST_DISAGREEMENT_MM,
            f'forward and reverse registration differ by {figures.disagreement_mm:.1f} mm '
            f'(at most {MOST_DISAGREEMENT_MM:.1f})',
        ),
        (
            dice is None or dice >= LEAST_DICE,
            f'the brains overlap by a Dice of {dice or 0:.2f} (at least {LEAST_DICE:.2f})',
        ),
        (
            abs(figures.rotation_deg) <= MOST_ROTATION_DEG,
            f'the head is turned by {figures.rotation_deg:.0f} degrees '
            f'(at most {MOST_ROTATION_DEG:.0f})',
        ),
        (
            # Equal where the registration bears out the aligned centres: one image twice.
            figures.mutual_information >= figures.mutual_information_before,
            f'mutual information {figures.mutual_information:.3f} is below that of aligned '
            f'centres, {figures.mutual_information_before:.3f}',
        ),
    )
    return tuple(text for passed, text in checks if not passed)
