# SPDX-License-Identifier: Apache-2.0
"""From a visit's files to images on one grid: headers, bias field, alignment, and its quality."""
