# SPDX-License-Identifier: Apache-2.0
"""How numbers and the words of the tables are said to a reader."""

import re
from collections.abc import Mapping

TIMES = '\N{MULTIPLICATION SIGN}'
"""Between two lengths."""
NOTHING = '\N{EN DASH}'
"""In a cell that has nothing to say."""

REGIONS: Mapping[str, str] = {
    'WT': 'whole lesion with oedema',
    'TC': 'tumour core',
    'ET': 'enhancing tumour',
    'RC': 'resection cavity',
    'NonCE': 'non-enhancing tumour',
    'brain': 'brain',
}
"""Regions in words."""

COLOURS: Mapping[str, str] = {
    'brain': '#e7a3ca',
    'WT': '#56b4e9',
    'NonCE': '#56b4e9',
    'TC': '#f0e442',
    'ET': '#ff7f2a',
    'RC': '#ffffff',
}
"""Line colours on grey images: told apart with every common kind of colour blindness
(after Wong 2011, doi:10.1038/nmeth.1618; orange made lighter for dark grounds). What does not
enhance is drawn as the whole lesion, of which it is a part; the two stand in no figure together."""

DASHES: Mapping[str, str] = {
    'brain': '2 3',
    'WT': '',
    'NonCE': '',
    'TC': '7 4',
    'ET': '',
    'RC': '2 3',
}
"""Dash pattern of each line in screen pixels: where core and enhancing tumour share an edge,
both colours are seen."""

WIDTHS: Mapping[str, float] = {
    'brain': 1.2,
    'WT': 1.3,
    'NonCE': 1.3,
    'TC': 1.7,
    'ET': 1.3,
    'RC': 1.3,
}
"""Width of each line in screen pixels."""

ROLE_NAMES: Mapping[str, str] = {
    'T1wCE': 'T1w, post-contrast',
    'T1w': 'T1w',
    'T2w': 'T2w',
    'FLAIR': 'FLAIR',
}
"""Contrasts in words."""

LESIONS: Mapping[str, tuple[str, str]] = {
    'ET': ('enhancing lesion', 'enhancing lesions'),
    'TC': ('lesion', 'lesions'),
    'WT': ('FLAIR/T2 lesion', 'FLAIR/T2 lesions'),
    'NonCE': ('non-enhancing lesion', 'non-enhancing lesions'),
}
"""What a component of each tissue is called, one and many."""

FLAGS: Mapping[str, str] = {
    'concave': 'concave outline: its hull is longer than any line inside it',
    'plane_oblique': 'slices tilted by more than 20 degrees against the axial plane',
    'one_slice': 'seen on one slice only',
    'order_from_label': 'order of visits taken from their labels, no dates',
    'review_detection': 'detection needs a look: earlier lesions are missing here',
    'n_components_high': 'more than 200 components, which is unlikely to be disease',
    'possible_missed_detection': 'gone for one visit and back: it may have been overlooked there',
    'speck_remains': 'something too small to be a lesion is left at its place',
    'no_probabilities': 'drawn by a person: there are no probabilities to judge an absence by',
    'baseline_assumed': 'no start of treatment is stated: the first visit that can be judged is taken for the baseline',
    'baseline_outside_window': 'the baseline is not 21 to 35 days after radiotherapy',
    'merged': 'targets have grown into one; it counts once',
    'merge_review': 'a target has grown together with another lesion: confirm what belongs to it',
    'cr_low_confidence': 'no target is segmented, but something is left at the place of one: not called complete',
    'cr_then_not_pd': 'a lesion came back after a complete response, too small to be new disease',
    'reappearance_equivocal': 'a target came back, too small to be certain',
    'nl_not_confirmed': 'a possible new lesion was gone at the next visit',
    'clinical_auto': 'clinical worsening follows from the performance status alone: it must have lasted, and have no other cause',
    'pd_on_reduced_steroids': 'growth while steroids were reduced',
    'flair_worse': 'T2/FLAIR abnormality has grown',
    'enhancement_worse': 'new or increased enhancement',
    'possible_pseudoprogression': 'growth soon after radiotherapy may be its effect',
    'pseudoprogression': 'the growth was not confirmed: it may have been an effect of treatment',
    'sustained_increase': 'the sum is still above the limit over the old nadir',
    'late_confirm': 'the confirming visit came more than 56 days later',
    'irano': 'judged by iRANO: growth within six months of the start of immunotherapy must be confirmed',
    'after_pd': 'after progression: not counted for the best response',
    'pd_dated_here': 'progression that was confirmed later is dated to this visit',
}
"""Flags of the tables in words."""

