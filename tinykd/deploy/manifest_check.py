"""Check a manifest: recompute every hash, and name the first link that does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tinykd.deploy.signature import read_public_key, signature_valid
from tinykd.errors import BrokenChain, UsageError
from tinykd.report.manifest import FILE, LABELS, SIGNATURE, Link, Manifest, chain_of, read_manifest, sources_hash
from tinykd.report.manifest_check import Finding, ManifestCheck, Signature
from tinykd.run import file_hash

BUILT = (".c", ".h", ".s", ".S", ".ld")
"""Files that a build takes from a source tree without being asked for by name."""


def check_manifest(path: Path, key: Path | None = None) -> ManifestCheck:
    """Recompute every hash of a manifest.

    Args:
        path: a run, an export, or the manifest itself.
        key: PEM of the Ed25519 public key that must have signed it; None to leave a signature alone.

    Raises:
        UsageError: there is no manifest, or it is none, or the key is no Ed25519 public key.
        ToolError: a key was given and `cryptography` is not installed.
    """
    file = path / FILE if path.is_dir() else path
    manifest = read_manifest(file)
    folder = file.parent
    findings = tuple(finding for link in manifest.links for finding in _check(link, manifest, folder))
    return ManifestCheck(manifest=str(file), model=manifest.model, findings=findings, signature=_signature(folder, file, key))


def require_unbroken(check: ManifestCheck) -> None:
    """Raise BrokenChain naming the first link that does not hold, or the signature."""
    if check.signature in ("missing", "invalid"):
        said = {"missing": f"there is no {SIGNATURE} beside", "invalid": "the signature does not fit the key and the bytes of"}
        raise BrokenChain(
            f"{said[check.signature]} {check.manifest}", "do not ship this; ask who made it for the signature and the public key"
        )
    first = check.broken
    if first is not None:
        raise BrokenChain(
            f"the chain breaks at the {LABELS[first.link]}: {first.what}",
            "do not flash or ship this; if you changed it on purpose, export and verify again",
        )


def _signature(folder: Path, file: Path, key: Path | None) -> Signature:
    signature = folder / SIGNATURE
    if key is None:
        return "unchecked" if signature.exists() else "none"
    public = read_public_key(key)
    if not signature.exists():
        return "missing"
    return "valid" if signature_valid(public, signature.read_bytes(), file.read_bytes()) else "invalid"


def _check(link: Link, manifest: Manifest, folder: Path) -> Iterator[Finding]:
    """What is wrong with a link, or one finding that nothing is."""
    trouble = [*_files(link, manifest, folder), *_agreement(link, manifest)]
    if trouble:
        yield from trouble
    elif link.path is None:
        yield Finding(link=link.name, state="recorded", path=None, what="not kept here; its hash is part of the chain")
    else:
        yield Finding(link=link.name, state="holds", path=link.path, what=link.sha256)


def _files(link: Link, manifest: Manifest, folder: Path) -> Iterator[Finding]:
    if link.path is None:
        return
    place = _within(folder, link.path)
    if link.name != "sources":
        yield from _file(link, place, link.path, link.sha256)
        return
    listed = {file.path for file in manifest.files}
    for file in manifest.files:
        yield from _file(link, _within(place, file.path), file.path, file.sha256)
    for extra in _unlisted(place, listed):
        yield Finding(link="sources", state="added", path=extra, what=f"{extra} is not in the manifest, but would be built")


def _file(link: Link, place: Path, name: str, expected: str) -> Iterator[Finding]:
    if not place.exists():
        yield Finding(link=link.name, state="missing", path=name, what=f"{name} is not there")
        return
    found = file_hash(place)
    if found != expected:
        what = f"{name} has changed: {found[:16]}... instead of {expected[:16]}..."
        yield Finding(link=link.name, state="changed", path=name, what=what)


def _unlisted(place: Path, listed: set[str]) -> list[str]:
    """Sources in the folders of the tree that the manifest does not know."""
    tops = sorted({PurePosixPath(path).parts[0] for path in listed if "/" in path})
    there = (file for top in tops for file in sorted((place / top).rglob("*")) if file.is_file() and file.suffix in BUILT)
    return [name for name in (file.relative_to(place).as_posix() for file in there) if name not in listed]


def _agreement(link: Link, manifest: Manifest) -> Iterator[Finding]:
    """Whether what the manifest says of the link agrees with what it says elsewhere."""
    parents = [parent for parent in manifest.links if parent.name in link.made_from]
    if chain_of(link.name, link.sha256, parents) != link.chain:
        yield _changed(link, f"its chain in {FILE} is not that of its hash and of the links before")
    if link.name == "sources" and sources_hash(manifest.files) != link.sha256:
        yield _changed(link, f"its hash in {FILE} is not that of the files listed there")
    model = manifest.link("int8")
    copy = next((file for file in manifest.files if file.path == f"{manifest.model}.tflite"), None)
    if link.name == "sources" and model is not None and (copy is None or copy.sha256 != model.sha256):
        yield _changed(link, "the sources hold another model than the int8 model of the chain")


def _changed(link: Link, what: str) -> Finding:
    return Finding(link=link.name, state="changed", path=FILE, what=what)


def _within(folder: Path, relative: str) -> Path:
    """`folder / relative`, refused where that leaves the folder: a manifest comes from outside."""
    parts = PurePosixPath(relative)
    if parts.is_absolute() or ".." in parts.parts or "\\" in relative or ":" in relative:
        raise UsageError(f"the manifest names {relative!r}, outside its folder", "do not trust it; make one: tinykd manifest create")
    return folder / relative
