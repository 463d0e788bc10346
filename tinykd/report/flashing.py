"""What `tinykd flash` did."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tinykd.recipe.section import Section


class Flashed(Section):
    """One image on one board."""

    schema_version: Literal[1] = 1
    board: str
    method: str
    commands: tuple[str, ...] = Field(description="run in the folder of the image")
    image: str
    image_sha256: str = Field(description="of the ELF; the link `device` of manifest.json")
    bytes: int = Field(description="that were written")
    read_back_by: str = Field(description="who compared flash with the image: tinykd, tool, or nobody")


_PROOF = {
    "tinykd": "read back and equal, byte for byte",
    "tool": "read back and compared by the tool",
    "nobody": "not read back: this method cannot",
}


def flashed_text(flashed: Flashed) -> str:
    """The result as plain text."""
    return (
        f"{flashed.bytes:,} bytes on {flashed.board} by {flashed.method.replace('_', '-')}: {_PROOF[flashed.read_back_by]}\n"
        f"  image {flashed.image_sha256[:16]}  {flashed.image}\n"
    )
