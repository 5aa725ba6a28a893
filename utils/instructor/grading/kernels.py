"""Kernels of students' notebooks: in the sandbox, bounded in time and in what they send, points by what they reply."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import nbformat
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Float, Type, Unicode
from traitlets.config import Config

from utils.instructor.execute import ROOT, environment
from utils.instructor.grading import sandbox, supervise, watch

NOTEBOOK_CELLS = 5  # a notebook gets as many times the seconds of a cell; after that, no cell is run
START_SECONDS = 120  # for a kernel to start, on a machine where others do
CELL_BYTES = 2 << 20  # of what one cell prints, shows and says in errors; the rest is dropped
NOTEBOOK_BYTES = 20 << 20  # of all cells together
OBJECT_BYTES = 16 << 20  # of what a cell of the grader's own sends: see `apart`
MESSAGE_BYTES = 128 << 20  # of one message of a kernel: a larger one ends the connection
WAITING = 4  # messages that may wait here to be read; more wait in the kernel, whose memory is bounded
SHORT = 500  # characters of an error beyond that
LIMITS = supervise.Limits(cpu=3600, memory=6144, processes=512, disk=512)  # memory: address space of each process
TOGETHER = watch.Bounds(memory=4096, disk=64)  # a kernel of a right lab takes about 1 GiB
# One thread for each kernel: each core has a kernel, and results do not depend on how many run.
ONE_THREAD = supervise.ONE_THREAD
DIED = "the kernel died here or before"
ABORTED = "the kernel was told not to run this cell"
LATE = "the time of the whole notebook was up before this cell"
INSIDE = "/handed-in"  # where the folders of a lab are in the sandbox; no folder of a Python environment is called so
WORK = "/tmp/handed-in"  # where its notebook runs, in the sandbox's own /tmp, which is bounded
# in the metadata of a cell of the grader's own, that gives trained objects or looks at the checks; not in the total
SENDS = "sends"


class BoundedClient(AsyncKernelClient):
    """What reads from a kernel."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)  # before anything of a larger message is in memory
        context.setsockopt(zmq.RCVHWM, WAITING)
        return context


