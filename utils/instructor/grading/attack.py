"""The call of a team's attack.py: hidden faces with their labels go in, modified faces come out.

    python attack.py IN.npz OUT.npz

    IN   images uint8 [N, 48, 48], labels [N] (0 man, 1 woman)
    OUT  images uint8 [N, 48, 48]

OUT is written to the /tmp of the sandbox, which is bounded, and read there: only its shape,
its type and N x 2,304 bytes come back.
"""
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

from utils.data.images import FACE_SIZE
from utils.instructor.grading import sandbox, supervise
from utils.instructor.grading.answers import last_line
from utils.instructor.grading.supervise import Ended, Limits

FACES = 50  # at most; of a small hidden set a quarter
# Runs attack.py, whose own output is dropped, and prints what is in OUT. It runs inside, where nothing is to be gained by
# changing it.
RUNNER = """
import subprocess, sys
script, given, made = sys.argv[1:]
status = subprocess.run([sys.executable, script, given, made], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
if status:
    sys.exit(status if status > 0 else 128 - status)
import numpy as np
try:
    with np.load(made, allow_pickle=False) as arrays:
        images = arrays["images"]
        head = f"{images.dtype} {','.join(map(str, images.shape))}"
except FileNotFoundError:
    head, images = "nothing", None
except KeyError:
    head, images = "unnamed", None
except Exception:
    head, images = "unreadable", None
sys.stdout.buffer.write(head[:80].encode() + b"\\n")
if images is not None and images.dtype == np.uint8:
    sys.stdout.buffer.write(images.tobytes()[:1 << 19])
"""
SAYS = {"nothing": "attack.py wrote no file under the second name that it was given.",
        "unnamed": "attack.py wrote a file without an array named images: np.savez(name, images=...).",
        "unreadable": "attack.py wrote a file that is no npz file of plain numbers: np.savez(name, images=...) writes one."}
HEAD = re.compile(r"([A-Za-z0-9_<>|\[\]]{1,40}) ((?:\d{1,12},?){0,8})")


def run(folder: Path, levels: np.ndarray, labels: np.ndarray, seconds: float, limits: Limits = Limits(), *, isolated: bool = True,
        core: int | None = None, scratch: Path | None = None) -> tuple[np.ndarray | None, list[str]]:
    """(what `folder`/attack.py makes of faces uint8 [N, 48, 48] with labels [N], or None; faults as sentences).

    seconds   of processor time for all faces; that of the clock is in `limits`
    isolated  in the sandbox; False runs it as the caller, with all that the caller may do
    """
    limits = limits._replace(cpu=round(seconds))
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        (given := Path(place) / "faces").mkdir()
        np.savez(given / "in.npz", images=levels, labels=labels.astype(np.int64))
        words = [sys.executable, "-I", "-c", RUNNER]
        if isolated:
            Path(place).chmod(0o755)
            ended = sandbox.run([*words, "/submission/attack.py", "/faces/in.npz", "/tmp/out.npz"], limits, core=core,
                                readable={"/submission": folder, "/faces": given})
        else:
            made = [str((folder / "attack.py").resolve()), str(given / "in.npz"), str(Path(place) / "out.npz")]
            ended = supervise.unprotected([*words, *made], limits, Path(place))
    return read(ended, len(levels))


def read(ended: Ended, faces: int) -> tuple[np.ndarray | None, list[str]]:
    """The images that came back, uint8 [faces, 48, 48], or None and the fault."""
    if ended.killed:
        return None, [f"attack.py was called with {faces} faces. {ended.killed}"]
    if ended.status:
        return None, [f"attack.py ended with the exit status {ended.status}{last_line(ended.err)}"]
    head, _, content = ended.out.partition(b"\n")
    head = head.decode("utf-8", "replace")
    if head in SAYS:
        return None, [SAYS[head]]
    found = HEAD.fullmatch(head)
    kind, shape = (found[1], [int(side) for side in found[2].split(",") if side]) if found else ("no array", [])
    if kind != "uint8" or shape != [faces, FACE_SIZE, FACE_SIZE]:
        return None, [f"attack.py wrote {kind} {shape}, expected uint8 {[faces, FACE_SIZE, FACE_SIZE]}: grey levels 0 to 255, "
                      f"np.round before np.uint8."]
    if len(content) != faces * FACE_SIZE**2:
        return None, ["attack.py left a process that wrote where the grader reads: end what you start."]
    return np.frombuffer(content, np.uint8).reshape(shape), []
