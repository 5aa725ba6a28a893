"""The sandbox of strangers' programs, attacked from inside by real programs: what they see, what they may use,
what remains of them.
"""
import json
import os
import platform
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from conftest import need
from utils.instructor.files import MachineFault
from utils.instructor.grading import grade, sandbox, supervise
from utils.instructor.grading.supervise import Ended, Limits

ROOT = Path(__file__).resolve().parents[1]
LIMITS = Limits(wall=20, cpu=10, memory=1024, processes=40, file=8, disk=16)
# Builds and runs the sandbox as an ordinary user: a process of its own, which must not need what only root may read.
DRIVER = """
import json, os, sys
from pathlib import Path
from utils.instructor.grading import sandbox
words, limits, readable, more = json.loads(sys.argv[1])
ended = sandbox.run(words, sandbox.Limits(*limits), readable={inside: Path(outside) for inside, outside in readable.items()},
                    **more)
print(json.dumps([ended.status, ended.out.decode("latin1"), ended.err, ended.killed]))
"""
NO_SUCH_CALL = 38  # ENOSYS
SPENT = "It used more than 1 seconds of processor time and was stopped."

pytestmark = pytest.mark.usefixtures("tools")


@pytest.fixture(scope="module")
def tools() -> None:
    for tool in sandbox.TOOLS:
        need(tool)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A new folder that every user may enter, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="course-sandbox-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def for_users() -> Iterator[Path]:
    """A folder with the sandbox's modules and what they import, for a user who may not see the project."""
    folder = Path(tempfile.mkdtemp(prefix="course-driver-"))
    (grading := folder / "utils" / "instructor" / "grading").mkdir(parents=True)
    for module in (sandbox, supervise):
        shutil.copy(module.__file__, grading)
    shutil.copytree(Path(psutil.__file__).parent, folder / "psutil")
    (folder / "driver.py").write_text(DRIVER, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["as the caller", "as an ordinary user"])
def run(request: pytest.FixtureRequest, for_users: Path) -> Callable[..., Ended]:
    """Runs a Python program in the sandbox: two layers where root is the caller, one for an ordinary user."""
    if request.param == "as the caller":
        return inside
    if os.geteuid() != 0:
        pytest.skip("the caller is an ordinary user")

    def run(code: str, limits: Limits = LIMITS, readable: dict[str, Path] = {}, **more) -> Ended:
        words = ["/usr/bin/python3", "-c", textwrap.dedent(code)]
        told = json.dumps([words, limits, {name: str(path) for name, path in readable.items()}, more])
        done = subprocess.run(["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "/usr/bin/python3",
                               "driver.py", told],
                              cwd=for_users, capture_output=True, encoding="utf-8", check=True)
        status, out, err, killed = json.loads(done.stdout)
        return Ended(status, out.encode("latin1"), err, killed)
    return run


def inside(code: str, limits: Limits = LIMITS, **where) -> Ended:
    return sandbox.run([sys.executable, "-c", textwrap.dedent(code)], limits, **where)


def told(ended: Ended):
    """What a program printed as JSON."""
    assert ended.status == 0 and not ended.killed, ended
    return json.loads(ended.out)


def running(token: str) -> list[psutil.Process]:
    """The processes of this machine with `token` in their command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(token in word for word in process.info["cmdline"] or []):
            found.append(process)
    return found


def wait_until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true: how long that takes says nothing about the sandbox, so there is a minute for it."""
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


# who it is, what it sees ----------------------------------------------------------------------------------------------

