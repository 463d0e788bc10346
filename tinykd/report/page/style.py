"""How the page of a report looks, besides what every page of tinykd has (`shell.py`)."""

from __future__ import annotations

KINDS: dict[str, tuple[str, str]] = {
    "weights": ("#1f5f99", "#ffffff"),
    "code": ("#0b7a66", "#ffffff"),
    "golden": ("#e3b23c", "#1d1d1f"),
    "data": ("#7a57a3", "#ffffff"),
    "arena": ("#1f5f99", "#ffffff"),
    "stack": ("#b04a10", "#ffffff"),
    "io": ("#0b7a66", "#ffffff"),
    "rest": ("#8a8d94", "#1d1d1f"),
}
"""Fill and text of what memory holds, on light and on dark pages."""

LINES: tuple[tuple[str, str], ...] = (
    ("#0068a6", "#6cb6e8"),
    ("#a85e00", "#f0ad4e"),
    ("#14713f", "#6fce97"),
    ("#a3307c", "#ee8fcb"),
    ("#5a4fcf", "#aaa2ff"),
    ("#5f5f66", "#b9b9c0"),
)
"""Strokes of curves on light and on dark pages; as many as there are dashes."""

_KINDS = "\n".join(f".{kind} {{ background: {fill}; color: {text}; }}" for kind, (fill, text) in KINDS.items())
_LIGHT = " ".join(f".c{k} {{ stroke: {light}; }}" for k, (light, _) in enumerate(LINES))
_DARK = " ".join(f".c{k} {{ stroke: {dark}; }}" for k, (_, dark) in enumerate(LINES))

