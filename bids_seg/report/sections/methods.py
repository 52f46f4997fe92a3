# SPDX-License-Identifier: Apache-2.0
"""A methods paragraph with the citations of what really ran."""

from collections.abc import Iterable, Mapping

from bids_seg.records import ModelRun, VisitSummary
from bids_seg.report.history import Account
from bids_seg.report.section import Part, Scene, Section, fill
from bids_seg.report.wording import REGIONS

TEMPLATE = """
<div class="prose">
{% for paragraph in paragraphs %}<p>{% for text, key in paragraph %}{{ text }}{% if key %}<sup><a
href="#ref-{{ key }}">{{ numbers[key] }}</a></sup>{% endif %}{% endfor %}</p>{% endfor %}
<ol class="references">
{% for key, text, doi in references %}<li id="ref-{{ key }}">{{ text }}
{% if doi %}<a href="https://doi.org/{{ doi }}">doi:{{ doi }}</a>{% endif %}</li>{% endfor %}
</ol>
</div>
"""

REFERENCES: Mapping[str, tuple[str, str]] = {
    'bids': (
        'Gorgolewski et al. The brain imaging data structure, a format for organizing and describing '
        'outputs of neuroimaging experiments. Scientific Data 3, 2016.',
        '10.1038/sdata.2016.44',
    ),
    'apps': (
        'Gorgolewski et al. BIDS apps: improving ease of use, accessibility, and reproducibility of '
        'neuroimaging data analysis methods. PLoS Computational Biology 13, 2017.',
        '10.1371/journal.pcbi.1005209',
    ),
    'pybids': (
        'Yarkoni et al. PyBIDS: Python tools for BIDS datasets. Journal of Open Source Software 4, 2019.',
        '10.21105/joss.01294',
    ),
    'nipype': (
        'Gorgolewski et al. Nipype: a flexible, lightweight and extensible neuroimaging data '
        'processing framework in Python. Frontiers in Neuroinformatics 5, 2011.',
        '10.3389/fninf.2011.00013',
    ),
    'sitk': (
        'Lowekamp et al. The design of SimpleITK. Frontiers in Neuroinformatics 7, 2013.',
        '10.3389/fninf.2013.00045',
    ),
    'mattes': (
        'Mattes et al. PET-CT image registration in the chest using free-form deformations. IEEE '
        'Transactions on Medical Imaging 22, 2003.',
        '10.1109/TMI.2003.809072',
    ),
    'nmi': (
        'Studholme et al. An overlap invariant entropy measure of 3D medical image alignment. Pattern '
        'Recognition 32, 1999.',
        '10.1016/S0031-3203(98)00091-0',
    ),
    'n4': (
        'Tustison et al. N4ITK: improved N3 bias correction. IEEE Transactions on Medical Imaging 29, '
        '2010.',
        '10.1109/TMI.2010.2046908',
    ),
    'unet': (
        'Çiçek et al. 3D U-Net: learning dense volumetric segmentation from sparse annotation. MICCAI, '
        '2016.',
        '10.1007/978-3-319-46723-8_49',
    ),
    'synthesis': (
        'Billot et al. SynthSeg: segmentation of brain MRI scans of any contrast and resolution '
        'without retraining. Medical Image Analysis 86, 2023.',
        '10.1016/j.media.2023.102789',
    ),
    'tensorflow': (
        'Abadi et al. TensorFlow: a system for large-scale machine learning. OSDI, 2016.',
        '10.48550/arXiv.1605.08695',
    ),
    'brats': (
        'Menze et al. The multimodal brain tumor image segmentation benchmark (BRATS). IEEE '
        'Transactions on Medical Imaging 34, 2015.',
        '10.1109/TMI.2014.2377694',
    ),
    'ranobm': (
        'Lin et al. Response assessment criteria for brain metastases: proposal from the RANO group. '
        'Lancet Oncology 16, 2015.',
        '10.1016/S1470-2045(15)70057-4',
    ),
}
"""Text and DOI of each work that may be cited."""

SHIPPED = {'brain', 'glioma', 'metastases'}
"""Networks that come with the program and were trained on painted heads."""

Piece = tuple[str, str]
"""Text, and the key of the reference that follows it; empty for none."""


def paragraphs(summaries: Iterable[VisitSummary]) -> list[list[Piece]]:
    """Return the methods text of what really ran, in pieces with citations.

    Parameters
    ----------
    summaries
        Of all visits of the participant.
    """
    done = [summary for summary in summaries if summary.status == 'complete']
    if not done:
        return [[('No visit was completed, so there is nothing to describe.', '')]]
    version = done[-1].versions.get('bids-seg', '')
    start: list[Piece] = [
        ('Images were found by their BIDS names', 'bids'),
        (' with pybids', 'pybids'),
        (f' and processed by bids-seg {version}'.rstrip() + ', a BIDS App', 'apps'),
        (', whose steps are joined by nipype', 'nipype'),
        ('.', ''),
    ]
    return [start, _preparation(done), _networks(done), _measures(done)]


