"""The manifest: independent hashes, every way in which a chain can break, and signatures that OpenSSL reads."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tinykd.deploy.manifest_check import check_manifest, require_unbroken
from tinykd.deploy.signature import read_private_key, read_public_key, signature_valid
from tinykd.errors import BrokenChain, UsageError
from tinykd.report.manifest import Manifest, SourceFile, chain_of, read_manifest, sources_hash

KEYS = ("teacher.keras", "student.keras", "student_int8.tflite")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as `distill` leaves it, with files of any bytes for the Keras models, exported and built once."""
    run = tmp_path_factory.mktemp("runs") / "small"
    run.mkdir()
    (run / "teacher.keras").write_bytes(b"teacher")
    (run / "student.keras").write_bytes(b"student")
    (run / "student_int8.tflite").write_bytes(conv_then_dense_bytes())
    accuracy = {"teacher": 0.9, "baseline": None, "student": 0.8, "qat": 0.8, "int8": 0.8}
    report = {
        "recipe": "small", "seed": 0, "command": "tinykd distill small", "samples": {"train": 3, "validation": 2, "test": 1},
        "classes": 2, "class_names": ["a", "b"], "accuracy": accuracy, "validation_accuracy": accuracy, "fidelity": {},
        "parameters": {"student": 1, "teacher": 2}, "int8_model_bytes": 1, "seconds": {}, "training": {}, "versions": {},
        "hashes": {"data": "d" * 64, **{name.partition("_")[2].partition(".")[0] or name[:7]: sha256(run / name) for name in KEYS}},
    }  # fmt: skip
    (run / "report.json").write_text(json.dumps({"distillation": report}))
    outcome = tinykd("verify", run, "--target", "m4", "--samples", "2")
    assert outcome.returncode == 0, outcome.stderr
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "small")
    return tmp_path / "small"


def test_every_hash_is_what_sha256sum_says(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())
    links = {link["name"]: link for link in manifest["links"]}
    assert list(links) == ["data", "teacher", "student", "int8", "sources", "image"]
    for name in ("teacher", "student", "int8", "image"):
        assert links[name]["sha256"] == sha256(run / links[name]["path"])
    lines = subprocess.run(
        ["sha256sum", *(file["path"] for file in manifest["files"])], cwd=run / "export", capture_output=True, check=True
    ).stdout
    assert links["sources"]["sha256"] == hashlib.sha256(lines).hexdigest()
    built = {path.relative_to(run / "export").as_posix() for top in ("src", "firmware") for path in (run / "export" / top).rglob("*.c")}
    assert built <= {file["path"] for file in manifest["files"]}
    teacher = hashlib.sha256(f"teacher {links['teacher']['sha256']}\n{links['data']['chain']}\n".encode()).hexdigest()
    assert links["teacher"]["chain"] == teacher


def test_evidence_is_about_the_image_in_the_chain(run: Path) -> None:
    manifest = Manifest.model_validate_json((run / "manifest.json").read_bytes())
    assert manifest.proved is not None
    assert manifest.proved.differences == 0
    assert manifest.trained is not None
    assert manifest.trained.accuracy.teacher == 0.9
    memory = json.loads((run / "export/report/memory.json").read_text())
    assert manifest.measured is not None
    assert manifest.measured.flash_bytes == memory["flash_bytes"]
    other = tinykd("export", run, "--target", "m3", "--out", run / "export")
    assert other.returncode == 0, other.stderr
    for place in (run, run / "export"):
        again = Manifest.model_validate_json((place / "manifest.json").read_bytes())
        assert again.target == "cortex-m3"
        assert again.proved is None, "the proof is another image's"


def test_same_files_same_bytes(run: Path) -> None:
    before = [(place / "manifest.json").read_bytes() for place in (run, run / "export")]
    assert tinykd("export", run, "--target", "m4").returncode == 0
    assert tinykd("manifest", "create", run, "--target", "m4").returncode == 0
    assert [(place / "manifest.json").read_bytes() for place in (run, run / "export")] == before


