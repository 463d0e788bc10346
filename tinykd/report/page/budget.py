"""Flash and RAM against their budgets, and other banks of RAM that hold a part of the arena: a bar each, a segment a part."""

from __future__ import annotations

from html import escape

from tinykd.report.memory import Memory, advice
from tinykd.report.page.flash import flash_groups


def budget_html(memory: Memory) -> str:
    """The bars with what they are made of, and what to shrink where one is over its budget."""
    flash = [(group.kind, group.title, group.bytes) for group in flash_groups(memory)]
    lines = advice(memory)
    listed = f'<ul class="bad">{"".join(f"<li>{escape(line.strip())}</li>" for line in lines)}</ul>' if lines else ""
    built = "" if memory.toolchain else '<p class="warn">No image was built: flash counts the weights, RAM the arena.</p>'
    return (
        built
        + _bar("flash", memory.flash_bytes, memory.budget.flash_bytes, flash)
        + _bar("RAM", memory.ram_bytes, memory.budget.ram_bytes, ram_parts(memory))
        + "".join(
            _bar(bank.name, bank.bytes, bank.capacity_bytes, [("arena", "arena", bank.bytes)])
            for bank in memory.banks
            if bank.name != "ram"
        )
        + listed
    )


def ram_parts(memory: Memory) -> list[tuple[str, str, int]]:
    """`(kind, title, bytes)` of what RAM holds; they add up to `ram_bytes`."""
    parts = [
        ("arena", "arena", memory.arena_bytes - memory.elsewhere_bytes),
        ("stack", "stack, worst case", memory.stack_bytes),
        ("io", "inputs and outputs", memory.io_bytes),
        ("data", ".data and .bss", memory.data_bytes + memory.bss_bytes),
    ]
    rest = memory.ram_bytes - sum(size for _, _, size in parts)
    return [part for part in (*parts, ("rest", "alignment", rest)) if part[2] > 0]


def _bar(name: str, used: int, budget: int, parts: list[tuple[str, str, int]]) -> str:
    """As long as the budget, or as what is used where that is more; then a mark shows where the budget ends."""
    whole, over = max(used, budget, 1), used > budget
    share = f"{100 * used / budget:.1f} %" if budget else "no budget"
    state = f"{used - budget:,} bytes over the budget" if over else f"{budget - used:,} bytes free"
    segments = "".join(
        f'<span class="{kind}" style="width:{100 * size / whole:.3f}%" title="{escape(title)}: {size:,} bytes"></span>'
        for kind, title, size in parts
    )
    edge = f'<i style="left:{100 * budget / whole:.3f}%"></i>' if over else ""
    legend = "".join(
        f'<li><span class="swatch {kind}" aria-hidden="true"></span>{escape(title)}: {size:,} B</li>' for kind, title, size in parts
    )
    return (
        f'<div class="budget"><p><strong>{escape(name)}</strong> {used:,} of {budget:,} bytes, {share} '
        f'<span class="{"bad" if over else "good"}">{state}</span></p>'
        f'<div class="bar" role="img" aria-label="{escape(name)}: {used:,} of {budget:,} bytes, {state}">{segments}{edge}</div>'
        f'<ul class="legend">{legend}</ul></div>'
    )
