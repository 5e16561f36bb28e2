"""A dot plot as SVG: the few things that ggt asks of Matplotlib, whose types are incomplete, behind types."""

import importlib
import io
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, cast

_INK, _GRID = "#5b6560", "#e4e6e1"
_STYLE = {
    "svg.hashsalt": "ggt",  # or ids change with each run
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
}


class _Spine(Protocol):
    def set_visible(self, b: bool) -> None: ...


class _Axes(Protocol):
    spines: Mapping[str, _Spine]

    def scatter(
        self,
        x: Sequence[float],
        y: Sequence[float],
        *,
        s: float,
        color: str,
        alpha: float,
        linewidths: float,
    ) -> object: ...
    def set_yticks(self, ticks: Sequence[int], labels: Sequence[str]) -> object: ...
    def set_ylim(self, bottom: float, top: float) -> object: ...
    def tick_params(self, *, colors: str, labelsize: float, length: float) -> None: ...
    def grid(self, *, axis: str, color: str, linewidth: float) -> None: ...
    def set_axisbelow(self, b: bool) -> None: ...


class _Figure(Protocol):
    def subplots(self) -> _Axes: ...


class _FigureModule(Protocol):
    def Figure(self, *, figsize: tuple[float, float], layout: str) -> _Figure: ...  # noqa: N802


class _Canvas(Protocol):
    def print_svg(self, filename: io.BytesIO, *, metadata: Mapping[str, None]) -> None: ...


class _SvgModule(Protocol):
    def FigureCanvasSVG(self, figure: _Figure) -> _Canvas: ...  # noqa: N802


class _Matplotlib(Protocol):
    def rc_context(self, rc: Mapping[str, str]) -> AbstractContextManager[None]: ...


Dots = tuple[str, Sequence[float], Sequence[float]]
"""Colour, values, heights."""


def plot_dots(groups: Sequence[Dots], lines: Sequence[str]) -> bytes:
    """Draw dots over labelled lines, the first on top; the same input gives the same bytes."""
    matplotlib = cast(_Matplotlib, importlib.import_module("matplotlib"))
    figures = cast(_FigureModule, importlib.import_module("matplotlib.figure"))
    svg = cast(_SvgModule, importlib.import_module("matplotlib.backends.backend_svg"))
    with matplotlib.rc_context(_STYLE):
        figure = figures.Figure(figsize=(5.2, 0.7 + 0.42 * len(lines)), layout="constrained")
        axes = figure.subplots()
        for colour, values, heights in groups:
            axes.scatter(values, heights, s=14, color=colour, alpha=0.65, linewidths=0)
        axes.set_yticks(range(len(lines)), lines)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.tick_params(colors=_INK, labelsize=8, length=0)
        axes.grid(axis="x", color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        file = io.BytesIO()
        svg.FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})
    return file.getvalue()
