"""The site builds without a warning, every link in it leads somewhere, and nothing in it comes from the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.blocks import ROOT


class Links(HTMLParser):
    """What a page refers to, what it loads, and the anchors that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        source = values.get("src") or (values.get("href") if tag == "link" else None)
        if source and values.get("rel") != "canonical":
            self.loaded.append(source)


def read(page: Path) -> Links:
    links = Links()
    links.feed(page.read_text(encoding="utf-8"))
    return links


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    outcome = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Links]:
    return {page: read(page) for page in site.rglob("*.html") if page.name != "404.html"}


def test_every_page_is_there_and_the_generator_is_not(site: Path) -> None:
    written = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")]
    assert len(written) > 90
    for page in written:
        assert (site / (page.parent / "index.html" if page.name == "README.html" else page)).exists(), page
    assert not (site / "generate").exists()


def test_internal_links_lead_somewhere(site: Path, pages: dict[Path, Links]) -> None:
    wrong = []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
                wrong.append(f"{page.relative_to(site)}: {link}")
    assert wrong == []


def test_nothing_comes_from_the_network(site: Path, pages: dict[Path, Links]) -> None:
    for page, found in pages.items():
        for source in found.loaded:
            parts = urlsplit(source)
            assert not parts.netloc, f"{page.relative_to(site)} loads {source}"
            assert (page.parent / unquote(parts.path)).resolve().exists(), f"{page.relative_to(site)} loads {source}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//", style.read_text(encoding="utf-8")), style


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(path.relative_to(ROOT) for path in (ROOT / "models").rglob("*.md"))], ids=str
)
def test_links_of_pages_outside_the_site_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not urlsplit(link).scheme:
            path = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            assert path.exists(), f"{page}: {link}"
