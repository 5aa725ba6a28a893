"""Where a stranger's program runs: inside bubblewrap, with nothing to read but itself, nothing to write but a small /tmp,
and no network.

The program sees a read-only system and Python environment, and the folders it is given; a process tree, a network without
any interface and a /tmp of its own. It is nobody, cannot become anybody else, and has limits on time, memory, processes,
files and output. What it leaves running is killed when it ends.

Root cannot simply start bubblewrap: the kernel does not count the processes of root, and nobody may not enter root's
home, where Python often lives. So for root there are two layers: the outer one lays out the folders, `setpriv` gives up root,
and the inner one is the sandbox.

The first process inside is a shell that waits for the program, under the same limits: bubblewrap's own would be without any, and
a program may debug every process that it sees.
"""
import os
import platform
import shutil
import struct
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from utils.instructor.files import MachineFault
from utils.instructor.grading.supervise import ERRORS, Ended, Limits, supervise

NOBODY = 65534  # the user and group in the sandbox
SYSTEM = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")  # of /etc; beside /usr, /bin and /lib
TOOLS = {"bwrap": "bubblewrap", "prlimit": "util-linux", "setpriv": "util-linux", "taskset": "util-linux"}  # Debian's packages
READ = """
import os, sys
def closed(error):
    raise error
for place, _, names in os.walk(sys.argv[1], onerror=closed):
    for name in names:
        try:
            os.close(os.open(os.path.join(place, name), os.O_RDONLY))
        except FileNotFoundError:
            pass  # written or removed meanwhile, or a link that leads nowhere
print("in")"""  # that every file below a folder may be read
WAIT = ["sh", "-c", '"$@"; exit $?', "sh"]  # runs the words after it and does not become them
STARTED = "The sandbox has started.\n"  # the first line on standard error, before the program can write any
SAY_STARTED = ["sh", "-c", 'printf %s "$0" >&2; exec "$@"', STARTED]
# System calls that do not exist in the sandbox, {name: (number on x86_64, on aarch64)}; every framework works without them.
REFUSED = {
    # memory that is in no limit
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    "sched_setaffinity": (203, 122),  # the processor that another script is being measured on
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),  # keys of the caller's session
    # where most holes of the kernel were
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425)}
SOCKET, FAMILIES = (41, 198), (1, 2, 10, 16)  # Unix, IPv4, IPv6, netlink; a virtual machine's vsock leads out of every namespace
PRCTL, PARENT_DIES = (157, 167), 1  # so that it dies with the caller


class SandboxMissing(RuntimeError):
    """This machine cannot isolate a program; the message says what to install."""


