"""Where shipped files are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinykd import resources
from tinykd.errors import ToolError


def test_checkout_has_both_folders() -> None:
    assert (resources.models_folder() / "digits" / "recipe.toml").is_file()
    assert resources.firmware_folder().is_dir()


def test_packaged_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "tinykd")
    (tmp_path / "models").mkdir()
    assert resources.models_folder() == tmp_path / "models"
    (tmp_path / "tinykd" / "_models").mkdir(parents=True)
    assert resources.models_folder() == tmp_path / "tinykd" / "_models"


def test_broken_installation_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "tinykd")
    with pytest.raises(ToolError, match="firmware/ is missing"):
        resources.firmware_folder()
