# SPDX-License-Identifier: Apache-2.0
"""Records and images in, BIDS derivatives out: names, sidecars, tables, the dataset's own files.

`names` holds every name; `sidecars`, `columns`, `tables`, `following` and `responses` are pure;
`visit`, `publish`, `history`, `participant`, `dataset` and `group` touch disk, each file written
whole or not at all; `locks` keeps two runs apart; `check` looks at a finished tree.
"""
