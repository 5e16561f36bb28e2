"""How many 6-megapixel JPEGs a CPU-second ingests, and where the time goes: `python benchmarks/ingest.py`.

The photos are the clean photos of the folder GGT_PHOTOS (default ../shared/photos), enlarged to 3000x2000 with noise of
sigma 4 and saved as JPEG of quality 88. CPU time of one thread; the median over photos of the best of three.
"""

import io
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image as PillowImage

from ggt.images import encode_jpeg, encode_png, pixel_hash, read_image, resize, thumbnail
from ggt.measure.category import guess_category
from ggt.measure.exposure import SMALL_SIDE
from ggt.measure.perceptual_hash import perceptual_hash
from ggt.measure.photo import measure_photo
from ggt.settings.ingest import IngestSettings
from ggt.stages.ingest import choose_crops, crop_image, ingest_photo
from ggt.types import Photo

NUM_PHOTOS = 12
REPEATS = 3
SETTINGS = IngestSettings(set_aside_clean=False)

ResultT = TypeVar("ResultT")


def main() -> None:
    """Print the table of benchmarks/ingest.md."""
    cv2.setNumThreads(1)
    shared = Path(__file__).parents[2] / "shared" / "photos"
    clean = Path(os.environ.get("GGT_PHOTOS", shared)) / "clean"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = make_photos(sorted(clean.iterdir())[:: 58 // NUM_PHOTOS][:NUM_PHOTOS], root)
        steps: dict[str, list[float]] = {}
        whole = [time_whole(root, name) for name in names]
        for name in names:
            time_steps(root / name, steps)
        control = median(time_pillow(root / name) for name in names)
    print("| step | CPU ms, median | share |")
    print("|---|---|---|")
    total = median(whole)
    for step, times in steps.items():
        print(f"| {step} | {1000 * median(times):.0f} | {median(times) / total:.0%} |")
    print(f"| whole `ingest_photo`, blobs written | {1000 * total:.0f} | |")
    print(
        f"| for comparison: Pillow alone, decode, crop, Lanczos, PNG level 1 | {1000 * control:.0f} | |"
    )
    print(f"\n{1 / total:.1f} photos a CPU-second (slowest photo {1 / max(whole):.1f})")


def make_photos(clean: list[Path], root: Path) -> list[str]:
    """Write the 6-megapixel JPEGs and return their names."""
    rng = np.random.default_rng(0)
    names: list[str] = []
    for path in clean:
        large = resize(read_image(path).image, 3000, 2000)
        noisy = np.clip(large + rng.normal(0, 4, large.shape), 0, 255).astype(np.uint8)
        (root / f"{path.stem}.jpg").write_bytes(encode_jpeg(noisy, quality=88))
        names.append(f"{path.stem}.jpg")
    return names


def time_whole(root: Path, name: str) -> float:
    """Time all of ingest, into a fresh blob folder each time."""
    times: list[float] = []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(dir=root) as blobs:
            began = time.process_time()
            result = ingest_photo(str(root), Photo(path=name), SETTINGS, Path(blobs))
            times.append(time.process_time() - began)
        assert result.outcome == "ingested"
    return min(times)


def time_pillow(path: Path) -> float:
    """Time the least that any program built on Pillow does, to tell how busy the machine was."""
    times: list[float] = []
    for _ in range(REPEATS):
        began = time.process_time()
        with PillowImage.open(path) as opened:
            square = opened.crop((500, 0, 2500, 2000))
        lq = square.resize((1024, 1024), PillowImage.Resampling.LANCZOS)
        lq.save(io.BytesIO(), "PNG", compress_level=1)
        times.append(time.process_time() - began)
    return min(times)


def time_steps(path: Path, steps: dict[str, list[float]]) -> None:
    """Time the parts of ingest one by one."""

    def timed(step: str, work: Callable[[], ResultT]) -> ResultT:
        times: list[float] = []
        result = work()
        for _ in range(REPEATS):
            began = time.process_time()
            result = work()
            times.append(time.process_time() - began)
        steps.setdefault(step, []).append(min(times))
        return result

    image = timed("decode the JPEG", lambda: read_image(path)).image
    small = timed("small copy", lambda: thumbnail(image, SMALL_SIDE))
    measured = timed("measure the photo", lambda: measure_photo(image, small))
    category, _ = timed("guess its category", lambda: guess_category(measured, small))
    timed("perceptual hash", lambda: perceptual_hash(small))
    box = choose_crops(image, category, SETTINGS)[0]
    lq = timed("resize to 1024x1024", lambda: resize(crop_image(image, box), 1024, 1024))
    timed("encode the lq as PNG", lambda: encode_png(lq))
    timed("pixel hash of the lq", lambda: pixel_hash(lq))
    timed("measure the lq", lambda: measure_photo(lq))


if __name__ == "__main__":
    main()
