# SPDX-License-Identifier: Apache-2.0
"""Painting of training samples: one `draw` of numbers on the host, one compiled `render`.

Every random number of a sample is drawn by `draw` with NumPy and is small; `render` is made of
`keras.ops` only, has no branch that looks at a value, and returns arrays of fixed shape. An effect
that a sample does not have gets neutral numbers. The same draw therefore gives the same sample on
every backend, up to rounding.
"""
