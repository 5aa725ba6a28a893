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
from typing import Any

import nbformat
import zmq.asyncio
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute
from traitlets import Bool, Unicode

from utils.instructor.execute import ROOT, environment
from utils.instructor.grading import sandbox
from utils.instructor.labs import HIDDEN, mark

NOTEBOOK_CELLS = 5  # a notebook gets as many times the seconds of a cell; after that, each cell gets one second
CELL_BYTES = 2 << 20  # of what one cell prints, shows and says in errors; the rest is dropped
NOTEBOOK_BYTES = 20 << 20  # of all cells together
MESSAGE_BYTES = 32 << 20  # of one message of a kernel: a larger one ends the connection
SHORT = 500  # characters of an error beyond that
LIMITS = sandbox.Limits(cpu=3600, memory=6144, processes=512)
DIED = "the kernel died here or before"
LATE = "the time of the whole notebook was up before this cell"
INSIDE = "/handed-in"  # where the folders of a lab are in the sandbox; no folder of a Python environment is called so


class SandboxedKernel(AsyncKernelManager):
    """A kernel that sees the course's Python, `utils` and a copy of `handed`, the folder of one submission, and nothing else.

    It talks through sockets in a folder that is bound into the sandbox, as there is no network inside.
    """

    handed = Unicode(help="the folder that the kernel gets a copy of").tag(config=True)
    isolated = Bool(True, help="in the sandbox").tag(config=True)
    scratch = Unicode("", help="where that copy is made; the next run removes what a killed one left there").tag(config=True)

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)  # before anything of a larger message is in memory
        return context

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        self._place, self._sockets = Path(tempfile.mkdtemp(prefix=".kernel-", dir=self.scratch)), Path(tempfile.mkdtemp(prefix="kernel-"))
        (self._place / "sockets").symlink_to(self._sockets)  # elsewhere, as the path of a socket has at most 107 bytes
        shutil.copytree(self.handed, self._place / "work")
        if self.isolated:
            self.transport, self.connection_file = "ipc", str(self._sockets / "kernel.json")
            self.kernel_spec.interrupt_mode = "message"  # a signal would reach bubblewrap, and end it
        kw["cwd"] = str(self._place / "work")
        kw["env"] = environment(self._place / "work" / "out") | {"PYTHONPATH": str(ROOT)}
        words, kw = await super()._async_pre_start_kernel(**kw)
        return words, kw | {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        # What lies beside the notebook must not take the place of a package or of the checks.
        safe = ["--InteractiveShellApp.ignore_cwd=True", "--HistoryManager.hist_file=:memory:"]
        if not self.isolated:
            return [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", self.connection_file, *safe]
        inside = {**json.loads(Path(self.connection_file).read_text(encoding="utf-8")), "ip": f"{INSIDE}/kernel/kernel-ipc"}
        (self._sockets / "inside.json").write_text(json.dumps(inside), encoding="utf-8")
        for folder in (self._place / "work", self._sockets):
            sandbox.hand_over(folder)
        words = [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", f"{INSIDE}/kernel/inside.json", *safe]
        return sandbox.command(
            words, LIMITS, folder=f"{INSIDE}/work",
            readable={f"{INSIDE}/course/{name}": ROOT / name for name in ("utils", "data")},
            writable={f"{INSIDE}/work": self._place / "work", f"{INSIDE}/kernel": self._sockets},
            environment={"COURSE_PROFILE": "quick", "TQDM_DISABLE": "1", "COURSE_OUT": f"{INSIDE}/work/out",
                         "PYTHONPATH": f"{INSIDE}/course"})

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        remove_kernel(self._place)

    cleanup_resources = _async_cleanup_resources


def remove_kernel(place: Path) -> None:
    """Remove the folders of a kernel: its copy of what was handed in, and its sockets."""
    with suppress(OSError):
        shutil.rmtree(os.readlink(place / "sockets"), ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)


class SandboxedExecute(Execute):
    """nbgrader's Execute with kernels in the sandbox, and limits on the time of all cells and on what the kernel sends.

    Whether a check passed is what the kernel's reply says, never what the cell shows: nbgrader would take a value for points, and a
    warning for a mistake. Where a kernel dies, or a cell cannot be interrupted, what was done before keeps its points.
    """

    shutdown_kernel = "immediate"
    raise_on_iopub_timeout = False

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named | {"kernel_manager_class": SandboxedKernel, "timeout_func": self._seconds})
        self._sent: dict[int, int] = {}
        self._deadline = 0.0
        self._dead = False

    def _seconds(self, cell: NotebookNode) -> int:
        self._deadline = self._deadline or time.monotonic() + NOTEBOOK_CELLS * self.timeout
        return max(1, min(self.timeout, round(self._deadline - time.monotonic())))

    def preprocess(self, nb: NotebookNode, resources: dict | None = None, *more: Any, **named: Any) -> tuple[NotebookNode, dict]:
        """Run the notebook without its hidden checks (they have their turn in `apart`), and put them back."""
        sources = [cell.source for cell in nb.cells]
        for cell in nb.cells:
            cell.source = HIDDEN.sub("", cell.source) if mark(cell).get("grade") else cell.source
        nb, resources = super().preprocess(nb, resources, *more, **named)
        for cell, source in zip(nb.cells, sources):
            cell.source = source
        return nb, resources

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if cell.cell_type == "code" and self._deadline and time.monotonic() > self._deadline:
            cell.outputs = [error("CellTimeoutError", LATE)]  # not run: each would take a second more
        elif cell.cell_type == "code" and self._dead:
            cell.outputs = [error("DeadKernelError", DIED)]
        else:
            try:
                cell, resources = super().preprocess_cell(cell, resources, index)
            except DeadKernelError:
                cell.outputs, self._dead = [error("DeadKernelError", DIED)], True
        return cell, resources

    def on_cell_executed(self, **told: Any) -> None:
        cell, reply = told["cell"], told["execute_reply"]["content"]
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.outputs = [output for output in cell.outputs if output.output_type == "stream" and output.name == "stdout"
                            or output.output_type == "error" and reply["status"] != "ok"]
        super().on_cell_executed(**told)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] not in ("status", "execute_input", "clear_output"):
            content = msg["content"]
            self._sent[cell_index] = self._sent.get(cell_index, 0) + len(json.dumps(content, default=str))
            if self._sent[cell_index] > CELL_BYTES or sum(self._sent.values()) > NOTEBOOK_BYTES:
                if msg["msg_type"] != "error":
                    return None
                content |= {"evalue": content["evalue"][:SHORT], "traceback": []}
        return super().process_message(msg, cell, cell_index)


def error(name: str, text: str) -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
