"""What the specification of each framework asks of a package's files, and what `tinykd export` refuses before it writes."""

from __future__ import annotations

import configparser
import io
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.deploy.commands import tinykd
from tests.deploy.packages import package
from tinykd.deploy.package import LONGEST_NAME, Publication
from tinykd.errors import UsageError
from tinykd.target.packages.formats import FORMATS
from tinykd.target.packages.package import Package

SEMVER = re.compile(r"\d+\.\d+\.\d+")


def files(form: str, of: Package | None = None) -> dict[str, str]:
    return FORMATS[form].files(of or package())


@pytest.fixture(params=["small", "9 Lives -- a/b?.v2", "model", "Größe"])
def odd(request: pytest.FixtureRequest) -> Package:
    """Packages of models whose files have names that no C compiler takes; the slash cannot be in a file's name."""
    return package(request.param.replace("/", "_"))


def test_names_are_sanitised(odd: Package) -> None:
    assert re.fullmatch(r"tinykd_[a-z][a-z0-9_]*", odd.prefix)
    assert odd.prefix != "tinykd_model", "the name of the interface that serves any model"


def test_arduino_library(odd: Package) -> None:
    """Arduino library specification: library.properties, layout, sketches."""
    tree = files("arduino", odd)
    lines = tree["library.properties"].splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert len(properties) == len(lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(properties)
    assert all(properties.values())
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\- ]{0,62}", properties["name"])
    assert properties["name"] == odd.prefix  # the folder bears it too
    assert not properties["name"].lower().startswith("arduino")
    assert SEMVER.fullmatch(properties["version"])
    categories = "Display, Communication, Signal Input/Output, Sensors, Device Control, Timing, Data Storage, Data Processing, Other"
    assert properties["category"] in categories.split(", ")
    assert properties["includes"] == f"{odd.prefix}.h"
    assert "avr" not in properties["architectures"].split(",")
    assert not properties["paragraph"].startswith(properties["sentence"])
    sources = [path for path in tree if path.endswith((".c", ".cpp", ".h")) and not path.startswith("examples/")]
    assert all(path.startswith("src/") for path in sources), "a recursive layout keeps all code in src/"
    sketches = [path.split("/") for path in tree if path.endswith(".ino")]
    assert sketches
    assert all(top == "examples" and name == f"{folder}.ino" for top, folder, name in sketches)
    for line in tree["keywords.txt"].splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL1)", line), "keywords.txt wants one tab"
        assert re.search(rf"\b{line.split()[0]}\b", odd.header), "a keyword that nothing defines"
    assert f"{odd.prefix}_invoke\tKEYWORD2" in tree["keywords.txt"].splitlines()


def test_platformio_library(odd: Package) -> None:
    """library.json: required fields, types and lengths as PlatformIO's own validation has them."""
    tree = files("platformio", odd)
    manifest = json.loads(tree["library.json"])
    assert re.fullmatch(r"[^:;/,@<>]{1,100}", manifest["name"])
    assert SEMVER.fullmatch(manifest["version"])
    assert 1 <= len(manifest["description"]) <= 1000
    assert all(re.fullmatch(r"[a-z][a-z\d\-_ ]*[a-z]", keyword) and len(keyword) <= 50 for keyword in manifest["keywords"])
    assert manifest["license"] == "Apache-2.0"
    assert all(set(author) <= {"name", "email", "maintainer", "url"} and author["name"] for author in manifest["authors"])
    assert f"{manifest['build']['includeDir']}/{manifest['headers']}" in tree
    assert f"{manifest['build']['srcDir']}/{odd.prefix}.c" in tree
    for example in manifest["examples"]:
        assert set(example) == {"name", "base", "files"}
        assert re.fullmatch(r"[a-zA-Z\d\-_/\. ]{1,100}", example["name"])
        assert all(f"{example['base']}/{name}" in tree for name in example["files"])
    project = configparser.ConfigParser()
    project.read_string(tree["examples/golden_vectors/platformio.ini"])
    assert f"env:{project['platformio']['default_envs']}" in project
    assert all(project[section]["platform"] for section in project.sections() if section.startswith("env:"))
    assert project["env"]["lib_deps"] == f"{odd.prefix}=symlink://../.."


