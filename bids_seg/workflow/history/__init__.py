# SPDX-License-Identifier: Apache-2.0
"""Lesions through time: what lies in the output of a participant's visits, put together.

`inputs` reads what the user gives, `chosen` says which criteria are in force, `job` is what is
asked for one participant, `kept` reads the output, `place` brings the visits into one space,
`kinds` knows the sets of lesions, `seen` one of them at one visit and `sets` through all visits,
`course` applies the criteria, `private` takes dates out, `follow` does all of it in order and
hands the result to `write`; `stage` is how the graph calls it.
"""
