"""The memory report for people: a page of text, or of Markdown."""

from __future__ import annotations

from tinykd.report.memory import Memory, advice
from tinykd.report.reduction import reduction_markdown, reduction_text
from tinykd.report.shrinking import limit_markdown, limit_text
from tinykd.report.streaming import streaming_markdown, streaming_text
from tinykd.sizes import show_size

_BAR = 24


def _bar(part: int, whole: int) -> str:
    """A bar of `part` in `whole`."""
    filled = 0 if whole <= 0 else min(_BAR, round(_BAR * part / whole))
    return "#" * filled + "." * (_BAR - filled)


def _rows(memory: Memory) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    flash = [
        ("weights", memory.weights_bytes),
        ("code", memory.code_bytes - memory.vectors_bytes),
        ("vectors", memory.vectors_bytes),
        ("self-test vectors", memory.golden_bytes),
        (".data image", memory.data_bytes),
    ]
    ram = [
        ("arena", memory.arena_bytes - memory.elsewhere_bytes),
        ("inputs and outputs", memory.io_bytes),
        ("stack, worst case", memory.stack_bytes),
        (".data", memory.data_bytes),
        (".bss", memory.bss_bytes),
    ]
    return flash, ram


def memory_text(memory: Memory) -> str:
    """The report as plain text of at most 120 columns."""
    flash, ram = _rows(memory)
    gap = (
        f"{memory.arena_bytes - memory.arena_lower_bound_bytes:,} bytes above {memory.arena_lower_bound_bytes:,}, which no plan goes below"
    )
    proof = "proved minimal" if memory.arena_proved_optimal else f"not proved minimal: {gap}; --plan-seconds looks longer"
    lines = [
        f"{memory.model} on {memory.target}, {memory.toolchain or 'not built'}, {memory.optimize}, rounding {memory.rounding}",
        f"model {memory.model_sha256[:16]}…, {memory.macs:,} MACs, {len(memory.layers)} layers",
        "",
    ]
    for title, used, limit, parts in (
        ("flash", memory.flash_bytes, memory.budget.flash_bytes, flash),
        ("RAM", memory.ram_bytes, memory.budget.ram_bytes, ram),
    ):
        lines.append(
            f"{title:<6}[{_bar(used, limit)}] {used:>9,} of {limit:,} bytes"
            f" ({show_size(used)} of {show_size(limit)}, {100 * used / limit:.1f} %)"
        )
        lines += [f"  {name:<22}{size:>12,}" for name, size in parts if size]
    lines.append(f"  arena is {proof}")
    lines += [f"  arena in {bank.name:<13}{bank.bytes:>12,} of {bank.capacity_bytes:,}" for bank in memory.banks]
    if memory.model_stack_bytes is not None:
        lines.append(f"  stack below invoke {memory.model_stack_bytes}")
    if memory.stack_measured_bytes is not None:
        lines.append(f"  stack reached in the emulator {memory.stack_measured_bytes}")
    if memory.kernels:
        shares = ", ".join(f"{part.name} {part.bytes:,}" for part in memory.code_parts)
        lines += ["", f"code: {shares}; by file (bytes)"]
        lines += [f"  {piece.name:<44}{piece.bytes:>8,}" for piece in memory.kernels[:12]]
    peak = max((layer.arena_bytes for layer in memory.layers), default=0)
    lines += ["", f"{'layer':<28}{'output':<24}{'MACs':>12}{'weights':>10}{'arena':>9}"]
    for layer in memory.layers:
        mark = " <- peak" if layer.arena_bytes == peak else ""
        lines.append(
            f"{layer.index:>3} {layer.operator[:23]:<24}{layer.output:<24}{layer.macs:>12,}{layer.weights_bytes:>10,}"
            f"{layer.arena_bytes:>9,} {_bar(layer.arena_bytes, peak)}{mark}"
        )
    lines += ["", *limit_text(memory)]
    if memory.reduction is not None:
        lines += ["", *reduction_text(memory.reduction)]
    if memory.streaming is not None:
        lines += ["", *streaming_text(memory.streaming)]
    over = advice(memory)
    if over:
        lines += ["", "OVER BUDGET", *over]
    return "\n".join(lines) + "\n"


def memory_markdown(memory: Memory) -> str:
    """The report as Markdown tables."""
    flash, ram = _rows(memory)
    verdict = "fits" if memory.fits else "**over budget**"
    lines = [
        f"# {memory.model} on {memory.target}: {verdict}",
        "",
        f"Model `{memory.model_sha256}`; {memory.toolchain or 'not built'}; optimized for {memory.optimize}; "
        f"rounding {memory.rounding}; {memory.macs:,} MACs.",
        "",
        "| memory | part | bytes |",
        "|---|---|---:|",
        *(f"| flash | {name} | {size:,} |" for name, size in flash),
        f"| **flash** | **of {memory.budget.flash_bytes:,}** | **{memory.flash_bytes:,}** |",
        *(f"| RAM | {name} | {size:,} |" for name, size in ram),
        f"| **RAM** | **of {memory.budget.ram_bytes:,}** | **{memory.ram_bytes:,}** |",
        "",
        "| layer | operator | output | MACs | weights, bytes | arena, bytes |",
        "|---:|---|---|---:|---:|---:|",
    ]
    for layer in memory.layers:
        lines.append(
            f"| {layer.index} | {layer.operator} | {layer.output} | {layer.macs:,} | {layer.weights_bytes:,} | {layer.arena_bytes:,} |"
        )
    lines += ["", *limit_markdown(memory)]
    if memory.reduction is not None:
        lines += ["", *reduction_markdown(memory.reduction)]
    if memory.streaming is not None:
        lines += ["", *streaming_markdown(memory.streaming)]
    over = advice(memory)
    if over:
        lines += ["", "## Over budget", "", *(f"- {line.strip()}" for line in over)]
    return "\n".join(lines) + "\n"
