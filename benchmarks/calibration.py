"""Full calibration over a folder of clean photos: writes benchmarks/calibration.md, and the model on request.

python benchmarks/calibration.py --photos ../shared/photos/clean --cache calibration-cache --processes 2
"""

import argparse
import time
from functools import partial
from pathlib import Path

from ggt.judges.measured import MODEL_FILE
from ggt.stages.calibration.calibrate import calibrate
from ggt.stages.calibration.cases import deal
from ggt.stages.calibration.table import markdown

TABLE = Path(__file__).with_suffix(".md")
SEED = 1
"""Of the last look: measurements, detectors and bounds were chosen on other draws (seed 0) over the same photos."""
MACHINE = "2-core Intel Xeon 2.8 GHz, Linux, Python 3.11"


def main() -> None:
    """Measure what the cache lacks, fit, judge and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--ship", action="store_true", help="write the model that ggt ships, fitted on all photos"
    )
    given = parser.parse_args()
    started = time.monotonic()

    def show(stage: str, done: int, total: int | None) -> None:
        print(f"{stage} {done}/{total} {time.monotonic() - started:.0f} s", flush=True)

    result = calibrate(
        given.photos,
        deal_cells=partial(deal, seed=SEED),
        cache=given.cache,
        num_processes=given.processes,
        show=show,
    )
    TABLE.write_text(heading(result.model.num_photos) + markdown(result.judged) + "\n")
    if given.ship:
        MODEL_FILE.write_text(result.model.model_dump_json() + "\n")


def heading(num_photos: int) -> str:
    """Say what the table shows and how it was made."""
    return (
        f"# Calibration\n\nLeave-one-photo-out over {num_photos} clean photos, each under 7 of the 11 degradations "
        "(2 faithful pairs, 3 planted faults and 2 candidates that restore little or nothing each); how to read it: "
        "[quality-control.md](../docs/quality-control.md).\n\n"
        "Command: `python benchmarks/calibration.py --photos ../shared/photos/clean --cache calibration-cache`. "
        f"Machine: {MACHINE}. Intervals: Wilson, 95 %.\n\n"
        "Measurements, detectors, fitting and hand-set bounds were frozen before these pairs were drawn (seed 1); they "
        "were chosen on other draws of degradations, faults and strengths (seed 0) over the same photos.\n\n"
    )


if __name__ == "__main__":
    main()
