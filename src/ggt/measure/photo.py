"""Everything that is measured of one picture, in one call."""

from dataclasses import replace

from ggt.measure.blockiness import blockiness
from ggt.measure.exposure import measure_exposure
from ggt.measure.noise import noise_sigma
from ggt.measure.severity import severity
from ggt.measure.sharpness import blur_px
from ggt.measure.tiles import sample_tiles
from ggt.types import Category, Image, Measurements


def measure_photo(image: Image, small: Image | None = None) -> Measurements:
    """Measure a picture at the resolution that it has; its severity waits for `grade`.

    `small` is its copy with a short side of 256 pixels, for callers that have made one.
    """
    tiles = sample_tiles(image)
    noise = noise_sigma(tiles)
    exposure = measure_exposure(image if small is None else small)
    return Measurements(
        width=image.shape[1],
        height=image.shape[0],
        noise_sigma=noise,
        blur_px=blur_px(tiles, noise),
        blockiness=blockiness(tiles),
        mean_luma=exposure.mean_luma,
        dark_channel=exposure.dark_channel,
        contrast=exposure.contrast,
        saturation=exposure.saturation,
    )


def grade(measured: Measurements, category: Category) -> Measurements:
    """Fill in the severity within a category."""
    return replace(measured, severity=severity(measured, category))