def _preparation(done: list[VisitSummary]) -> list[Piece]:
    """Say what happened to the images before the networks."""
    pieces: list[Piece] = []
    roles = {summary.visit.reference.role for summary in done if summary.visit.reference}
    pieces.append((f'Results are given on the grid of the {" or ".join(sorted(roles))} image.', ''))
    if _corrected(done[-1].settings):
        pieces += [
            (' Bias fields were removed with N4', 'n4'),
            (' in SimpleITK', 'sitk'),
            ('.', ''),
        ]
    else:
        pieces.append((' No bias field correction was made.', ''))
    methods = {alignment.method for summary in done for alignment in summary.alignments}
    if 'rigid' in methods:
        pieces += [
            (' The other contrasts were registered to it rigidly, over several resolutions, by '
             'mutual information', 'mattes'),
            (' with SimpleITK', 'sitk'),
            (', each in both directions; the quality is stated as normalised mutual information', 'nmi'),
            ('.', ''),
        ]  # fmt: skip
    elif 'identity' in methods:
        pieces.append((' The other contrasts lay on the same grid and were not moved.', ''))
    if 'header' in methods:
        pieces.append(
            (' Where registration was refused, the positions in the headers were trusted.', '')
        )
    return pieces


def _corrected(settings: Mapping[str, str]) -> bool:
    """Return whether the settings ask for bias field correction."""
    said = {settings.get('bias', ''), settings.get('n4', '')}
    return bool({word.lower() for word in said} & {'n4', 'true', '1', 'yes', 'on'})


def _networks(done: list[VisitSummary]) -> list[Piece]:
    """Say which networks were run."""
    pieces: list[Piece] = []
    runs: dict[tuple[str, str], ModelRun] = {}
    for summary in done:
        for model in summary.models:
            runs[model.task, model.model] = model
    for model in runs.values():
        if model.sources:
            pieces.append((f'Masks of {model.task} were given, no network was run for them. ', ''))
            continue
        regions = ', '.join(REGIONS.get(region, region) for region in model.regions)
        members = len(model.weights_sha256)
        kind = f'{members} networks' if members > 1 else 'network'
        peak = f', in pieces that reach {model.peak:g}' if model.peak else ''
        pieces.append(
            (f'{model.task.capitalize()} was segmented by the {kind} “{model.model}” from '
             f'{", ".join(model.images)} ({regions}; threshold {model.threshold:g}{peak}). ', '')
        )  # fmt: skip
        pieces += [(sentence, '') for sentence in _terms(model)]
    if any(model.model in SHIPPED and model.shipped for model in runs.values()):
        pieces += [
            ('The networks that come with bids-seg are 3-D U-Nets', 'unet'),
            (' in TensorFlow', 'tensorflow'),
            (', trained on images painted from label maps of heads', 'synthesis'),
            ('. ', ''),
        ]
    if any(model.task == 'glioma' for model in runs.values()):
        pieces += [('Regions follow the BraTS definitions', 'brats'), ('.', '')]
    return pieces


def _terms(model: ModelRun) -> list[str]:
    """Say whose weights a network has, and under what they may be used."""
    if model.shipped:
        return []
    said = [f'Its weights do not come with bids-seg (licence: {model.licence or "not stated"}). ']
    if model.commercial is False:
        said.append('They may not be used commercially. ')
    if model.parity:
        said.append('It ran as its authors published it, known defects and all. ')
    return said


def _measures(done: list[VisitSummary]) -> list[Piece]:
    """Say how lesions were measured."""
    if not any(model.task != 'brain' for summary in done for model in summary.models):
        return [('No lesions were measured.', '')]
    return [
        ('Lesions are 26-connected components of at least 3 voxels and 8 mm³. The longest in-plane '
         'diameter that stays inside the lesion and the longest chord at a right angle to it were '
         'measured from edge to edge in the slices of the reference image', 'ranobm'),
        ('. Uncertainty is the binary entropy of the mean probability, in bits.', ''),
    ]  # fmt: skip


def course(accounts: Iterable[Account]) -> list[Piece]:
    """Say how lesions were followed and judged.

    Parameters
    ----------
    accounts
        What each criterion says of the participant.
    """
    found = [account for account in accounts if len(account.visits) > 1]
    if not found:
        return []
    criteria = [
        f'{account.criterion.title} ({account.criterion.version}, doi:{account.criterion.source})'
        for account in found
        if account.criterion is not None
    ]
    judged = f' Responses were worked out by {", ".join(criteria)}, from the recorded sizes alone.'
    return [
        ('Every visit was registered rigidly to one of them by the brains, in both directions, and lesions '
         'were followed by the overlap of their masks there; all sizes come from their own '
         f'images.{judged if criteria else ""}', ''),
    ]  # fmt: skip


def render(scene: Scene) -> Part:
    """Return the text and the references that it cites, numbered as they come."""
    text = paragraphs(visit.summary for visit in scene.patient.visits)
    text += [piece for piece in [course(scene.accounts)] if piece]
    cited = list(dict.fromkeys(key for paragraph in text for _, key in paragraph if key))
    html = fill(
        TEMPLATE,
        {
            'paragraphs': text,
            'numbers': {key: rank for rank, key in enumerate(cited, start=1)},
            'references': [(key, *REFERENCES[key]) for key in cited],
        },
    )
    return Part(html=html)


SECTION = Section(title='Methods, as run', order=10, scope='end', render=render)
