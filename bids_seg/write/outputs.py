# SPDX-License-Identifier: Apache-2.0
"""The kinds of files that a visit may have: one row each; `names` fills them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One kind of file of a visit: a row of the table."""

    key: str
    """Its key; what stands in braces is filled in."""
    each: Literal[
        'reference', 'moving', 'brain', 'disease', 'region', 'set', 'followed', 'standard'
    ]
    """When it exists: once with a reference image or a brain mask, or once for each moving image,
    disease, region of a disease, or set of lesions measured beside the disease's own; `followed`:
    where lesions are followed from visit to visit; `standard`: on the grid of a template."""
    keeps: Literal['reference', 'moving', 'nothing']
    """The raw image whose entities it keeps."""
    entities: tuple[tuple[str, str], ...]
    """What is added, in the order of the schema."""
    suffix: str
    """BIDS suffix."""
    extension: str
    """With its dot."""
    companions: tuple[str, ...] = ('.json',)
    """Extensions of the files that lie beside it under the same name."""


_ORIG = ('space', 'orig')
_INDIVIDUAL = ('space', 'individual')
_SEG = ('seg', '{disease}')

OUTPUTS: tuple[Output, ...] = (
    Output(
        key='brain_mask',
        each='brain',
        keeps='reference',
        entities=(_ORIG, ('desc', 'brain')),
        suffix='mask',
        extension='.nii.gz',
    ),
    Output(
        key='preproc:{role}',
        each='reference',
        keeps='reference',
        entities=(_ORIG, ('desc', 'preproc')),
        suffix='{suffix}',
        extension='.nii.gz',
    ),
    Output(
        key='preproc:{role}',
        each='moving',
        keeps='moving',
        entities=(('space', '{reference}'), ('desc', 'preproc')),
        suffix='{suffix}',
        extension='.nii.gz',
    ),
    Output(
        key='xfm:{role}',
        each='moving',
        keeps='nothing',
        entities=(('from', '{role}'), ('to', '{reference}'), ('mode', 'image')),
        suffix='xfm',
        extension='.txt',
    ),
    Output(
        key='dseg:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, _SEG),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
    Output(
        key='probseg:{disease}:{region}',
        each='region',
        keeps='nothing',
        entities=(_ORIG, _SEG, ('label', '{region}')),
        suffix='probseg',
        extension='.nii.gz',
    ),
    Output(
        key='entropy:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, _SEG, ('desc', 'entropy')),
        suffix='probseg',
        extension='.nii.gz',
    ),
    Output(
        key='mask:{disease}:{region}',
        each='region',
        keeps='nothing',
        entities=(_ORIG, ('label', '{region}'), ('desc', '{disease}')),
        suffix='mask',
        extension='.nii.gz',
    ),
    Output(
        key='lesions:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, ('seg', '{measured}Lesions')),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
    Output(
        key='lesions:{set}',
        each='set',
        keeps='nothing',
        entities=(_ORIG, ('seg', '{set}Lesions')),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
)
"""All outputs that a visit has by itself."""

LATER: tuple[Output, ...] = (
    Output(
        key='xfm:individual',
        each='followed',
        keeps='nothing',
        entities=(('from', 'orig'), ('to', 'individual'), ('mode', 'image')),
        suffix='xfm',
        extension='.txt',
    ),
    Output(
        key='individual:{set}',
        each='followed',
        keeps='nothing',
        entities=(_INDIVIDUAL, ('seg', '{set}Lesions')),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
    Output(
        key='standard:{disease}:{resolution}',
        each='standard',
        keeps='nothing',
        entities=(('space', '{template}'), _SEG, ('res', '{resolution}')),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
)
"""Outputs of a visit that need other visits or a template."""
