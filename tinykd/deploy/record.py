"""Where evidence is kept: `report/` of the export, and `report.json` of the run it came from."""

from __future__ import annotations

import json
from typing import Any

from tinykd.deploy.export import Exported
from tinykd.report.memory import Memory
from tinykd.report.plan_picture import plan_svg_file
from tinykd.report.profile import Profile, profile_text
from tinykd.report.profile_chart import profile_svg
from tinykd.report.text import memory_markdown, memory_text
from tinykd.report.verification import Verification
from tinykd.run import write_atomically

REPORT = "report.json"


def record_memory(exported: Exported, memory: Memory) -> None:
    """Write the memory report as text, JSON and Markdown, its schema, and a picture of the plan."""
    folder = exported.folder / "report"
    write_atomically(folder / "memory.txt", memory_text(memory).encode())
    write_atomically(folder / "plan.svg", plan_svg_file(memory).encode())
    write_atomically(folder / "memory.json", (memory.model_dump_json(indent=2) + "\n").encode())
    write_atomically(folder / "memory.md", memory_markdown(memory).encode())
    write_atomically(folder / "memory.schema.json", (json.dumps(Memory.model_json_schema(), indent=2) + "\n").encode())
    _merge(exported, "memory", memory.model_dump(mode="json"))


def record_verification(exported: Exported, verification: Verification) -> None:
    """Write the proof as JSON, and its schema."""
    folder = exported.folder / "report"
    write_atomically(folder / "verification.json", (verification.model_dump_json(indent=2) + "\n").encode())
    write_atomically(folder / "verification.schema.json", (json.dumps(Verification.model_json_schema(), indent=2) + "\n").encode())
    _merge(exported, "verification", verification.model_dump(mode="json"))


def record_profile(exported: Exported, profile: Profile) -> None:
    """Write the profile as text, JSON and a chart, and its schema."""
    folder = exported.folder / "report"
    write_atomically(folder / "profile.txt", profile_text(profile).encode())
    write_atomically(folder / "profile.svg", profile_svg(profile).encode())
    write_atomically(folder / "profile.json", (profile.model_dump_json(indent=2) + "\n").encode())
    write_atomically(folder / "profile.schema.json", (json.dumps(Profile.model_json_schema(), indent=2) + "\n").encode())
    _merge(exported, "profile", profile.model_dump(mode="json"))


def _merge(exported: Exported, section: str, value: dict[str, Any]) -> None:
    if exported.source.run is not None:
        exported.source.run.merge_json(REPORT, section, value)
