# SPDX-License-Identifier: Apache-2.0
"""The answer first: what was found at the latest visit, with numbers and one picture."""

import re

from bids_seg.report import drawing, strip, view
from bids_seg.report.outputs import DiseaseOutputs, LesionOutputs, VisitOutputs
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.wording import LESIONS, REGIONS, across, count, ml, number, sentence

TEMPLATE = """
<div class="answer">
  <div class="words">
    <p class="eyebrow">{{ when }}</p>
    {% for line in lines %}<p class="finding">{{ line }}</p>{% endfor %}
    {% if aside %}<p class="aside">{{ aside }}</p>{% endif %}
    {% if tiles %}
    <dl class="tiles">
      {% for name, value, more in tiles %}
      <div><dt>{{ name }}</dt><dd>{{ value }}{% if more %}<small>{{ more }}</small>{% endif %}</dd></div>
      {% endfor %}
    </dl>
    {% endif %}
    {% if few %}
    <div class="scroll" role="region" tabindex="0" aria-label="Largest lesions"><table class="few">
      <thead><tr><th scope="col">lesion</th><th scope="col">side</th><th scope="col" class="n">volume</th>
      <th scope="col" class="n">longest &times; perpendicular</th><th scope="col" class="n">slice</th></tr></thead>
      <tbody>{% for name, anchor, side, volume, widest, slice in few %}
      <tr><th scope="row"><a href="{{ anchor }}">{{ name }}</a></th><td>{{ side }}</td><td class="n">{{ volume }}</td>
      <td class="n">{{ widest }}</td><td class="n">{{ slice }}</td></tr>{% endfor %}</tbody>
    </table></div>
    {% if more %}<p class="small">and {{ more }} more, see <a href="{{ visit }}-lesions">lesions</a>.</p>{% endif %}
    {% endif %}
  </div>
  {% if figure %}<div>{{ parts.figure(figure) }}{{ parts.legend(legend) }}</div>{% endif %}
</div>
"""


FEW = 4
"""Lesions named in the headline; all are in their table."""


def findings(outputs: DiseaseOutputs, visit: VisitOutputs, scene: Scene) -> str:
    """Return what one tumour network found, in one sentence with numbers."""
    if not outputs.lesions:
        return _regions(outputs, visit)
    measured = outputs.lesions[0]
    one, many = LESIONS[measured.tissue]
    if not measured.rows:
        rest = _regions(outputs, visit)
        nothing = f'No {many} segmented'
        return nothing if rest.startswith('No ') else f'{nothing}; {rest}'
    volumes = [number(row.get('volume_mm3')) or 0 for row in measured.rows]
    largest = _largest(measured, scene)
    if len(volumes) == 1:
        return f'One {one}, {largest}'
    total = f'{count(len(volumes), one, many)}, {ml(sum(volumes))} in all'
    return f'{total}; the largest {largest}'


def _largest(measured: LesionOutputs, scene: Scene) -> str:
    """Return volume, diameters and side of the largest lesion."""
    row = measured.rows[0]
    said = [ml(number(row.get('volume_mm3')))]
    said.append(across(number(row.get('ld_mm')), number(row.get('sd_mm'))))
    place = [number(row.get(f'centroid_{axis}')) for axis in 'xyz']
    if None not in place:
        x, y, z = (value or 0.0 for value in place)
        side = view.side((x, y, z), scene.pictures)
        said.append(f'on the {side}' if side in {'left', 'right'} else side)
    return ', '.join(part for part in said if part)


def _regions(outputs: DiseaseOutputs, visit: VisitOutputs) -> str:
    """Return the volumes of the regions where no lesion was measured."""
    volumes = _volumes(outputs, visit)
    said = [f'{REGIONS[region]} {ml(mm3)}' for region, mm3 in volumes.items() if mm3]
    return ', '.join(said) if said else 'No lesions segmented'


def _volumes(outputs: DiseaseOutputs, visit: VisitOutputs) -> dict[str, int]:
    """Return the volumes that the network of a disease reported, outermost first."""
    for model in visit.summary.models:
        if model.task == outputs.disease:
            return {region: model.volumes_mm3.get(region, 0) for region in outputs.regions}
    return {}


def _tiles(visit: VisitOutputs) -> list[tuple[str, str, str]]:
    """Return name, value and remark of the leading numbers."""
    tiles: list[tuple[str, str, str]] = []
    for outputs in visit.diseases:
        several = f'{outputs.disease}, ' if len(visit.diseases) > 1 else ''
        if several and not any(_volumes(outputs, visit).values()):
            # The sentence has said that it found nothing.
            continue
        for region, mm3 in _volumes(outputs, visit).items():
            tiles.append((f'{several}{REGIONS[region]} ({region})', ml(mm3), ''))
        for measured in outputs.lesions[:1]:
            noun = LESIONS[measured.tissue][1]
            tiles.append((f'{several}{noun}', str(len(measured.rows)), ''))
    brain = visit.volume('brain')
    if brain is not None:
        tiles.append(('brain', ml(brain), ''))
    return tiles


