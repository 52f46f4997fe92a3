# SPDX-License-Identifier: Apache-2.0
"""What the engine must know of a response criterion: a table of rules with their sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bids_seg.records import CriterionInForce, Role, Tissue
from bids_seg.respond.arithmetic import Limit, Measure
from bids_seg.respond.rules import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One response criterion in one form; lengths in tenths of mm."""

    name: str
    """As on the command line and in tables."""
    title: str
    """As in reports."""
    version: str
    """Year of the published text."""
    source: str
    """DOI of it."""
    tissue: Tissue
    """Whose lesions are measured."""
    images: tuple[Role, ...]
    """One of these images must be there."""
    measure: Measure
    """What is summed."""
    pair: Literal['longest', 'largest_product']
    """Which pair of diameters is used."""
    least_ld: int
    """Least longest diameter of a target, tenths of mm."""
    least_sd: int
    """Least perpendicular diameter of a target, tenths of mm."""
    spacing_ld: int
    """Where slices are more than 5 mm apart: times their spacing, for the longest diameter."""
    spacing_sd: int
    """The same for the perpendicular diameter."""
    least_ld_rule: str | None = None
    """Option that may lower `least_ld`."""
    max_targets: int = 5
    """Most targets."""
    max_targets_rule: str | None = None
    """Option that says so instead."""
    partial: Limit
    """Partial response, from baseline."""
    minor: Limit | None = None
    """Minor response, from baseline."""
    minor_rule: str | None = None
    """Option that gives its percentage instead."""
    progression: Limit
    """Progression, from the nadir."""
    least_growth: int | None = None
    """Growth of one target's diameter without which there is no progression, tenths of mm."""
    new_lesion: Literal['any', 'measurable']
    """Size from which a new lesion is certain: option `nl_min_ld`, or 10 x 10 mm."""
    nontarget: Literal['rano_bm', 'glioma']
    """Which rule non-target lesions progress by."""
    na_complete: bool = False
    """Whether CR is possible without any target."""
    flair: Literal['none', 'used', 'antiangiogenic'] = 'none'
    """When T2/FLAIR is looked at beside the measure."""
    enhancement: bool = False
    """Whether new or increased enhancement is progression."""
    window: Literal['none', 'not_evaluable', 'preliminary'] = 'none'
    """What progression soon after radiotherapy is."""
    confirm_pd: Literal['never', 'window', 'always'] = 'never'
    """When progression must be confirmed."""
    post_rt_baseline: bool = False
    """Whether the baseline of new disease is the first image after radiotherapy."""
    baseline_days: int | None = None
    """Longest time from baseline to treatment; None: as the option says."""
    reduced_steroids: bool = True
    """Whether progression while steroids went down is flagged."""
    exploratory: bool = False
    """Whether its thresholds are exploratory and no category may rest on them."""
    mixed_tissue: bool = False
    """Whether its mask mixes tumour and oedema, so that a reader must confirm it."""
    parts: tuple[str, ...] = ()
    """Criteria that are evaluated in parallel and combined into this one."""

    def targets(self, rules: Rules) -> int:
        """Return the most targets under some options.

        Parameters
        ----------
        rules
            Options in force.
        """
        name = self.max_targets_rule
        return self.max_targets if name is None else int(getattr(rules, name))

    def minor_limit(self, rules: Rules) -> Limit | None:
        """Return the limit of a minor response under some options; None where there is none.

        Parameters
        ----------
        rules
            Options in force.
        """
        if self.minor is None or self.minor_rule is None:
            return self.minor
        given = int(getattr(rules, self.minor_rule))
        return Limit(change='decrease', percent=given, source=self.minor.source)

    def in_force(self, rules: Rules) -> CriterionInForce:
        """Return what tables and pages say of the criterion under some options.

        Parameters
        ----------
        rules
            Options in force.
        """
        minor, growth = self.minor_limit(rules), self.least_growth
        return CriterionInForce(
            name=self.name,
            title=self.title,
            version=self.version,
            source=self.source,
            tissue=self.tissue,
            measure=self.measure,
            pair=self.pair,
            partial_pct=self.partial.percent,
            minor_pct=None if minor is None else minor.percent,
            progression_pct=self.progression.percent,
            least_growth_mm=None if growth is None else growth / 10,
            exploratory=self.exploratory,
        )
