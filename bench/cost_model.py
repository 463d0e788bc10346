"""Fits the table of `tinykd/compile/specialise/cost.py` to profiles, and prints it.

    python bench/cost_model.py FOLDER [--model mlperf_kws ...] [--target m55 m4 m3] [--check]

Every model of the folder is profiled on every target in QEMU, whole and in chains, at last with portable kernels alone. Each kernel is
fitted on the first target that runs it, so that relative errors are least and no constant is negative. With --check the table stays
as it is and its errors are printed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Call
from tinykd.compile.specialise.cost import COSTS, UNKNOWN, Cost, Work, work
from tinykd.deploy.export import export
from tinykd.deploy.profile import profile
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import choose_vectors
from tinykd.recipe.model import Export
from tinykd.target.features import FEATURES

MODELS = ("mlperf_kws", "mlperf_vww", "mlperf_ic", "mlperf_ad", "tinyengine_vww")
TARGETS = ("m55", "m4", "m3")


@dataclass(frozen=True)
class Observation:
    """One layer as it ran."""

    kernel: str
    target: str
    layer: str
    work: Work
    instructions: int


def observations(path: Path, target: str, optimize: str) -> Iterator[Observation]:
    """Every layer of a model on a target; those of chains with a call a row."""
    source = open_source(path)
    with tempfile.TemporaryDirectory() as name:
        exported = export(source, Export.model_validate({"target": target, "optimize": optimize}), Path(name) / "export")
        found = profile(exported, choose_vectors(exported, 1, 0).inputs[0], toolchain="gcc")
    measured = {row.index: row.instructions for step in found.layers for row in (step.members or (step,))}
    for layer in exported.program.layers:
        if isinstance(layer.call, Call) and layer.index in measured:
            rows = exported.plan.schedule.rows_at(layer.index)
            done = work(exported.program, layer, 1 if rows is None else rows.count)
            yield Observation(layer.call.source, target, f"{path.stem} {layer.index}, {optimize}", done, measured[layer.index])


def fitted(seen: Sequence[Observation]) -> Cost:
    """The cost with the least relative errors; constants that would be negative are 0, as are those that too few layers show."""
    units = np.array([astuple(one.work) for one in seen], np.float64)
    counts = np.array([one.instructions for one in seen], np.float64)
    preferred = (0, 1, 4, 2, 3) if units[:, 0].any() else (2, 1, 4, 3)  # columns of `Work`
    used = [column for column in preferred if units[:, column].any()][: max(1, len(np.unique(units, axis=0)) - 1)]
    while True:
        scaled = units[:, used] / counts[:, None]
        size = np.abs(scaled).max(axis=0)
        # a ridge so small that it only decides between columns that say the same
        rows = np.vstack([scaled / size, 1e-4 * np.eye(len(used))])
        solution = np.linalg.lstsq(rows, np.concatenate([np.ones(len(seen)), np.zeros(len(used))]), rcond=None)[0] / size
        if (solution >= 0).all() or len(used) == 1:
            break
        used.pop(int(np.argmin(solution * size)))
    constants: Array = np.zeros(units.shape[1])
    constants[used] = np.maximum(solution, 0)
    return Cost(*(float(f"{value:.3g}") for value in constants))


def main() -> None:
    """Measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", nargs="+", default=list(MODELS))
    parser.add_argument("--target", nargs="+", default=list(TARGETS))
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    own = dict[str, list[Observation]]()
    for target, model, optimize in product(given.target, given.model, ("speed", "ram")):
        for one in observations(given.folder / f"{model}.tflite", target, optimize):
            if target == own.get(one.kernel, [one])[0].target:
                own.setdefault(one.kernel, []).append(one)
    with patch.dict(FEATURES, clear=True):
        for target, model in product(given.target[-1:], given.model):
            for one in observations(given.folder / f"{model}.tflite", target, "speed"):
                if own.get(one.kernel, [one])[0].target == target:
                    own.setdefault(one.kernel, []).append(one)
    for kernel, seen in sorted(own.items()):
        cost = COSTS.get(kernel, UNKNOWN) if given.check else fitted(seen)
        errors = [cost.of(one.work) / one.instructions - 1 for one in seen]
        worst = max(range(len(seen)), key=lambda k: abs(errors[k]))
        constants = ", ".join(f"{field.name}={getattr(cost, field.name):g}" for field in fields(cost))
        print(f"    # {seen[0].target}, {len(seen)} layers, worst {100 * errors[worst]:+.0f} % ({seen[worst].layer})")
        print(f'    "{kernel}": Cost({constants}),')


if __name__ == "__main__":
    main()
