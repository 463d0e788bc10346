"""The profile as a bar chart in SVG: a bar a layer, its floor in a darker colour."""

from __future__ import annotations

from html import escape

from tinykd.report.profile import Profile

_ROW, _LABEL, _BAR, _FIGURES = 18, 230, 420, 190
_ABOVE, _FLOOR, _INK = "#9ecae1", "#3182bd", "#222"


def profile_svg(p: Profile) -> str:
    """A horizontal bar for each layer in execution order, as long as its instructions; dark up to the layer's floor."""
    whole = max((layer.instructions for layer in p.layers), default=0) or 1
    width, height = _LABEL + _BAR + _FIGURES, (len(p.layers) + 2) * _ROW
    title = f"{p.model} on {p.target}, {p.optimize}: {p.instructions:,} instructions, floor {p.floor:,}"
    rows = [f'<text x="4" y="{_ROW - 5}" font-weight="bold">{escape(title)}</text>']
    for position, layer in enumerate(p.layers, start=1):
        top = position * _ROW + 2
        length, least = _BAR * layer.instructions / whole, _BAR * min(layer.floor, layer.instructions) / whole
        per_mac = "" if layer.instructions_per_mac is None else f", {layer.instructions_per_mac:.2f}/MAC"
        figures = f"{layer.instructions:,} ({100 * layer.share:.1f} %){per_mac}"
        label, hint = escape(layer.label[:34]), escape(f"{layer.kernel} {layer.shape}")
        rows += [
            f'<text x="4" y="{top + 11}">{label}<title>{hint}</title></text>',
            f'<rect x="{_LABEL}" y="{top}" width="{length:.1f}" height="{_ROW - 5}" fill="{_ABOVE}"/>',
            f'<rect x="{_LABEL}" y="{top}" width="{least:.1f}" height="{_ROW - 5}" fill="{_FLOOR}"/>',
            f'<text x="{_LABEL + length + 6:.1f}" y="{top + 11}">{figures}</text>',
        ]
    legend = f'<text x="4" y="{height - 6}">dark: the fewest instructions that the layer can need on this core</text>'
    body = "\n".join((*rows, legend))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">\n{body}\n</svg>\n'
    )
