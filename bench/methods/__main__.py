"""Every loss and scheme on one real task: accuracy, fidelity to the teacher and time, over several seeds.

CIFAR-10 at a small budget (`--samples` of its images, `--epochs`), student a DS-CNN of 13,034 parameters, teacher ResNet-8. All rows
share the schedule, the first weights, the images and their views. Trainings are resumable: the
same command goes on, `--table` shows what is there.

    python bench/methods OUT [--data-dir DIR] [--seeds 0,1,2] [--only kd,attention] [--jobs 2] [--teacher FILE --outputs probabilities]
    python bench/methods OUT --steps steps.csv --table docs/methods/comparison
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from table import write_table
from task import Budget, names

HERE = Path(__file__).parent


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of results; outside the repository")
    parser.add_argument("--data-dir", type=Path, help="where cifar10 is; downloaded by default")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--only", default=",".join(names()))
    parser.add_argument("--samples", type=int, default=2_500)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--views", type=int, default=16)
    parser.add_argument("--teacher", type=Path, help="a trained teacher; by default one is trained on all images first")
    parser.add_argument("--teacher-epochs", type=int, default=15)
    parser.add_argument("--outputs", choices=("logits", "probabilities"), default="logits", help="what the given teacher returns")
    parser.add_argument("--jobs", type=int, default=1, help="processes, of one thread each")
    parser.add_argument("--share", default="0/1", help="I/N: every N-th training, from the I-th; set by --jobs")
    parser.add_argument("--table", type=Path, help="write TABLE.csv and TABLE.svg of the results, train nothing")
    parser.add_argument("--steps", type=Path, help="costs of a step, as bench/distillation_step.py --csv writes them")
    arguments = parser.parse_args()
    if arguments.table is None:
        _train(arguments)
    if arguments.share == "0/1":
        write_table(arguments.out, arguments.table, arguments.steps)


def _train(arguments: argparse.Namespace) -> None:
    if arguments.jobs > 1:
        command = [sys.executable, str(HERE), *sys.argv[1:], "--jobs", "1", "--share"]
        children = [subprocess.Popen([*command, f"{number}/{arguments.jobs}"]) for number in range(arguments.jobs)]
        for child in children:
            child.wait()
        return
    from training import measured, teacher_file

    from tinykd.distill.keras_modules import tensorflow

    tensorflow().config.threading.set_intra_op_parallelism_threads(1)
    tensorflow().config.threading.set_inter_op_parallelism_threads(1)
    budget = Budget(arguments.samples, arguments.epochs, arguments.views)
    teacher = arguments.teacher or teacher_file(arguments.out, arguments.data_dir, arguments.teacher_epochs, arguments.views)
    mine, jobs = (int(part) for part in arguments.share.split("/"))
    rows = [(name, int(seed)) for name in arguments.only.split(",") for seed in arguments.seeds.split(",")]
    for name, seed in rows[mine::jobs]:
        try:
            values = measured(arguments.out, name, seed, budget, teacher, arguments.outputs, arguments.data_dir)
        except Exception as error:  # one method that fails shall not cost the others' hours
            print(f"{name:<28} seed {seed}  failed: {type(error).__name__}: {error}", flush=True)
            continue
        print(f"{name:<28} seed {seed}  {values['accuracy']:.2%}  {values['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