def test_zephyr_module(odd: Package) -> None:
    """zephyr/module.yml by the schema of zephyr_module.py; Kconfig, prj.conf and CMake speak of one switch."""
    tree = files("zephyr", odd)
    module = yaml.safe_load(tree["zephyr/module.yml"])
    assert set(module) <= {"name", "build", "tests", "samples", "boards", "blobs", "package-managers", "security"}
    assert set(module["build"]) <= {"cmake", "kconfig", "cmake-ext", "kconfig-ext", "depends", "settings"}
    assert f"{module['build']['cmake']}/CMakeLists.txt" in tree
    assert module["build"]["kconfig"] in tree
    assert all(any(path.startswith(f"{folder}/") for path in tree) for folder in module["samples"])
    switches = re.findall(r"^config (\w+)$", tree["zephyr/Kconfig"], re.MULTILINE)
    assert switches == [odd.macro]
    body = tree["zephyr/Kconfig"].splitlines()[1:]
    assert all(line.startswith("\t") for line in body), "Kconfig indents by tabs, help by two spaces more"
    assert f"CONFIG_{odd.macro}=y" in tree["samples/golden_vectors/prj.conf"].splitlines()
    assert f"if(CONFIG_{odd.macro})" in tree["zephyr/CMakeLists.txt"]


def test_zephyr_testcase() -> None:
    cases = yaml.safe_load(files("zephyr")["samples/golden_vectors/testcase.yaml"])
    assert set(cases) <= {"sample", "common", "tests"}
    assert list(cases["tests"]) == ["tinykd.small.golden_vectors"]  # twister wants at least one dot
    case = cases["tests"]["tinykd.small.golden_vectors"]
    assert case["harness"] == "console"
    (pattern,) = case["harness_config"]["regex"]
    assert re.search(pattern, "small: 16 golden vectors, 0 output bytes differ")
    assert not re.search(pattern, "small: 16 golden vectors, 10 output bytes differ")


def test_esp_idf_component(odd: Package) -> None:
    """idf_component.yml: fields of the component manager; the example finds the component above it."""
    tree = files("esp-idf", odd)
    manifest = yaml.safe_load(tree["idf_component.yml"])
    known = {
        "version",
        "targets",
        "maintainers",
        "description",
        "license",
        "tags",
        "dependencies",
        "files",
        "url",
        "repository",
        "examples",
    }
    assert set(manifest) <= known
    assert SEMVER.fullmatch(manifest["version"])
    assert manifest["url"] == odd.url
    example = "examples/golden_vectors/main/"
    dependencies = yaml.safe_load(tree[f"{example}idf_component.yml"])["dependencies"]
    ((name, dependency),) = dependencies.items()
    assert name == odd.prefix
    assert Path("/c", example, dependency["override_path"]).as_posix().count("/..") == 3
    assert f"REQUIRES {odd.prefix}" in tree[f"{example}CMakeLists.txt"]
    assert f'SRCS "src/{odd.prefix}.c"' in tree["CMakeLists.txt"]


def test_cmsis_pack_description(odd: Package) -> None:
    """PACK.xsd: order does not matter, names and versions have patterns, every file exists and none is left out."""
    tree = files("cmsis-pack", odd)
    root = ElementTree.fromstring(tree[f"tinykd.{odd.model}.pdsc"].encode())
    assert root.tag == "package"
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", root.attrib["schemaVersion"])
    for field in ("vendor", "name"):
        assert re.fullmatch(r"[\-_A-Za-z0-9]+", root.findtext(field) or "")
    assert root.findtext("url") == odd.url
    assert root.findtext("license") in tree
    description = root.find("description")
    assert description is not None
    assert description.attrib["overview"] in tree
    releases = root.findall("releases/release")
    assert [release.attrib["version"] for release in releases] == [odd.version]
    (component,) = root.findall("components/component")
    for field in ("Cclass", "Cgroup"):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+()'/\-\s.]{1,31}", component.attrib[field])
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+():/\- .]{0,31}", component.attrib["Csub"])
    assert component.attrib["Cversion"] == odd.version
    listed = [file.attrib for file in component.iter("file")]
    assert {file["category"] for file in listed} <= {"doc", "include", "header", "source"}
    for file in listed:
        assert any(path.startswith(file["name"]) for path in tree) if file["name"].endswith("/") else file["name"] in tree
        assert ("select" in file) == (file.get("attr") == "template")
    named = {file["name"] for file in listed}
    assert {path for path in tree if path.endswith((".c", ".h"))} <= named


