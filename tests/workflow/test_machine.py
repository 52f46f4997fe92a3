# SPDX-License-Identifier: Apache-2.0
"""What a process may use: the smallest of affinity, control group and SLURM."""

import os

from bids_seg.workflow import machine


def test_the_processors_are_those_of_the_affinity_without_other_limits(tmp_path):
    assert machine.processors({}, cgroup=tmp_path) == len(os.sched_getaffinity(0))


def test_a_quota_of_the_control_group_is_respected(tmp_path):
    (tmp_path / 'cpu.max').write_text('100000 100000\n')
    assert machine.processors({}, cgroup=tmp_path) == 1
    (tmp_path / 'cpu.max').write_text('max 100000\n')
    assert machine.processors({}, cgroup=tmp_path) == len(os.sched_getaffinity(0))


def test_slurm_limits_processors_and_memory(tmp_path):
    assert machine.processors({'SLURM_CPUS_PER_TASK': '1'}, cgroup=tmp_path) == 1
    assert machine.memory_mb({'SLURM_MEM_PER_NODE': '1500'}, cgroup=tmp_path) == 1500
    variables = {'SLURM_MEM_PER_CPU': '700', 'SLURM_CPUS_PER_TASK': '1'}
    assert machine.memory_mb(variables, cgroup=tmp_path) == 700


def test_the_memory_of_the_control_group_is_respected(tmp_path):
    (tmp_path / 'memory.max').write_text('2000000000\n')
    assert machine.memory_mb({}, cgroup=tmp_path) == 2000
    (tmp_path / 'memory.max').write_text('max\n')
    assert machine.memory_mb({}, cgroup=tmp_path) > 2000
