# SPDX-License-Identifier: Apache-2.0
"""Side door: train the networks of `segment` on images painted from label maps.

Data passes heads -> synthesis -> trainer: `heads` reads the label maps, `synthesis` paints
samples of them, the trainer fits a network and writes its weights.
"""
