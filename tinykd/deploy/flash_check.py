"""What must hold before an image may be flashed: its budget, and the chain of its manifest."""

from __future__ import annotations

from pathlib import Path

from tinykd.deploy.export import Exported
from tinykd.deploy.firmware import build_device
from tinykd.deploy.manifest import built_image, current_manifest, record_manifest
from tinykd.deploy.manifest_check import check_manifest, require_unbroken
from tinykd.errors import BrokenChain, IntegersDiffer, UsageError
from tinykd.report.manifest import FILE, Manifest, read_manifest
from tinykd.run import file_hash
from tinykd.target.boards import Board
from tinykd.target.build import Image


def build_checked(exported: Exported, toolchain: str, key: Path | None) -> tuple[Image, Board, tuple[str, ...]]:
    """Build the board's image within its budget, and hold it against the manifest.

    Args:
        key: the public key that must have signed a manifest that names this very image; None to do without, and to write the manifest
            where there is none about these sources.

    Returns:
        The image, its board, and remarks for the user.

    Raises:
        UsageError: the export is for a core, or tinykd has no port for the board.
        OverBudget: the image does not fit.
        BrokenChain: a link does not hold, the image is not the one in the manifest, or it is not signed.
        IntegersDiffer: the manifest records a proof of this model that failed.
    """
    board = exported.target.device
    if board is None:
        raise UsageError("no board is named", "add --board NAME: `tinykd boards` lists them")
    image = build_device(exported, toolchain)
    manifest = current_manifest(exported)
    link = manifest.link("device") if manifest else None
    digest = file_hash(image.elf)
    if key is None and link is None:
        emulated = manifest.link("image") if manifest else None
        record_manifest(exported, built_image(exported, emulated.sha256) if emulated else None, image.elf)
        manifest = read_manifest(exported.folder / FILE)
    elif link is None or link.sha256 != digest:
        raise BrokenChain(
            f"the image built just now ({digest[:16]}...) is not the one in the manifest ({link.sha256[:16] + '...' if link else 'none'})",
            "with the compiler that made it the same sources give the same image; else make and sign it anew: tinykd manifest create, sign",
        )
    require_unbroken(check_manifest(exported.folder, key))
    assert manifest is not None
    if manifest.proved is not None and manifest.proved.differences:
        raise IntegersDiffer(
            f"the proof of this model failed: {manifest.proved.differences:,} of {manifest.proved.compared:,} integers differ",
            f"do not flash it; see which layer differs: tinykd verify {exported.folder} --layers",
        )
    return image, board, tuple(_remarks(manifest, exported))


def _remarks(manifest: Manifest, exported: Exported) -> list[str]:
    if manifest.proved is None:
        return [f"not proven yet for {exported.target.name}: tinykd verify {exported.folder} --board {exported.settings.target}"]
    return []
