"""The confusion matrix as a table whose cells are shaded by how often a class is answered so."""

from __future__ import annotations

from html import escape

from tinykd.report.confusion import Confusion
from tinykd.report.page.shell import scrolling

#: Classes beyond which names stand upright, and beyond which there is no room for figures.
MANY, MOST = 12, 60
LISTED = 5


def matrix_html(confusion: Confusion) -> str:
    """The table, and the commonest mistakes in words; of many classes the mistakes alone."""
    wrong = confusion.samples - confusion.correct
    parts = []
    if len(confusion.names) <= MOST:
        parts.append(scrolling("Confusion matrix", _table(confusion), "matrix many" if len(confusion.names) > MANY else "matrix"))
    parts.append(
        f'<p class="faint">int8 integers on {confusion.samples:,} test samples: {confusion.correct:,} right, {wrong:,} wrong. '
        "Rows are true classes, columns what the model answered; shades are fractions of a row.</p>"
    )
    mistakes = confusion.mistakes()[:LISTED]
    if mistakes:
        items = "".join(
            f"<li><b>{escape(confusion.names[i])}</b> taken for <b>{escape(confusion.names[j])}</b>: "
            f"{n:,} of {sum(confusion.counts[i]):,}</li>"
            for n, i, j in mistakes
        )
        parts.append(f"<h3>Commonest mistakes</h3><ol>{items}</ol>")
    return "\n".join(parts)


def _table(confusion: Confusion) -> str:
    names = [escape(name) for name in confusion.names]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        '<table><caption class="hidden">Samples by true class (rows) and predicted class (columns)</caption>'
        f'<thead><tr><th scope="col" class="corner">true ↓<br>answer →</th>{head}<th scope="col">recall</th></tr></thead>\n<tbody>'
        + "\n".join(_row(confusion, true, name) for true, name in enumerate(names))
        + "</tbody></table>"
    )


def _row(confusion: Confusion, true: int, name: str) -> str:
    row, whole = confusion.counts[true], max(sum(confusion.counts[true]), 1)
    cells = "".join(_cell(n, n / whole, "right" if k == true else "wrong") for k, n in enumerate(row))
    recall = confusion.recall(true)
    return f'<tr><th scope="row">{name}</th>{cells}<td class="recall">{"" if recall is None else f"{100 * recall:.1f} %"}</td></tr>'


def _cell(samples: int, fraction: float, kind: str) -> str:
    if not samples:
        return '<td class="none">0</td>'
    strong = " strong" if fraction > 0.5 else ""
    return f'<td class="{kind}{strong}" style="--v:{_shade(fraction):.0f}%">{samples:,}</td>'


def _shade(fraction: float) -> float:
    """Per cent of colour: few mistakes must be seen beside many right answers, and no figure may drown in its shade."""
    return 100 if fraction > 0.5 else 14 + 50 * fraction
