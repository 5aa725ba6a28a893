"""The course from one command: python3 course.py COMMAND. Needs Python 3.11 to 3.13 and nothing else.

Each command first makes or completes the environment in .venv (a few minutes the first time, then at once).

  students     lab            open JupyterLab on your own copies of labs and lectures, in work/ (--update UNIT: take over
                              the new version of a lab, with your answers)
  instructors  miniproject    run the mini-project without a browser, results in build/miniproject/
               task           add a task to a lab: task UNIT NAME (the rules are in solutions/README.md)
               release        generate labs/ from solutions/ (--out DIR: a tree to give to students, or to renew)
               autograde      grade the labs of a class, with nbgrader: autograde DIR [UNIT ...] (--help has the rest)
               feedback       make the students' pages of what is graded: feedback DIR [UNIT ...]
               grade          grade a folder of mini-projects: grade DIR (--help has the rest)
               tournament     everybody's image against everybody's detector: tournament DIR (--help has the rest)
               slides         make build/slides/UNIT.html from the lectures (names of units, or all)
               execute        run notebooks and store their outputs (names of units, or all)
               weights        train again what data/weights/ holds, on built-in data (names, or all)
               figures        draw again what data/figures/ holds (names, or all; imagenet needs that network's weights)
               bench          measure speed against other libraries (attacks [WORD ...]: against theirs;
                              proven: against proven minima; published [WORD ...]: against published facts;
                              defences [WORD ...]: each against attackers who know it;
                              transfer [WORD ...]: attacks between models, and through labels;
                              tips [WORD ...]: tips for GANs, each with and without; gans [WORD ...]: recipes for GANs;
                              augmentation [WORD ...]: with and without, on changed images;
                              generative [WORD ...]: units 10 and 11 on MNIST, growing, second seeds;
                              moments [quick] [WORD ...]: formulas against Monte Carlo; explain [WORD ...]: explanations)
               acceptance     the full trainings, on real data too; the README's table is made from them (names, or all)
               study          the meta-parameter study of unit 04, resumable, on a cluster too (--help has the rest)
               mutants        change the right answers of the labs, and list what their checks let pass (names of labs, or all)
               lock           renew requirements.lock and environment.yml from pyproject.toml
  everyone     test           run everything that CI runs (further words go to pytest)
"""
from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = ENVIRONMENT / "course-complete"
NEEDED_BYTES = 4 * 2**30  # the environment takes 2.3 GB, and pip as much again for what it unpacks at one time
PYTHONS = ("3.11", "3.12", "3.13")
ELSEWHERE = ("autograde", "feedback", "grade", "tournament")  # commands that write nothing into the course's folder
MODULES = {  # what runs a command that is not utils.instructor.COMMAND
    "autograde": ["utils.instructor.autograde", "autograde"], "feedback": ["utils.instructor.autograde", "feedback"],
    "grade": ["utils.instructor.grading", "grade"], "tournament": ["utils.instructor.grading.tournament"]}

class SetUpError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def main(words: list[str]) -> int:
    if not words or words[0] not in commands():
        print(listing())
        return 0 if words in ([], ["help"], ["-h"], ["--help"]) else 2
    name, *rest = words
    if name not in commands(listing()):
        print(f"course.py: {name} is a command for instructors and needs the complete course. In this folder there is: "
              f"{', '.join(commands(listing()))}.", file=sys.stderr)
        return 2
    if {"-h", "--help"} & set(rest) and not (name in ELSEWHERE and is_complete()):
        print(help_of(name))
        return 0
    for ending in ("SIGTERM", "SIGHUP"):  # what a command has started ends with it
        if hasattr(signal, ending):
            signal.signal(getattr(signal, ending), lambda number, frame: sys.exit(128 + number))
    try:
        set_up()
        if name not in ELSEWHERE:
            check_writable()
        if name in ("lab", "test"):
            return {"lab": lab, "test": test}[name](rest)
        module = MODULES.get(name, [f"utils.instructor.{name}"])
        return run("-m", *module, *rest, folder=Path.cwd() if name in ELSEWHERE else ROOT)
    except SetUpError as error:
        print(f"course.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ncourse.py: stopped. Run the same command again: it goes on from here.", file=sys.stderr)
        return 130


def commands(text: str = __doc__) -> list[str]:
    """The names of the commands that a list of them has."""
    return re.findall(r"^.{15}([a-z]+) {2,}\S", text, re.MULTILINE)