def check() -> None:
    """Raise SandboxMissing with one sentence unless a sandbox can be made here that may read the course: tries one."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        raise SandboxMissing(f"{', '.join(missing)} is not installed, so strangers' programs cannot be isolated: install "
                             f"{' and '.join(sorted({TOOLS[name] for name in missing}))} (on Debian and Ubuntu: "
                             f"sudo apt install ...), or grade on a Linux machine that has it.")
    course = Path(__file__).resolve().parents[3]
    tried = supervise(command([sys.executable, "-I", "-c", READ, "/course"], Limits(wall=60),
                              readable={f"/course/{name}": course / name for name in ("utils", "data")}), Limits(wall=60))
    if "PermissionError" in tried.err or tried.err.startswith("sh: "):  # not bubblewrap's own words, which speak of namespaces
        raise SandboxMissing("The user of the sandbox may not read the course or its Python "
                             f"({tried.err.strip().splitlines()[-1]}): let everybody read them, chmod -R a+rX {course} "
                             f"{sys.prefix}.")
    if tried.out.strip() != b"in":
        raise SandboxMissing(f"bubblewrap does not work on this machine ({tried.err.strip()[-200:] or tried.killed}): are user "
                             f"namespaces allowed? On Ubuntu, see sysctl kernel.apparmor_restrict_unprivileged_userns.")


def command(words: Sequence[str], limits: Limits = Limits(), *, readable: Mapping[str, Path] = {},
            writable: Mapping[str, Path] = {}, environment: Mapping[str, str] = {}, folder: str = "/tmp",
            core: int | None = None) -> list[str]:
    """The command line that runs `words` in the sandbox.

    readable, writable  {path inside: folder or file outside}; for root, what is writable must belong to NOBODY: see `hand_over`
    environment         variables besides the few that every program needs; nothing of the caller's own is passed on
    folder              where it starts, inside
    core                the one processor it may use; None for all
    """
    mounts = [("--ro-bind", inside, outside) for inside, outside in ({**_python(), **readable}).items()]
    mounts += [("--bind", inside, outside) for inside, outside in writable.items()]
    filtered = _filter_file()
    jail = ["bwrap", *(["--seccomp", "9"] if filtered else []), "--unshare-all", "--unshare-user", "--disable-userns",
            "--as-pid-1", "--uid", str(NOBODY), "--gid", str(NOBODY), "--cap-drop", "ALL", "--die-with-parent",
            "--new-session", "--clearenv"]
    for name, value in ({"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp",
                         "LANG": "C.UTF-8", "USER": "nobody", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
                         "TF_CPP_MIN_LOG_LEVEL": "3"} | dict(environment)).items():
        jail += ["--setenv", name, value]
    size = str(limits.disk << 20)
    private = ["--dev", "/dev", "--proc", "/proc", "--size", size, "--perms", "1777", "--tmpfs", "/tmp", "--size", size,
               "--perms", "1777", "--tmpfs", "/dev/shm"]
    closed = ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", folder]
    if _root():
        # /proc and /dev as they are: the inner bubblewrap may mount its own only where it sees whole ones.
        outer = ["bwrap", "--die-with-parent", *_system(), *_binds(mounts), "--bind", "/proc", "/proc", "--dev-bind",
                 "/dev", "/dev", "--perms", "0755", "--dir", "/tmp"]
        nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--no-new-privs",
                  "--inh-caps=-all", "--bounding-set=-all"]
        # The shell between has the right to kill the inner one when it dies; bubblewrap itself gives up that right.
        # else hidden by the new /tmp
        below_tmp = [(kind, inside, inside) for kind, inside, _ in mounts if inside.startswith("/tmp/")]
        start = [*outer, "--", *WAIT, *nobody, *jail, "--bind", "/", "/", *private, *_binds(below_tmp), *closed]
    else:
        start = [*jail, *_system(), *private, *_binds(mounts), *closed]
    # Inside, not outside: there the kernel counts the processes of this sandbox alone.
    bounds = ["prlimit", f"--nproc={limits.processes}", f"--as={limits.memory << 20}", f"--cpu={limits.cpu}:{limits.cpu + 5}",
              f"--fsize={limits.file << 20}", "--core=0", "--nofile=1024"]
    pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
    opened = ["sh", "-c", 'exec "$@" 9<"$0"', filtered] if filtered else []
    return [*pinned, *opened, *start, "--", *bounds, *WAIT, *words]


def run(words: Sequence[str], limits: Limits = Limits(), **where) -> Ended:
    """Run `words` in the sandbox until it ends or is over a limit; the arguments are those of `command`.

    Raises MachineFault where bubblewrap could not start it: what it says then is not the program's.
    """
    ended = supervise(command([*SAY_STARTED, *words], limits, **where), limits)
    if ended.err.startswith(STARTED):
        return ended._replace(err=ended.err.removeprefix(STARTED))
    if not (ended.killed or ended.out) and len(ended.err.encode("utf-8")) < ERRORS:  # of a long text the beginning is not kept
        raise MachineFault(f"The sandbox could not be started ({ended.err.strip()[-200:] or f'exit status {ended.status}'}). "
                           "This is the machine's fault and costs nobody a point: run the same command again, it goes on "
                           "from here.")
    return ended


def hand_over(path: Path) -> None:
    """Give a file, or a folder and what is in it, to the user of the sandbox, where root is the caller."""
    if _root():
        for entry in (path, *path.rglob("*")):
            os.chown(entry, NOBODY, NOBODY, follow_symlinks=False)


def _root() -> bool:
    return os.geteuid() == 0


def seccomp(machine: str) -> bytes:
    """The filter of system calls as a program of the kernel's packet filter (seccomp(2));
    b"" where their numbers are not known.
    """
    if machine not in ("x86_64", "aarch64"):
        return b""
    column, architecture = (0, 0xC000003E) if machine == "x86_64" else (1, 0xC00000B7)
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06  # instructions: (code, steps to skip if true, if false, operand)
    allow, kill = (give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x80000000)
    succeed, missing = (give, 0, 0, 0x50000), (give, 0, 0, 0x50000 + 38)  # without doing anything; ENOSYS
    number, argument = (load, 0, 0, 0), (load, 0, 0, 16)
    steps = [(load, 0, 0, 4), (equal, 1, 0, architecture), kill, number]
    for refused in REFUSED.values():
        steps += [(equal, 0, 1, refused[column]), missing]
    steps += [(at_least, 0, 1, 0x40000000), missing]  # x86_64 has a second set of numbers up there
    families = [step for family in FAMILIES for step in ((equal, 0, 1, family), allow)]
    steps += [(equal, 0, len(families) + 2, SOCKET[column]), argument, *families, missing]
    steps += [(equal, 0, 3, PRCTL[column]), argument, (equal, 0, 1, PARENT_DIES), succeed, allow]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


@cache
def _filter_descriptor() -> int:
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, seccomp(platform.machine()))
    return descriptor


def _filter_file() -> str:
    """Where bubblewrap finds the filter, "" if there is none for this machine."""
    return f"/proc/{os.getpid()}/fd/{_filter_descriptor()}" if seccomp(platform.machine()) else ""


def _python() -> dict[str, Path]:
    """The Python of the course, and the system's libraries, for every program."""
    folders = ["/usr", *SYSTEM, sys.prefix, sys.base_prefix]
    return {name: Path(name) for name in dict.fromkeys(folders) if os.path.exists(name)}


def _system() -> list[str]:
    """What bubblewrap is told of /bin and its like: as the system has them."""
    words = []
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"):
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    return words


def _binds(mounts: Sequence[tuple[str, str, str | Path]]) -> list[str]:
    """What bubblewrap is told of (kind, path inside, path outside); a folder that holds one of them can be entered."""
    words, made = [], {"/"}
    for kind, inside, outside in mounts:
        for parent in reversed(Path(inside).parents):
            if str(parent) not in made and not any(parent.is_relative_to(path) for _, path, _ in mounts):
                words += ["--perms", "0755", "--dir", str(parent)]  # by itself bubblewrap makes them 0700
                made.add(str(parent))
        words += [kind, str(outside), inside]
    return words
