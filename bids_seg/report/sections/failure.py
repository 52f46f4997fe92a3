# SPDX-License-Identifier: Apache-2.0
"""Why a visit has no results, where the details are, and what to do."""

from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import sentence

TEMPLATE = """
<div class="failure {{ status }}">
  <p><b>{{ sign }}</b> {{ reason }}</p>
  {% if crash %}<p>Details: <a href="{{ crash }}">{{ crash }}</a></p>{% endif %}
  <p class="small">{{ advice }}</p>
</div>
"""


def render(scene: Scene) -> Part:
    """Return the message of a failed or skipped visit; nothing for a complete one."""
    summary = scene.visit.summary
    if summary.status == 'complete':
        return Part()
    if summary.status == 'failed':
        sign = '✕ This visit failed; nothing was written by this run.'
        advice = (
            'The message says what to do. Run the same command again afterwards: complete visits '
            'are kept, only this one is done anew.'
        )
    else:
        sign = '▲ This visit was skipped.'
        advice = 'See below which files were found and why they could not be used.'
    html = fill(
        TEMPLATE,
        {
            'status': summary.status,
            'sign': sign,
            'reason': sentence(summary.reason),
            'crash': summary.crash,
            'advice': advice,
        },
    )
    return Part(html=html)


SECTION = Section(title='', order=10, scope='visit', render=render)
