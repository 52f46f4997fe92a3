# SPDX-License-Identifier: Apache-2.0
"""Sets of lesions: which there are, and those that only some criteria want measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bids_seg import image, measure
from bids_seg.image import Volume
from bids_seg.records import (
    Disease,
    LesionSet,
    Tissue,
    VisitSummary,
)
from bids_seg.workflow.history import chosen, kept
from bids_seg.workflow.history.job import FollowJob
from bids_seg.write import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One set of lesions."""

    disease: Disease
    """Which network's masks they come from."""
    tissue: Tissue
    """What they are made of."""

    @property
    def name(self) -> str:
        """What the set is called in the names of its images."""
        return names.lesion_set(self.disease, self.tissue)

    @property
    def source(self) -> str:
        """The region whose probability speaks for the tissue."""
        return 'WT' if self.tissue == 'NonCE' else self.tissue

    def of(self, summary: VisitSummary) -> LesionSet | None:
        """Return what was measured at a visit; None where nothing was.

        Parameters
        ----------
        summary
            The visit.
        """
        own = [each for each in summary.lesion_sets if kind_of(each) == self]
        return own[0] if own and summary.status == 'complete' else None


def kind_of(found: LesionSet) -> Kind:
    """Return the kind of a set that was measured."""
    return Kind(disease=found.disease, tissue=found.tissue)


def with_further(out_dir: Path, summary: VisitSummary, job: FollowJob) -> VisitSummary:
    """Return a visit with just those further sets of lesions that the criteria in force want.

    Parameters
    ----------
    out_dir
        Root of the output.
    summary
        The visit; its own sets were measured when it was made.
    job
        Says which criteria are in force.

    Notes
    -----
    They are measured on the class labels and probabilities in the output, so that no network
    runs again where other criteria are asked for. How much the members disagree is kept
    nowhere: `mutual_info_bits` is not known for them.
    """
    files = kept.files(summary)
    own = [found for _, is_own, found in names.lesion_sets(summary) if is_own]
    further = []
    for found in own if files else ():
        regions = next(run.regions for run in summary.models if run.task == found.disease)
        for tissue in chosen.tissues(job.criteria, found.disease):
            kind = Kind(disease=found.disease, tissue=tissue)
            needs = {'NonCE': {'WT', 'ET'}}.get(tissue, {tissue})
            if tissue == found.tissue or not needs <= set(regions):
                continue
            further.append(kind.of(summary) or _measured(out_dir, files, kind))
    return replace(summary, lesion_sets=(*own, *further)) if files else summary


def _measured(out_dir: Path, files: Mapping[str, str], kind: Kind) -> LesionSet:
    """Measure a further set of lesions from what lies in the output."""
    labels = image.read_labels(out_dir / files[f'dseg:{kind.disease}'])
    maps = {
        region: probability(out_dir, files, kind.disease, region) for region in ('WT', 'TC', 'ET')
    }
    given = {region: volume for region, volume in maps.items() if volume is not None}
    return measure.lesions(labels, given, disease=kind.disease, tissue=kind.tissue)[0]


def probability(
    out_dir: Path, files: Mapping[str, str], disease: Disease, region: str
) -> Volume | None:
    """Return the probability of a region; None where the masks were given.

    Parameters
    ----------
    out_dir
        Root of the output.
    files
        Of a complete visit, by key.
    disease, region
        Which map.
    """
    path = files.get(f'probseg:{disease}:{region}')
    return None if path is None else image.read_map(out_dir / path)