def test_an_export_is_checked_without_its_run(run: Path, tmp_path: Path) -> None:
    moved = (run / "export").rename(tmp_path / "shipped")
    outcome = tinykd("manifest", "verify", moved, "--json")
    assert outcome.returncode == 0, outcome.stderr
    states = {finding["link"]: finding["state"] for finding in json.loads(outcome.stdout)["findings"]}
    assert states == {
        "data": "recorded",
        "teacher": "recorded",
        "student": "recorded",
        "int8": "holds",
        "sources": "holds",
        "image": "holds",
    }


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rewrite(run: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    value = json.loads((run / "manifest.json").read_text())
    change(value)
    (run / "manifest.json").write_text(json.dumps(value))


def other_model(value: dict) -> None:  # type: ignore[type-arg]
    """A forged int8 link whose chains all fit: the sources still hold the other model."""
    value["links"] = value["links"][3:]
    value["links"][0] |= {"made_from": [], "sha256": hashlib.sha256(b"teacher").hexdigest(), "path": "teacher.keras"}
    parent = ""
    for link in value["links"]:
        link["chain"] = parent = hashlib.sha256(
            f"{link['name']} {link['sha256']}\n{parent}{parent and chr(10)}".encode()
        ).hexdigest()  # fmt: skip


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "teacher": (lambda run: flip(run / "teacher.keras"), "at the teacher: teacher.keras has changed"),
    "student gone": (lambda run: (run / "student.keras").unlink(), "at the student: student.keras is not there"),
    "model": (lambda run: flip(run / "student_int8.tflite"), "at the int8 model: student_int8.tflite has changed"),
    "one source": (lambda run: flip(run / "export/src/tinykd_small.c"), "at the C sources: src/tinykd_small.c has changed"),
    "golden": (lambda run: flip(run / "export/golden/outputs.bin"), "at the C sources: golden/outputs.bin has changed"),
    "one more source": (
        lambda run: (run / "export/src/more.c").write_text("int x;"),
        "at the C sources: src/more.c is not in the manifest",
    ),
    "settings": (lambda run: flip(run / "export/export.json"), "at the C sources: export.json has changed"),
    "image": (lambda run: flip(next((run / "export/build").glob("*/firmware.elf"))), "at the image (ELF): "),
    "two: the first is named": (
        lambda run: (flip(run / "student.keras"), flip(run / "teacher.keras")),
        "at the teacher: teacher.keras has changed",
    ),
    "data hash": (lambda run: rewrite(run, lambda v: v["links"][0].update(sha256="e" * 64)), "at the data set: its chain"),
    "a file's hash": (lambda run: rewrite(run, lambda v: v["files"][3].update(sha256="e" * 64)), "at the C sources: "),
    "other model": (lambda run: rewrite(run, other_model), "at the C sources: the sources hold another model"),
}


@pytest.mark.parametrize("how", BREAKS)
def test_the_first_broken_link_is_named(run: Path, how: str) -> None:
    breaks, says = BREAKS[how]
    breaks(run)
    found = check_manifest(run)
    assert not found.intact
    with pytest.raises(BrokenChain, match=re.escape(says)):
        require_unbroken(found)


def test_a_broken_chain_is_exit_4(run: Path) -> None:
    flip(run / "teacher.keras")
    outcome = tinykd("manifest", "verify", run)
    assert outcome.returncode == 4
    assert "breaks at the teacher: teacher.keras has changed" in outcome.stderr
    assert "BROKEN" in outcome.stdout


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "C:\\windows", "a/../../b"])
def test_a_manifest_names_nothing_outside_its_folder(run: Path, path: str) -> None:
    rewrite(run, lambda v: v["links"][1].update(path=path))
    with pytest.raises(UsageError, match="outside its folder"):
        check_manifest(run)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"links": 3}', "\x00", '{"tinykd": "1", "model": "m", "links": [], "more": 1}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UsageError, match="is no manifest") as refused:
        check_manifest(tmp_path)
    assert "tinykd manifest create" in refused.value.hint


def test_replaced_files_are_not_laundered(run: Path) -> None:
    """Making a manifest anew does not hide that a network is not the one whose accuracy was measured."""
    flip(run / "student.keras")
    assert tinykd("manifest", "create", run, "--target", "m4").returncode == 0
    with pytest.raises(BrokenChain, match=r"at the student: student\.keras has changed"):
        require_unbroken(check_manifest(run))
    (run / "student_int8.tflite").write_bytes(conv_then_dense_bytes(seed=1))
    outcome = tinykd("manifest", "create", run, "--target", "m4")
    assert outcome.returncode == 4
    assert "is not the one that the run's report measured" in outcome.stderr
    assert tinykd("export", run, "--target", "m4").returncode == 0, "an export of any model is allowed"
    manifest = read_manifest(run / "manifest.json")
    assert manifest.trained is None, "but nothing is claimed of it"
    assert manifest.link("teacher") is None


