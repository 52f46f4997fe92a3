# SPDX-License-Identifier: Apache-2.0
"""Mass effect: how growing lesions move the tissue around them."""

from __future__ import annotations

from typing import Any

from keras import ops

from bids_seg.train.synthesis.lesions import Numbers, geometry
from bids_seg.train.synthesis.lesions.mass_effect_draw import DEPTH_PITCH


def push(points: Any, draw: Numbers) -> Any:
    """Return how far mass effect has moved the tissue that is seen at each position.

    The push is radial, grows to `alpha * radius` at the lesion's edge, fades outside and vanishes
    towards the skull. Strengths of one scene add up to 0.45 at most, which keeps the map from
    what is seen to where it came from one-to-one.

    Parameters
    ----------
    points
        Positions in the head, `(I, J, K, 3)` or three arrays `(I, J, K)`, mm; even sides.
    draw
        What `draw` returned.

    Returns
    -------
    push
        mm, in the form of `points`; labels are gathered at `points - push`.
    """
    half = geometry.half_points(geometry.axes(points))
    depth = geometry.interpolated(draw['depth'], half, pitch=DEPTH_PITCH)
    total = [0.0, 0.0, 0.0]
    for focus in range(draw['push_radius'].shape[0]):
        away = [half[a] - draw['push_centre'][focus, a] for a in range(3)]
        length = ops.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2 + 1e-6)
        s = length / draw['push_radius'][focus]
        fading = ops.exp(-ops.square(ops.maximum(s - 1.0, 0.0)) / 2.9)
        # Inside, the push is proportional to the distance: g = s, over the length r s.
        strength = draw['push_alpha'][focus] * fading / ops.maximum(s, 1.0) * depth
        total = [sum_ + strength * part for sum_, part in zip(total, away, strict=True)]
    return geometry.like(geometry.doubled(ops.stack(total)), points)
