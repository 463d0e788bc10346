"""The page of a run: well formed, escaped, reachable by links and labels, complete, and the same every time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.commands import tinykd
from tests.report.page.evidence import EVIL, difference, memory_of, proof_of, whole
from tinykd.report.evidence import Evidence
from tinykd.report.page.badge import verdict
from tinykd.report.page.report_page import report_page
from tinykd.report.page.shell import DARK, LIGHT
from tinykd.report.page.style import KINDS, LINES
from tinykd.report.run import RunReport
from tinykd.resources import models_folder

VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """Elements in order, with their attributes; every one that is opened must be closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(attribute)) is not None]


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return whole(tmp_path_factory.mktemp("page"))


def test_names_are_text_and_never_code(evidence: Evidence) -> None:
    reader = read(report_page(evidence))
    tags = {tag for tag, _ in reader.elements}
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "form", "base"})
    assert not [name for _, attributes in reader.elements for name in attributes if name.startswith("on")]
    said = "".join(reader.text)
    # name, title, command, recipe.toml, confusion matrix and its list, legend, pruned layer, quantized layer
    assert said.count(EVIL) >= 9
    sections = {"accuracy", "confusion", "training", "pruning", "quantization", "budget", "arena", "flash", "cost", "provenance"}
    assert sections <= set(reader.values("id"))


def test_nothing_is_fetched(evidence: Evidence) -> None:
    page = report_page(evidence)
    reader = read(page)
    assert all(
        target.startswith(("#", "data:")) for name in ("href", "src", "srcset", "xlink:href", "action") for target in reader.values(name)
    )
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    policy = [attributes["content"] for tag, attributes in reader.elements if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_links_and_labels_lead_somewhere(evidence: Evidence) -> None:
    reader = read(report_page(evidence))
    idents = reader.values("id")
    assert len(idents) == len(set(idents))
    links = [target[1:] for target in reader.values("href") if target.startswith("#")]
    assert len(links) >= 8
    labels = [ident for value in reader.values("aria-labelledby") for ident in value.split()]
    assert set(links) | set(labels) <= set(idents)
    for tag, attributes in reader.elements:
        if attributes.get("role") in ("img", "region"):
            assert attributes.get("aria-label") or attributes.get("aria-labelledby"), tag
        if attributes.get("role") == "region":
            assert attributes.get("tabindex") == "0", "a part that scrolls is out of the keyboard's reach"
    headings = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))


def test_equal_evidence_gives_equal_bytes(evidence: Evidence) -> None:
    assert report_page(evidence) == report_page(evidence)


def test_a_model_without_training_has_fewer_sections(evidence: Evidence) -> None:
    memory = evidence.report.memory
    assert memory is not None
    bare = Evidence(RunReport(distillation=None, quantization_error=None, memory=memory, verification=None, profile=None))
    page = report_page(bare)
    idents = read(page).values("id")
    assert {"budget", "arena", "flash", "cost", "provenance"} <= set(idents)
    assert {"accuracy", "confusion", "training"}.isdisjoint(idents)
    assert "Not proven yet" in page


def test_the_badge_says_what_the_proof_says(tmp_path: Path) -> None:
    memory = memory_of(tmp_path)

    def tone(**changes: object) -> str:
        proof = proof_of(memory, **changes)
        return verdict(RunReport(distillation=None, quantization_error=None, memory=memory, verification=proof, profile=None)).tone

    assert tone() == "good"
    assert tone(differences=3, mismatches=(difference(),)) == "bad"
    assert tone(golden_differences=1) == "bad"
    assert tone(constants_intact=False) == "bad"
    assert tone(model_sha256="0" * 64) == "warn"


def test_what_differs_is_named(evidence: Evidence) -> None:
    memory = evidence.report.memory
    assert memory is not None
    proof = proof_of(memory, differences=3, mismatches=(difference(),))
    said = "".join(read(report_page(replace(evidence, report=evidence.report.model_copy(update={"verification": proof})))).text)
    assert "Not exact" in said
    assert "3 of 2,000 elements differ; first at sample 7, element 2: expected 5, computed 6" in said


def test_a_budget_that_is_exceeded_shows(evidence: Evidence) -> None:
    memory = evidence.report.memory
    assert memory is not None
    tight = memory.model_copy(update={"budget": memory.budget.model_copy(update={"ram_bytes": memory.ram_bytes - 10})})
    said = "".join(read(report_page(replace(evidence, report=evidence.report.model_copy(update={"memory": tight})))).text)
    assert "10 bytes over the budget" in said
    assert "needs" in said


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, WCAG 2.2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_everyone_can_read_it() -> None:
    """WCAG 2.2, level AA: 4.5 for text, 3 for what pictures are made of."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for colours in (LIGHT, DARK):
        for ground in ("paper", "card"):
            for ink in ("ink", "faint", "mark", "good", "bad", "warn"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        assert contrast(colours["faint"], colours["track"]) >= 4.5
    assert {kind for kind, (fill, text) in KINDS.items() if contrast(fill, text) < 4.5} == set()
    for light, dark in LINES:
        assert contrast(light, LIGHT["card"]) >= 3
        assert contrast(dark, DARK["card"]) >= 3


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    shipped = models_folder() / "mnist" / "report.json"
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.json").write_bytes(shipped.read_bytes())
    said = tinykd("report", run, "--html")
    assert said.returncode == 0, said.stderr
    page = (run / "report.html").read_text()
    assert "99.40 %" in "".join(read(page).text)
    assert tinykd("report", shipped, "--html", tmp_path / "own.html").returncode == 0
    assert (tmp_path / "own.html").exists()
    (run / "report.html").unlink()
    assert tinykd("report", "--html", run).returncode == 0
    assert (run / "report.html").exists()
    kept = (run / "report.json").read_bytes()
    wrong = tinykd("report", "--html", run / "report.json")
    assert wrong.returncode == 2
    assert "not the name of a page" in wrong.stderr
    assert (run / "report.json").read_bytes() == kept
