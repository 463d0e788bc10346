"""The head of the page: the verdict, what was proven, and the figures one looks for first."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from tinykd.report.evidence import Evidence
from tinykd.report.run import RunReport
from tinykd.report.verification import Verification

Tone = Literal["good", "bad", "warn"]

SIGNS: dict[Tone, str] = {"good": "✓", "bad": "✗", "warn": "!"}


@dataclass(frozen=True)
class Verdict:
    """What the badge says."""

    tone: Tone
    title: str
    text: str


def verdict(report: RunReport) -> Verdict:
    """Whether the model was proven, on what, and by how much."""
    proof = report.verification
    if proof is None:
        return Verdict("warn", "Not proven yet", "No firmware of this model has run. Prove it with: tinykd verify")
    if not proof.exact:
        damaged = "" if proof.constants_intact else " The constants in the target's memory are not those that were exported."
        return Verdict("bad", "Not exact", _compared(proof) + damaged)
    known = {
        report.distillation.hashes.get("int8", "") if report.distillation is not None else "",
        report.memory.model_sha256 if report.memory is not None else "",
    } - {""}
    if known - {proof.model_sha256}:
        return Verdict("warn", "Another model was proven", f"The proof is of {proof.model_sha256[:16]}…: prove this one with tinykd verify")
    return Verdict("good", "Exact, integer for integer", _compared(proof))


def _compared(proof: Verification) -> str:
    differ = "none differs" if not proof.differences else f"{proof.differences:,} differ"
    return (
        f"{proof.compared:,} integers, {proof.scope} for {proof.samples:,} samples, compared with {proof.reference}: {differ}. "
        f"Run on {proof.target} by {proof.where}, built by {proof.toolchain}."
    )


def badge_html(report: RunReport) -> str:
    """The verdict, and below it what differed or how the proof came about."""
    found = verdict(report)
    proof = report.verification
    notes = [] if proof is None else _notes(proof)
    listed = f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>" if notes else ""
    return (
        f'<div class="badge {found.tone}"><span class="sign" aria-hidden="true">{SIGNS[found.tone]}</span>'
        f"<div><p><strong>{escape(found.title)}</strong></p><p>{escape(found.text)}</p>{listed}</div></div>"
    )


def _notes(proof: Verification) -> list[str]:
    notes = [f"{proof.golden} golden vectors checked by the firmware itself at start: {proof.golden_differences} bytes differ"]
    if proof.stand_in is not None:
        notes.append(str(proof.stand_in))
    return notes + [str(one) for one in proof.mismatches]


def figures_html(evidence: Evidence) -> str:
    """Tiles: accuracy of the integers, flash, RAM, instructions."""
    report = evidence.report
    tiles: list[tuple[str, str, str]] = []
    if (trained := report.distillation) is not None:
        difference = 100 * (trained.accuracy.int8 - trained.accuracy.teacher)
        tiles.append(("int8 accuracy", f"{100 * trained.accuracy.int8:.2f} %", f"{difference:+.2f} points against the teacher"))
    if (memory := report.memory) is not None:
        built = "" if memory.toolchain else ", not built"
        tiles.append(("flash", f"{memory.flash_bytes:,} B", f"of {memory.budget.flash_bytes:,} B{built}"))
        tiles.append(("RAM", f"{memory.ram_bytes:,} B", f"of {memory.budget.ram_bytes:,} B{built}"))
    proof, profile = report.verification, report.profile
    board = proof.board if proof is not None else None
    if board is not None and board.ticks is not None:
        time = "on the board" if board.milliseconds is None else f"{board.milliseconds:.2f} ms at {board.mhz}"
        tiles.append(("clock cycles", f"{round(board.ticks.mean):,}", time))
    elif proof is not None and proof.instructions:
        tiles.append(("instructions", f"{proof.instructions:,}", _per_mac(proof.instructions_per_mac)))
    elif profile is not None:
        tiles.append(("instructions", f"{profile.instructions:,}", _per_mac(profile.instructions_per_mac)))
    shown = "".join(
        f'<div><dt>{escape(name)}</dt><dd><span class="figure">{escape(value)}</span> <span class="faint">{escape(note)}</span></dd></div>'
        for name, value, note in tiles
    )
    return f'<dl class="tiles">{shown}</dl>' if tiles else ""


def _per_mac(value: float | None) -> str:
    return "per inference" + ("" if value is None else f", {value:.2f} per MAC")