def listing() -> str:
    """This file's head; without what is for instructors in a tree that `release --out` made, which has no solutions."""
    return __doc__ if (ROOT / "solutions").is_dir() else __doc__.split("  instructors ")[0]


def help_of(command: str) -> str:
    """What this file's head says of a command."""
    lines = __doc__.splitlines()
    start = next(number for number, line in enumerate(lines) if re.match(rf".{{15}}{command} ", line))
    end = next((number for number in range(start + 1, len(lines)) if lines[number][15:16] != " "), len(lines))
    said = " ".join(line[30:].strip() for line in lines[start:end])
    return f"python3 course.py {command}: {said}"


# The environment ------------------------------------------------------------------------------------------------------

def version_problem(version: tuple[int, int], found: list[str]) -> str | None:
    """What is wrong with this version of Python, given those of PYTHONS that were `found` on this machine."""
    name = f"{version[0]}.{version[1]}"
    if name in PYTHONS:
        return None
    remedy = (f"run: python{found[0]} course.py ..." if found else
              "install Python 3.11 beside it and run: python3.11 course.py ...")
    return f"this is Python {name}, but the course needs Python {', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}: {remedy}"


def disk_problem(free: int) -> str | None:
    """What is wrong with `free` bytes of disk."""
    if free >= NEEDED_BYTES:
        return None
    return (f"the disk has {free / 2**30:.1f} GB free, but setting up needs {NEEDED_BYTES / 2**30:.0f} GB: "
            f"free some space, or put the course on another disk.")


def set_up() -> None:
    """Make or complete .venv. Raises SetUpError with one sentence, before anything is changed where that is possible."""
    found = [version for version in PYTHONS if shutil.which(f"python{version}")]
    if problem := version_problem(sys.version_info[:2], found):
        raise SetUpError(problem)
    if is_complete():
        return
    check_writable()
    if not PYTHON.exists():
        if problem := disk_problem(shutil.disk_usage(ROOT).free):
            raise SetUpError(problem)
    print("Setting up the course in .venv: once, a few minutes.", flush=True)
    new = not (made_here() and works([PYTHON, "-m", "pip", "--version"]))
    if new:
        print("  1/3 making the environment", flush=True)
        make_environment()
    else:
        print("  1/3 taking up the environment that is there", flush=True)
    packages = ["install", "--require-hashes", "-r", str(ROOT / "requirements.lock")]
    if new or not works([PYTHON, "-m", "pip", *packages, "--no-index"]):  # all there already: no network needed
        check_network(remove=new)
        print("  2/3 downloading and installing the packages (the long step)", flush=True)
        pip(*packages)
    print("  3/3 installing the package utils", flush=True)
    pip("install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT))
    set_jupyterlab_up()
    write_whole(STAMP, stamp_of_environment())
    print("The environment is complete.", flush=True)


def is_complete() -> bool:
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp_of_environment()


def stamp_of_environment() -> str:
    """What the environment depends on; while it stays the same, the environment is complete."""
    files = [ROOT / name for name in ("requirements.lock", "pyproject.toml", "course.py")]
    return hashlib.sha256(b"".join([*(path.read_bytes() for path in files),
                                    str(ROOT).encode(), sys.version.encode()])).hexdigest()


def made_here() -> bool:
    """Whether .venv was made in this folder. Its scripts (jupyter, nbgrader) hold its path and break when it is moved."""
    script = PYTHON.with_name("pip.exe" if os.name == "nt" else "pip")
    return script.is_file() and os.fsencode(PYTHON.parent) in script.read_bytes()


def check_writable() -> None:
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise SetUpError(disk_problem(0)) from None
        raise SetUpError(f"the folder {ROOT.name} cannot be written to ({error.strerror}): "
                         f"copy the course to a folder of your own and run it there.") from None


def make_environment() -> None:
    if ENVIRONMENT.is_symlink():  # venv would first empty the folder that it leads to, then refuse the link
        raise SetUpError(f".venv is a link to {ENVIRONMENT.resolve()}, an environment that was made elsewhere; nothing was "
                         f"changed. Delete the link (not what it leads to) and run the command again.")
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SetUpError("this Python has no module ensurepip: install it "
                         "(on Debian and Ubuntu: sudo apt install python3-venv) and run the command again.") from None
    except OSError as error:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SetUpError(f"the environment cannot be made ({error.strerror}).") from None


def check_network(remove: bool) -> None:
    """Fetch the smallest package of the lock, to say in one sentence that there is no network before the long step."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("six=="))
    with tempfile.TemporaryDirectory() as folder:
        command = [PYTHON, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "1", "--timeout", "15",
                   "--dest", folder, line.split()[0]]
        if works(command):
            return
    if remove:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    raise SetUpError("the packages cannot be reached: connect to the network (only this first time needs it), "
                     "or set the proxy that your network asks for in HTTPS_PROXY, and run the command again.")


def pip(*words: str) -> None:
    """Run pip in the environment; raise SetUpError with one sentence if it fails, with the end of its output above."""
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
    if done.returncode == 0:
        return
    print("\n".join(done.stdout.splitlines()[-5:]), file=sys.stderr)
    if "No space left" in done.stdout:
        raise SetUpError("the disk is full: free some space and run the command again, it goes on from here.")
    raise SetUpError("pip could not install the packages (its last lines are above): "
                     "check the network and run the command again, it goes on from here.")


def set_jupyterlab_up() -> None:
    """In this environment: no tabs of nbgrader for instructors, no news of Jupyter's, and texts (.md) are shown, not edited."""
    tabs = ("assignment-list", "course-list", "create-assignment", "formgrader", "menu", "validate-assignment")
    hidden = [f"@jupyter/nbgrader:{tab}" for tab in tabs] + ["@jupyterlab/apputils-extension:announcements"]
    viewers = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}}}
    for file, settings in (("etc/jupyter/labconfig/page_config.json", {"disabledExtensions": dict.fromkeys(hidden, True)}),
                           ("share/jupyter/lab/settings/overrides.json", viewers)):
        (ENVIRONMENT / file).parent.mkdir(parents=True, exist_ok=True)
        write_whole(ENVIRONMENT / file, json.dumps(settings, indent=1))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def works(command: list) -> bool:
    try:
        return subprocess.run([str(word) for word in command], capture_output=True).returncode == 0
    except OSError:
        return False


