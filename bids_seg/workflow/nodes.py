# SPDX-License-Identifier: Apache-2.0
"""Thin nipype interfaces: each reads states, calls one stage, writes states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    InputMultiObject,
    OutputMultiObject,
    SimpleInterface,
    TraitedSpec,
    traits,
)

from bids_seg.workflow import stages
from bids_seg.workflow.history import stage as follow_stage


class _StateSpec(BaseInterfaceInputSpec):
    """What every stage of a visit takes."""

    in_state = File(exists=True, mandatory=True, desc='VisitState as JSON')
    threads = traits.Int(1, usedefault=True, nohash=True, desc='threads of this stage')
    seed = traits.Int(1, usedefault=True, desc='seed of all that is drawn')


class _StateOut(TraitedSpec):
    """What every stage of a visit gives."""

    out_state = File(exists=True, desc='VisitState as JSON')


class _StatesSpec(BaseInterfaceInputSpec):
    """What every stage of a participant takes."""

    in_states = InputMultiObject(
        File(exists=True), mandatory=True, desc='VisitState of each visit as JSON'
    )


class _PrepareSpec(_StateSpec):
    """What alignment takes."""

    bias = traits.Enum('keep', 'n4', usedefault=True, desc='whether to correct the bias field')


class Prepare(SimpleInterface):
    """Bring the images of a visit onto the grid of its reference."""

    input_spec = _PrepareSpec
    output_spec = _StateOut

    def _run_interface(self, runtime: Any) -> Any:
        """Call the stage."""
        self._results['out_state'] = str(
            stages.prepare(
                Path(self.inputs.in_state),
                bias=self.inputs.bias,
                seed=self.inputs.seed,
                threads=self.inputs.threads,
            )
        )
        return runtime


class _SegmentSpec(_StatesSpec):
    """What a network takes."""

    task = traits.Enum('brain', 'glioma', 'metastases', desc='what to draw')
    weights_sha256 = traits.Str(desc='digest of the weights, so that new ones count as a change')
    device = traits.Str('auto', usedefault=True, desc='auto, cpu, gpu or gpu:N')
    brain_border = traits.Float(0.0, usedefault=True, desc='growth of the brain mask, mm')
    low_mem = traits.Bool(usedefault=True, desc='patch by patch')
    seed = traits.Int(1, usedefault=True, desc='seed of all that is drawn')
    threads = traits.Int(1, usedefault=True, nohash=True, desc='threads of the network')
    memory_gb = traits.Float(0.0, usedefault=True, nohash=True, desc='what it was thought to need')


class _StatesOut(TraitedSpec):
    """What every stage of a participant gives."""

    out_states = OutputMultiObject(File(exists=True), desc='VisitState of each visit as JSON')


class Segment(SimpleInterface):
    """Run one network on all visits of a participant, in a program of its own."""

    input_spec = _SegmentSpec
    output_spec = _StatesOut

    def _run_interface(self, runtime: Any) -> Any:
        """Call the stage."""
        asked = stages.Asked(
            task=self.inputs.task,
            device=self.inputs.device,
            brain_border=self.inputs.brain_border,
            low_mem=self.inputs.low_mem,
            seed=self.inputs.seed,
            threads=self.inputs.threads,
            memory_gb=self.inputs.memory_gb,
        )
        paths = stages.segment(tuple(Path(path) for path in self.inputs.in_states), asked)
        self._results['out_states'] = [str(path) for path in paths]
        return runtime


class _FinishSpec(_StateSpec):
    """What measuring and writing take."""

    context = File(exists=True, mandatory=True, desc='RunContext as JSON')


class Finish(SimpleInterface):
    """Measure the lesions of a visit and move its set of files into the output."""

    input_spec = _FinishSpec
    output_spec = _StateOut

    def _run_interface(self, runtime: Any) -> Any:
        """Call the stage."""
        self._results['out_state'] = str(
            stages.finish(Path(self.inputs.in_state), Path(self.inputs.context))
        )
        return runtime


class _FollowSpec(BaseInterfaceInputSpec):
    """What following the lesions of a participant takes."""

    in_states = InputMultiObject(File(exists=True), desc='VisitState of each visit as JSON')
    job = File(exists=True, mandatory=True, desc='FollowJob as JSON')
    context = File(exists=True, mandatory=True, desc='RunContext as JSON')


class _FollowOut(TraitedSpec):
    """What following the lesions of a participant gives."""

    out_file = File(exists=True, desc='FollowResult as JSON')


class Follow(SimpleInterface):
    """Follow the lesions of a participant through all visits in the output."""

    input_spec = _FollowSpec
    output_spec = _FollowOut

    def _run_interface(self, runtime: Any) -> Any:
        """Call the stage."""
        self._results['out_file'] = str(
            follow_stage.run(Path(self.inputs.job), Path(self.inputs.context))
        )
        return runtime


class _ReportSpec(BaseInterfaceInputSpec):
    """What the page of a participant takes."""

    followed = File(exists=True, desc='FollowResult as JSON')
    context = File(exists=True, mandatory=True, desc='RunContext as JSON')
    participant = traits.Str(mandatory=True, desc='label without sub-')


class _ReportOut(TraitedSpec):
    """What the page of a participant gives."""

    out_file = File(exists=True, desc='PageResult as JSON')


class Report(SimpleInterface):
    """Write the tables and the page of a participant."""

    input_spec = _ReportSpec
    output_spec = _ReportOut

    def _run_interface(self, runtime: Any) -> Any:
        """Call the stage."""
        self._results['out_file'] = str(
            stages.report(self.inputs.participant, Path(self.inputs.context))
        )
        return runtime
