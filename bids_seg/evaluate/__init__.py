# SPDX-License-Identifier: Apache-2.0
"""Compare masks with a reference: overlap, surfaces, lesions, volumes, probabilities."""