def test_cmsis_pack_archive() -> None:
    form, made = FORMATS["cmsis-pack"], package()
    tree = form.files(made)
    ((name, data),) = form.archives(made, tree).items()
    assert name == "tinykd.small.1.2.3.pack"  # vendor.name.version.pack, as tools look for it
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {path: archive.read(path).decode() for path in archive.namelist()} == tree
        assert "tinykd.small.pdsc" in archive.namelist(), "at the root"


@pytest.mark.parametrize("bad", ["", "1", "1.2", "v1.2.3", "1.2.3-rc1", "1.2.3\n", "01.2.3", "1.2.3;x"])
def test_versions_that_no_package_may_bear(bad: str) -> None:
    with pytest.raises(UsageError, match="version"):
        Publication(bad, "https://example.com/")


@pytest.mark.parametrize(
    "bad", ["", "example.com", "javascript:alert(1)", "https://", 'https://x/"y', "https://x/\nname=evil", "https://a b/"]
)
def test_addresses_that_no_package_may_bear(bad: str) -> None:
    with pytest.raises(UsageError, match="address"):
        Publication("1.0.0", bad)


def test_export_writes_the_package_where_the_framework_looks(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "libraries"
    outcome = tinykd("export", model, "--format", "arduino", "--no-build", "--out", folder, "--json")
    assert outcome.returncode == 0, outcome.stderr
    assert [path.name for path in folder.iterdir()] == ["tinykd_small"]
    assert all(Path(path).is_file() for path in json.loads(outcome.stdout)["files"])
    other = tinykd("export", model, "--format", "arduino", "--no-build", "--name", "second", "--out", folder)
    assert other.returncode == 0, other.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["tinykd_second", "tinykd_small"]


def test_export_again_in_another_format_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    for form in ("arduino", "platformio"):
        assert tinykd("export", model, "--format", form, "--no-build", "--out", tmp_path / "lib").returncode == 0
    there = {path.relative_to(tmp_path / "lib" / "tinykd_small").as_posix() for path in (tmp_path / "lib").rglob("*") if path.is_file()}
    assert there == {*files("platformio"), "tinykd_package.json"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--format", "arduino", "--package-version", "1.0"], "three numbers"),
        (["--format", "cmsis-pack", "--package-url", "nowhere"], "https://"),
        (["--format", "zephyr", "--name", "n" * (LONGEST_NAME + 1)], "--name"),
        (["--format", "sketch"], "arduino"),
    ],
)
def test_refused_before_anything_is_written(model: Path, tmp_path: Path, arguments: list[str], says: str) -> None:
    outcome = tinykd("export", model, "--out", tmp_path / "lib", *arguments)
    assert outcome.returncode == 2
    assert says in outcome.stderr
    assert not (tmp_path / "lib").exists()


def test_a_library_of_the_users_own_is_left_alone(model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "tinykd_small" / "src" / "tinykd_small.c"
    mine.parent.mkdir(parents=True)
    mine.write_text("int mine;\n")
    outcome = tinykd("export", model, "--format", "arduino", "--no-build", "--out", tmp_path)
    assert outcome.returncode == 2
    assert mine.read_text() == "int mine;\n"


def test_packages_obey_the_budget(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--format", "cmake", "--flash", "1KiB", "--out", tmp_path / "lib")
    assert outcome.returncode == 3
    assert "flash is" in outcome.stderr
