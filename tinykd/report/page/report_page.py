"""The whole page of a run: whatever its evidence has, in the order in which one asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tinykd.report.distillation import netaug_text
from tinykd.report.evidence import Evidence
from tinykd.report.page.badge import badge_html, figures_html
from tinykd.report.page.budget import budget_html
from tinykd.report.page.ladder import ladder_html
from tinykd.report.page.layers import layers_html, profile_html
from tinykd.report.page.matrix import matrix_html
from tinykd.report.page.provenance import provenance_html
from tinykd.report.page.shell import Part, contents_html, document, parts_html, scrolling
from tinykd.report.page.style import STYLE
from tinykd.report.page.training import training_html
from tinykd.report.page.treemap import treemap_html
from tinykd.report.plan_picture import plan_svg
from tinykd.report.pruning import pruning_text
from tinykd.report.quantization_error import quantization_error_text
from tinykd.report.shrinking import limit_text
from tinykd.report.streaming import streaming_text
from tinykd.report.weight_storage import weight_storage_text


def report_page(evidence: Evidence) -> str:
    """The document; the same evidence gives the same bytes."""
    name, parts = _name(evidence), _parts(evidence)
    body = (
        f'<a class="skip" href="#{parts[0].ident}">Skip to the report</a>\n<header>\n'
        f'<p class="faint">tinykd report</p><h1>{escape(name)}</h1>\n<p class="faint">{escape(_about(evidence))}</p>\n</header>\n<main>\n'
        f"{badge_html(evidence.report)}\n{figures_html(evidence)}\n{contents_html(parts)}\n{parts_html(parts)}\n</main>"
    )
    return document(f"{name}: tinykd report", body, STYLE)


def _parts(evidence: Evidence) -> list[Part]:
    report, memory = evidence.report, evidence.report.memory
    found = [Part("accuracy", "Accuracy", ladder_html(report))]
    if report.distillation is not None and report.distillation.netaug is not None:
        line = netaug_text(report.distillation)
        found[0] = Part(found[0].ident, found[0].title, f"{found[0].html}<p>{escape(line[0].upper() + line[1:])}.</p>")
    if evidence.confusion is not None:
        found.append(Part("confusion", "Confusion matrix", matrix_html(evidence.confusion)))
    if evidence.curves:
        found.append(Part("training", "Training", training_html(evidence.curves)))
    if report.pruning is not None:
        found.append(Part("pruning", "Pruning", _lines(pruning_text(report.pruning).splitlines())))
    if report.quantization_error is not None:
        found.append(
            Part("quantization", "Quantization error", _typed("Quantization error", quantization_error_text(report.quantization_error)))
        )
    if report.weights is not None:
        found.append(Part("weights", "Stored weights", _typed("Stored weights", weight_storage_text(report.weights))))
    if memory is not None:
        found.append(Part("budget", "Budget", budget_html(memory)))
        if memory.buffers:
            lines = [*limit_text(memory), *(streaming_text(memory.streaming) if memory.streaming is not None else [])]
            picture = scrolling("Plan of the arena over time", plan_svg(memory), "plan")
            found.append(Part("arena", "Memory plan", picture + _lines(lines)))
        found.append(Part("flash", "Flash", treemap_html(memory)))
    if report.profile is not None:
        found.append(Part("cost", "Layers", profile_html(report.profile, memory)))
    elif memory is not None and memory.layers:
        found.append(Part("cost", "Layers", layers_html(memory)))
    found.append(Part("provenance", "Provenance", provenance_html(evidence)))
    return [part for part in found if part.html]


def _lines(lines: Sequence[str]) -> str:
    """Lines of plain text as a list."""
    return f'<ul class="faint">{"".join(f"<li>{escape(line.strip())}</li>" for line in lines)}</ul>' if lines else ""


def _typed(name: str, text: str) -> str:
    """A table of plain text as the terminal shows it."""
    return scrolling(name, f"<pre>{escape(text)}</pre>") if text else ""


def _name(evidence: Evidence) -> str:
    report = evidence.report
    if report.distillation is not None:
        return report.distillation.recipe
    for section in (report.memory, report.verification, report.profile):
        if section is not None:
            return section.model
    return "run"


def _about(evidence: Evidence) -> str:
    report, found = evidence.report, []
    if (trained := report.distillation) is not None:
        found.append(f"{trained.classes} classes, {trained.parameters.student:,} parameters, seed {trained.seed}")
    if (memory := report.memory) is not None:
        found.append(f"{memory.target}, {memory.toolchain or 'not built'}, {memory.optimize}, rounding {memory.rounding}")
    return "; ".join(found)
