# SPDX-License-Identifier: Apache-2.0
"""Shapes of networks that several models share; importing one of them imports Keras."""
