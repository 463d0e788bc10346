"""What `tinykd manifest verify` found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, computed_field

from tinykd.recipe.section import Section
from tinykd.report.manifest import LABELS, LinkName

Signature = Literal["none", "unchecked", "valid", "missing", "invalid"]
State = Literal["holds", "recorded", "missing", "changed", "added"]

_SIGNATURE: dict[Signature, str] = {
    "none": "not signed",
    "unchecked": "signed, not checked: pass --key PUBLIC.pem",
    "valid": "valid",
    "missing": "MISSING",
    "invalid": "INVALID",
}


class Finding(Section):
    """What became of one link, or of one file of the sources."""

    link: LinkName
    state: State = Field(description="recorded: its hash is in the chain, the file is not kept here")
    path: str | None
    what: str = Field(description="the hash where the link holds, else what is wrong")

    @property
    def broken(self) -> bool:
        return self.state not in ("holds", "recorded")


class ManifestCheck(Section):
    """Every link of a manifest, checked."""

    schema_version: Literal[1] = 1
    manifest: str
    model: str
    findings: tuple[Finding, ...]
    signature: Signature

    @property
    def broken(self) -> Finding | None:
        """The first in the order of the chain."""
        return next((finding for finding in self.findings if finding.broken), None)

    @computed_field(description="no link is broken, and the signature is neither missing nor invalid")  # type: ignore[prop-decorator]
    @property
    def intact(self) -> bool:
        return self.broken is None and self.signature not in ("missing", "invalid")


def manifest_check_text(check: ManifestCheck) -> str:
    """The check as plain text, a line a link."""
    lines = [f"{check.model}: {check.manifest}"]
    for finding in check.findings:
        mark = finding.state.upper() if finding.broken else finding.state
        detail = f"{finding.path}  {finding.what[:16]}" if finding.state == "holds" else finding.what
        lines.append(f"  {mark:<9} {LABELS[finding.link]:<12} {detail}")
    lines.append(f"  {'signature':<9} {_SIGNATURE[check.signature]}")
    lines.append("  intact" if check.intact else "  BROKEN")
    return "\n".join(lines) + "\n"
