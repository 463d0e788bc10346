"""Ed25519 signatures of a manifest (RFC 8032): detached, 64 raw bytes, as `openssl pkeyutl -rawin` reads and writes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tinykd.errors import ToolError, UsageError
from tinykd.report.manifest import FILE, SIGNATURE
from tinykd.run import write_atomically

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

INSTALL = 'pip install "tinykd[sign]"'


def make_keys(private: Path, public: Path) -> None:
    """Write a new key pair as PEM (PKCS #8, not encrypted; SubjectPublicKeyInfo). Only the owner may read the private key.

    Raises:
        UsageError: one of the files is there already.
        ToolError: `cryptography` is not installed, or a file cannot be written.
    """
    _require()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    for path in (private, public):
        if path.exists():
            raise UsageError(f"{path} is there already", "a lost key cannot be made again: choose another name")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        private.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secret)
    except OSError as error:
        raise ToolError(f"cannot write {private}: {error.strerror or error}", "choose another folder") from error
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(public, shown)


def sign_manifest(folder: Path, private: Path) -> Path:
    """Sign the bytes of the manifest in `folder`; returns the signature's file.

    Raises:
        UsageError: there is no manifest, or the key is no Ed25519 private key.
        ToolError: `cryptography` is not installed.
    """
    key = read_private_key(private)
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {folder / FILE}: {error.strerror or error}", f"make one: tinykd manifest create {folder}") from error
    path = folder / SIGNATURE
    write_atomically(path, key.sign(data))
    return path


def signature_valid(public: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` (64 bytes) is `public`'s over `data`."""
    from cryptography.exceptions import InvalidSignature

    try:
        public.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 private key in a PEM file.

    Raises:
        UsageError: there is none, or it is encrypted.
        ToolError: `cryptography` is not installed.
    """
    _require()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    hint = "make one: tinykd manifest keys KEY.pem"
    try:
        key = serialization.load_pem_private_key(_bytes(path), None)
    except TypeError as error:
        raise UsageError(f"{path} is encrypted", "decrypt it first: openssl pkey -in KEY.pem -out PLAIN.pem") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no private key in PEM", hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is a private key, but not an Ed25519 one", hint)
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The Ed25519 public key in a PEM file.

    Raises:
        UsageError: there is none.
        ToolError: `cryptography` is not installed.
    """
    _require()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    hint = "give the public key, KEY.pub.pem, of `tinykd manifest keys KEY.pem`"
    try:
        key = serialization.load_pem_public_key(_bytes(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} is no public key in PEM", hint) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is a public key, but not an Ed25519 one", hint)
    return key


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _require() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise ToolError("signatures need the package cryptography", INSTALL) from error