def test_is_nobody_and_cannot_become_more(run):
    status = told(run("""
        import json
        lines = open("/proc/self/status").read().splitlines()
        print(json.dumps(dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)))"""))
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65534"}
    assert [int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == [0] * 5
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


def test_what_it_is_given_below_tmp_is_in_its_own_tmp(run, open_folder):
    """A course that was unpacked in /tmp has its Python there."""
    (open_folder / "given").mkdir(mode=0o755)
    (open_folder / "given" / "a").write_text("given", encoding="utf-8")
    (open_folder / "secret").write_text("secret", encoding="utf-8")
    seen = told(run(f"""
        import json, os
        text = open({str(open_folder / "given" / "a")!r}).read()
        print(json.dumps([os.listdir("/tmp"), os.listdir({str(open_folder)!r}), text]))""",
                    readable={str(open_folder / "given"): open_folder / "given"}))
    assert open_folder.name in seen[0] and seen[1:] == [["given"], "given"]


def test_new_namespaces_are_refused(run):
    answers = told(run("""
        import ctypes, json, subprocess
        libc = ctypes.CDLL(None, use_errno=True)
        kinds = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000}
        tries = {name: libc.unshare(flag) for name, flag in kinds.items()}
        tries["tool"] = -(subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode != 0)
        tries["bwrap"] = -(subprocess.run(["bwrap", "--ro-bind", "/", "/", "true"], capture_output=True).returncode != 0)
        tries["root"] = libc.setuid(0)
        tries["mount"] = libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None)
        tries["chroot"] = libc.chroot(b"/proc/1/root")
        tries["setns"] = libc.setns(open("/proc/1/ns/mnt").fileno(), 0)
        tries["handle"] = libc.open_by_handle_at(3, ctypes.create_string_buffer(64), 0)
        print(json.dumps(tries))"""))
    assert set(answers.values()) == {-1}, answers


def test_no_network(run, open_folder):
    abstract, filed = "\0course-test-" + uuid.uuid4().hex, str(open_folder / "socket")
    addresses = []
    for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, abstract), (socket.AF_UNIX, filed)):
        listening = socket.socket(family)
        listening.bind(address)
        listening.listen()
        addresses.append((int(family), listening.getsockname()))
        with socket.socket(family) as other:
            other.connect(listening.getsockname())  # it can be reached, but not from inside
    answers = told(run(f"""
        import json, socket
        tries = []
        for family, address in {[(family, tuple(at) if family == socket.AF_INET else at) for family, at in addresses]!r}:
            try:
                socket.socket(family).connect(address)
                tries.append("connected")
            except OSError as error:
                tries.append(error.errno)
        print(json.dumps([tries, [name for _, name in socket.if_nameindex()]]))""", readable={"/submission": open_folder}))
    assert "connected" not in answers[0] and len(answers[0]) == 3
    assert answers[1] == ["lo"]


@pytest.mark.skipif(not hasattr(socket, "AF_VSOCK"), reason="Linux")
def test_sockets_that_leave_a_namespace_are_refused(run):
    answers = told(run("""
        import json, socket
        found = []
        for family in range(1, 50):
            for kind in (1, 2, 3, 5):
                try:
                    socket.socket(family, kind).close()
                    found.append(family)
                except OSError:
                    pass
        print(json.dumps(sorted(set(found))))"""))
    assert set(answers) <= {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK} and len(answers) >= 2


