# SPDX-License-Identifier: Apache-2.0
"""The table of ranges: how strong each effect of the synthesis may be, and why it is there.

Nothing here was chosen by a score on real images. A change needs a reason that can be seen.
"""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """Uniform ranges (lowest, highest) and chances (0 to 1) of one network's samples."""

    # Geometry
    rotation: float = 20.0
    """Largest tilt about each axis, degrees: heads that lie askew."""
    wild_rotation: float = 60.0
    """Largest tilt of a wildly turned head, degrees: wrong orientation codes, moved children."""
    wild_rotation_chance: float = 0.08
    """Share of wildly turned heads."""
    scale: Range = (0.85, 1.15)
    """Size of the head, all axes alike: children, large men, wrong voxel sizes."""
    axis_scale: Range = (0.92, 1.08)
    """Further size along each axis: long and broad skulls."""
    shear: float = 0.02
    """Largest shear: gantry tilt, gradient errors."""
    shift: Range = (-18.0, 18.0)
    """mm from the middle of the field, each axis: heads that are not centred."""
    low_shift: float = 45.0
    """mm that the head may lie higher in the field besides: fields that hold the whole neck."""
    elastic: Range = (0.0, 6.0)
    """Spread of the spline's coefficients, mm (a third of it reaches the voxels): anatomy."""
    elastic_points: Range = (4.0, 10.0)
    """Control points across the field."""
    neck_chance: float = 0.6
    """Share of heads with a neck in the map whose lowest slice is carried on downwards."""

    # Tissues
    free_chance: float = 0.5
    """Share of images whose classes are painted with any brightness: unknown sequences."""
    free_spread: Range = (1.0, 28.0)
    """Spread of a class in free mode, of 255."""
    free_dark_air_chance: float = 0.7
    """Share of free images with black air."""
    twins_alike_chance: float = 0.8
    """Share of free images whose two sides are equally bright."""
    dura_chance: float = 0.7
    """Share of images whose outermost millimetre of fluid is dura: masks leak into it."""
    thick_dura_chance: float = 0.25
    """Share of those whose second millimetre is dura too."""
    sheet_chance: float = 0.6
    """Share of images with a falx, and with a tentorium, of dura."""
    merge_bone_air: float = 0.3
    """Share of images whose bone is as dark as air: no border between skull and outside."""
    merge_bone_fluid: float = 0.15
    """Share of images whose bone looks like fluid: no border between brain's and skull's edge."""
    merge_fluid_cortex: float = 0.08
    """Share of images whose fluid looks like cortex: proton density, poor contrast."""
    merge_skin: float = 0.2
    """Share of images whose skin looks like soft tissue."""
    merge_marrow_bone: float = 0.35
    """Share of images whose marrow looks like bone: thin or sclerotic skulls."""
    suppressed_fat: float = 0.2
    """Share of known images with suppressed fat."""
    split_pitch: Range = (2.0, 12.0)
    """Half wavelength, in voxels, of the noise that splits soft tissue into fat and muscle."""
    fat_outside: Range = (0.0, 1.6)
    """Threshold offset that favours fat near the skin: a layer of fat under it."""
    fat_inside: Range = (-1.6, 0.4)
    """Threshold offset deeper in: muscle mostly."""
    pocket: Range = (1.2, 3.0)
    """Noise level above which inner soft tissue is air: pharynx, which the maps do not tell."""
    texture: Range = (0.02, 0.10)
    """Relative spread of smooth texture in known mode: tissue is not flat."""
    texture_pitch: Range = (2.0, 6.0)
    """Half wavelength of texture, voxels."""
    grey_texture: float = 1.0
    """Up to how many times as strong the texture of grey matter is: limbic cortex, insula and
    hippocampus shine in FLAIR."""
    grain: Range = (0.0, 0.05)
    """Relative spread of voxel-wise texture in known mode."""

    # Things in the head
    lesion_chance: float = 0.35
    """Share of brain samples with blobs in the brain: a tumour at the edge is brain."""
    lesion_radius: Range = (5.0, 32.0)
    """mm."""
    metal_chance: float = 0.05
    """Share of images with a signal void and bright rim: clips, shunts, braces."""
    metal_radius: Range = (6.0, 22.0)
    """mm."""

    # Scanner
    bias: Range = (0.0, 0.6)
    """Spread of the logarithm of the bias field's coefficients: coils, high fields."""
    bias_points: Range = (3.0, 7.0)
    """Control points of the bias field."""
    coil_chance: float = 0.15
    """Share of images that fade at the ends of the coil."""
    blur: Range = (0.2, 0.9)
    """Spread of the point spread, voxels of the sample."""
    thick_chance: float = 0.6
    """Share of images with one axis of thick slices: clinical 2-D scans."""
    thick: Range = (1.0, 8.0)
    """Slice distance of such images, mm."""
    in_plane: Range = (0.6, 1.6)
    """Voxel size along their other axes, mm."""
    isotropic: Range = (0.8, 4.0)
    """Voxel size of the others, mm; drawn towards the low end."""
    gap: Range = (0.0, 0.3)
    """Share of the slice distance that is not measured."""
    ghost_chance: float = 0.15
    """Share of images with displaced copies along one axis: motion, flow."""
    ghost: Range = (0.02, 0.15)
    """Strength of all copies together."""
    wrap_chance: float = 0.04
    """Share of images folded over along one axis: aliasing."""
    noise: Range = (0.0, 0.08)
    """Spread of Rician noise, of the brightest tissue; drawn towards the low end."""
    uneven_noise_chance: float = 0.2
    """Share of images whose noise grows towards the middle: parallel imaging."""

    # What happens after the scan
    gamma: float = 0.25
    """Spread of the logarithm of gamma: rescaling for display."""
    clip_chance: float = 0.1
    """Share of images with a baked-in window: floor up to 0.1 or ceiling from 0.7."""
    crop_chance: float = 0.35
    """Share of images whose field of view is cut."""
    crop: Range = (8.0, 60.0)
    """mm cut off one or two sides: missing vertex or cerebellum, slabs."""
    deface_chance: float = 0.25
    """Share of images without a face: shared data."""
    deface_fill_chance: float = 0.2
    """Share of those whose face is filled with noise instead of zeros."""
    strip_chance: float = 0.12
    """Share of images that are stripped already: derived data."""
    strip: Range = (-2.0, 4.0)
    """mm by which such a mask is larger than the brain."""
    strip_dent: Range = (0.0, 2.0)
    """Spread of its dents, mm."""

    # Tumours: the image is always cut to the brain
    raw_strip_chance: float = 0.5
    """Share of examinations that came stripped: zeros outside, in the scanner's values."""
    mask_shift: Range = (-2.0, 3.5)
    """mm by which the brain mask in use is larger than the true one: errors of extraction."""
    mask_dent: Range = (0.0, 1.5)
    """Spread of its dents, mm."""
    mask_margin: float = 3.0
    """mm around the brain mask that the network still sees."""
    piece_chance: float = 0.18
    """Share of masks with a piece of skull, eye or neck left in, and of masks that lack a piece."""
    piece_radius: Range = (8.0, 25.0)
    """mm."""
    slip_chance: float = 0.5
    """Share of contrasts that are not exactly aligned with the others."""
    slip: float = 1.0
    """Largest error of registration, mm and degrees."""
    pulsation_chance: float = 0.2
    """Share of FLAIR images with bright blobs in the fluid."""
    pulsation: Range = (0.3, 1.2)
    """Brightness of such blobs, of white matter."""
    lost_chance: float = 0.06
    """Share of contrasts whose field ends within the brain."""
    faint_chance: float = 0.0
    """Share of examinations whose lesions take up little contrast: after radiation, drugs against
    new vessels, a scan too early."""
    faint: Range = (1.0, 1.3)
    """Brightness of such uptake, of white matter."""
    lesion_texture: float = 0.10
    """Relative spread of texture in lesions; 1.8 times as much where contrast is taken up."""


