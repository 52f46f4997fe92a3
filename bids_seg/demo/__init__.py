# SPDX-License-Identifier: Apache-2.0
"""The side door `bids-seg demo`: a small raw dataset of painted heads with known tumours."""
