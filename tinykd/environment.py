"""What a run was computed with: `environment.json`, one entry a process that worked in the run directory.

Equal bytes are promised for the same recipe, seed, packages, machine and number of threads: sums of floats depend on the order
of their terms, which depends on the threads and on the instructions that the processor has. All of that is in here.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tinykd import __version__
from tinykd.resources import PACKAGE
from tinykd.run import RunDirectory

FILE = "environment.json"

#: Instruction sets by which numerical libraries choose their kernels, as Linux names them.
INSTRUCTION_SETS = ("sse4_2", "avx", "fma", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_tile", "asimd", "asimddp", "sve", "i8mm")

#: Variables that change what is computed, or in which order.
VARIABLES = re.compile(
    r"TF_(NUM|ENABLE|DISABLE|USE|DETERMINISTIC|CUDNN|GPU|XLA|FORCE)_\w+|(OMP|MKL|OPENBLAS|XLA|CUDA|KERAS|NVIDIA)_\w+|PYTHONHASHSEED"
)


@dataclass(frozen=True)
class Environment:
    """Of one process.

    Attributes:
        command: What was asked for; the same command makes the same result.
        tinykd: Version.
        source_sha256: Of tinykd's own Python files.
        python: Version and implementation.
        system: Kernel and architecture.
        processor: Its name, or the architecture where the system does not say.
        instruction_sets: Of `INSTRUCTION_SETS`, those that the processor has.
        cores: That the process may use.
        memory_bytes: Of the machine; None where the system does not say.
        accelerators: Names of NVIDIA devices.
        variables: Environment variables that matter (`VARIABLES`).
        packages: Every installed distribution and its version.
    """

    command: str
    tinykd: str
    source_sha256: str
    python: str
    system: str
    processor: str
    instruction_sets: tuple[str, ...]
    cores: int
    memory_bytes: int | None
    accelerators: tuple[str, ...]
    variables: dict[str, str]
    packages: dict[str, str]


def environment(command: str) -> Environment:
    """Of this process; nothing heavy is imported to find out."""
    said = _read(Path("/proc/cpuinfo"))
    flags = set(" ".join(re.findall(r"^(?:flags|Features)\s*:\s*(.*)$", said, re.MULTILINE)[:1]).split())
    name = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.*)$", said, re.MULTILINE)
    devices = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    return Environment(
        command=command,
        tinykd=__version__,
        source_sha256=_source_hash(),
        python=f"{platform.python_version()} {platform.python_implementation()}",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=name[1].strip() if name else platform.processor() or platform.machine(),
        instruction_sets=tuple(one for one in INSTRUCTION_SETS if one in flags),
        cores=cores(),
        memory_bytes=_memory(),
        accelerators=tuple(model[1].strip() for device in devices if (model := re.search(r"^Model:(.*)$", _read(device), re.MULTILINE))),
        variables={key: value for key, value in sorted(os.environ.items()) if VARIABLES.fullmatch(key)},
        packages=dict(sorted(_packages())),
    )


def record_environment(run: RunDirectory, command: str) -> None:
    """Add this process to the run's `environment.json`, unless the last entry is the same but for its time."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(environment(command))))
    earlier = (run.read_json(FILE) or {}).get("processes")
    processes: list[dict[str, Any]] = [one for one in earlier if isinstance(one, dict)] if isinstance(earlier, list) else []
    if processes and {key: value for key, value in processes[-1].items() if key != "started"} == found:
        return
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    run.write_json(FILE, {"processes": [*processes, {"started": started, **found}]})


def _packages() -> Iterator[tuple[str, str]]:
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            yield name.lower().replace("_", "-"), distribution.version


def cores() -> int:
    """Of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _source_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
