"""The page of a study: one HTML file with its pictures inside, no script, nothing from the network."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape

from tinykd import __version__
from tinykd.report.page.shell import document, scrolling
from tinykd.study.cells import treatments_of
from tinykd.study.file import StudyFile
from tinykd.study.plots import Plot
from tinykd.study.rows import Row
from tinykd.study.run import Outcome
from tinykd.study.summary import Entry, Spread, entries, shown
from tinykd.study.treatments import FORMS

STYLE = """
.wide svg { display: block; width: 100%; min-width: 34rem; max-width: 58rem; height: auto; }
.wide svg text { font-family: system-ui, sans-serif !important; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
tr.first td { border-top: 2px solid var(--line); } td.best { font-weight: 700; color: var(--mark); }
"""

HEADINGS = (
    "network",
    "treatment",
    "test accuracy, %",
    "float, %",
    "agrees with teacher, %",
    "parameters",
    ".tflite, B",
    "flash, B",
    "RAM, B",
    "MACs",
    "s",
    "seeds",
)


def page(file: StudyFile, outcomes: Sequence[Outcome], rows: Sequence[Row], drawn: Mapping[str, Plot], command: str) -> str:
    """The whole document.

    Args:
        file: The study.
        outcomes: Of its cells.
        rows: In the order of the table.
        drawn: Pictures in the order in which they are shown.
        command: Makes the same results.
    """
    title = file.study.title or file.study.name
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="faint">{escape(_what(file, outcomes))}</p>',
        *(_figure(name, plot) for name, plot in drawn.items()),
        _table(file, rows),
        _failed(outcomes),
        _treatments(file),
        "<h2>Make it again</h2>",
        f"<p><code>{escape(command)}</code></p>",
        f'<p class="faint">tinykd {__version__}, Python {platform.python_version()}, {escape(platform.platform())}. '
        "Every row is a run directory in <code>runs/</code> with its recipe, hashes and environment.</p>",
    ]
    return document(title, "<main>\n" + "\n".join(filter(None, parts)) + "\n</main>", STYLE)


def _what(file: StudyFile, outcomes: Sequence[Outcome]) -> str:
    points = len({outcome.cell.point for outcome in outcomes})
    seeds = sorted({outcome.cell.recipe.seed for outcome in outcomes})
    done = sum(bool(outcome.rows) for outcome in outcomes)
    over = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]}"
    small = any(outcome.cell.recipe.data.test_limit for outcome in outcomes)
    return (
        f"Recipe {file.study.recipe}, {points} network{'s' if points != 1 else ''}, {len(file.study.treatments)} treatments, {over}; "
        f"{done} of {len(outcomes)} runs finished. Means ± one standard deviation over seeds."
        + (" Only a part of the test split was used." if small else "")
    )


def _figure(name: str, plot: Plot) -> str:
    return (
        f'<h2 id="{escape(name)}">{escape(plot.title)}</h2>\n<figure>{scrolling(plot.title, plot.svg)}'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )


def _table(file: StudyFile, rows: Sequence[Row]) -> str:
    found = entries(rows)
    if not found:
        return ""
    titles = {one.name: one.title for one in treatments_of(file)}
    best = {
        point: max(_mean(entry.of("accuracy")) for entry in found if entry.point == point) for point in {entry.point for entry in found}
    }
    lines, last = [], ""
    for entry in found:
        cells = _cells(entry, titles[entry.treatment])
        classes = ["", "", "best" if _mean(entry.of("accuracy")) == best[entry.point] else "", *[""] * (len(cells) - 3)]
        marked = "".join(
            f'<td class="{kind}">{cell}</td>' if kind else f"<td>{cell}</td>" for kind, cell in zip(classes, cells, strict=True)
        )
        lines.append(f'<tr class="first">{marked}</tr>' if entry.point != last else f"<tr>{marked}</tr>")
        last = entry.point
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEADINGS)
    table = f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n" + "\n".join(lines) + "\n</tbody></table>"
    return (
        f'<h2 id="table">All results</h2>\n{scrolling("All results", table)}\n'
        '<p class="faint">The best accuracy of each network is bold. Flash and RAM are those of the linked '
        f"firmware{_target(rows)}, all of it; int8 forms only. study.csv has a line for every seed.</p>"
    )


def _target(rows: Sequence[Row]) -> str:
    found = sorted({row.target for row in rows if row.target})
    return f" for {escape(', '.join(found))}" if found else ""


def _cells(entry: Entry, title: str) -> list[str]:
    def number(column: str) -> str:
        found = entry.of(column)
        return f"{found.mean:,.0f}" if found else ""

    def percent(column: str) -> str:
        found = entry.of(column)
        return shown(found, 100) if found else ""

    return [
        escape(entry.point), escape(title), percent("accuracy"), percent("accuracy_float"), percent("agreement"), number("parameters"),
        number("model_bytes"), number("flash_bytes"), number("ram_bytes"), number("macs"), number("seconds"), str(len(entry.rows)),
    ]  # fmt: skip


def _mean(found: Spread | None) -> float:
    return found.mean if found else float("-inf")


def _failed(outcomes: Sequence[Outcome]) -> str:
    failed = [outcome for outcome in outcomes if outcome.error]
    if not failed:
        return ""
    items = "".join(
        f'<li><b>{escape(one.cell.name)}</b>: <span class="bad">{escape(one.error)}</span> '
        f'<span class="faint">{escape(one.hint)}</span></li>'
        for one in failed
    )
    return f'<h2 id="failed">Failed runs</h2>\n<p>The same command tries them again.</p><ul>{items}</ul>'


def _treatments(file: StudyFile) -> str:
    items = "".join(
        f"<li><b>{escape(one.title)}</b>: training {escape(one.training)}, deployed as {escape(FORMS[one.form])}"
        + (f", compared with {escape(one.against)}" if one.against else "") + "</li>"
        for one in treatments_of(file)
    )  # fmt: skip
    return f'<h2 id="treatments">Treatments</h2>\n<ul>{items}</ul>'