def _few(scene: Scene) -> list[tuple[str, ...]]:
    """Return name, anchor of the picture, side, volume, diameters and slice of the largest lesions."""
    rows: list[tuple[str, ...]] = []
    for outputs in scene.visit.diseases:
        for measured in outputs.lesions[:1]:
            strips = strip.anchors(scene, measured.label)
            for row in measured.rows[:FEW]:
                name = row.get('name', 'n/a')
                own = f'{scene.visit_page}#{scene.visit.stem(f"{measured.label}{name}")}'
                whose = f'{outputs.disease} ' if len(scene.visit.diseases) > 1 else ''
                place = [number(row.get(f'centroid_{axis}')) or 0.0 for axis in 'xyz']
                rows.append(
                    (
                        whose + name,
                        f'#{strips[name]}' if name in strips else own,
                        view.side((place[0], place[1], place[2]), scene.pictures),
                        ml(number(row.get('volume_mm3'))),
                        across(number(row.get('ld_mm')), number(row.get('sd_mm'))),
                        row.get('ld_slice', 'n/a'),
                    )
                )
    return rows


def _picture(scene: Scene) -> Figure | None:
    """Return the most affected axial slice of the reference."""
    pictures = scene.pictures
    found = pictures.outermost
    if not pictures.images or found is None or not found.any():
        return None
    role, image = next(iter(pictures.images.items()))
    plane = view.largest(found, 'axial')
    masks = [pair for regions in pictures.regions.values() for pair in regions.items()]
    panel = drawing.whole(image, plane, pictures.grid, masks=masks)
    stem = scene.visit.stem('headline')
    alt = f'Axial slice with the largest segmented area on {role}, outlines of {_named(masks)}.'
    return Figure(
        stem=stem,
        svg=drawing.compose([[panel]], name=stem, alt=alt),
        alt=alt,
        caption=f'{role}, axial slice with the largest segmented area. Right side of the patient on the left.',
    )


def _named(masks: list[tuple[str, view.Array]]) -> str:
    """Return the names of regions, each once."""
    return ', '.join(dict.fromkeys(region for region, _ in masks))


def render(scene: Scene) -> Part:
    """Return the headline; where nothing could be done, the reason instead of numbers."""
    visit, last = scene.visit, scene.patient.visits[-1]
    summary = visit.summary
    several = len(visit.diseases) > 1
    found = [(outputs.disease, findings(outputs, visit, scene)) for outputs in visit.diseases]
    lines = [
        sentence(f'{disease} network: {said[0].lower()}{said[1:]}' if several else said)
        for disease, said in found
    ]
    if not visit.complete:
        word = 'failed' if summary.status == 'failed' else 'was skipped'
        lines = [f'{visit.title} {word}.', sentence(summary.reason)]
    elif not lines:
        lines = [f'Brain mask only, {ml(visit.volume("brain"))}; no tumour network was run.']
    aside = ''
    if last.name != visit.name:
        word = 'failed' if last.summary.status == 'failed' else 'was skipped'
        aside = f'The latest visit, {last.title.lower()}, {word}: {last.summary.reason}.'
    when = visit.title if summary.visit.session else 'What was found'
    if len(scene.patient.visits) > 1:
        when = f'Latest complete {visit.title.lower()}' if visit.complete else visit.title
    if summary.visit.days is not None:
        when += f', day {summary.visit.days}'
    figure = _picture(scene)
    drawn = dict.fromkeys(name for masks in scene.pictures.regions.values() for name in masks)
    few = _few(scene)
    counted = [len(measured.rows) for outputs in visit.diseases for measured in outputs.lesions[:1]]
    html = fill(
        TEMPLATE,
        {
            'when': when,
            # A number stays on the line of its unit.
            'lines': [
                re.sub(r'(\d) (mL|mm)\b', '\\1\N{NO-BREAK SPACE}\\2', line) for line in lines
            ],
            'aside': aside,
            'tiles': _tiles(visit),
            'figure': figure,
            'few': few,
            'more': sum(counted) - len(few),
            'visit': f'{scene.visit_page}#{visit.name}',
            'legend': drawing.legend(list(drawn)),
        },
    )
    return Part(html=html, figures=(figure,) if figure else ())


SECTION = Section(title='', order=10, scope='top', render=render)
