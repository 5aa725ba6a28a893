"""Speed and quality beside other libraries, which live in .venv-peers, an environment of their own. Called by course.py.

python -m utils.instructor.bench [attacks | proven | published | defences | transfer | gans | tips | generative | augmentation |
                                  moments | explain] [WORD ...]
"""
import os
import subprocess
import sys
import venv
from pathlib import Path

from utils.instructor.files import ROOT

PEERS = ROOT / ".venv-peers"


def bench(words: list[str]) -> int:
    """Run the comparison that the first word names, by default that of speed."""
    if words[:1] == ["gans"]:
        return subprocess.run([sys.executable, "-P", "-m", "utils.instructor.gan_recipes", *words[1:]]).returncode
    if words[:1] in (["proven"], ["published"], ["defences"], ["transfer"], ["tips"], ["generative"], ["augmentation"]):
        return subprocess.run([sys.executable, "-P", "-m", f"utils.instructor.{words[0]}", *words[1:]]).returncode
    if words[:1] in (["moments"], ["explain"]):
        return subprocess.run([sys.executable, "-P", f"tests/bench_{words[0]}.py", *words[1:]], cwd=ROOT).returncode
    python = PEERS / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not set_up(python):
        print("bench: the libraries to compare with could not be installed: check the network.", file=sys.stderr)
        return 1
    script, rest = ("bench_attacks.py", words[1:]) if words[:1] == ["attacks"] else ("bench.py", words)
    variables = os.environ | {"COURSE_PEERS": str(python)}
    return subprocess.run([sys.executable, "-P", f"tests/{script}", *rest], cwd=ROOT, env=variables).returncode


def set_up(python: Path) -> bool:
    """Whether the libraries are there; they are installed when they are not."""
    command = [str(python), "-c", "import torch, foolbox, art, numba, adv_lib"]
    if python.exists() and subprocess.run(command, capture_output=True).returncode == 0:
        return True
    print("Setting up the libraries to compare with in .venv-peers: once, a few minutes.", flush=True)
    venv.create(PEERS, with_pip=True, clear=True)
    return not any(subprocess.run([str(python), "-m", "pip", "--quiet", "install", *options]).returncode for options in (
        ["-r", str(ROOT / "tests" / "peers.txt")], ["--no-deps", "-r", str(ROOT / "tests" / "peers_alone.txt")]))


if __name__ == "__main__":
    sys.exit(bench(sys.argv[1:]))
