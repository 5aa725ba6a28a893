"""course.py: what it says when it cannot set up, the lists of dependencies, and how labs are copied."""
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import all_end, need

from utils.instructor.execute import ROOT
from utils.instructor.execute import run as run_notebook
from utils.instructor.lock import environment_yml

spec = importlib.util.spec_from_file_location("course", ROOT / "course.py")
course = importlib.util.module_from_spec(spec)
spec.loader.exec_module(course)


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_right_versions_of_python(version):
    assert course.version_problem(version, []) is None


@pytest.mark.parametrize("version, found, remedy",
                         [((3, 14), [], "install Python 3.11"), ((3, 9), ["3.12"], "python3.12 course.py"),
                          ((2, 7), [], "install Python 3.11")])
def test_wrong_version_of_python_is_one_sentence(version, found, remedy):
    problem = course.version_problem(version, found)
    assert remedy in problem and f"{version[0]}.{version[1]}" in problem and "\n" not in problem


def test_full_disk_is_one_sentence():
    assert course.disk_problem(10 * 2**30) is None
    assert "1.0 GB free" in course.disk_problem(2**30) and "free some space" in course.disk_problem(2**30)


def copy_of_the_course(folder: Path) -> Path:
    """The files that git has or would have, without .venv: what a fresh clone is."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                           encoding="utf-8", check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def test_without_network_it_is_one_sentence_and_nothing_is_left(tmp_path):
    clone = copy_of_the_course(tmp_path / "course")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run([need("bwrap"), "--dev-bind", "/", "/", "--unshare-net", sys.executable, "course.py", "release"],
                          cwd=clone, capture_output=True, encoding="utf-8",
                          env=variables | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"})
    assert done.returncode == 1
    assert done.stderr.startswith("course.py: the packages cannot be reached") and done.stderr.count("\n") == 1
    assert not (clone / ".venv").exists()


def refused_without_write_permission(clone: Path, command: str) -> str:
    """The one sentence of `course.py COMMAND` in a folder that cannot be written to."""
    words = [sys.executable, "course.py", command]
    if os.geteuid() == 0:  # for root there are no permissions: a read-only mount says the same
        words = [need("bwrap"), "--dev-bind", "/", "/", "--ro-bind", str(clone), str(clone), *words]
    clone.chmod(0o555)
    done = subprocess.run(words, cwd=clone, capture_output=True, encoding="utf-8")
    clone.chmod(0o755)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    return done.stderr


def test_without_write_permission_it_is_one_sentence(tmp_path):
    clone = copy_of_the_course(tmp_path / "course")
    said = refused_without_write_permission(clone, "release")
    assert "cannot be written to" in said
    assert not (clone / ".venv").exists()


def test_unknown_command_shows_the_list():
    done = subprocess.run([sys.executable, "course.py", "dance"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and "miniproject" in done.stdout


def test_help_of_every_command_starts_nothing(tmp_path):
    """In a folder without an environment and without what one is made from."""
    shutil.copy(ROOT / "course.py", tmp_path)
    (tmp_path / "solutions").mkdir()
    commands = course.commands()
    assert {"lab", "test", "task", "grade", "lock"} <= set(commands) and len(commands) >= 15
    for command in commands:
        done = subprocess.run([sys.executable, "course.py", command, "--help"], cwd=tmp_path, capture_output=True,
                              encoding="utf-8")
        assert done.returncode == 0 and done.stdout.startswith(f"python3 course.py {command}: ") and done.stderr == "", command
    assert {path.name for path in tmp_path.iterdir()} == {"course.py", "solutions"}


def test_every_command_has_its_module():
    for command in set(course.commands()) - {"lab", "test"}:
        (module, *_) = course.MODULES.get(command, [f"utils.instructor.{command}"])
        assert importlib.util.find_spec(module), command


def test_where_there_are_no_solutions_only_the_commands_of_students_are_there(tmp_path):
    shutil.copy(ROOT / "course.py", tmp_path)
    for words in ([], ["release"], ["release", "--help"], ["test"]):
        done = subprocess.run([sys.executable, "course.py", *words], cwd=tmp_path, capture_output=True, encoding="utf-8")
        if words:
            assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
            assert f"{words[0]} is a command for instructors" in done.stderr and "there is: lab." in done.stderr
        else:
            assert "lab  " in done.stdout and not re.search("instructors|release|everyone|grade", done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["course.py"]


LAB = ("import signal, sys, course; from pathlib import Path; course.ROOT, course.set_up = Path(sys.argv[1]), lambda: None;"
       "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(course.main(['lab', '--no-browser']))")


@pytest.mark.skipif(os.name == "nt", reason="needs process groups")
def test_ctrl_c_ends_jupyterlab(tmp_path):
    unit = "01_convolution_filters"
    shutil.copytree(ROOT / "labs" / unit, tmp_path / "labs" / unit)
    with subprocess.Popen([sys.executable, "-c", LAB, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", start_new_session=True) as command:
        try:
            assert any("http://127.0.0.1" in line for line in command.stdout)
            started = psutil.Process(command.pid).children(recursive=True)
            assert started
            os.killpg(command.pid, signal.SIGINT)  # as a terminal does it
            assert "stopped" in command.stdout.read() and command.wait(60) == 130
            assert all_end(started, 10)
        finally:
            command.kill()


def test_lock_environment_and_pyproject_say_the_same():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == environment_yml(pyproject)
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    direct = [re.match(r"[\w-]+==[\w.]+", line)[0] for line in tomllib.loads(pyproject)["project"]["dependencies"]]
    for package in direct:
        assert re.search(rf"^{re.escape(package)}( ;.*)? \\$", lock, re.MULTILINE), f"{package}: run python3 course.py lock"
        assert f"# {package}: " in environment_yml(pyproject)


def test_lock_has_hashes_for_all_and_names_no_host():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^([\w.-]+)==.*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert len(packages) == len(re.findall(r"^[\w.-]+==", lock, re.MULTILINE)) > 50
    assert len(set(packages)) == len(packages), "a package is locked in two versions"
    assert "://" not in lock and "index-url" not in lock


def test_importing_utils_does_not_import_tensorflow():
    code = "import utils, utils.data, sys; assert 'tensorflow' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_importing_tensorflow_is_silent():
    done = subprocess.run([sys.executable, "-c", "from utils.quiet import tf; import tensorflow"], cwd=ROOT,
                          capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


OLD_KERAS = {"image_dim_ordering": "th", "epsilon": 1e-07, "floatx": "float64", "backend": "theano"}


@pytest.mark.parametrize("settings, environment", [
    (OLD_KERAS, {"TF_USE_LEGACY_KERAS": "1", "KERAS_MAX_EPOCHS": "1"}),
    ({"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1, "backend": "jax"}, {"KERAS_BACKEND": "torch"})])
def test_settings_of_another_project_do_not_change_keras(tmp_path, settings, environment):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(json.dumps(settings), encoding="utf-8")
    code = ("from utils import networks; from utils.quiet import tf; import keras; y = "
            "networks.lenet(padding='valid')(tf.zeros([2, 28, 28, 1]));print(keras.backend.backend(), y.shape, y.dtype.name, "
            "keras.config.epsilon(), keras.config.max_epochs())")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, encoding="utf-8",
                          env=variables | {"HOME": str(tmp_path)} | environment)
    assert (done.stdout, done.stderr) == ("tensorflow (2, 10) float32 1e-07 None\n", "")


def test_a_home_that_cannot_be_written_to_does_no_harm(tmp_path):
    (tmp_path / "file").touch()  # below a file nobody can make a folder, not even root
    code = ("from utils import networks, plot; from utils.quiet import tf; print(networks.lenet()(tf.zeros([1, 28, 28, "
            "1])).shape);plot.lines([0, 1], {'a': [0, 1]}, title='t', xlabel='x', ylabel='y').savefig('figure.png')")
    variables = {name: value for name, value in os.environ.items() if name not in ("KERAS_HOME", "MPLCONFIGDIR")}
    home = str(tmp_path / "file" / "home")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, encoding="utf-8",
                          env=variables | {"HOME": home, "USERPROFILE": home, "PYTHONPATH": str(ROOT)})
    assert (done.stdout, done.returncode) == ("(1, 10)\n", 0), done.stderr
    assert (tmp_path / "figure.png").exists() and "Traceback" not in done.stderr


def module_of(clone: Path):
    """course.py of a copy of the course."""
    spec = importlib.util.spec_from_file_location("course_of_a_copy", clone / "course.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_shared_course_that_is_complete_but_read_only_is_one_sentence(tmp_path):
    clone = copy_of_the_course(tmp_path / "course")
    (clone / ".venv").mkdir()
    (clone / ".venv" / "course-complete").write_text(module_of(clone).stamp_of_environment(), encoding="utf-8")
    said = refused_without_write_permission(clone, "lab")
    assert "cannot be written to" in said and "copy the course" in said


@pytest.mark.parametrize("moved", [False, True])
def test_an_environment_that_was_moved_is_made_again(tmp_path, monkeypatch, moved):
    """The scripts of an environment hold its path: pip as a module still runs after a move, but jupyter does not."""
    environment = tmp_path / ("moved" if moved else "course") / ".venv"
    script = environment / "bin" / "pip"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!{tmp_path / 'course' / '.venv' / 'bin' / 'python'}\nfrom pip import main\n", encoding="utf-8")
    for name, value in {"ENVIRONMENT": environment, "PYTHON": script.with_name("python"),
                        "STAMP": environment / "course-complete",
                        "works": lambda command: True, "pip": lambda *words: None, "check_network": lambda remove: None}.items():
        monkeypatch.setattr(course, name, value)
    made = []
    monkeypatch.setattr(course, "make_environment", lambda: made.append(True))
    course.set_up()
    assert made == [True] * moved


def test_an_environment_behind_a_link_is_not_emptied(tmp_path, monkeypatch):
    """venv would clear the folder that the link leads to, which other copies of the course may use."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "pyvenv.cfg").touch()
    (tmp_path / ".venv").symlink_to(shared, target_is_directory=True)
    monkeypatch.setattr(course, "ENVIRONMENT", tmp_path / ".venv")
    with pytest.raises(course.SetUpError, match="is a link to .* nothing was changed"):
        course.make_environment()
    assert [path.name for path in shared.iterdir()] == ["pyvenv.cfg"]


