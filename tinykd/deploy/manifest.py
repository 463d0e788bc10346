"""Write `manifest.json` for a run and its export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinykd import __version__
from tinykd.deploy.export import Exported
from tinykd.deploy.source import MANIFEST as LIST
from tinykd.deploy.source import STUDENT, Source
from tinykd.errors import BrokenChain, UsageError
from tinykd.report.distillation import Distillation
from tinykd.report.manifest import FILE, Link, Manifest, Measured, Proved, SourceFile, Trained, forge, read_manifest, sources_hash
from tinykd.report.memory import Memory
from tinykd.report.run import RunReport, open_report
from tinykd.report.verification import Verification
from tinykd.run import RunDirectory, file_hash, write_atomically


@dataclass(frozen=True)
class Built:
    """What was made of an export: the source tree and the images, None where there is none."""

    files: tuple[SourceFile, ...]
    image: Path | None
    device: Path | None


def record_manifest(exported: Exported, image: Path | None, device: Path | None = None) -> tuple[Path, ...]:
    """Write the manifest into the export, and into the run that it came from; returns the files.

    Args:
        image: the ELF for the emulator that was built from the export just now; None where none was.
        device: likewise the ELF for the board itself; one that an earlier manifest names stays where the sources are still the same.
    """
    built = Built(source_files(exported), image, device or _kept_device(exported))
    folders = [exported.folder]
    if exported.source.run is not None:
        folders.append(exported.source.run.root)
    for folder in folders:
        write_manifest(folder, manifest_of_export(exported, built, folder))
    return tuple(folder / FILE for folder in folders)


def record_run_manifest(run: RunDirectory) -> Path:
    """Write the manifest of a run as far as its int8 model, unless there is one already that says the same and more."""
    int8 = file_hash(run.path(STUDENT))
    report = _about(open_report(run.root).distillation, int8)
    links = upstream(run, report, int8, run.root)
    path = run.path(FILE)
    try:
        there = read_manifest(path).links if path.exists() else ()
    except UsageError:
        there = ()
    if there[: len(links)] != links:
        name = report.recipe if report else run.root.resolve().name
        write_manifest(run.root, Manifest(tinykd=__version__, model=name, links=links, trained=_trained(report)))
    return path


def refresh_manifest(exported: Exported) -> None:
    """Write the manifest after something was exported that was not built as it is: without an image, unless the sources are the same."""
    if current_manifest(exported) is None:
        record_manifest(exported, None)


def current_manifest(exported: Exported) -> Manifest | None:
    """The export's manifest, if it is one and is about these very sources."""
    try:
        found = read_manifest(exported.folder / FILE)
    except UsageError:
        return None
    return found if found.files == source_files(exported) else None


def built_image(exported: Exported, sha256: str | None) -> Path | None:
    """The image with this hash among those built in the export."""
    images = sorted((exported.folder / "build").glob("*/firmware.elf"))
    return next((image for image in images if file_hash(image) == sha256), None)


def manifest_of_export(exported: Exported, built: Built, folder: Path) -> Manifest:
    """The manifest of an export, with paths relative to `folder`, which holds the export or is it."""
    source, root = exported.source, exported.folder
    report = _report(source, root)
    training = _about(report.distillation, source.graph.model_sha256)
    links = upstream(source.run, training, source.graph.model_sha256, folder)
    if links[-1].path is None and root.resolve() == folder.resolve():
        copy = root / f"{source.graph.name}.tflite"
        links = (*links[:-1], links[-1].model_copy(update={"path": copy.name}))
    image = built.image
    links = (*links, forge(links, "sources", sources_hash(built.files), _inside(root, folder), ("int8",)))
    memory, proof = report.memory, report.verification
    if image is not None:
        links = (*links, forge(links, "image", file_hash(image), _inside(image, folder), ("sources",)))
    proven = links[-1].sha256
    if built.device is not None:
        links = (*links, forge(links, "device", file_hash(built.device), _inside(built.device, folder), ("sources",)))
    return Manifest(
        tinykd=__version__,
        model=source.graph.name,
        links=links,
        files=built.files,
        target=exported.target.name,
        rounding=exported.settings.rounding,
        optimize=exported.settings.optimize,
        toolchain=memory.toolchain if memory and image else "",
        trained=_trained(training),
        measured=_measured(memory) if memory and image else None,
        proved=_proved(proof, proven) if proof and image else None,
    )


