"""CPU time of one assessment, as `ggt check` makes it: median over pairs of 1024x1024, one thread, reading included.

OMP_NUM_THREADS=1 python benchmarks/check.py ../shared/photos/clean
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cv2

from ggt.images import encode_png
from ggt.settings.quality import QualitySettings
from ggt.stages.calibration.cases import square
from ggt.stages.check import PairFiles, check_pair
from ggt.stages.degrade import degrade_image

NUM_PAIRS = 12


def main(folder: Path) -> None:
    """Judge some pairs and print the median."""
    cv2.setNumThreads(1)
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        for index, photo in enumerate(sorted(folder.iterdir())[:: max(1, 58 // NUM_PAIRS)]):
            hq = square(photo, 1024)
            kind = ("noise", "haze", "rain", "defocus")[index % 4]
            lq = degrade_image(hq, kind=kind, strength=0.5, seed=index).image
            files = [Path(scratch) / f"{index}-{side}.png" for side in ("lq", "hq")]
            for file, image in zip(files, (lq, hq), strict=True):
                file.write_bytes(encode_png(image))
            pair = PairFiles(str(index), *files)
            started = time.process_time()
            check_pair(pair, category="general", quality=QualitySettings())
            spent.append(time.process_time() - started)
    spent = spent[1:]  # the first one loads modules and models
    print(
        f"{len(spent)} pairs: median {statistics.median(spent):.2f} CPU-s, worst {max(spent):.2f}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
