"""Training curves: accuracy and losses of every training, over epochs, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tinykd.report.curves import Curve
from tinykd.report.page.line_chart import DASHES, Line, line_chart

LABELS = {"teacher": "teacher", "baseline": "labels only", "student": "student", "quantize": "quantization-aware"}
"""Stages as the legend calls them; others by their own name."""


def training_html(curves: Sequence[Curve]) -> str:
    """Three pictures with one legend, and a line on each training in words."""
    accuracies = [100 * one.validation_accuracy for curve in curves for one in curve.epochs if math.isfinite(one.validation_accuracy)]
    if not accuracies:
        return ""
    low = _floor(accuracies)
    marked = [
        Line(
            _label(curve),
            tuple((one.epoch, 100 * one.validation_accuracy) for one in curve.epochs),
            (curve.best.epoch, 100 * curve.best.validation_accuracy),
        )
        for curve in curves
    ]
    pictures = [
        ("Validation accuracy", line_chart("curves-accuracy", "Validation accuracy over epochs", marked, "linear", low, 100, " %")),
        ("Validation loss", _losses("curves-validation", "Validation loss over epochs", _lines(curves, "validation_loss"))),
        ("Training loss", _losses("curves-training", "Training loss over epochs", _lines(curves, "loss"))),
    ]
    figures = "".join(f"<figure><figcaption>{title}</figcaption>{svg}</figure>" for title, svg in pictures if svg)
    legend = "".join(
        f'<li><svg class="key" viewBox="0 0 34 10" aria-hidden="true"><path class="line c{k % len(DASHES)}" '
        f'stroke-dasharray="{DASHES[k % len(DASHES)]}" d="M1 5H33"/></svg>{escape(_label(curve))}: {len(curve.epochs)} epochs, '
        f"best {100 * curve.best.validation_accuracy:.2f} % in epoch {curve.best.epoch}</li>"
        for k, curve in enumerate(curves)
    )
    cut = f" Below {low:g} % the accuracy is cut off." if min(accuracies) < low else ""
    return (
        f'<div class="curves">{figures}</div><ul class="legend">{legend}</ul>'
        f'<p class="faint">Circles: the epoch whose weights were kept. Losses have logarithmic axes, and what a training minimises '
        f"differs between trainings.{cut}</p>"
    )


def _label(curve: Curve) -> str:
    return LABELS.get(curve.stage, curve.stage)


def _lines(curves: Sequence[Curve], column: str) -> list[Line]:
    return [Line(_label(curve), tuple((one.epoch, getattr(one, column)) for one in curve.epochs)) for curve in curves]


def _losses(ident: str, title: str, lines: Sequence[Line]) -> str:
    values = [value for line in lines for _, value in line.points if math.isfinite(value) and value > 0]
    if not values:
        return ""
    low, high = min(values), max(values)
    return line_chart(ident, title, lines, "log", low / 1.1, max(high, low * 1.5) * 1.1)


def _floor(percent: Sequence[float]) -> float:
    """Where the axis begins: below nine of ten values, so that first epochs do not press all others together."""
    tenth = sorted(percent)[len(percent) // 10]
    step = 1 if tenth > 95 else 5 if tenth > 75 else 10
    return max(0.0, step * math.floor(tenth / step) - step)