def run(*words: str, folder: Path = ROOT, **environment: str) -> int:
    """Run Python of the environment from `folder`, by default the course's, and give its exit status."""
    # A script of the environment (jupyter, nbgrader) must find its neighbours.
    path = os.pathsep.join([str(PYTHON.parent), os.environ.get("PATH", "")])
    # The course's package utils comes before any other, in notebooks too: first on PYTHONPATH, and -P leaves out `folder`.
    packages = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = os.environ | {"PATH": path, "PYTHONPATH": packages} | environment
    if variables.get("COURSE_DATA"):  # notebooks run in folders of their own, where a relative path would mislead
        variables["COURSE_DATA"] = str(Path(variables["COURSE_DATA"]).expanduser().resolve())
    process = subprocess.Popen([str(PYTHON), "-P", *words], cwd=folder, env=variables)
    try:
        return process.wait()
    except KeyboardInterrupt:  # Ctrl+C reaches what runs as well, which may end by itself
        ended(process, seconds=5)
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            if not ended(process, seconds=30):
                process.kill()


def ended(process: subprocess.Popen, seconds: float) -> bool:
    """Whether a process ends within these seconds; a second Ctrl+C does not wait for it."""
    try:
        process.wait(seconds)
        return True
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        return False


# The commands ---------------------------------------------------------------------------------------------------------

def lab(words: list[str]) -> int:
    """Bring the copies in work/ up to date, and open JupyterLab on its welcome page; further words go to JupyterLab."""
    place = words.index("--update") if "--update" in words else len(words)
    if status := run("-m", "utils.instructor.work", str(ROOT), *words[place:place + 2]):
        return status
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return run("-m", "jupyterlab", "--ServerApp.log_level=WARN", "--LabApp.default_url=/lab/tree/work/welcome.md",
               f"--ServerApp.root_dir={ROOT}", "--ServerApp.answer_yes=True", *as_root, *words[:place], *words[place + 2:])


def test(words: list[str]) -> int:
    """Everything, or the files that `words` name, in two processes; options among `words` (-k 03_cnn_mnist) go to pytest."""
    named = any((ROOT / word.split("::")[0]).exists() for word in words if not word.startswith("-"))
    return run("-m", "pytest", "--nbval", "--numprocesses=2", *words,
               *([] if named else ["tests", "lectures", "solutions"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
