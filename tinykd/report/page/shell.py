"""What every page of tinykd has in common: head, colours, typography, and the parts that a page is made of.

A page is one file. Its content security policy forbids everything but its own styles, so a browser that obeys it
can neither fetch anything nor run a script, whatever stands in the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LIGHT: dict[str, str] = {
    "paper": "#fbfbfa",
    "card": "#ffffff",
    "ink": "#1d1d1f",
    "faint": "#62626a",
    "line": "#dddde1",
    "track": "#ececf0",
    "mark": "#0068a6",
    "good": "#14713f",
    "bad": "#b3261e",
    "warn": "#8a5a00",
}
DARK: dict[str, str] = {
    "paper": "#141518",
    "card": "#1c1d21",
    "ink": "#ececee",
    "faint": "#a6a6ae",
    "line": "#36383f",
    "track": "#2a2c32",
    "mark": "#6cb6e8",
    "good": "#6fce97",
    "bad": "#ff8f86",
    "warn": "#eab65f",
}
"""Colours by purpose, for readers with light and with dark screens."""


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


STYLE = (
    f"""
:root {{ color-scheme: light dark; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
@media print {{ :root {{ color-scheme: light; {_variables(LIGHT)} }} }}
"""
    + """
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1.2rem clamp(0.9rem, 3vw, 2rem) 3rem; max-width: 72rem; background: var(--paper); color: var(--ink); }
body { font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.4rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 0.4rem; }
p { margin: 0.4rem 0; } .faint { color: var(--faint); } .bad { color: var(--bad); } .good { color: var(--good); }
a { color: var(--mark); } :focus-visible { outline: 3px solid var(--mark); outline-offset: 2px; border-radius: 3px; }
figure { margin: 0; } figcaption { color: var(--faint); font-size: 0.9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
code, pre { font: 0.88rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); padding: 0.3rem 0.6rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
"""
)

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


@dataclass(frozen=True)
class Part:
    """A part of a page: what links to it point at, its heading, and its HTML."""

    ident: str
    title: str
    html: str


def document(title: str, body: str, style: str = "") -> str:
    """The whole file.

    Args:
        title: plain text.
        body: HTML.
        style: CSS of this kind of page, besides what all have.
    """
    return HEAD.format(title=escape(title), style=STYLE + style) + body + "\n</body>\n</html>\n"


def parts_html(parts: Sequence[Part]) -> str:
    """The parts one below the other, each a landmark with a name."""
    return "\n".join(
        f'<section aria-labelledby="{one.ident}"><h2 id="{one.ident}" tabindex="-1">{escape(one.title)}</h2>\n{one.html}\n</section>'
        for one in parts
    )


def contents_html(parts: Sequence[Part]) -> str:
    """Links to the parts."""
    links = "".join(f'<li><a href="#{one.ident}">{escape(one.title)}</a></li>' for one in parts)
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def scrolling(name: str, html: str, style: str = "") -> str:
    """What may be wider than a phone: scrolled inside its own frame, by keyboard too."""
    kind = f"wide {style}".strip()
    return f'<div class="{kind}" role="region" aria-label="{escape(name)}" tabindex="0">{html}</div>'
