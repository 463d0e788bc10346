"""Where everything came from: hashes from the data to the image, versions, the command, the recipe."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tinykd import __version__
from tinykd.report.evidence import Evidence
from tinykd.report.manifest import LABELS


def provenance_html(evidence: Evidence) -> str:
    """Tables of hashes and settings, and what makes the same again."""
    report = evidence.report
    parts = []
    if report.distillation is not None:
        parts.append(f'<p>The same result again: <code class="line">{escape(report.distillation.command)}</code></p>')
    hashes = _hashes(evidence)
    if hashes:
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td class="left"><code>{escape(value)}</code></td></tr>' for name, value in hashes
        )
        parts.append(
            '<table class="hashes"><caption class="hidden">SHA-256 of every step</caption><thead><tr><th scope="col" class="left">what</th>'
            f'<th scope="col" class="left">SHA-256</th></tr></thead><tbody>{body}</tbody></table>'
        )
    if evidence.manifest is not None and evidence.manifest.links:
        parts.append(
            f'<p class="faint">Chain of the manifest: <code>{escape(evidence.manifest.links[-1].chain)}</code>; '
            "<code>tinykd manifest verify</code> checks it.</p>"
        )
    settings = _settings(evidence)
    if settings:
        parts.append(_pairs("Settings", settings))
    if report.distillation is not None:
        parts.append(
            _pairs("Versions that trained", [(name, version or "not installed") for name, version in report.distillation.versions.items()])
        )
    if evidence.recipe:
        parts.append(f'<details><summary>recipe.toml</summary><pre tabindex="0">{escape(evidence.recipe)}</pre></details>')
    parts.append(f'<p class="faint">This page: tinykd {escape(__version__)}.</p>')
    return "\n".join(parts)


def _hashes(evidence: Evidence) -> list[tuple[str, str]]:
    report = evidence.report
    if evidence.manifest is not None:
        return [(LABELS[link.name], link.sha256) for link in evidence.manifest.links]
    if report.distillation is not None:
        return list(report.distillation.hashes.items())
    return [("int8 model", report.memory.model_sha256)] if report.memory is not None else []


def _settings(evidence: Evidence) -> list[tuple[str, str]]:
    report, found = evidence.report, []
    if (trained := report.distillation) is not None:
        found += [("recipe", trained.recipe), ("seed", str(trained.seed))]
        found.append(
            ("samples", f"{trained.samples.train:,} training, {trained.samples.validation:,} validation, {trained.samples.test:,} test")
        )
    if (memory := report.memory) is not None:
        found += [("target", memory.target), ("toolchain", memory.toolchain or "none"), ("optimize", memory.optimize)]
        found.append(("rounding", memory.rounding))
    return found


def _pairs(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    body = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<h3>{escape(title)}</h3><dl class="pairs">{body}</dl>'
