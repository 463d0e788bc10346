"""The pictures of a study, as SVG that takes its ink from the page around it, so that it suits light and dark ones.

Marks are means over seeds, bars one sample standard deviation to each side.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tinykd.errors import ToolError
from tinykd.study.rows import Row
from tinykd.study.summary import Entry, entries, impact, spread
from tinykd.study.treatments import Treatment

#: Drawn with, then replaced by the colour of the text around the picture.
INK = "#010203"

#: Of treatments in order; told apart by those who see few colours (after Okabe and Ito), and on white as on black.
COLOURS = ("#56909f", "#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#8d62c9", "#999933", "#7f7f7f")
MARKERS = "osD^vPX*h"


@dataclass(frozen=True)
class Plot:
    """A picture and what it shows."""

    title: str
    caption: str
    svg: str


def plots(rows: Sequence[Row], treatments: Sequence[Treatment]) -> dict[str, Plot]:
    """Every picture that `rows` give something to draw for, by the name of its file.

    Raises:
        ToolError: matplotlib is missing.
    """
    if not rows:
        return {}
    with _drawing() as pyplot:
        drawn = {name: draw(pyplot, rows, treatments) for name, draw in PLOTS.items()}
    return {name: plot for name, plot in drawn.items() if plot is not None}


def accuracy_against_size(pyplot: ModuleType, rows: Sequence[Row], treatments: Sequence[Treatment]) -> Plot:
    """A panel a group; a line a treatment, through its networks from small to large."""
    found = entries(rows)
    groups = list(dict.fromkeys(entry.group for entry in found))
    wide = max(map(_size, found)) > 4 * min(map(_size, found))
    figure, axes = pyplot.subplots(1, len(groups), figsize=(max(6.4, 3.6 * len(groups)), 4.2), sharey=True, squeeze=False)
    for axis, group in zip(axes[0], groups, strict=True):
        for number, treatment in enumerate(treatments):
            line = sorted((entry for entry in found if entry.group == group and entry.treatment == treatment.name), key=_size)
            if line:
                _marks(axis, [_size(entry) / 1024 for entry in line], [_percent(entry) for entry in line], number, treatment.title, "-")
        if wide:
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(pyplot.matplotlib.ticker.LogLocator(subs=(1, 2, 3, 5, 7)))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.xaxis.set_minor_formatter("")
        axis.set_xlabel("size of the .tflite, KiB")
        axis.set_title(group)
        axis.grid(alpha=0.15)
    axes[0][0].set_ylabel("test accuracy, %")
    _legend(figure, axes[0])
    return Plot(
        "Accuracy against size",
        "Each mark is a network in one deployed form; a line goes through the networks of a family from small to large. "
        "Up and to the left is better.",
        _svg(pyplot, figure, "Test accuracy in percent over the size of the .tflite file, by treatment"),
    )


def impact_of_each(pyplot: ModuleType, rows: Sequence[Row], treatments: Sequence[Treatment]) -> Plot | None:
    """A row a treatment: what it adds to the accuracy of what it is compared with, by network, and on average."""
    by_name = {treatment.name: treatment for treatment in treatments}
    found = [(one, impact(rows, one)) for one in treatments if one.against]
    found = [(one, differences) for one, differences in found if differences]
    if not found:
        return None
    figure, axis = pyplot.subplots(figsize=(8, 1.2 + 0.62 * len(found)))
    numbers = {treatment.name: number for number, treatment in enumerate(treatments)}
    for row, (treatment, differences) in enumerate(found):
        each = [100 * one.mean for one in differences.values()]
        heights = [row + 0.16 * (0.5 - (k % 3) / 2) for k in range(len(each))]
        axis.scatter(each, heights, s=16, alpha=0.55, color=_colour(numbers[treatment.name]), linewidths=0)
        whole = spread(each)
        axis.errorbar(
            whole.mean, row, xerr=whole.deviation and [[whole.deviation], [whole.deviation]], fmt=_marker(numbers[treatment.name]),
            color=_colour(numbers[treatment.name]), markersize=9, capsize=4, elinewidth=1.6, markeredgecolor=INK,
        )  # fmt: skip
        axis.annotate(f"{whole.mean:+.2f}", (whole.mean, row), textcoords="offset points", xytext=(0, 11), ha="center", fontsize=9)
    names = [f"{one.title}\nagainst {by_name[one.against].title if one.against in by_name else one.against}" for one, _ in found]
    axis.set_yticks(range(len(found)), names)
    axis.set_ylim(len(found) - 0.4, -0.6)
    axis.axvline(0, color=INK, linewidth=1, alpha=0.6)
    axis.set_xlabel("change of test accuracy, percentage points")
    axis.grid(axis="x", alpha=0.15)
    return Plot(
        "Impact of each treatment",
        "Small dots are networks (mean of the differences between runs of the same seed); the large mark is their mean, its bar their "
        "standard deviation. Right of the line is better.",
        _svg(pyplot, figure, "What each treatment adds to test accuracy, in percentage points"),
    )


def teacher_against_student(pyplot: ModuleType, rows: Sequence[Row], treatments: Sequence[Treatment]) -> Plot | None:
    """A column a network: its float forms, and the teacher as a line."""
    shown = [treatment for treatment in treatments if treatment.form == "float"]
    found = [entry for entry in entries(rows) if entry.treatment in {treatment.name for treatment in shown}]
    if not found:
        return None
    points = list(dict.fromkeys(entry.point for entry in found))
    figure, axis = pyplot.subplots(figsize=(max(6.4, 0.75 * len(points) + 2), 4.4))
    columns = {point: [row for row in rows if row.point == point] for point in points}
    teachers = [spread([100 * value for value in {row.seed: row.teacher_accuracy for row in some}.values()]) for some in columns.values()]
    edges = [k + side for k in range(len(points)) for side in (-0.5, 0.5)]
    means = [one.mean for one in teachers for _ in range(2)]
    around = [one.deviation or 0.0 for one in teachers for _ in range(2)]
    axis.plot(edges, means, color=INK, linestyle="--", linewidth=1.2, label="teacher")
    axis.fill_between(
        edges, [m - d for m, d in zip(means, around)], [m + d for m, d in zip(means, around)], color=INK, alpha=0.1, linewidth=0
    )
    numbers = {treatment.name: number for number, treatment in enumerate(treatments)}
    for place, treatment in enumerate(shown):
        line = [entry for entry in found if entry.treatment == treatment.name]
        shift = 0.5 * ((place + 0.5) / len(shown) - 0.5)
        _marks(
            axis,
            [points.index(one.point) + shift for one in line],
            [_percent(one) for one in line],
            numbers[treatment.name],
            treatment.title,
            "none",
        )
    axis.set_xticks(range(len(points)), points, rotation=35, ha="right")
    axis.set_xlim(-0.5, len(points) - 0.5)
    axis.set_ylabel("test accuracy, %")
    axis.grid(axis="y", alpha=0.15)
    _legend(figure, [axis])
    return Plot(
        "Teacher against student",
        "The dashed line is the teacher, its band one standard deviation over seeds; marks are the float students.",
        _svg(pyplot, figure, "Test accuracy of teacher and float students by network"),
    )


PLOTS: Mapping[str, Callable[[ModuleType, Sequence[Row], Sequence[Treatment]], Plot | None]] = {
    "accuracy-against-size": accuracy_against_size,
    "impact": impact_of_each,
    "teacher-against-student": teacher_against_student,
}


def _size(entry: Entry) -> float:
    found = entry.of("model_bytes")
    assert found is not None
    return found.mean


def _percent(entry: Entry) -> tuple[float, float]:
    """Mean and deviation of the accuracy."""
    found = entry.of("accuracy")
    assert found is not None
    return 100 * found.mean, 100 * (found.deviation or 0.0)


def _marks(axis: Any, x: Sequence[float], y: Sequence[tuple[float, float]], number: int, label: str, line: str) -> None:
    axis.errorbar(
        x, [mean for mean, _ in y], yerr=[deviation for _, deviation in y], marker=_marker(number), color=_colour(number), linestyle=line,
        linewidth=1.3, markersize=6, capsize=2.5, elinewidth=1, label=label,
    )  # fmt: skip


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    """One for all panels, below them."""
    known = {label: handle for axis in axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(
        known.values(), known.keys(), loc="outside lower center", ncols=max(1, int(figure.get_figwidth() / 2.4)), frameon=False, fontsize=10
    )


def require_matplotlib() -> None:
    """Raise ToolError where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ToolError("a study's plots need matplotlib, which is not installed", "pip install 'tinykd[study]'") from None


@contextmanager
def _drawing() -> Iterator[ModuleType]:
    """Matplotlib's pyplot without a screen, in this file's style."""
    require_matplotlib()
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    style: Any = {
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), INK),
        "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "figure.constrained_layout.use": True,
        "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "font.size": 11,
        "svg.fonttype": "none", "svg.hashsalt": "tinykd",
    }  # fmt: skip
    with pyplot.rc_context(style):
        yield pyplot


def _svg(pyplot: ModuleType, figure: Any, title: str) -> str:
    """The figure as an `<svg>` element, the same bytes whenever it is drawn."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Title": title})
    pyplot.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")