def test_sign_and_verify(run: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "k.pem", tmp_path / "k.pub.pem"
    assert tinykd("manifest", "keys", key).returncode == 0
    assert key.stat().st_mode & 0o077 == 0
    assert tinykd("manifest", "keys", key).returncode == 2, "a key is never overwritten"
    unsigned = tinykd("manifest", "verify", run, "--key", public)
    assert unsigned.returncode == 4
    assert "manifest.json.sig" in unsigned.stderr
    assert tinykd("manifest", "sign", run, "--key", key).returncode == 0
    for place in (run, run / "export"):
        assert tinykd("manifest", "verify", place, "--key", public).returncode == 0
    tinykd("manifest", "keys", tmp_path / "other.pem")
    assert tinykd("manifest", "verify", run, "--key", tmp_path / "other.pub.pem").returncode == 4
    with (run / "manifest.json").open("a") as stream:
        stream.write("\n")
    changed = tinykd("manifest", "verify", run, "--key", public)
    assert changed.returncode == 4
    assert "signature does not fit" in changed.stderr


def test_a_broken_chain_is_not_signed(run: Path, tmp_path: Path) -> None:
    tinykd("manifest", "keys", tmp_path / "k.pem")
    flip(run / "teacher.keras")
    assert tinykd("manifest", "sign", run, "--key", tmp_path / "k.pem").returncode == 4
    assert not (run / "manifest.json.sig").exists()


@pytest.mark.parametrize("wrong", ["public for private", "rsa", "text", "missing"])
def test_wrong_keys_are_refused(run: Path, tmp_path: Path, wrong: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = tmp_path / "wrong.pem"
    if wrong == "public for private":
        tinykd("manifest", "keys", tmp_path / "k.pem")
        key = tmp_path / "k.pub.pem"
    elif wrong == "rsa":
        secret = rsa.generate_private_key(65537, 2048)
        plain = serialization.NoEncryption()
        key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    elif wrong == "text":
        key.write_text("hello")
    outcome = tinykd("manifest", "sign", run, "--key", key)
    assert outcome.returncode == 2
    assert str(key) in outcome.stderr


def test_rfc_8032_vector(tmp_path: Path) -> None:
    """Section 7.1, test 3: key, two bytes of message, signature."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    expected = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    key = Ed25519PrivateKey.from_private_bytes(secret)
    plain = serialization.NoEncryption()
    (tmp_path / "k.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "p.pem").write_bytes(shown)
    assert read_private_key(tmp_path / "k.pem").sign(bytes.fromhex("af82")) == expected
    assert signature_valid(read_public_key(tmp_path / "p.pem"), expected, bytes.fromhex("af82"))
    assert not signature_valid(read_public_key(tmp_path / "p.pem"), expected, bytes.fromhex("af83"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here; the vector of RFC 8032 stands for it")
def test_openssl_reads_and_makes_the_same_signatures(run: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "k.pem", tmp_path / "p.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    assert tinykd("manifest", "sign", run, "--key", key).returncode == 0
    signature = run / "manifest.json.sig"
    subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", run / "manifest.json", "-sigfile", signature],
        check=True,
    )
    by_us = signature.read_bytes()
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", run / "manifest.json", "-out", signature], check=True)
    assert signature.read_bytes() == by_us, "Ed25519 is deterministic"


def test_chains_depend_on_order_of_nothing_but_the_files() -> None:
    files = [SourceFile(path="b.c", sha256="1" * 64), SourceFile(path="a.c", sha256="2" * 64)]
    assert sources_hash(files) == sources_hash(files[::-1])
    assert sources_hash(files) == hashlib.sha256(("2" * 64 + "  a.c\n" + "1" * 64 + "  b.c\n").encode()).hexdigest()
    assert chain_of("data", "1" * 64, ()) == hashlib.sha256(b"data " + b"1" * 64 + b"\n").hexdigest()
