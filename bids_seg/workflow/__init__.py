# SPDX-License-Identifier: Apache-2.0
"""The order of the work: what a run does with each visit, and nothing that computes.

A visit passes through the rooms as one JSON file, its `VisitState`: every stage reads it,
calls one function of a room on files, and writes the next state. nipype runs the stages.
"""