COUNTS = ('No', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine', 'Ten')
"""Small numbers at the start of a sentence."""


def number(text: str | None) -> float | None:
    """Return a cell of a table as a number; None where it is missing.

    Examples
    --------
    >>> number('12.5'), number('n/a'), number(None)
    (12.5, None, None)
    """
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def ml(volume_mm3: float | None) -> str:
    """Return a volume in millilitres, fewer decimals where it is large.

    Examples
    --------
    >>> ml(34), ml(12345), ml(1420000), ml(0), ml(None)
    ('0.034 mL', '12.3 mL', '1420 mL', '0 mL', 'n/a')
    """
    if volume_mm3 is None:
        return 'n/a'
    if volume_mm3 == 0:
        return '0 mL'
    value = volume_mm3 / 1000
    decimals = 3 if value < 1 else 2 if value < 10 else 1 if value < 1000 else 0
    return f'{value:.{decimals}f} mL'


def mm(length: float | None) -> str:
    """Return a length.

    Examples
    --------
    >>> mm(34.06), mm(None)
    ('34.1 mm', 'n/a')
    """
    return 'n/a' if length is None else f'{length:.1f} mm'


def across(longest: float | None, perpendicular: float | None) -> str:
    """Return both diameters.

    Examples
    --------
    >>> across(34.1, 21.0)
    '34.1 × 21.0 mm'
    """
    if longest is None or perpendicular is None:
        return 'not measured'
    return f'{longest:.1f} {TIMES} {perpendicular:.1f} mm'


def size(shape: tuple[float, ...]) -> str:
    """Return voxel sizes or sides.

    Examples
    --------
    >>> size((0.9375, 0.9375, 5.5)), size((240, 240, 155))
    ('0.938 × 0.938 × 5.5', '240 × 240 × 155')
    """
    return f' {TIMES} '.join(f'{side:.3g}' for side in shape)


def duration(seconds: float) -> str:
    """Return a time span.

    Examples
    --------
    >>> duration(8.31), duration(75), duration(7265)
    ('8.3 s', '1 min 15 s', '2 h 01 min')
    """
    if seconds < 60:
        return f'{seconds:.1f} s'
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f'{minutes} min {rest:02d} s'
    return f'{minutes // 60} h {minutes % 60:02d} min'


def sentence(text: str) -> str:
    """Return text with a capital and a full stop.

    Examples
    --------
    >>> sentence('no image with contrast'), sentence('sub-01/anat/x.nii: 0 bytes')
    ('No image with contrast.', 'sub-01/anat/x.nii: 0 bytes.')
    """
    text = text.strip()
    if not text:
        return ''
    # A file name keeps its case.
    is_word = re.match(r'[\w-]+[\s,.;:]', f'{text} ') and '_' not in text.split()[0]
    start = text[0].upper() + text[1:] if is_word else text
    return start if start[-1] in '.!?' else f'{start}.'


def flag(word: str) -> str:
    """Return a flag of the tables in words.

    Examples
    --------
    >>> flag('not_in_the_list')
    'not in the list'
    """
    return FLAGS.get(word, word.replace('_', ' '))


def count(n: int, one: str, many: str) -> str:
    """Return a number with its noun, as a sentence starts.

    Examples
    --------
    >>> count(1, 'lesion', 'lesions'), count(12, 'lesion', 'lesions')
    ('One lesion', '12 lesions')
    """
    spoken = COUNTS[n] if n < len(COUNTS) else str(n)
    return f'{spoken} {one if n == 1 else many}'


def natural(label: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts 2 before 10.

    Examples
    --------
    >>> sorted(['ses-10', 'ses-2'], key=natural)
    ['ses-2', 'ses-10']
    """
    pieces = re.split(r'(\d+)', label)
    return tuple((0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces)
