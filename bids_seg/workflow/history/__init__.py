# SPDX-License-Identifier: Apache-2.0
"""Lesions through time: what lies in the output of a participant's visits, put together.

`job` says what was asked for, `kept` reads the output, `place` brings the visits into one
space, `sets` measures and follows, `course` applies the response criteria, `follow` does all
of it in order and hands the result to `write`.
"""
