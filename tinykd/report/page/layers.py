"""Layers as a table: what each costs in instructions, beside the fewest it can need, in weights and in arena."""

from __future__ import annotations

from html import escape

from tinykd.report.memory import LayerMemory, Memory
from tinykd.report.page.shell import scrolling
from tinykd.report.profile import Profile, ProfiledLayer


def profile_html(profile: Profile, memory: Memory | None) -> str:
    """A row a layer, a chain's members below it; weights and arena where `memory` is of the same model."""
    same = memory is not None and memory.model_sha256 == profile.model_sha256 and memory.optimize == profile.optimize
    known = {layer.index: layer for layer in memory.layers} if memory is not None and same else {}
    whole = max((layer.instructions for layer in profile.layers), default=0) or 1
    rows = []
    for layer in profile.layers:
        rows.append(_row(layer, whole, None if layer.members else known.get(layer.index), bool(known), ""))
        rows += [_row(member, whole, known.get(member.index), bool(known), "member") for member in layer.members]
    between = profile.instructions - sum(layer.instructions for layer in profile.layers)
    more = '<th scope="col">weights, B</th><th scope="col">arena, B</th>' if known else ""
    table = (
        '<table><caption class="hidden">Instructions of every layer, and the fewest it can need</caption><thead><tr>'
        '<th scope="col" class="left">layer</th><th scope="col" class="bars left">instructions: <span class="key least"></span>floor '
        '<span class="key above"></span>above</th><th scope="col">instructions</th><th scope="col">share</th><th scope="col">/ floor</th>'
        f'<th scope="col">MACs</th><th scope="col">/ MAC</th>{more}</tr></thead>\n<tbody>' + "\n".join(rows) + "</tbody></table>"
    )
    state = '<span class="good">exact</span>' if profile.exact else '<strong class="bad">not exact</strong>'
    floor = f", {profile.instructions / profile.floor:.2f} times the floor of {profile.floor:,}" if profile.floor else ""
    return (
        f"<p>{profile.instructions:,} instructions for {profile.macs:,} MACs{floor}; {between:,} of them between layers. "
        f"{escape(f'{profile.target}, {profile.emulator}, {profile.toolchain}, {profile.optimize}')}; outputs {state}.</p>"
        + scrolling("Cost of every layer", table, "layers")
        + '<p class="faint">The floor is the fewest instructions that such a layer can need on this core. Instructions are counted in an '
        "emulator: they are not clock cycles.</p>"
    )


def _row(layer: ProfiledLayer, whole: int, memory: LayerMemory | None, wide: bool, kind: str) -> str:
    length, least = 100 * layer.instructions / whole, 100 * min(layer.floor, layer.instructions) / whole
    ratio = f"{layer.instructions / layer.floor:.2f}" if layer.floor else ""
    per_mac = "" if layer.instructions_per_mac is None else f"{layer.instructions_per_mac:.2f}"
    more = ""
    if wide:
        more = f"<td>{memory.weights_bytes:,}</td><td>{memory.arena_bytes:,}</td>" if memory is not None else "<td></td><td></td>"
    return (
        f'<tr class="{kind}"><th scope="row" title="{escape(f"{layer.name}: {layer.kernel} {layer.shape}")}">{escape(layer.label)}</th>'
        f'<td class="bars"><div class="cost" aria-hidden="true"><b style="width:{least:.2f}%"></b>'
        f'<i style="width:{length - least:.2f}%"></i></div></td>'
        f"<td>{layer.instructions:,}</td><td>{100 * layer.share:.1f} %</td><td>{ratio}</td><td>{layer.macs:,}</td>"
        f"<td>{per_mac}</td>{more}</tr>"
    )


def layers_html(memory: Memory) -> str:
    """A row a layer with its multiply-accumulates, where nothing was profiled."""
    whole = max((layer.macs for layer in memory.layers), default=0) or 1
    rows = "\n".join(
        f'<tr><th scope="row" title="{escape(f"{layer.name}: {layer.kernel}")}">{layer.index} {escape(layer.operator)}</th>'
        f'<td class="bars"><div class="cost" aria-hidden="true"><b style="width:{100 * layer.macs / whole:.2f}%"></b></div></td>'
        f"<td>{layer.macs:,}</td><td>{layer.weights_bytes:,}</td><td>{layer.arena_bytes:,}</td>"
        f'<td class="left">{escape(layer.output)}</td></tr>'
        for layer in memory.layers
    )
    table = (
        '<table><caption class="hidden">Multiply-accumulates, weights and arena of every layer</caption><thead><tr>'
        '<th scope="col" class="left">layer</th><th scope="col" class="bars left"><span class="key least"></span>MACs</th>'
        '<th scope="col">MACs</th><th scope="col">weights, B</th><th scope="col">arena, B</th><th scope="col" class="left">output</th>'
        f"</tr></thead>\n<tbody>{rows}</tbody></table>"
    )
    return (
        scrolling("Layers", table, "layers")
        + f'<p class="faint">{memory.macs:,} multiply-accumulates. Instructions beside their floor: <code>tinykd profile</code>.</p>'
    )
