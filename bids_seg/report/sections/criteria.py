# SPDX-License-Identifier: Apache-2.0
"""The criteria in force with their limits, and every option that the papers leave open."""

from bids_seg.records import CriterionInForce
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import LESIONS, NOTHING

TEMPLATE = """
<p class="prose">Categories follow from the recorded sizes by fixed rules. Texts of the papers were not at hand
for every clause: <b>rules and options must be checked against the published papers before use in a
trial.</b></p>
<h4>Criteria</h4>
{{ parts.table(head, criteria, 'Criteria in force') }}
<p class="small">{% for title, doi in sources %}{{ title }}: <a href="https://doi.org/{{ doi }}">doi:{{ doi }}</a>{{ '; ' if not loop.last }}{% endfor %}.</p>
<h4>Options</h4>
{{ parts.table([('option', ''), ('value', ''), ('', '')], options, 'Options in force') }}
"""

HEAD = (
    ('criterion', ''), ('version', ''), ('measured', ''), ('sum of', ''), ('PR, from baseline', ''),
    ('MR, from baseline', ''), ('PD, from nadir', ''), ('best response', ''), ('date of PD', ''),
)  # fmt: skip
"""Columns of the table."""
SUMS = {'ld': 'longest diameters', 'product': 'products of diameters', 'volume': 'volumes'}
"""What is summed over targets."""


def _limits(criterion: CriterionInForce) -> list[str]:
    """Return a criterion's limits in words."""
    growth = criterion.least_growth_mm
    minor = criterion.minor_pct
    return [
        criterion.title,
        criterion.version,
        LESIONS[criterion.tissue][1],
        SUMS[criterion.measure],
        f'≥ {criterion.partial_pct} % less',
        NOTHING if minor is None else f'≥ {minor} % less',
        f'≥ {criterion.progression_pct} % more'
        + ('' if growth is None else f' and ≥ {growth:g} mm in one target'),
    ]


def render(scene: Scene) -> Part:
    """Return criteria and options; nothing where none is in force."""
    past = scene.patient.history
    if past is None or not past.criteria:
        return Part()
    rows, sources = [], {}
    for name, criterion in past.criteria.items():
        best = past.best.get(name)
        day = (
            'n/a'
            if best is None or best.progression_days is None
            else f'day {best.progression_days} from baseline'
        )
        unconfirmed = (
            ''
            if best is None or best.bor == best.bor_unconfirmed
            else f' (unconfirmed: {best.bor_unconfirmed})'
        )
        rows.append([*_limits(criterion), 'n/a' if best is None else best.bor + unconfirmed, day])
        sources[criterion.title] = criterion.source
    options = past.options or past.rules
    html = fill(
        TEMPLATE,
        {
            'head': HEAD,
            'criteria': rows,
            'sources': list(sources.items()),
            'options': [
                [key, value, 'set by the user' if key in past.rules else 'default']
                for key, value in options.items()
            ],
        },
    )
    return Part(html=html)


SECTION = Section(title='Criteria and options', order=15, scope='end', render=render)
