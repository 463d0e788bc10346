"""Instructions, flash and RAM of every `.tflite` of a folder, beside what TFLite Micro with CMSIS-NN takes for the same model.

    python bench/inference.py FOLDER [--target m4] [--optimize speed]

Counts are instructions of one inference in QEMU (`-icount shift=0`), not time. Every model is verified in the same run.
TFLite Micro's arena is measured here, if the `tflite-micro` package is installed; its instructions are those of its
arm-none-eabi build with CMSIS-NN on the same emulated Cortex-M4, measured once (gcc 12, -O3).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tinykd.compile.tflm import arena_bytes
from tinykd.deploy.export import export
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import check, choose_vectors, verify
from tinykd.errors import TinykdError
from tinykd.recipe.model import Export

TFLM_M4 = {"mlperf_kws": 7.85e6, "mlperf_vww": 24.72e6, "mlperf_ic": 29.87e6, "mlperf_ad": 0.58e6, "tinyengine_vww": 49.38e6}
"""Instructions of one inference by TFLite Micro with CMSIS-NN on Cortex-M4F."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--target", default="m4")
    parser.add_argument("--optimize", default="speed", choices=["size", "speed", "balanced", "ram"])
    given = parser.parse_args()
    print(f"{'model':<38}{'instructions':>14}{'per MAC':>9}{'of TFLM':>9}{'code':>9}{'weights':>10}{'arena':>9}{'TFLM arena':>12}")
    for path in sorted(given.folder.glob("*.tflite")):
        try:
            with tempfile.TemporaryDirectory() as name:
                source = open_source(path)
                exported = export(source, Export(target=given.target, optimize=given.optimize), Path(name) / "export")
                proof, memory = verify(exported, choose_vectors(exported, 3, 0))
                check(proof)
        except TinykdError as error:
            print(f"{path.stem:<38}{error.message.splitlines()[0][:90]}")
            continue
        reference = TFLM_M4.get(path.stem) if given.target in ("m4", "cortex-m", "cortex-m4") else None
        ratio = f"{proof.instructions / reference:.2f}" if reference else ""
        per_mac = f"{proof.instructions_per_mac:.2f}" if proof.instructions_per_mac else ""
        measured = arena_bytes(source.model)
        print(
            f"{path.stem:<38}{proof.instructions:>14,}{per_mac:>9}{ratio:>9}{memory.code_bytes:>9,}{memory.weights_bytes:>10,}"
            f"{memory.arena_bytes:>9,}{f'{measured:,}' if measured else '':>12}"
        )


if __name__ == "__main__":
    main()
