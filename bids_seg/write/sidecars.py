# SPDX-License-Identifier: Apache-2.0
"""The JSON beside every image and transform of a visit, from records alone.

What is given here: where it comes from (`Sources`, direct parents only), where it lies
(`SpatialReference`), what it is, and by which network, settings and input it was made.
"""

from collections.abc import Mapping
from typing import Any

from bids_seg.records import Alignment, LesionSet, ModelRun, Role, Scan, VisitSummary
from bids_seg.write import paths

Content = dict[str, Any]
"""Fields of one sidecar."""

REGION_WORDS: Mapping[str, str] = {
    'WT': 'whole lesion',
    'TC': 'tumour core',
    'ET': 'enhancing tumour',
    'RC': 'resection cavity',
}
"""What the labels of regions mean."""

TISSUE_WORDS: Mapping[str, str] = {
    'ET': 'enhancing tumour',
    'TC': 'tumour core',
    'WT': 'whole lesion',
    'NonCE': 'non-enhancing tumour',
}
"""What the tissues of lesions mean."""

METHOD_WORDS: Mapping[str, str] = {
    'identity': 'none: the images share their grid and agree',
    'rigid': 'rigid registration by mutual information',
    'header': 'none: world coordinates of the headers were trusted',
}
"""How an image was brought onto another."""


def visit_sidecars(
    summary: VisitSummary,
    files: Mapping[str, str],
    *,
    lesions: Mapping[str, LesionSet],
    link: str = 'raw',
) -> dict[str, Content]:
    """Return the content of every sidecar of a visit by its path.

    Parameters
    ----------
    summary
        What was done; its scans' paths are relative to the input dataset.
    files
        What `names.visit_files` returned.
    lesions
        Lesions by disease.
    link
        Name of the input in `DatasetLinks`.
    """
    makers = _Makers(summary, files, lesions, link)
    return {paths.sidecar(path): makers.make(key, path) for key, path in files.items()}


def lesion_words(found: LesionSet) -> str:
    """Return what the image of a set of lesions shows.

    Parameters
    ----------
    found
        Says which tissue was measured.
    """
    return (
        f'Lesions: connected parts of the {TISSUE_WORDS[found.tissue]} ({found.tissue}), '
        'one integer each; names and measurements in the table beside it.'
    )