BRAIN = Ranges()
"""Brain extraction: any contrast, whole heads."""

GLIOMA = Ranges(
    rotation=15.0,
    wild_rotation=40.0,
    wild_rotation_chance=0.03,
    scale=(0.90, 1.10),
    axis_scale=(0.94, 1.06),
    shift=(-8.0, 8.0),
    low_shift=0.0,
    elastic=(0.0, 5.0),
    texture=(0.01, 0.06),
    texture_pitch=(2.0, 8.0),
    grey_texture=3.0,
    bias=(0.0, 0.4),
    coil_chance=0.05,
    thick_chance=0.7,
    thick=(1.0, 8.0),
    isotropic=(0.7, 2.5),
    ghost_chance=0.08,
    ghost=(0.02, 0.08),
    noise=(0.0, 0.06),
    gamma=0.12,
    crop_chance=0.12,
    crop=(8.0, 45.0),
    faint_chance=0.3,
)
"""Glioma: four contrasts, cut to the brain."""

METASTASES = Ranges(
    rotation=15.0,
    wild_rotation=40.0,
    wild_rotation_chance=0.03,
    scale=(0.92, 1.08),
    axis_scale=(0.95, 1.05),
    shift=(0.0, 0.0),
    low_shift=0.0,
    elastic=(0.0, 3.0),
    texture=(0.01, 0.06),
    texture_pitch=(2.0, 8.0),
    bias=(0.0, 0.3),
    coil_chance=0.03,
    blur=(0.3, 0.8),
    thick_chance=0.35,
    thick=(1.0, 5.0),
    in_plane=(0.5, 1.1),
    isotropic=(0.6, 1.6),
    ghost_chance=0.12,
    ghost=(0.02, 0.08),
    noise=(0.0, 0.06),
    gamma=0.12,
    crop_chance=0.0,
    slip_chance=0.0,
    lost_chance=0.0,
)
"""Metastases: T1wCE at 1 mm, a part of the brain; what the sample cannot show is cut anyway."""