def source_files(exported: Exported) -> tuple[SourceFile, ...]:
    """Every file of the source tree and the list of them, sorted by path."""
    paths = sorted({*exported.files, LIST}, key=str.encode)
    return tuple(SourceFile(path=path, sha256=file_hash(exported.folder / path)) for path in paths)


def upstream(run: RunDirectory | None, report: Distillation | None, int8: str, folder: Path) -> tuple[Link, ...]:
    """The links up to the int8 model, whose SHA-256 is `int8`; the model alone where there is no report about it.

    Teacher and student have the hashes of the report, so that a file replaced since then shows when the manifest is checked.
    """
    model = None if run is None else _inside(run.path(STUDENT), folder)
    if run is None or report is None:
        return (forge((), "int8", int8, model, ()),)
    teacher, student = run.path("teacher.keras"), run.path("student.keras")
    trained_here = teacher.exists() and file_hash(teacher) == report.hashes["teacher"]
    links: tuple[Link, ...] = (forge((), "data", report.hashes["data"], None, ()),)
    if trained_here:
        links = (*links, forge(links, "teacher", report.hashes["teacher"], _inside(teacher, folder), ("data",)))
    else:
        links = (*links, forge(links, "teacher", report.hashes["teacher"], None, ()))
    there = _inside(student, folder) if student.exists() else None
    links = (*links, forge(links, "student", report.hashes["student"], there, ("data", "teacher")))
    return (*links, forge(links, "int8", int8, model, ("data", "teacher", "student")))


def require_measured(source: Source) -> None:
    """Raise BrokenChain where the run's report is about another int8 model than the one there now."""
    report = None if source.run is None else _report(source, source.folder).distillation
    if report is not None and report.hashes["int8"] != source.graph.model_sha256:
        raise BrokenChain(
            f"the int8 model ({source.graph.model_sha256[:16]}...) is not the one that the run's report measured "
            f"({report.hashes['int8'][:16]}...)",
            "run tinykd distill again: it computes what was replaced",
        )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest` into `folder`; equal manifests give equal bytes."""
    write_atomically(folder / FILE, (manifest.model_dump_json(indent=2) + "\n").encode())


def _report(source: Source, export: Path) -> RunReport:
    """The run's accuracy, and the export's own memory and proof."""
    try:
        own = open_report(export)
    except UsageError:
        own = RunReport.model_validate({})
    if source.run is None or source.run.read_json("report.json") is None:
        return own
    return own.model_copy(update={"distillation": open_report(source.run.root).distillation})


def _kept_device(exported: Exported) -> Path | None:
    """The board's image that the export's manifest names, if it was made from these very sources and is still the same."""
    before = current_manifest(exported)
    link = before.link("device") if before else None
    if link is None or link.path is None:
        return None
    path = exported.folder / link.path
    return path if path.is_file() and file_hash(path) == link.sha256 else None


def _about(report: Distillation | None, int8: str) -> Distillation | None:
    """The report, if it is about the int8 model with this SHA-256."""
    return report if report is not None and report.hashes["int8"] == int8 else None


def _inside(path: Path, folder: Path) -> str | None:
    """`path` relative to `folder`, None where it lies elsewhere."""
    whole, within = path.resolve(), folder.resolve()
    return whole.relative_to(within).as_posix() if whole.is_relative_to(within) else None


def _trained(report: Distillation | None) -> Trained | None:
    if report is None:
        return None
    return Trained(
        recipe=report.recipe,
        seed=report.seed,
        command=report.command,
        test_samples=report.samples.test,
        accuracy=report.accuracy,
        versions=report.versions,
    )


def _measured(memory: Memory) -> Measured:
    return Measured(flash_bytes=memory.flash_bytes, ram_bytes=memory.ram_bytes, stack_bytes=memory.stack_bytes, budget=memory.budget)


def _proved(proof: Verification, image: str) -> Proved | None:
    """The proof, if it is about this image and no other."""
    if proof.image_sha256 != image:
        return None
    return Proved(
        emulator=proof.emulator,
        reference=proof.reference,
        samples=proof.samples,
        compared=proof.compared,
        differences=proof.differences,
        layers_compared=proof.layers_compared,
        accuracy=proof.accuracy,
    )
