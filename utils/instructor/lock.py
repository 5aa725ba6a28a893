"""requirements.lock and environment.yml from pyproject.toml. Called by course.py.

python -m utils.instructor.lock
"""
import re
import subprocess
import sys

from utils.instructor.files import ROOT, write_whole

PYTHON = "3.11"  # the lock holds for this version and later ones


def lock() -> int:
    """Write requirements.lock (exact versions with hashes, for every system) and environment.yml."""
    draft = ROOT / "requirements.lock.part"
    command = ["-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--generate-hashes",
               "--no-emit-index-url", "--no-emit-find-links", "--fork-strategy", "fewest", "--python-version", PYTHON,
               "--custom-compile-command", "python3 course.py lock", "--output-file", draft.name]
    status = subprocess.run([sys.executable, *command], cwd=ROOT).returncode
    if status == 0:
        draft.replace(ROOT / "requirements.lock")
        write_whole(ROOT / "environment.yml", environment_yml((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    return status


def environment_yml(pyproject: str) -> str:
    """environment.yml for conda: the lock, and of each direct dependency what it is for."""
    uses = re.findall(r'^    "([^;"]+)[^"]*",  # (.+)$', pyproject, re.MULTILINE)
    return "\n".join(["# Made by `python3 course.py lock` from pyproject.toml: change it there.", "name: course",
                      "channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}", "  - pip", "  - pip:",
                      "    - -r requirements.lock", *(f"    # {package}: {use}" for package, use in uses), ""])


if __name__ == "__main__":
    sys.exit(lock())
