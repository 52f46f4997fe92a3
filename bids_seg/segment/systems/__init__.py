# SPDX-License-Identifier: Apache-2.0
"""Systems of others, a file for each: their way from images to probabilities and masks.

Each file holds a `system.Published`; nothing in it imports Keras before it is called.
"""