STYLE = (
    f"""
{_KINDS}
{_LIGHT}
@media screen and (prefers-color-scheme: dark) {{ {_DARK} }}
"""
    + """
header p { margin: 0; } header h1 { font-size: clamp(1.7rem, 5vw, 2.3rem); letter-spacing: -0.02em; margin: 0; }
h2 { margin-top: 2.6rem; padding-top: 0.9rem; border-top: 1px solid var(--line); } h2:focus { outline: none; }
h3 { font-size: 1rem; margin: 1.2rem 0 0.3rem; } ul, ol { padding-left: 1.3rem; margin: 0.5rem 0; }
th { font-weight: 600; } thead th { color: var(--faint); font-weight: 500; } tbody th, .left { text-align: left; }
pre { margin: 0; } details { margin: 0.7rem 0; } summary { cursor: pointer; color: var(--mark); width: fit-content; }
details pre { padding: 0.8rem; margin-top: 0.4rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
details pre { white-space: pre-wrap; } .warn { color: var(--warn); }

.badge { display: flex; gap: 0.9rem; align-items: flex-start; margin: 1.2rem 0; padding: 0.9rem 1.1rem; border-radius: 12px; }
.badge { background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--tone); } .badge p { margin: 0; }
.badge strong { font-size: 1.15rem; color: var(--tone); } .badge ul { color: var(--faint); font-size: 0.9rem; margin: 0.3rem 0 0; }
.badge[class] { color: var(--ink); }
.badge.good { --tone: var(--good); } .badge.bad { --tone: var(--bad); } .badge.warn { --tone: var(--warn); }
.sign { flex: none; width: 2.1rem; height: 2.1rem; border-radius: 50%; display: grid; place-items: center; font-weight: 700; }
.sign { background: var(--tone); color: var(--card); font-size: 1.15rem; margin-top: 0.1rem; }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.7rem; margin: 1rem 0; }
.tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 0.7rem 0.9rem; }
.tiles dt { color: var(--faint); font-size: 0.85rem; } .tiles dd { margin: 0; }
.tiles .figure { display: block; font-size: 1.45rem; font-weight: 650; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.tiles .faint { font-size: 0.82rem; line-height: 1.3; display: block; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.35rem 1.1rem; list-style: none; padding: 0; margin: 1.2rem 0 0; font-size: 0.92rem; }
nav a { display: inline-block; padding: 0.2rem 0; }

.ladder { width: 100%; } .ladder .plot { width: 50%; padding: 0.2rem 1.4rem; }
.ladder .value { font-weight: 650; } .ladder tfoot td { border: 0; color: var(--faint); }
.track { position: relative; height: 1.5rem; } .track i { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--line); }
.track b { position: absolute; top: 0.55rem; height: 0.4rem; border-radius: 0.2rem; background: var(--mark); opacity: 0.3; }
.track s { position: absolute; top: 0.4rem; width: 0.7rem; height: 0.7rem; margin-left: -0.35rem; border-radius: 50%; }
.track s { background: var(--mark); border: 2px solid var(--paper); box-sizing: content-box; translate: -2px -2px; }
.scale { position: relative; height: 1.2rem; } .scale span { position: absolute; translate: -50% 0; }

.matrix table { border-collapse: separate; border-spacing: 2px; }
.matrix th, .matrix td { border: 0; text-align: center; min-width: 2.2rem; }
.matrix .corner { color: var(--faint); font-weight: 400; font-size: 0.78rem; } .matrix tbody th { text-align: right; }
.matrix tbody th, .layers tbody th { position: sticky; left: 0; background: var(--paper); }
.matrix td { border-radius: 4px; padding: 0.3rem 0.4rem; background: var(--track); } .matrix .none { color: var(--faint); }
.many table { font-size: 0.75rem; border-spacing: 1px; } .many th, .many td { min-width: 1.55rem; padding: 0.15rem 0.1rem; }
.many thead th { writing-mode: sideways-lr; text-align: left; } .many thead .corner { writing-mode: horizontal-tb; }
.many tbody th, .many .recall { padding: 0 0.3rem; }
.matrix .right { background: color-mix(in srgb, var(--mark) var(--v), var(--card)); }
.matrix .wrong { background: color-mix(in srgb, var(--bad) var(--v), var(--card)); font-weight: 650; }
.matrix .strong { color: var(--card); font-weight: 650; } .matrix .recall { background: none; color: var(--faint); text-align: right; }

.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1rem; }
.curves figure { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 0.6rem 0.7rem; max-width: 34rem; }
.curves figcaption { color: var(--ink); font-weight: 600; } .curves svg { display: block; width: 100%; height: auto; }
.curves text { font: 12px system-ui, sans-serif; fill: var(--faint); } .rule { stroke: var(--line); fill: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } circle.line { fill: var(--card); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0.25rem 1.2rem; font-size: 0.88rem; }
.legend li { display: flex; align-items: baseline; } .legend svg.key { flex: none; align-self: center; }
.legend svg.key { width: 34px; height: 10px; margin-right: 0.4rem; }
.swatch { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 3px; margin-right: 0.4rem; vertical-align: -0.05rem; }

.budget { margin: 1rem 0; } .budget p span { white-space: nowrap; }
.bar { position: relative; display: flex; height: 1.5rem; background: var(--track); border-radius: 8px; overflow: hidden; }
.bar span { flex: none; border-right: 1px solid var(--paper); min-width: 2px; }
.bar i { position: absolute; top: 0; bottom: 0; right: 0; border-left: 3px solid var(--bad); }
.bar i { background: repeating-linear-gradient(45deg, var(--bad) 0 4px, transparent 4px 9px); }

.plan svg { display: block; max-width: 100%; min-width: 44rem; height: auto; border: 1px solid var(--line); border-radius: 10px; }
.treemap { position: relative; aspect-ratio: 16 / 9; max-height: 34rem; width: 100%; border-radius: 12px; overflow: hidden; }
.tall { display: none; aspect-ratio: 4 / 5; }
.tile { position: absolute; overflow: hidden; container-type: size; border: 1px solid var(--paper); }
.tile span { display: none; padding: 0.15rem 0.35rem; font-size: 0.72rem; line-height: 1.25; white-space: nowrap; }
@container (min-width: 3.4rem) and (min-height: 2.1rem) { .tile span { display: block; overflow: hidden; text-overflow: ellipsis; } }

.layers table { width: 100%; } .layers .bars { min-width: 11rem; width: 30%; } .cost { display: flex; height: 0.8rem; }
.cost b, .key.least { background: var(--mark); } .cost i, .key.above { background: color-mix(in srgb, var(--mark) 35%, var(--track)); }
.cost b { border-radius: 3px 0 0 3px; } .cost i { border-radius: 0 3px 3px 0; }
span.key { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 2px; margin: 0 0.3rem 0 0.4rem; }
.member th { padding-left: 1.6rem; font-weight: 400; } .member .cost { opacity: 0.65; }

.hashes { width: 100%; table-layout: fixed; } .hashes th:first-child { width: 8.5rem; } .hashes td { white-space: normal; }
.hashes code { font-size: 0.82rem; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.3rem 1.2rem; margin: 0.3rem 0; }
.pairs dt { color: var(--faint); font-size: 0.82rem; } .pairs dd { margin: 0; overflow-wrap: anywhere; }
code.line { display: block; padding: 0.5rem 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }

@media (max-width: 44rem) {
  .ladder .samples, .ladder .agrees, .ladder thead th:nth-child(n+4), .ladder tfoot td:nth-child(n+4) { display: none; }
  .ladder .plot { width: 44%; padding: 0.2rem 0.9rem; } .ladder th[scope=row] { white-space: normal; }
  .scale { font-size: 0.7rem; } .broad { display: none; } .tall { display: block; }
  .ladder th, .ladder td { padding-left: 0.2rem; padding-right: 0.2rem; } .scale span:nth-child(even) { display: none; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav, .skip { display: none; } h2 { break-after: avoid; margin-top: 1.4rem; }
  .tile { container-type: normal; } .tile span { display: block; }
  figure, tr, .budget, .badge, .treemap, .plan { break-inside: avoid; } .wide { overflow: visible; }
  .plan svg { min-width: 0; }
}
"""
)
