"""The page of a study: one HTML file with its pictures inside, no script, nothing from the network."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from html import escape

from tinykd import __version__
from tinykd.study.cells import treatments_of
from tinykd.study.file import StudyFile
from tinykd.study.plots import Plot
from tinykd.study.rows import Row
from tinykd.study.run import Outcome
from tinykd.study.summary import Entry, Spread, entries, shown
from tinykd.study.treatments import FORMS

STYLE = """
:root { color-scheme: light dark; --ink: #1d1d1f; --paper: #fdfdfc; --faint: #6b6b70; --line: #dcdcd8; --mark: #0072b2; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --paper: #161618; --faint: #a0a0a6; --line: #3a3a3f; --mark: #6cb6e8; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem; max-width: 72rem; background: var(--paper); color: var(--ink); }
body { font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.4rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 0.4rem; }
p { margin: 0.4rem 0; } .faint { color: var(--faint); }
figure { margin: 0; } figcaption { color: var(--faint); font-size: 0.9rem; }
.wide { overflow-x: auto; } .wide svg { display: block; width: 100%; min-width: 34rem; max-width: 58rem; height: auto; }
.wide svg text { font-family: system-ui, sans-serif !important; }
table { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
tr.first td { border-top: 2px solid var(--line); } td.best { font-weight: 700; color: var(--mark); }
code { font: 0.88rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; } .bad { color: var(--bad); }
"""

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
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
    title = escape(file.study.title or file.study.name)
    parts = [
        f"<h1>{title}</h1>",
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
    return HEAD.format(title=title, style=STYLE) + "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"


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
        f'<h2 id="{escape(name)}">{escape(plot.title)}</h2>\n<figure><div class="wide">{plot.svg}</div>'
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
    return (
        f'<h2 id="table">All results</h2>\n<div class="wide"><table><thead><tr>{heads}</tr></thead>\n<tbody>\n' + "\n".join(lines)
        + "\n</tbody></table></div>\n<p class=\"faint\">The best accuracy of each network is bold. Flash and RAM are those of the linked "
        f"firmware{_target(rows)}, all of it; int8 forms only. study.csv has a line for every seed.</p>"
    )  # fmt: skip


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
