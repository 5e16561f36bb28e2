"""Draw docs/calibration.svg from the table of benchmarks/calibration.md: `python docs/picture.py`."""

import re
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"^\| (\w+) \| ([\d.]+)%[^|]*\| (?:([\d.]+)%[^|]*)?\|", re.MULTILINE)


def main() -> None:
    """Write one bar a fault: gross and subtle ones caught, leave-one-photo-out."""
    text = (ROOT / "benchmarks" / "calibration.md").read_text(encoding="utf-8")
    table = text.partition("| fault |")[2].partition("| degradation |")[0]
    rows = [
        (name, float(gross), float(subtle or "nan")) for name, gross, subtle in LINE.findall(table)
    ]
    rows.sort(key=lambda row: (row[1] + (row[2] if row[2] == row[2] else row[1]), row[0]))
    mpl.rcParams["svg.hashsalt"] = "ggt"
    mpl.rcParams["font.size"] = 9
    figure, axes = plt.subplots(figsize=(7.5, 5.6))
    places = range(len(rows))
    axes.barh([p + 0.2 for p in places], [r[1] for r in rows], 0.38, label="gross", color="#1f6f6b")
    axes.barh(
        [p - 0.2 for p in places], [r[2] for r in rows], 0.38, label="subtle", color="#a3d5cf"
    )
    axes.set_yticks(list(places), [row[0].replace("_", " ") for row in rows])
    axes.set_xlabel("planted faults caught, in per cent; leave-one-photo-out over 58 photos")
    axes.legend(loc="lower left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(ROOT / "docs" / "calibration.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