@pytest.mark.parametrize("clash", ["a package on PYTHONPATH", "a file in the working folder"])
@pytest.mark.parametrize("words", [["-m", "utils.instructor.grading", "grade", "--help"], ["-c", "import utils.groups"],
                                   ["-m", "jupyter", "execute", "--output", "done.ipynb", "own.ipynb"]])
def test_the_package_utils_of_the_course_comes_first(tmp_path, monkeypatch, clash, words):
    """In the commands, and in a notebook beside a utils.py, as course.py lab starts it."""
    other = tmp_path / "other"
    (other / "utils").mkdir(parents=True)
    (other / "utils" / "__init__.py").write_text("raise SystemExit('the utils of another project')", encoding="utf-8")
    if clash.endswith("folder"):
        (tmp_path / "utils.py").write_text("raise SystemExit('a file of mine')", encoding="utf-8")
    else:
        monkeypatch.setenv("PYTHONPATH", str(other))
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    code = "import utils.groups; assert utils.__file__.startswith(" + repr(str(ROOT)) + ")"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, tmp_path / "own.ipynb")
    assert course.run(*words, folder=tmp_path) == 0


def test_real_data_may_be_named_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", "~/sets")
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    code = f"import os; assert os.environ['COURSE_DATA'] == {str(tmp_path / 'sets')!r}"
    assert course.run("-c", code) == 0


