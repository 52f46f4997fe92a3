# SPDX-License-Identifier: Apache-2.0
"""A child that dies costs the visit it was at, no other; one that hangs is killed."""

import json

import pytest

from bids_seg.workflow import network

CHILD = """
import json, os, signal, sys
results, *visits = sys.argv[1:]
for visit in visits:
    if visit == 'killed':
        os.kill(os.getpid(), signal.SIGKILL)
    if visit == 'broken':
        sys.exit('no such layer')
    if visit == 'silent':
        continue
    with open(results, 'a') as file:
        file.write(json.dumps({'visit': visit, 'status': 'ok'}) + '\\n')
"""


def run(tmp_path, visits):
    results = tmp_path / 'results.jsonl'
    program = tmp_path / 'child.py'
    program.write_text(CHILD)
    starts = []

    def start(left):
        starts.append(tuple(left))
        words = [str(program), str(results), *left]
        return network.run_child(words, threads=1, log=tmp_path / 'log', limit_s=30)

    found = network.all_visits(visits, start, results=results, memory_gb=2.5)
    return found, starts


def test_all_visits_are_done_by_one_child(tmp_path):
    found, starts = run(tmp_path, ['a', 'b'])
    assert {name: result['status'] for name, result in found.items()} == {'a': 'ok', 'b': 'ok'}
    assert starts == [('a', 'b')]


def test_a_killed_child_costs_one_visit_and_is_started_again_for_the_rest(tmp_path):
    found, starts = run(tmp_path, ['a', 'killed', 'b', 'c'])
    assert [found[name]['status'] for name in 'abc'] == ['ok'] * 3
    assert found['killed']['status'] == 'failed'
    assert 'out of memory' in found['killed']['what']
    assert '2.5 GB' in found['killed']['what']
    assert '--mem' in found['killed']['do']
    assert starts == [('a', 'killed', 'b', 'c'), ('b', 'c')]


def test_a_child_that_ends_with_an_error_leaves_its_last_words(tmp_path):
    found, _ = run(tmp_path, ['broken', 'a'])
    assert 'code 1' in found['broken']['what']
    assert 'no such layer' in found['broken']['trace']
    assert found['a']['status'] == 'ok'


def test_a_visit_without_a_result_is_a_failure(tmp_path):
    found, _ = run(tmp_path, ['silent', 'a'])
    assert found['silent']['what'] == 'the network gave no result'


def test_a_child_that_hangs_is_killed_after_its_time(tmp_path):
    words = ['-c', 'import time; time.sleep(60)']
    ended = network.run_child(words, threads=1, log=tmp_path / 'log', limit_s=0.5)
    assert ended.code == -9


def test_a_line_cut_short_is_left_out(tmp_path):
    path = tmp_path / 'r'
    path.write_text(json.dumps({'visit': 'a', 'status': 'ok'}) + '\n{"visit": "b", "sta')
    assert list(network.read_results(path)) == ['a']


@pytest.mark.parametrize('threads', [1, 3])
def test_a_child_is_told_its_threads_and_its_backend(threads):
    variables = network.environment(threads)
    assert variables['TF_NUM_INTRAOP_THREADS'] == variables['OMP_NUM_THREADS'] == str(threads)
    assert variables['KERAS_BACKEND'] == 'tensorflow'
