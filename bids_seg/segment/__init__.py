# SPDX-License-Identifier: Apache-2.0
"""Images on one grid in; brain mask, tumour labels, probabilities and uncertainty out.

`model` is the record of a network, `models` the registry of those that ship, `networks`
their shapes, `normalise` the intensities that they know, `weights` what they learned.
"""
