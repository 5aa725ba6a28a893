"""Which inputs the hidden checks of a lab draw in one class.

Students have the code that draws them, so the number is the secret.
"""
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from utils.instructor.files import write_whole
from utils.instructor.grading import gradebook
from utils.instructor.grading.class_folder import CannotGrade
from utils.instructor.grading.examine_lab import Handed, Lab, examine

TRIES = 5  # numbers, before grading gives up
SOLUTION = ".solution"  # no student has this code


def of_class(out: Path, lab: Lab, seconds: int) -> int:
    """The number that `checks.other_inputs` gets for a lab in this class: drawn once, kept in `out`,
    and the lab's solution is right with it.

    seconds  for each cell of the solution, which runs without a sandbox

    Raises CannotGrade where the solution fails with TRIES numbers.
    """
    path = out / "inputs" / f"{lab.unit}.txt"
    with suppress(OSError, ValueError):
        return int(path.read_text(encoding="utf-8"))
    path.parent.mkdir(exist_ok=True)
    print(f"Inputs for the hidden checks of {lab.unit} are drawn, and tried with its solution.", file=sys.stderr)
    for _ in range(TRIES):
        number = secrets.randbelow(2**32)
        found = examine(Handed(SOLUTION, gradebook.SOLUTIONS / lab.unit, ""), lab._replace(variant=number), out, seconds,
                        isolated=False)
        shutil.rmtree(out / "submitted" / SOLUTION, ignore_errors=True)
        failed = [output.evalue for outputs in found.outputs or [] for output in outputs or [] if output.output_type == "error"]
        if found.outputs and not failed:
            write_whole(path, str(number))
            return number
    raise CannotGrade(f"The solution of {lab.unit} fails its own checks on this machine: {' '.join([*failed, *found.notes])}")
