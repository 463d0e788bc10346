"""A browser opens the page, says nothing against it, and lays it out no wider than a phone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.page.evidence import whole
from tinykd.report.page.report_page import report_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here; test_page.py reads the same HTML with a parser")


def opened(page: str, folder: Path, name: str, *wanted: str) -> tuple[str, list[str]]:
    """What the browser prints, the document as it understood it where nothing else is wanted, and what it had to say."""
    assert BROWSER is not None
    (folder / f"{name}.html").write_text(page)
    command = [
        BROWSER, "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
        "--virtual-time-budget=2000", *(wanted or ["--dump-dom"]), (folder / f"{name}.html").as_uri(),
    ]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_browser_has_nothing_to_say(tmp_path: Path) -> None:
    page = report_page(whole(tmp_path))
    document, said = opened(page, tmp_path, "page")
    assert said == []
    assert document.count("<section") == page.count("<section") > 6
    # The same browser does complain where a page breaks its own policy.
    _, said = opened(page.replace("</main>", '<script src="https://example.invalid/a.js"></script></main>'), tmp_path, "broken")
    assert any("Content Security Policy" in line for line in said)


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_sticks_out(tmp_path: Path, width: int) -> None:
    """The page in a frame of a phone's width: what is wider than the frame must scroll inside a part of its own."""
    # Without the policy, so that a script may measure.
    inner = re.sub(r"<meta http-equiv=[^>]*>", "", report_page(whole(tmp_path)))
    answer = "parent.postMessage([document.documentElement.scrollWidth, innerWidth].join(), '*')"
    measure = f"<script>addEventListener('load', () => {answer})</script>"
    (tmp_path / "inner.html").write_text(inner.replace("</body>", f"{measure}</body>"))
    outer = (
        "<!doctype html><title>frame</title><script>addEventListener('message', e => document.title = e.data)</script>"
        f'<iframe src="inner.html" width="{width}" height="800" style="border:0"></iframe>'
    )
    document, _ = opened(outer, tmp_path, "outer")
    found = re.search(r"<title>(\d+),(\d+)</title>", document)
    assert found is not None
    assert int(found[2]) == width
    assert int(found[1]) <= width


def test_it_prints_on_several_sheets(tmp_path: Path) -> None:
    """Containers that are measured (`container-type`) once made Chromium print one empty sheet."""
    opened(report_page(whole(tmp_path)), tmp_path, "paper", f"--print-to-pdf={tmp_path / 'paper.pdf'}")
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "paper.pdf").read_bytes())) >= 3
