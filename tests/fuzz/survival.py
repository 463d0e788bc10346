"""Mutated `.tflite` files through the compiler, in a process with a memory limit: `python -m tests.fuzz.survival FIRST COUNT`.

Prints one JSON object: how many files became what, and everything that was neither a Graph nor a TinykdError.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from types import FrameType
from typing import Any

import numpy as np

from tests.fuzz.mutation import mutated, places
from tests.fuzz.seeds import seed_models
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Graph
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Program, lower
from tinykd.compile.reader import read_model
from tinykd.errors import TinykdError

SLOWEST_SECONDS = 2.0
MOST_BYTES = 1 << 31
LARGEST_EMITTED_BYTES = 1 << 20
"""Constants of models whose C is written here: mutations make tables of up to 256 MB out of one element."""


class TooSlow(BaseException):
    """One file took more than `SLOWEST_SECONDS`; no `except Exception` on the way may swallow it."""


def _alarm(_: int, __: FrameType | None) -> None:
    raise TooSlow


def survive(data: bytes, library: dict[str, str]) -> str:
    """Read, lower, plan, rewrite and write `data`; says how far it came.

    Raises:
        TinykdError: never; anything else that is raised is a defect.
    """
    try:
        graph = read_model(data)
    except TinykdError:
        return "refused by the reader"
    compiled = []
    for compile_one in (lower, _rewritten):
        try:
            compiled.append(compile_one(graph))
            plan(compiled[-1])
        except TinykdError:
            continue
    for one in compiled:
        if _table_bytes(one) <= LARGEST_EMITTED_BYTES:
            tree.model_files(one, plan(one), library)
    return "compiled" if compiled else "refused by the operators"


def _rewritten(graph: Graph) -> Program:
    """The search for the best order of layers is left out: its time, though bounded, is seconds for a graph of many branches."""
    return compile_graph(graph, without=("order-layers",))


def _table_bytes(program: Program) -> int:
    return sum(getattr(v, "values", np.empty(0)).nbytes for layer in program.layers for v in getattr(layer.call, "fields", {}).values())


def _place_of(error: BaseException) -> str:
    """The innermost line of tinykd's own code: failures of one place are one failure."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tinykd/" in f.filename]
    return f"{frames[-1].filename.split('/tinykd/')[-1]}:{frames[-1].lineno}" if frames else "?"


def main(first: int, count: int) -> dict[str, Any]:
    """Mutations number `first` to `first + count - 1`; the number is the seed."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    warnings.simplefilter("error")
    signal.signal(signal.SIGPROF, _alarm)
    models, library = seed_models(), kernel_library()
    names, known = list(models), {name: places(model) for name, model in models.items()}
    outcomes: Counter[str] = Counter()
    failures: dict[str, str] = {}
    slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, first + count):
        name = names[number % len(names)]
        data = mutated(models[name], known[name], np.random.default_rng([number, 1]))
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SLOWEST_SECONDS)
        try:
            outcomes[survive(data, library)] += 1
        except BaseException as error:  # whatever it is, it is what this process looks for
            if isinstance(error, KeyboardInterrupt):
                raise
            outcomes["failed"] += 1
            failures.setdefault(f"{type(error).__name__} at {_place_of(error)}", f"mutation {number} of '{name}': {error}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, time.process_time() - started)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "files": count,
        "models": len(models),
        "outcomes": dict(outcomes),
        "failures": failures,
        "slowest_seconds": round(slowest, 3),
        "grown_kib": grown,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
