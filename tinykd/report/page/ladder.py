"""The accuracy ladder: from the teacher down to the integers that the target computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from tinykd.report.distillation import LABELS, Distillation
from tinykd.report.run import RunReport

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
_Z = 1.959964  # 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Rung:
    """One network: its accuracy on `samples`, and how often it agrees with the teacher."""

    label: str
    accuracy: float
    samples: int
    agreement: float | None


def rungs(report: RunReport) -> list[Rung]:
    """Every form of the model whose accuracy is known, teacher first."""
    found = []
    if (trained := report.distillation) is not None:
        test = trained.accuracy.model_dump()
        for name, label in LABELS.items():
            if test[name] is not None:
                agreement = trained.fidelity[name].agreement if name in trained.fidelity else None
                found.append(Rung(_label(trained, name, label), test[name], trained.samples.test, agreement))
    if (proof := report.verification) is not None and proof.accuracy is not None:
        where = "board" if proof.board is not None else proof.emulator
        found.append(Rung(f"firmware, {proof.target} ({where})", proof.accuracy, proof.samples, None))
    return found


def _label(trained: Distillation, name: str, label: str) -> str:
    return label.replace("distilled", "distilled, network augmentation") if name == "student" and trained.netaug is not None else label


def wilson(accuracy: float, samples: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion: `(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)`; Wilson 1927."""
    if not samples:
        return 0.0, 1.0
    z = _Z * _Z / samples
    middle = accuracy + z / 2
    half = _Z * math.sqrt(accuracy * (1 - accuracy) / samples + z / (4 * samples))
    return max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))


def axis(low: float) -> tuple[float, list[float]]:
    """Where an axis up to 1 begins that shows `low`, and its ticks."""
    step = next((s for s in _STEPS if (1 - low) / s <= 5), _STEPS[-1])
    start = max(0.0, math.floor(low / step + 1e-9) * step)
    count = round((1 - start) / step)
    return start, [1 - k * step for k in range(count, -1, -1)]


def ladder_html(report: RunReport) -> str:
    """A row a network: accuracy as a dot, its 95 % interval as a bar around it."""
    found = rungs(report)
    if not found:
        return ""
    intervals = [wilson(one.accuracy, one.samples) for one in found]
    start, ticks = axis(min(low for low, _ in intervals))

    def at(value: float) -> float:
        return 100 * (value - start) / (1 - start)

    rows = []
    for one, (low, high) in zip(found, intervals, strict=True):
        agreement = "" if one.agreement is None else f"{100 * one.agreement:.2f} %"
        between = f"{100 * low:.2f} to {100 * high:.2f} %"
        rows.append(
            f'<tr><th scope="row">{escape(one.label)}</th>'
            f'<td class="plot"><div class="track" aria-hidden="true" title="95 % interval {between}">'
            + "".join(f'<i style="left:{at(tick):.2f}%"></i>' for tick in ticks)
            + f'<b style="left:{at(low):.2f}%;width:{at(high) - at(low):.2f}%"></b><s style="left:{at(one.accuracy):.2f}%"></s></div></td>'
            f'<td class="value">{100 * one.accuracy:.2f} %<span class="hidden"> (95 % interval {between})</span></td>'
            f'<td class="samples">{one.samples:,}</td><td class="agrees">{agreement}</td></tr>'
        )
    shown = "".join(f'<span style="left:{at(tick):.2f}%">{100 * tick:.4g}</span>' for tick in ticks)
    return (
        '<table class="ladder"><caption class="hidden">Accuracy of every form of the model</caption>'
        '<thead><tr><th scope="col" class="left">network</th><td></td><th scope="col">accuracy</th><th scope="col">samples</th>'
        '<th scope="col">agrees with teacher</th></tr></thead>\n<tbody>' + "\n".join(rows) + "</tbody>"
        f'<tfoot aria-hidden="true"><tr><td></td><td class="plot"><div class="scale">{shown}</div></td>'
        "<td>%</td><td></td><td></td></tr></tfoot></table>"
        '<p class="faint">Dots: top-1 accuracy on test samples. Bars: 95 % Wilson intervals; networks whose bars overlap much '
        f"may be equally good. {'The axis does not begin at zero.' if start else ''}</p>"
    )