def test_nothing_of_the_caller_is_visible(run, open_folder, monkeypatch):
    secret = "secret" + uuid.uuid4().hex
    monkeypatch.setenv("COURSE_SECRET", secret)
    (open_folder / secret).write_text(secret, encoding="utf-8")
    (open_folder / "given").mkdir()
    (open_folder / "given" / "link").symlink_to(open_folder / secret)
    (open_folder / "given" / "up").symlink_to("../../../../../../../..")
    in_home = Path(tempfile.mkdtemp(prefix=secret, dir=Path.home()))
    descriptor = os.open(open_folder / secret, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        answers = told(run(f"""
            import json, os
            seen = []
            for place, folders, files in os.walk("/"):
                folders[:] = [name for name in folders if (place, name) not in (("/", "proc"), ("/usr", "share"))]
                seen += [os.path.join(place, name) for name in folders + files if "{secret}" in name or name == "rubric.toml"]
            environments = b"".join(open("/proc/%s/environ" % pid, "rb").read() for pid in os.listdir("/proc") if pid.isdigit())
            def reads(path):
                try:
                    return open(path).read()
                except OSError:
                    return ""
            print(json.dumps([seen, "{secret}".encode() in environments, sorted(os.environ), reads("/submission/link"),
                              [reads("/submission/up{open_folder}/{secret}"), reads("/proc/1/root{open_folder}/{secret}")],
                              [os.path.exists(path) for path in ("{ROOT}/utils", "{open_folder}", "{in_home}", "/var/log",
                                                                 "/run", "/sys", "/boot",
                                                                 "/etc/passwd", "/proc/1/fd/{descriptor}",
                                                                 "/proc/self/fd/{descriptor}")]]))
            """, readable={"/submission": open_folder / "given"}))
    finally:
        os.close(descriptor)
        in_home.rmdir()
    seen, leaked, variables, link, reads, exists = answers
    assert seen == [] and not leaked and link == "" and reads == ["", ""] and not any(exists)
    assert set(variables) <= {"PATH", "HOME", "TMPDIR", "LANG", "USER", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED",
                              "TF_CPP_MIN_LOG_LEVEL",
                              "PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}


def test_it_sees_its_own_processes_only(run):
    answers = told(run("""
        import json, os
        print(json.dumps({pid: open("/proc/%s/cmdline" % pid).read() for pid in os.listdir("/proc") if pid.isdigit()}))"""))
    assert len(answers) == 2 and all("import json, os" in line for line in answers.values())


def test_the_first_process_inside_has_the_same_limits(run):
    """A program may debug it, so it must not have anything more."""
    answers = told(run("""
        import json, os
        print(json.dumps([[open("/proc/%s/%s" % (pid, name)).read() for name in ("limits", "environ")] for pid in ("1", "self")]
                         + [sorted(os.listdir("/proc/1/fd"))[:5]]))"""))
    assert answers[0][0] == answers[1][0] and "bwrap" not in answers[0][1]
    assert answers[2] == ["0", "1", "2"]


# what it may write ----------------------------------------------------------------------------------------------------

def test_only_tmp_and_shm_can_be_written(run, open_folder):
    (open_folder / "given.txt").write_text("given", encoding="utf-8")
    (open_folder / "given.txt").chmod(0o666)
    answers = told(run("""
        import json, os, sys
        written = []
        for place in ("/", "/usr", "/usr/local/lib", "/etc", "/dev", "/dev/pts", "/proc", "/submission", "/bin", "/root",
                      "/home", sys.prefix,
                      os.path.dirname(os.__file__), "/tmp", "/dev/shm"):
            try:
                os.close(os.open(place + "/new", os.O_CREAT | os.O_WRONLY))
                written.append(place)
            except OSError:
                pass
        given = "/submission/given.txt"
        for name, change in {"append": lambda: open(given, "a"), "chmod": lambda: os.chmod(given, 0o777),
                             "utime": lambda: os.utime(given, (0, 0)),
                             "rename": lambda: os.rename(given, given + "2"), "unlink": lambda: os.unlink(given),
                             "hard link": lambda: os.link(given, "/tmp/link"),
                             "sysctl": lambda: open("/proc/sys/kernel/core_pattern", "w"),
                             "sysrq": lambda: open("/proc/sysrq-trigger", "w"),
                             "oom": lambda: open("/proc/self/oom_score_adj", "wb", 0).write(b"-1000"),
                             "nice": lambda: os.nice(-5), "device": lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0)),
                             "mem": lambda: open("/dev/mem"), "disk": lambda: open("/dev/vda"),
                             "kmsg": lambda: open("/proc/kmsg")}.items():
            try:
                change()
                written.append(name)
            except OSError:
                pass
        print(json.dumps(written))""", readable={"/submission": open_folder}))
    assert answers == ["/tmp", "/dev/shm"]
    assert (open_folder / "given.txt").read_text(encoding="utf-8") == "given"


def test_every_mount_is_without_set_user_ids_and_read_only(run):
    mounts = told(run("""
        import json
        print(json.dumps([line.split()[4:6] for line in open("/proc/self/mountinfo")]))"""))
    last = dict(mounts)
    assert all("nosuid" in flags for path, flags in last.items())
    writable = {path for path, flags in last.items() if "ro" not in flags.split(",")}
    assert writable <= {"/tmp", "/dev/shm", "/proc", "/dev/pts",
                        *(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty"))}


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
def test_disk_is_bounded(run, place):
    answers = told(run(f"""
        import errno, json
        total = 0
        try:
            for number in range(100):
                with open("{place}/%d" % number, "wb") as file:
                    total += file.write(bytes(1 << 20))
        except OSError as error:
            print(json.dumps([total >> 20, errno.errorcode[error.errno]]))"""))
    assert answers[1] == "ENOSPC" and LIMITS.disk - 2 <= answers[0] <= LIMITS.disk


def test_files_are_bounded(run):
    answers = told(run("""
        import errno, json, os
        found = []
        for fill in (lambda file: file.write(bytes(9 << 20)), lambda file: os.posix_fallocate(file.fileno(), 0, 9 << 20)):
            try:
                with open("/tmp/file", "wb", buffering=0) as file:
                    while True:
                        fill(file)
            except OSError as error:
                found.append([errno.errorcode[error.errno], os.stat("/tmp/file").st_size >> 20])
        print(json.dumps(found))"""))
    assert [name for name, _ in answers] == ["EFBIG", "EFBIG"] and all(size <= LIMITS.file for _, size in answers)


# what it may use ------------------------------------------------------------------------------------------------------

FORK = """
    import os, time
    count = 0
    try:
        for _ in range(300):
            if os.fork() == 0:
                time.sleep(%s)
                os._exit(0)
            count += 1
    except OSError:
        pass
    print(count)
    time.sleep(%s)
"""


def test_processes_are_limited(run):
    assert 30 <= told(run(FORK % (5, 0))) < LIMITS.processes
    threads = told(run("""
        import threading, time
        count = 0
        try:
            for _ in range(300):
                threading.Thread(target=time.sleep, args=(2,), daemon=True).start()
                count += 1
        except RuntimeError:
            pass
        print(count, flush=True)
        __import__("os")._exit(0)""", LIMITS._replace(memory=8192)))
    assert 30 <= threads < LIMITS.processes


def test_processes_of_two_sandboxes_do_not_count_together():
    words = sandbox.command([sys.executable, "-c", textwrap.dedent(FORK % (3, 2))], LIMITS)
    both = [subprocess.Popen(words, stdout=subprocess.PIPE) for _ in range(2)]
    assert all(30 <= int(process.communicate()[0]) < LIMITS.processes for process in both)


def test_memory_of_a_process_is_limited(run):
    assert told(run("""
        try:
            bytearray(1100 << 20)
        except MemoryError:
            print('"refused"')""")) == "refused"


def test_memory_of_all_processes_together_is_limited(run):
    ended = run("""
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                kept = bytearray(b"x") * (60 << 20)
                time.sleep(30)
        time.sleep(30)""", LIMITS._replace(memory=200))
    assert ended.killed == "It used more than 0.195312 GiB of memory and was stopped."


def test_memory_outside_of_processes_is_refused(run):
    """What counts for no process would be in no limit: files in memory, shared memory of System V;
    and other calls without use.
    """
    names = list(sandbox.REFUSED)
    column = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
    if column is None:
        pytest.skip("no filter for this machine")
    numbers = [sandbox.REFUSED[name][column] for name in names] + [2**30 + 39] * (column == 0)
    answers = told(run(f"""
        import ctypes, json
        libc = ctypes.CDLL(None, use_errno=True)
        print(json.dumps([[libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno()] for number in {numbers}]))"""))
    assert answers == [[-1, NO_SUCH_CALL]] * len(numbers)
    os.close(os.memfd_create("outside"))


@pytest.mark.parametrize("column, header, form", [(0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
                                                   r"#define __NR_(\w+) (\d+)"),
                                                  (1, "/usr/include/asm-generic/unistd.h", r"#define __NR_(\w+) (\d+)")])
def test_numbers_of_system_calls_are_those_of_the_kernel(column, header, form):
    if not Path(header).is_file():
        pytest.skip("the kernel's headers are not installed")
    numbers = {name: int(number) for name, number in re.findall(form, Path(header).read_text(encoding="utf-8"))}
    ours = sandbox.REFUSED | {"socket": sandbox.SOCKET, "prctl": sandbox.PRCTL}
    assert {name: number[column] for name, number in ours.items()} == {name: numbers[name] for name in ours}


def test_processor_time_is_limited(run):
    ended = run("while True: pass", LIMITS._replace(cpu=1))
    assert ended.killed == SPENT


def test_who_does_not_listen_is_killed():
    ended = inside("""
        import signal
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        print("answer", flush=True)
        while True: pass""", LIMITS._replace(cpu=1))
    assert ended.killed == SPENT


@pytest.mark.parametrize("call", ["os.fork() or burn(9) or os._exit(0)", "os.fork() or burn(0.2) or os._exit(0)",
                                  "subprocess.run([sys.executable, '-c', BURN])"])
def test_processor_time_of_all_processes_together_is_limited(call):
    """With and without a sandbox: several at once, and one after the other, of which no one uses much."""
    code = textwrap.dedent(f"""
        import os, subprocess, sys, time
        BURN = "import time\\nwhile time.process_time() < 0.4: pass"
        def burn(seconds):
            while time.process_time() < seconds: pass
        for _ in range(9):
            {call}
        time.sleep(9)""")
    assert inside(code, LIMITS._replace(cpu=1)).killed == SPENT
    ended = supervise.unprotected([sys.executable, "-c", code], LIMITS._replace(cpu=1), Path.cwd())
    assert ended.killed == SPENT and not ended.waited


def test_who_sleeps_uses_no_processor_time():
    """Two seconds of the clock under a limit of one second of processor time, and nothing is wrong."""
    code = "import time; time.sleep(2); print('awake')"
    for ended in (inside(code, LIMITS._replace(cpu=1)),
                  supervise.unprotected([sys.executable, "-c", code], LIMITS._replace(cpu=1), Path.cwd())):
        assert (ended.status, ended.out, ended.killed) == (0, b"awake\n", "")


def test_what_the_clock_stopped_is_tried_once_more(tmp_path):
    """Slow the first time, as on a busy machine: the second time counts."""
    code = ("import pathlib, time\nmark = pathlib.Path('seen')\nif not mark.exists():\n    mark.touch()\n    time.sleep(60)\n"
            "print('done')")
    ended = supervise.unprotected([sys.executable, "-c", code], LIMITS._replace(wall=3), tmp_path)
    assert (ended.status, ended.out, ended.killed, ended.waited) == (0, b"done\n", "", False)


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
                                  "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)"])
def test_wall_time_is_limited(run, code):
    ended = run(f"{code}\nprint('the end')", LIMITS._replace(wall=1))
    assert ended.killed == ("It was stopped after 1 seconds, with 0 of its 10 seconds of processor time used: it waits for "
                            "something, or the machine was busy. It was tried twice.")
    assert ended.out == b"", "it did not come to its end"


def test_what_is_idle_is_stopped_long_before_the_clock_is_up(monkeypatch):
    """A class of scripts that wait for ever must not take ten minutes each; what works on is left alone."""
    monkeypatch.setattr(supervise, "IDLE", 2)
    ended = inside("import time; time.sleep(60)", LIMITS)
    assert (ended.waited
            and ended.killed.startswith("It was stopped when it had been idle for 2 seconds, with 0 of its 10 seconds"))
    ended = inside("import time\nend = time.process_time() + 3\nwhile time.process_time() < end: pass\nprint('done')", LIMITS)
    assert (ended.out, ended.killed) == (b"done\n", "")


def test_output_is_limited_and_costs_the_caller_no_memory(run):
    inside("print(1)")
    before = psutil.Process().memory_info().rss
    ended = run("""
        import os
        while True:
            os.write(1, b"x" * 65536)""", LIMITS._replace(output=1))
    assert ended.killed == "It printed more than 1 MiB and was stopped."
    assert len(ended.out) == (1 << 20) + 1
    assert psutil.Process().memory_info().rss - before < 20 << 20


def test_a_flood_of_errors_costs_the_caller_no_memory(run):
    inside("print(1)")
    before = psutil.Process().memory_info().rss
    ended = run("""
        import os, sys
        print("answer", flush=True)
        for _ in range(200 << 4):
            os.write(2, b"\\xff" * 65536)
        print("last words", file=sys.stderr)""")
    assert ended.status == 0 and not ended.killed and ended.out == b"answer\n"
    assert ended.err.endswith("last words\n") and len(ended.err) <= supervise.ERRORS
    assert psutil.Process().memory_info().rss - before < 20 << 20


def test_it_can_be_bound_to_one_processor(run):
    """And stays there: with many processes on the other one it would cost another script its time."""
    core = max(os.sched_getaffinity(0))
    assert told(run("""
        import json, os, subprocess
        try:
            os.sched_setaffinity(0, set(range(os.cpu_count())))
        except OSError:
            pass
        subprocess.run(["taskset", "--pid", "--cpu-list", "0-%d" % (os.cpu_count() - 1), str(os.getpid())], capture_output=True)
        print(json.dumps(list(os.sched_getaffinity(0))))""", core=core)) == [core]


# what remains ---------------------------------------------------------------------------------------------------------

def test_it_cannot_kill_what_is_outside(run):
    assert told(run("""
        import os, signal
        for target in (-1, 1, os.getppid(), -os.getpgid(1)):
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGSTOP, signal.SIGKILL):
                try:
                    if target != -os.getpgid(1):
                        os.kill(target, number)
                except OSError:
                    pass
        print('"still here"')""")) == "still here"


def test_what_it_leaves_running_is_killed(run):
    token = "token" + uuid.uuid4().hex
    ended = run(f"""
        import os, subprocess, sys
        command = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", "{token}"]
        subprocess.Popen(command)
        subprocess.Popen(command, start_new_session=True, close_fds=True)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, command)
        else:
            print("done")""")
    assert (ended.status, ended.out, ended.killed) == (0, b"done\n", ""), "it did not wait for them: they outlast its limits"
    assert wait_until(lambda: not running(token))


def test_it_dies_with_a_caller_that_is_killed(tmp_path):
    token = "token" + uuid.uuid4().hex
    code = f"import time; time.sleep(600)  # {token}"
    caller = subprocess.Popen([sys.executable, "-c", ("import sys; from utils.instructor.grading import sandbox; "
                                                      f"sandbox.run([sys.executable, '-c', {code!r}])")],
                              env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        # The program itself: the shells and bubblewraps before it have the same words on their command lines, but are not ready
        # yet.
        assert wait_until(lambda: any(process.info["cmdline"][::2] == [sys.executable, code] for process in running(token)))
    finally:
        os.kill(caller.pid, signal.SIGKILL)
        caller.wait()
    assert wait_until(lambda: not running(token))


def test_it_cannot_take_that_back(run):
    """Setting the signal of a dead parent does nothing, or the first process could be made to live on."""
    assert told(run("""
        import ctypes
        libc, signal = ctypes.CDLL(None), ctypes.c_int(0)
        assert libc.prctl(1, 9) == 0
        libc.prctl(2, ctypes.byref(signal))
        print(signal.value)""")) == 0


def test_two_at_a_time_and_one_after_the_other_share_nothing(run, open_folder):
    leave = """
        import ctypes, socket, sys
        open("/tmp/left", "w").write("x"); open("/dev/shm/left", "w").write("x")
        listening = socket.socket(socket.AF_UNIX); listening.bind("\\0left"); listening.listen()
        server = socket.socket(); server.bind(("", 7777)); server.listen()
        ctypes.CDLL(None).mq_open(b"/left", 0o102, 0o666, 0)
        print("ready", flush=True)
        sys.stdin.read()"""
    look = """
        import ctypes, json, os, socket
        def reached(family, address):
            try:
                socket.socket(family).connect(address)
                return True
            except OSError:
                return False
        print(json.dumps([os.path.exists("/tmp/left"), os.path.exists("/dev/shm/left"), reached(socket.AF_UNIX, "\\0left"),
                          reached(socket.AF_INET, ("127.0.0.1", 7777)),
                          ctypes.CDLL(None).mq_open(b"/left", 0)]))"""
    first = subprocess.Popen(sandbox.command([sys.executable, "-c", textwrap.dedent(leave)], LIMITS), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    assert first.stdout.readline() == b"ready\n"
    assert told(run(look)) == [False, False, False, False, -1]
    first.communicate()
    assert first.returncode == 0
    assert told(run(look)) == [False, False, False, False, -1]


def test_no_keys_can_be_typed_into_the_callers_terminal():
    """TIOCSTI (CVE-2017-5226): a program with the caller's terminal could type commands for after its end."""
    code = textwrap.dedent("""
        import fcntl, os
        found = []
        for name in (0, 1, 2, "/dev/tty"):
            try:
                fcntl.ioctl(name if isinstance(name, int) else os.open(name, os.O_RDWR), 0x5412, b"x")
                found.append(name)
            except OSError:
                pass
        print("typed", found)""")
    caller = textwrap.dedent(f"""
        import sys
        from utils.instructor.grading import sandbox
        open("/dev/tty").close()
        print(sandbox.run([sys.executable, "-c", {code!r}]).out)""")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", caller], os.environ | {"PYTHONPATH": str(ROOT)})
    printed = b""
    while b"\n" not in printed:
        printed += os.read(terminal, 1000)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert printed.strip() == b"b'typed []\\n'"


# without it -----------------------------------------------------------------------------------------------------------

@pytest.fixture
def one_submission(tmp_path) -> tuple[Path, Path, Path]:
    """A class of one script, which leaves a trace where it can; a hidden set; the trace."""
    trace = tmp_path / "trace"
    (tmp_path / "class" / "team").mkdir(parents=True)
    (tmp_path / "class" / "team" / "infer.py").write_text(f"open({str(trace)!r}, 'w').close()", encoding="utf-8")
    np.savez(tmp_path / "hidden.npz", x_test=np.full((2, 48, 48), 99, np.uint8), y_test=np.array([0, 1], np.uint8))
    (tmp_path / "rubric.toml").write_text('[[line]]\ntitle = "right"\nmeasure = "accuracy"\nmore_than = 0.5\npoints = 1\n',
                                          encoding="utf-8")
    return tmp_path / "class", tmp_path / "hidden.npz", trace


@pytest.mark.parametrize("bwrap, words", [(None, "bwrap is not installed"),
                                          ("echo boom >&2; exit 1", "does not work on this machine (boom)")])
def test_without_bubblewrap_nothing_is_run(tmp_path, monkeypatch, one_submission, bwrap, words):
    folder, faces, trace = one_submission
    (tmp_path / "bin").mkdir()
    for tool in ("sh", *sandbox.TOOLS):
        if tool != "bwrap":
            (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    if bwrap:
        (tmp_path / "bin" / "bwrap").write_text(f"#!/bin/sh\n{bwrap}\n", encoding="utf-8")
        (tmp_path / "bin" / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(sandbox.SandboxMissing) as caught:
        grade.grade(folder, hidden_file=faces, seed=1, rubric_file=tmp_path / "rubric.toml")
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not trace.exists() and not list((tmp_path / "class-graded" / "results").iterdir())

    grade.grade(folder, hidden_file=faces, seed=1, rubric_file=tmp_path / "rubric.toml", isolated=False)
    assert trace.exists(), "--unsafe-no-sandbox runs it as the caller"
    trace.unlink()


def test_a_course_that_the_sandbox_may_not_read_is_refused(tmp_path, monkeypatch):
    """Unpacked by root with a strict umask, say: every right answer would get no points."""
    for folder in ("utils", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "utils" / "filters.py").touch(mode=0)
    monkeypatch.setattr(sandbox, "__file__", str(tmp_path / "utils" / "instructor" / "grading" / "sandbox.py"))
    with pytest.raises(sandbox.SandboxMissing, match="may not read the course.*filters.py.*chmod -R a.rX"):
        sandbox.check()


def test_a_sandbox_that_cannot_start_is_the_machines_fault():
    with pytest.raises(MachineFault, match="could not be started .*bwrap.*costs nobody a point"):
        sandbox.run(["true"], LIMITS, readable={"/given": Path("/no/such/folder")})
    for said in ("bwrap: Can't find source path /x", "x" * 5000):
        ended = sandbox.run(["sh", "-c", f'echo "{said}" >&2; exit 1'], LIMITS)
        assert ended.status == 1 and ended.err.strip() == said[-4095:], "what a program says is its own"
    assert sandbox.run(["sh", "-c", "yes \u2588 | head -c 9000 >&2; exit 1"], LIMITS).status == 1, "fewer letters than bytes"
    assert sandbox.run(["no-such-program"], LIMITS).status == 127


def test_what_a_script_prints_is_not_taken_for_the_clocks_words():
    assert supervise.waited([f"infer.py was called with 9 images. It was stopped after 3 seconds: {supervise.WAITED}"])
    assert not supervise.waited([f'infer.py ended with the exit status 1. Its last words: "{supervise.WAITED}"'])


def test_the_sandbox_works_here():
    sandbox.check()
