# SPDX-License-Identifier: Apache-2.0
"""Names of files taken apart: stems, companions, entities."""

from __future__ import annotations

ENTITY_ORDER = (
    *('sub', 'tpl', 'ses', 'cohort', 'sample', 'task', 'tracksys', 'acq', 'nuc', 'voi', 'ce'),
    *('trc', 'stain', 'rec', 'dir', 'run', 'mod', 'echo', 'flip', 'inv', 'mt', 'part', 'proc'),
    *('hemi', 'from', 'to', 'mode', 'space', 'split', 'recording', 'chunk', 'atlas', 'seg'),
    *('scale', 'res', 'den', 'label', 'desc'),
)
"""Short keys of entities in the order of the schema; those of transforms before `space`."""

OWN_ENTITIES = frozenset({'space', 'seg', 'scale', 'res', 'den', 'label', 'desc'})
"""Set by us: never taken over from the name of an input."""


def stem(path: str) -> str:
    """Return a path without its extension.

    Examples
    --------
    >>> stem('sub-01/anat/sub-01_T1w.nii.gz')
    'sub-01/anat/sub-01_T1w'
    """
    folder, slash, name = path.rpartition('/')
    return f'{folder}{slash}{name.partition(".")[0]}'


def sidecar(path: str) -> str:
    """Return the path of the sidecar of an image, transform or table."""
    return f'{stem(path)}.json'


def table(path: str) -> str:
    """Return the path of the table that belongs to a label image."""
    return f'{stem(path)}.tsv'


def entities(path: str) -> tuple[dict[str, str], str]:
    """Return the entities of a name by short key, and its suffix.

    Examples
    --------
    >>> entities('sub-01/anat/sub-01_ce-gd_T1w.nii.gz')
    ({'sub': '01', 'ce': 'gd'}, 'T1w')
    """
    *parts, suffix = stem(path).rpartition('/')[2].split('_')
    pairs = (part.partition('-') for part in parts)
    return {key: value for key, _, value in pairs}, suffix
