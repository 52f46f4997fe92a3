# SPDX-License-Identifier: Apache-2.0
"""Settings, versions, checksums, and links to the tables."""

from bids_seg.report.section import Part, Scene, Section, fill

TEMPLATE = """
<div class="split">
<div><h4>Settings that shape results</h4>
{{ parts.table([('setting', ''), ('value', '')], settings, 'Settings') }}</div>
<div><h4>Versions</h4>
{{ parts.table([('program', ''), ('version', '')], versions, 'Versions') }}</div>
</div>
{% if networks %}<h4>Networks</h4>
{{ parts.table([('visit', ''), ('task', ''), ('network', ''), ('device', ''), ('weights, SHA-256', '')],
  networks, 'Networks and their weights') }}{% endif %}
<h4>Runs</h4>
{{ parts.table([('visit', ''), ('status', ''), ('run', ''), ('settings, SHA-256', ''), ('inputs, SHA-256', '')],
  runs, 'Runs and checksums') }}
<h4>Tables</h4>
<ul class="links">{% for link in links %}<li><a href="{{ link }}">{{ link }}</a></li>
{% else %}<li>No tables were written.</li>{% endfor %}</ul>
"""


def _short(digest: str) -> str:
    """Return the start of a checksum."""
    return f'{digest[:16]}…' if len(digest) > 16 else digest or 'n/a'


def render(scene: Scene) -> Part:
    """Return what is needed to make the same again."""
    patient, last = scene.patient, scene.visit.summary
    networks = [
        [
            visit.title,
            model.task,
            f'{model.model} {model.version}',
            model.device,
            ', '.join(_short(digest) for digest in model.weights_sha256),
        ]
        for visit in patient.visits
        for model in visit.summary.models
    ]
    runs = [
        [
            visit.title,
            visit.summary.status,
            visit.summary.run,
            _short(visit.summary.settings_sha256),
            _short(visit.summary.input_sha256),
        ]
        for visit in patient.visits
    ]
    tables = [
        found.table for visit in patient.visits for o in visit.diseases for found in o.lesions
    ]
    home = f'sub-{patient.participant}'
    inside = [path.as_posix().rpartition(f'/{home}/')[2] for path in tables]
    html = fill(
        TEMPLATE,
        {
            'settings': [[name, value] for name, value in last.settings.items()],
            'versions': [[name, value] for name, value in last.versions.items()],
            'networks': networks,
            'runs': runs,
            'links': [*patient.tables, *(f'{home}/{path}' for path in inside)],
        },
    )
    return Part(html=html)


SECTION = Section(title='Settings, versions, tables', order=20, scope='end', render=render)