class SandboxedKernel(AsyncKernelManager):
    """A kernel that sees the course's Python, `utils` and a copy of `handed`, the folder of one submission, and nothing else.

    It talks through sockets in a folder that is bound into the sandbox, as there is no network inside. `killed` is a sentence
    about the limit of TOGETHER, or of time, that it was ended for, or "".
    """

    client_factory = Type(BoundedClient)
    handed = Unicode(help="the folder that the kernel gets a copy of").tag(config=True)
    isolated = Bool(True, help="in the sandbox").tag(config=True)
    scratch = Unicode("", help="where folders are made; the next run removes what a killed one left there").tag(config=True)
    seconds = Float(help="after which it is ended, whatever it does").tag(config=True)
    killed = ""

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        self._place = Path(tempfile.mkdtemp(prefix=".kernel-", dir=self.scratch))
        # Elsewhere, as the path of a socket has at most 107 bytes.
        self._sockets = Path(tempfile.mkdtemp(prefix="kernel-", dir=None if len(tempfile.gettempdir()) < 60 else "/tmp"))
        (self._place / "sockets").symlink_to(self._sockets)
        kw["cwd"] = str(self._place)
        if self.isolated:
            self.transport, self.connection_file = "ipc", str(self._sockets / "kernel.json")
            self.kernel_spec.interrupt_mode = "message"  # a signal would reach bubblewrap, and end it
        else:
            kw["cwd"] = shutil.copytree(self.handed, str(self._place / "work"))
        kw["env"] = environment(self._place / "work" / "out") | ONE_THREAD | {"PYTHONPATH": str(ROOT)}
        words, kw = await super()._async_pre_start_kernel(**kw)
        return words, kw | {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    async def _async_post_start_kernel(self, **kw: Any) -> None:
        await super()._async_post_start_kernel(**kw)
        self._ended = Event()
        Thread(target=self._watch, args=[self.provisioner.process, self._ended], daemon=True).start()

    def _watch(self, process: subprocess.Popen, ended: Event) -> None:
        bounds = TOGETHER._replace(seconds=self.seconds)
        try:
            killed = watch.until_over(process.pid, [self._place, self._sockets], bounds, ended)
        except Exception as error:  # without the watcher no shared limit holds
            killed = f"It could not be watched ({type(error).__name__})."
        if killed:
            self.killed = killed
            supervise.kill(process)

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        # What lies beside the notebook must not take the place of a package or of the checks.
        safe = ["--InteractiveShellApp.ignore_cwd=True", "--HistoryManager.hist_file=:memory:"]
        if not self.isolated:
            return [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", self.connection_file, *safe]
        inside = {**json.loads(Path(self.connection_file).read_text(encoding="utf-8")), "ip": f"{INSIDE}/kernel/kernel-ipc"}
        (self._sockets / "inside.json").write_text(json.dumps(inside), encoding="utf-8")
        sandbox.hand_over(self._sockets)
        words = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", f"{INSIDE}/kernel/inside.json", *safe]
        copied = ["sh", "-c", f'cp -R {INSIDE}/given {WORK} && cd {WORK} && exec "$@"', "sh"]
        return sandbox.command(
            [*copied, *words], LIMITS,
            readable={f"{INSIDE}/given": Path(self.handed),
                      **{f"{INSIDE}/course/{name}": ROOT / name for name in ("utils", "data")}},
            writable={f"{INSIDE}/kernel": self._sockets},
            environment={"COURSE_PROFILE": "quick", "TQDM_DISABLE": "1", "COURSE_OUT": f"{WORK}/out",
                         "PYTHONPATH": f"{INSIDE}/course", **ONE_THREAD})

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        self._ended.set()
        await super()._async_cleanup_resources(restart=restart)
        remove_kernel(self._place)

    cleanup_resources = _async_cleanup_resources


def remove_kernel(place: Path) -> None:
    """Remove the folders of a kernel: its copy of what was handed in, and its sockets."""
    with suppress(OSError):
        _remove(Path(os.readlink(place / "sockets")))
    _remove(place)


def _remove(folder: Path) -> None:
    """Remove a folder of any depth: shutil.rmtree recurses, and a chain of a thousand folders stops it."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False)


class SandboxedExecute(Execute):
    """nbgrader's Execute with kernels in the sandbox, and limits on the time of all cells and on what the kernel sends.

    Whether a check passed is what the kernel's reply says, never what the cell shows: nbgrader would take a value for points,
    and a warning for a mistake. Where a kernel dies, or a cell cannot be interrupted, what was done before keeps its points;
    `dead` is then a sentence.
    """

    shutdown_kernel = "immediate"
    raise_on_iopub_timeout = False

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named | {"kernel_manager_class": SandboxedKernel, "timeout_func": self._seconds,
                                                "startup_timeout": START_SECONDS})
        self._sent: dict[int, int] = {}
        self._total, self._deadline = 0, 0.0
        self.dead = ""

    def _seconds(self, cell: NotebookNode) -> int:
        self._deadline = self._deadline or time.monotonic() + NOTEBOOK_CELLS * self.timeout
        return max(1, min(self.timeout, round(self._deadline - time.monotonic())))

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if cell.cell_type == "code" and self._deadline and time.monotonic() > self._deadline:
            cell.outputs = [error("CellTimeoutError", LATE)]  # not run: each would take a second more
        elif cell.cell_type == "code" and self.dead:
            cell.outputs = [error("DeadKernelError", self.dead)]
        else:
            try:
                cell, resources = super().preprocess_cell(cell, resources, index)
            except DeadKernelError:
                self.dead = self.km.killed or DIED
                cell.outputs = [error("DeadKernelError", self.dead)]
        return cell, resources

    def on_cell_executed(self, **told: Any) -> None:
        cell, reply = told["cell"], told["execute_reply"]["content"]
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [output for output in cell.outputs if output.output_type == "stream" and output.name == "stdout"
                            or output.output_type == "error" and reply["status"] != "ok"]
            if reply["status"] == "aborted":  # the kernel did not run it
                cell.outputs.append(error("Aborted", ABORTED))
        super().on_cell_executed(**told)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] not in ("status", "execute_input", "clear_output"):
            content = msg["content"]
            sends, size = SENDS in cell.metadata, len(json.dumps(content, default=str))
            self._sent[cell_index] = self._sent.get(cell_index, 0) + size
            self._total += 0 if sends else size
            over = (self._sent[cell_index] > OBJECT_BYTES if sends else self._sent[cell_index] > CELL_BYTES
                    or self._total > NOTEBOOK_BYTES)
            if over:
                if msg["msg_type"] != "error":
                    return None
                content |= {"evalue": content["evalue"][:SHORT], "traceback": []}
        return super().process_message(msg, cell, cell_index)


def run(notebook: NotebookNode, handed: Path, seconds: int, *, isolated: bool, scratch: Path) -> str:
    """Run the cells of a notebook in a kernel of their own, in place: a sentence if the kernel died, or "".

    handed   the folder with the student's files, which the kernel gets a copy of
    seconds  for one cell; for all together NOTEBOOK_CELLS times as many
    scratch  an existing folder for what a kernel needs
    """
    kernel = {"handed": str(handed), "isolated": isolated, "scratch": str(scratch),
              "seconds": NOTEBOOK_CELLS * seconds + START_SECONDS}
    running = SandboxedExecute(config=Config(SandboxedKernel=kernel, SandboxedExecute={"timeout": seconds}))
    running.preprocess(notebook, {"metadata": {"path": str(scratch)}})
    return running.dead


def error(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