class _Makers:
    """One method for each kind of output; they share what the visit knows."""

    def __init__(
        self,
        summary: VisitSummary,
        files: Mapping[str, str],
        lesions: Mapping[str, LesionSet],
        link: str,
    ) -> None:
        self.summary, self.files, self.lesions, self.link = summary, files, lesions, link
        self.scans = {scan.role: scan for scan in summary.visit.scans}
        self.runs = {run.task: run for run in summary.models}
        self.alignments = {alignment.moving: alignment for alignment in summary.alignments}
        reference = summary.visit.reference
        if reference is None:
            message = f'{summary.visit.name} has no image'
            raise ValueError(message)
        self.reference = reference

    def make(self, key: str, path: str) -> Content:
        """Return the sidecar of one output."""
        kind, _, rest = key.partition(':')
        about, _, region = rest.partition(':')
        if kind == 'preproc':
            content = self._preproc(self._scan(about))
        elif kind == 'xfm':
            content = self._xfm(self._scan(about))
        elif kind == 'brain_mask':
            content = self._brain(self.runs['brain'])
        else:
            run = next(run for task, run in self.runs.items() if task == about)
            content = self._of_network(kind, run, region)
        if kind != 'xfm':
            content['SpatialReference'] = self._raw(self.reference)
        content['Seed'] = self.summary.seed
        content['SettingsSHA256'] = self.summary.settings_sha256
        content['InputSHA256'] = self.summary.input_sha256
        return content

    def _of_network(self, kind: str, run: ModelRun, region: str) -> Content:
        """Return the sidecar of what a tumour network gave."""
        if kind == 'probseg':
            return self._probseg(run, region)
        if kind == 'mask':
            return self._mask(run, region)
        plain = {'dseg': self._dseg, 'entropy': self._entropy, 'lesions': self._lesions}
        return plain[kind](run)

    def _preproc(self, scan: Scan) -> Content:
        """Return the sidecar of an image on the reference grid."""
        sources = [self._raw(scan)]
        if scan == self.reference:
            words = f'{_image_words(scan)}, on its own grid'
        else:
            words = f'{_image_words(scan)}, on the grid of the {_image_words(self.reference)}'
            sources.append(self._own(f'xfm:{scan.role}'))
        return {
            'Description': f'{words[0].upper()}{words[1:]}.',
            'Sources': sources,
            'SkullStripped': bool(self.summary.stripped.get(scan.role, False)),
            **{key: value for key, value in scan.metadata.items() if key not in _OURS},
        }

    def _xfm(self, scan: Scan) -> Content:
        """Return the sidecar of a transform: the quality of the alignment."""
        alignment: Alignment = self.alignments[scan.role]
        return {
            'Description': (
                f'Takes the {_image_words(scan)} onto the {_image_words(self.reference)}; '
                'ITK text, millimetres, LPS+.'
            ),
            'Sources': [self._raw(scan), self._raw(self.reference)],
            'Method': METHOD_WORDS[alignment.method],
            'RotationDeg': _rounded(alignment.rotation_deg),
            'TranslationMm': _rounded(alignment.translation_mm),
            'NormalisedMutualInformation': _rounded(alignment.mutual_information),
            'NormalisedMutualInformationBefore': _rounded(alignment.mutual_information_before),
            'DisagreementMm': _rounded(alignment.disagreement_mm),
            'Accepted': alignment.accepted,
            'Note': alignment.note,
        }

    def _brain(self, run: ModelRun) -> Content:
        """Return the sidecar of the brain mask."""
        return {
            'Description': 'Brain mask: 1 inside the brain, 0 outside.',
            'Sources': list(run.sources) or self._inputs(run),
            'Type': 'Brain',
            'VolumeMm3': run.volumes_mm3.get('brain', 0),
            'Manual': run.manual,
            **_model(run),
        }

    def _dseg(self, run: ModelRun) -> Content:
        """Return the sidecar of the class image."""
        drawn = [
            self._own(f'probseg:{run.task}:{inner}') for inner in run.regions if not run.sources
        ]
        who = 'given for this visit' if run.sources else f'found by the {run.task} network'
        content = {
            'Description': f'Tissue classes {who}, one in each voxel.',
            'Sources': list(run.sources) or drawn,
            'Manual': run.manual,
            **_model(run),
        }
        if run.unavailable:
            content['UnavailableRegions'] = dict(run.unavailable)
        return content

    def _probseg(self, run: ModelRun, region: str) -> Content:
        """Return the sidecar of the probabilities of one region."""
        return {
            'Description': (
                f'Probability of each voxel to lie inside the region {region} '
                f'({REGION_WORDS.get(region, region)}); mean over the members of the network.'
            ),
            'Sources': self._inputs(run),
            'Manual': False,
            **_model(run),
        }

    def _entropy(self, run: ModelRun) -> Content:
        """Return the sidecar of the uncertainty."""
        return {
            'Description': (
                'Uncertainty, no probability of a class: entropy of being inside a region or not, '
                'under the mean of the members of the network; the largest over its regions.'
            ),
            'Units': 'bit',
            'Sources': self._inputs(run),
            'Manual': False,
            **_model(run),
        }

    def _mask(self, run: ModelRun, region: str) -> Content:
        """Return the sidecar of the mask of one region."""
        return {
            'Description': f'Mask of the {REGION_WORDS.get(region, region)} ({region}).',
            'Sources': [self._own(f'dseg:{run.task}')],
            'Type': 'Lesion',
            'VolumeMm3': run.volumes_mm3.get(region, 0),
            'Manual': run.manual,
            **_model(run),
        }

    def _lesions(self, run: ModelRun) -> Content:
        """Return the sidecar of the lesion image, without its columns."""
        found = self.lesions[run.task]
        return {
            'Description': lesion_words(found),
            'Sources': [self._own(f'dseg:{run.task}')],
            'Manual': run.manual,
            **_model(run),
            'Tissue': found.tissue,
            'NumberOfLesions': len(found.lesions),
            'NumberOfSpecks': found.n_specks,
        }

    def _scan(self, role: str) -> Scan:
        """Return the image of a role."""
        return next(scan for known, scan in self.scans.items() if known == role)

    def _raw(self, scan: Scan) -> str:
        """Return the URI of an input image."""
        return f'bids:{self.link}:{scan.relative}'

    def _own(self, key: str) -> str:
        """Return the URI of an output."""
        return f'bids::{self.files[key]}'

    def _inputs(self, run: ModelRun) -> list[str]:
        """Return the URIs of what a network was given."""
        found = [self._own(f'preproc:{role}') for role in run.images]
        if run.task != 'brain' and 'brain_mask' in self.files:
            found.append(self._own('brain_mask'))
        return found


_OURS = frozenset(
    {
        *('Description', 'Sources', 'RawSources', 'SpatialReference', 'SkullStripped', 'Seed'),
        *('SettingsSHA256', 'InputSHA256', 'Manual', 'Resolution', 'Density'),
    }
)
_ROLE_WORDS: Mapping[Role, str] = {
    'T1wCE': 'T1-weighted image after contrast',
    'T1w': 'T1-weighted image',
    'T2w': 'T2-weighted image',
    'FLAIR': 'FLAIR image',
}


def _image_words(scan: Scan) -> str:
    """Return what kind of image it is, in words."""
    return _ROLE_WORDS[scan.role]


def _model(run: ModelRun) -> Content:
    """Return which network drew it; nothing where it was given."""
    if run.sources:
        return {}
    licence = {'ModelLicense': run.licence} if run.licence else {}
    return {
        'Model': run.model,
        'ModelVersion': run.version,
        'ModelSHA256': list(run.weights_sha256),
        **licence,
        'Threshold': run.threshold,
        **({'PeakProbability': run.peak} if run.peak else {}),
    }


def _rounded(value: float | None) -> float | None:
    """Return a figure with the four decimals that mean something; JSON knows no infinity."""
    if value is None or value - value != 0:
        return None
    return round(value, 4)