def test_settings_at_home_do_not_change_what_a_notebook_of_the_tests_shows(tmp_path, monkeypatch):
    profile = tmp_path / ".ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "00-mine.py").write_text("print('startup of mine')", encoding="utf-8")
    (profile / "ipython_kernel_config.py").write_text("get_config().InlineBackend.figure_formats = {'svg'}", encoding="utf-8")
    kernel = tmp_path / ".local" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["no-such-python"], "display_name": "mine", "language": "python"}), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    code = "print(get_ipython().config.get('InlineBackend', {}).get('figure_formats'))"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), tmp_path / "own.ipynb")
    (cell,) = run_notebook(tmp_path / "own.ipynb", dict(os.environ)).cells
    assert [output.get("text") for output in cell.outputs] == ["None\n"]


def test_a_notebook_of_an_earlier_version_is_told_what_to_do():
    code = ("from utils import session, attacks\nimport utils\nassert not hasattr(utils, '__wrapped__')\nfrom utils import data, "
            "filter_checks")
    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code], capture_output=True,
                          encoding="utf-8")
    assert done.stdout.strip() == ("This version of the course has no utils.filter_checks. If your notebook is a copy of an "
                                   "earlier version: run python3 course.py lab --update UNIT (for instance 05), which carries "
                                   "your answers into the new lab.")


@pytest.mark.parametrize("asked", [
    "filter_checks", "networks.dense_net", "data.pictures.landscape", "data.films.centres", "data.signs.photograph",
    "checks.same", "checks.lab10.contractive", "generative.minimax.covered", "generative.GAN", "backprop.mean_square",
    "diagnosis.panels", "defences.denoised", "filters.same", "many_networks.interval", "plot.bands"])
def test_a_name_of_an_earlier_version_is_told_too(asked):
    module, _, name = f"utils.{asked}".rpartition(".")
    said = f"^This version of the course has no utils.{asked}. If your notebook .* carries your answers into the new lab.$"
    asked_for = importlib.import_module(module)
    with pytest.raises(AttributeError, match=said):
        getattr(asked_for, name)
    with pytest.raises(ImportError, match=said):
        exec(f"from {module} import {name}")
    assert not hasattr(asked_for, name) and getattr(asked_for, name, None) is None
    with pytest.raises(AttributeError, match="has no attribute '__wrapped__'"):  # which doctest and inspect ask every module for
        asked_for.__wrapped__


def test_a_module_that_is_not_imported_yet_is_no_other_version():
    code = ("import utils\nassert not hasattr(utils, 'filters')\nfrom utils import filters\nfrom utils.data import toy\n"
            "import utils.plot.pictures\nassert not hasattr(utils, 'training')")
    subprocess.run([sys.executable, "-c", code], check=True)
