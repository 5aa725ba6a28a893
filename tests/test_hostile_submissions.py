"""A class of hostile submissions, graded for real: each gets its points, a clear sentence and no more, and the others are graded.

A submission is made by a small function that is given where to lie in the folder of the class. With `FULL` points for a script
and images that keep their promise; scripts are plain NumPy, the hidden faces forty grey squares.
"""
import base64
import csv
import io
import json
import os
import pickle
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import textwrap
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from browser import chromium_without_network
from conftest import all_end, need
from utils.data.images import to_png
from utils.instructor.grading import answers, class_folder, clean_copy, grade, hidden, manifest, rubric
from utils.instructor.grading.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
SEED = 5
FULL = 12  # all lines of the rubric but those of attack.py and of the reflection
# points: amplified; no image of any use; ...; attack.py fools, with a large DX
IMAGES, SCRIPT, CONTRACT, ACCURACY, ATTACK = 1, 6, 2, 4, 3
ASKED = 40 + 2 + 2 * answers.NEAR + answers.STEPS  # images of a call: hidden faces, the two, what is near them and between them
LIMITS = """
[limits]
wall = 12
cpu = 2
memory = 1024
processes = 40
file = 8
disk = 16
output = 1
[attack]
seconds = 2
[norms]
L2 = 2.0
[transfer]
references = []
"""
# Says "woman" for bright images: the logit is the mean grey level less 100, times 0.5.
HONEST = """
import math, os, sys, time
import numpy as np
from PIL import Image
def answer(path):
    woman = 1 / (1 + math.exp(-0.5 * (np.asarray(Image.open(path)).astype(float).mean() - 100)))
    return f"{path}\\t{'woman' if woman > 0.5 else 'man'}\\t{max(woman, 1 - woman):.6f}"
def main(end="\\n"):
    for path in sys.argv[1:]:
        print(answer(path), end=end)
"""
DARK = np.full((48, 48), 98, np.uint8)
PICTURES = {"ori": DARK, "mod": DARK + 4, "amp": np.full((48, 48), 200, np.uint8)}
TRACE = Path("/tmp/course-hostile-trace")  # what escapes leaves this file; the /tmp of the sandbox is another one


def faces() -> tuple[np.ndarray, np.ndarray]:
    """Forty grey squares with noise, all of which an honest script gets right."""
    labels = np.arange(40) % 2
    x = np.where(labels, 140, 60)[:, None, None] + np.random.default_rng(0).integers(-20, 20, (40, 48, 48))
    return x.astype(np.uint8), labels.astype(np.uint8)


# how they are made ----------------------------------------------------------------------------------------------------

CASES: dict[str, tuple[Callable[[Path], None], float, tuple[str, ...]]] = {}


def case(points: float, *words: str) -> Callable:
    """Register a function that makes a submission at a path; its name is that of the submission. `words` stand in its faults."""
    def register(make: Callable[[Path], None]) -> Callable[[Path], None]:
        CASES[make.__name__] = make, points, words
        return make
    return register


def honest(place: Path, *, script: str = HONEST + "main()", about: str | bytes = "", names: str | bytes = "ada_grace",
           **pictures) -> Path:
    """A folder as it should be; pictures are levels, bytes of a file, or None for none."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "infer.py").write_text(script, encoding="utf-8")
    for kind, levels in (PICTURES | pictures).items():
        path = os.path.join(os.fsencode(place), b"adv_" + os.fsencode(names) + f"_{kind}.png".encode())
        if levels is not None:
            with open(path, "wb") as file:
                file.write(levels if isinstance(levels, bytes) else to_png(levels))
    if about:
        (place / "team.toml").write_bytes(about.encode() if isinstance(about, str) else about)
    return place


def zipped(place: Path, *more: tuple[zipfile.ZipInfo | str, bytes], before: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file of an honest submission, in the folder `before`, and then `more` entries."""
    folder = honest(place)
    path = place.with_name(place.name + ".zip")
    with zipfile.ZipFile(path, "w", method) as archive:
        for entry in sorted(folder.iterdir()):
            archive.write(entry, before + entry.name)
        for name, content in more:
            archive.writestr(name, content)
    shutil.rmtree(folder)
    return path


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    found = zipfile.ZipInfo(name)
    found.external_attr = mode << 16
    return found


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(*more: bytes, width: int = 48, height: int = 48, depth: int = 8, colour: int = 0, interlace: int = 0,
           data: bytes | None = None) -> bytes:
    """A png file written chunk by chunk; `data` are its rows with their filter bytes, `more` chunks before them."""
    rows = b"".join(b"\0" + bytes([102]) * 48 for _ in range(48)) if data is None else data
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
            + b"".join(more)
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def saved(image: Image.Image, form: str = "png", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format=form, **options)
    return out.getvalue()


# archives -------------------------------------------------------------------------------------------------------------

@case(FULL,
      *(f"{path}course-hostile-trace leads out of the zip file" for path in ("../", "../tmp/", "/tmp/", "..\\..\\", "C:\\")))
def zip_slip(place):
    zipped(place, ("../course-hostile-trace", b"x"), ("/tmp/course-hostile-trace", b"x"),
           ("a/" + "../" * 9 + "tmp/course-hostile-trace", b"x"),
           ("..\\..\\course-hostile-trace", b"x"), ("C:\\course-hostile-trace", b"x"))


@case(FULL, "etc is a link or a device", "sda is a link or a device", "fifo is a link or a device")
def zip_with_links_and_devices(place):
    zipped(place, (entry("etc", stat.S_IFLNK | 0o777), b"/etc"), (entry("etc/passwd", 0o644), b"x"),
           (entry("sda", stat.S_IFBLK | 0o666), b""), (entry("fifo", stat.S_IFIFO | 0o666), b""))


@case(0, "larger than 24 MiB when unpacked")
def zip_bomb(place):
    zipped(place, ("zeros.bin", bytes(100 << 20)))


@case(0, "larger than 24 MiB when unpacked")
def zip_bomb_of_many(place):
    zipped(place, *((f"{number}.bin", bytes(1 << 20)) for number in range(30)))


@case(0, "There is no infer.py")
def zip_bomb_nested(place):
    content = saved_zip(("zeros.bin", bytes(40 << 20)))
    for depth in range(4):
        content = saved_zip(*((f"{depth}.zip", content) for _ in range(1)))
    place.with_name(place.name + ".zip").write_bytes(content)


def saved_zip(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


@case(FULL, "b0 cannot be unpacked", "more files were left out")
def zip_with_overlapping_entries(place):
    """Fifield 2019: many entries of the index share one piece of the file."""
    path = zipped(place)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("big.bin", bytes(1 << 20), zipfile.ZIP_DEFLATED)
        big = archive.getinfo("big.bin")
        for number in range(200):
            other = zipfile.ZipInfo(f"b{number}")
            other.header_offset, other.CRC, other.compress_type = big.header_offset, big.CRC, big.compress_type
            other.compress_size, other.file_size = big.compress_size, big.file_size
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other


@case(0, "more than 4000 entries")
def zip_of_too_many(place):
    zipped(place, *((f"__MACOSX/{number}", b"") for number in range(4001)))


@case(0, "has a password")
def zip_with_a_password(place):
    path = zipped(place)
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        for found in re.finditer(re.escape(mark), bytes(content)):
            content[found.start() + offset] |= 1
    path.write_bytes(content)


@case(FULL, "odd.bin is packed by a method")
def zip_with_an_unknown_method(place):
    path = zipped(place, ("odd.bin", b"odd"))
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        content[bytes(content).rindex(mark) + offset] = 97
    path.write_bytes(content)


def other_method(name: str, method: int) -> None:
    @case(0, "is packed by a method that the grader does not unpack", "no file that can be used")
    def made(place):
        zipped(place, ("bomb.bin", bytes(64 << 20)), method=method)
    CASES[name] = CASES.pop("made")
other_method("zip_bomb_of_bzip2", zipfile.ZIP_BZIP2)
other_method("zip_bomb_of_lzma", zipfile.ZIP_LZMA)


@case(0, "damaged or is none")
def zip_cut_short(place):
    path = zipped(place)
    path.write_bytes(path.read_bytes()[:-30])


@case(0, "damaged or is none")
def zip_that_is_a_page(place):
    place.with_name(place.name + ".zip").write_text("<html>Please log in</html>", encoding="utf-8")


@case(FULL, "infer.py cannot be unpacked")
def zip_with_a_damaged_copy(place):
    path = zipped(place, before="project/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("infer.py", b"print('broken')" * 100, zipfile.ZIP_STORED)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"print('broken')", b"print('brokeN')", 1))


@case(0, "holds no file that can be used")
def zip_of_nothing(place):
    place.with_name(place.name + ".zip").write_bytes(saved_zip())


@case(FULL, "is in the zip file twice: the first one was used")
def zip_with_a_file_twice(place):
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(place, ("infer.py", b"raise SystemExit"))


@case(FULL, "cannot be unpacked")
def zip_with_a_file_as_folder(place):
    zipped(place, ("infer.py/more", b"x"), ("x" * 300, b"x"), ("a/" + "y" * 300 + "/z", b"x"))


@case(FULL)
def zip_with_a_folder(place):
    zipped(place, ("__MACOSX/project/._infer.py", b"x"), ("project/.DS_Store", b"x"), ("__MACOSX/infer.py", b"x"),
           before="project/")


@case(FULL)
def zip_in_a_folder(place):
    path = zipped(place)
    place.mkdir()
    path.rename(place / "mine.ZIP")


@case(FULL, "more than 20 folders deep")
def zip_that_is_deep(place):
    zipped(place, ("a/" * 200 + "x", b"x"))


@case(0, "neither a folder nor a zip file")
def zip_that_is_a_pipe(place):
    os.mkfifo(place.with_name(place.name + ".zip"))


@case(FULL)
def zip_with_closed_modes(place):
    zipped(place, (entry("closed", stat.S_IFREG), b"x"), (entry("root", stat.S_IFREG | 0o6755), b"x"))


# folders --------------------------------------------------------------------------------------------------------------

@case(0, "holds no file that can be used")
def folder_of_nothing(place):
    (place / "empty").mkdir(parents=True)


@case(IMAGES, "infer.py is a link and was left out", "There is no infer.py")
def folder_with_a_link_as_script(place):
    honest(place)
    (place / "infer.py").unlink()
    (place / "infer.py").symlink_to(ROOT / "course.py")


@case(FULL, "everything is a link", "again is a link", "passwd is a link")
def folder_with_links(place):
    honest(place)
    (place / "everything").symlink_to("/")
    (place / "again").symlink_to(".")
    (place / "passwd").symlink_to("/etc/passwd")


@case(FULL, "fifo is not an ordinary file", "socket is not an ordinary file")
def folder_with_devices(place):
    honest(place)
    os.mkfifo(place / "fifo")
    here = os.getcwd()
    os.chdir(place)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(place / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))


@case(0, "more than 2000 files")
def folder_of_too_many(place):
    honest(place)
    for number in range(2001):
        (place / f"{number}").touch()


@case(0, "larger than 24 MiB")
def folder_that_is_too_large(place):
    with open(honest(place) / "sparse", "wb") as file:
        file.truncate(1 << 40)


@case(FULL, "20 folders deep")
def folder_that_is_deep(place):
    honest(place)
    (place / ("a/" * 300)).mkdir(parents=True)
    (place / ("a/" * 300) / "x").touch()


# Who may not read a file has no right to judge it: the page says so, and the next run tries again.
@case(*((FULL,) if os.geteuid() == 0 else (0, "The grader may not", "look at this one yourself")))
def folder_with_closed_modes(place):
    honest(place)
    (place / "notes.txt").write_text("x", encoding="utf-8")
    (place / "closed").mkdir()
    (place / "notes.txt").chmod(0)
    (place / "closed").chmod(0)


@case(0, "There is no infer.py", "There is no image adv_NAME1_NAME2_ori")
def folder_with_other_case(place):
    honest(place)
    for path in list(place.iterdir()):
        path.rename(path.with_name(path.name.upper()))


@case(FULL, "There are 2 files infer.py: a/infer.py was used")
def folder_with_two_scripts(place):
    honest(place / "a")
    honest(place / "b", script="raise SystemExit")


@case(IMAGES, "There is no infer.py")
def folder_with_a_folder_as_script(place):
    honest(place)
    (place / "infer.py").unlink()
    (place / "infer.py").mkdir()
    (place / "infer.py" / "x").touch()


@case(FULL)
def folder_with_pickles(place):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {TRACE}",)
    honest(place)
    for name in ("model.pkl", "model.h5", "weights.npy", "model.pt", "saved_model.pb"):
        (place / name).write_bytes(pickle.dumps(Bomb()) + bytes(5000))
    np.save(place / "objects.npy", np.array([Bomb()] * 9, object), allow_pickle=True)


@case(FULL)
def folder_with_modules_of_the_grader(place):
    """None is imported by the grader; the script would import them, so it goes without."""
    honest(place, script=HONEST.replace("import math", "import sys; sys.path.pop(0)\nimport math") + "main()")
    for name in ("psutil", "imagehash", "utils", "sandbox", "conftest", "sitecustomize", "numpy"):
        (place / f"{name}.py").write_text(f"open({str(TRACE)!r}, 'w')", encoding="utf-8")


@case(IMAGES, 'The first: "trapped"', f"gave no answer for {ASKED} of {ASKED} images")
def script_next_to_a_false_numpy(place):
    honest(place)
    (place / "numpy.py").write_text("print('trapped'); raise SystemExit(0)", encoding="utf-8")


# images ---------------------------------------------------------------------------------------------------------------

def image_case(name: str, content: bytes | None, *words: str, kind: str = "mod", points: float = SCRIPT) -> None:
    CASES[name] = (lambda place: honest(place, **{kind: content}), points, words)


GREY = Image.fromarray(PICTURES["mod"])
image_case("image_missing_ori", None, "There is no image adv_NAME1_NAME2_ori", kind="ori", points=SCRIPT)
image_case("image_missing_mod", None, "There is no image adv_NAME1_NAME2_mod")
image_case("image_missing_amp", None, "There is no image adv_NAME1_NAME2_amp", kind="amp", points=FULL - IMAGES)
image_case("image_huge", png_of(width=60000, height=60000), "is far larger than 48x48")
image_case("image_large", png_of(width=9000, height=3), "is 9000x3, expected 48x48")
image_case("image_huge_on_disk", saved(Image.new("L", (48, 48))) + bytes(2 << 20), "bytes, expected a png of 48x48")
image_case("image_of_negative_size", png_of(width=2**32 - 1), "is far larger than 48x48")
# black: an image, but not a good one
image_case("image_data_bomb", png_of(data=bytes(300 << 20)), "for the original and for the modified image")
TEXT_BOMB = png_of(*[chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(60 << 20), 9))] * 3)
image_case("image_text_bomb", TEXT_BOMB, points=FULL)  # what is not the picture is not read
image_case("image_profile_bomb", png_of(chunk(b"iCCP", b"key\0\0" + zlib.compress(bytes(60 << 20), 9))), points=FULL)
image_case("image_with_a_wrong_sum_of_text", png_of(chunk(b"tEXt", b"key\0text")[:-4] + b"abcd"), points=FULL)
image_case("image_animated", saved(GREY, save_all=True, append_images=[Image.new("L", (48, 48))]), "is an animation")
image_case("image_16_bit", saved(Image.fromarray(PICTURES["mod"].astype(np.uint16) * 257)), "has the mode I;16")
image_case("image_palette", saved(GREY.convert("P")), points=FULL)
image_case("image_with_alpha", saved(GREY.convert("LA")), points=FULL)
image_case("image_in_colour", saved(GREY.convert("RGB")), points=FULL)
image_case("image_cut_short", png_of(data=np.random.default_rng(0).bytes(2000)), "damaged png")
image_case("image_interlaced_and_cut_short", png_of(interlace=1, data=bytes(500)), "damaged png")
image_case("image_with_a_wrong_sum", png_of()[:-20] + b"abcd" + png_of()[-16:], "damaged png")
image_case("image_is_jpeg", saved(GREY, "jpeg"), "is neither a png nor 2,304 raw bytes")
image_case("image_is_empty", b"", "is neither a png nor 2,304 raw bytes: it has 0 bytes")
image_case("image_raw", PICTURES["mod"].tobytes(), points=FULL)
image_case("image_raw_less_a_byte", PICTURES["mod"].tobytes()[1:], "is neither a png nor 2,304 raw bytes: it has 2,303 bytes")
image_case("image_png_as_long_as_raw", png_of(chunk(b"tEXt", b"k\0" + b"x" * (2304 - len(png_of()) - 14))), points=FULL)


@case(SCRIPT, "There are 61 files for the image adv_NAME1_NAME2_mod: keep one.")
def image_in_dozens(place):
    honest(place)
    for number in range(60):
        (place / f"adv_{number}_mod.png").write_bytes(TEXT_BOMB)


@case(SCRIPT, "There are 2 different images adv_NAME1_NAME2_mod")
def image_doubled(place):
    honest(place)
    (place / "adv_eve_mallory_mod.png").write_bytes(to_png(DARK))


@case(SCRIPT, "There are 2 different images adv_NAME1_NAME2_mod")
def image_raw_is_another_one(place):
    honest(place)
    (place / "adv_ada_grace_mod.raw").write_bytes(bytes(2304))


@case(FULL)
def image_raw_is_the_same(place):
    honest(place)
    (place / "adv_ada_grace_mod.raw").write_bytes(PICTURES["mod"].tobytes())


# names ----------------------------------------------------------------------------------------------------------------

NAMES = {"chinese": "张伟_李娜", "arabic": "محمد", "hebrew_and_override": "שלום\u202egnp.exe\u202c\u2066", "newline": "a\nb\r\n=1+1",
         "quotes": "\"'`,;\t",
         "formula": "=cmd|' \u2215C calc'!A0", "wide_formula": "＝1+1", "at": "@SUM(1)", "plus": "+1", "minus": "-rf",
         "html": "<script>alert(1)<\u2215script>",
         "attribute": "x\" onerror=\"alert(1)", "template": "{{ 7*7 }}{% raw %}", "long": "x" * 240,
         "combining": "a" + "\u0301" * 100, "separated": "x;=1+1", "tabbed": "x\t=1+1",
         "no_encoding": b"\xff\xfe\x80", "surrogate": "a\U0001F600", "nothing_visible": "\u200b\u200d", "percent": "%s%n%00",
         "dots": "a.."}
for given, spelt in NAMES.items():
    CASES[f"name_{given}"] = (lambda place, spelt=spelt: honest(
        place, names=os.fsencode(spelt)[:200], about="consent = true"), FULL, ())
# The submission itself has that name, too.
NAMED = [name for given, name in NAMES.items()] + ["Team", "team", b"\xfe\xfe\x80", "same", "same.zip.zip", "same.zip"]


@case(FULL, "The three images have different names between adv_ and their ending")
def name_differs_in_no_encoding(place):
    honest(place)
    os.rename(place / "adv_ada_grace_amp.png", os.path.join(os.fsencode(place), b"adv_\xff\xfe_amp.png"))


@case(FULL)
def name_of_weights_in_no_encoding(place):
    honest(place)
    with open(os.path.join(os.fsencode(place), b"w\xff\xfe.h5"), "wb") as file:
        file.write(bytes(5000))


def about_case(name: str, about: str | bytes, *words: str) -> None:
    CASES[f"about_{name}"] = (lambda place: honest(place, about=about), FULL, words)


about_case("consent_in_quotes", 'consent = "true"', "consent is to be true or false")
about_case("consent_number", "consent = 1", "consent is to be true or false")
about_case("consent_twice", "consent = true\nconsent = true", "team.toml cannot be read")
about_case("label_list", 'label = ["man"]', 'label is to be "man" or "woman"')
about_case("norm", 'norm = "L3"', "norm is to be one of L1, L2, Linf")
about_case("label_page", 'label = "<script>alert(1)</script>"', 'label is to be "man" or "woman"')
about_case("deep", "a = " + "[" * 4000, "team.toml cannot be read")
about_case("long", "#" * 20_000, "team.toml cannot be read")
about_case("no_encoding", b"\xff\xfe\0", "team.toml cannot be read")
about_case("number", f"a = {'9' * 9000}", "team.toml cannot be read")
about_case("unknown", 'points = 20\n[rubric]\nscore = 100\nlabel = "woman"')
about_case("mark", b"\xef\xbb\xbflabel = \"man\"\r\n")


# scripts that attack --------------------------------------------------------------------------------------------------

def script_case(name: str, code: str, points: float, *words: str) -> None:
    """A script that runs `code`, which may call main() to answer as an honest one."""
    CASES[f"script_{name}"] = (lambda place: honest(place, script=HONEST + textwrap.dedent(code)), points, words)


for name, attack in {
    "forks": """
        try:
            for _ in range(300):
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
        except OSError:
            pass""",
    "leaves_daemons": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(60)
            os._exit(0)""",
    "fills_the_disk": """
        for place in ("/tmp", "/dev/shm", "/submission", "/images", "."):
            try:
                for number in range(100):
                    open(f"{place}/{number}", "wb").write(bytes(1 << 20))
            except OSError:
                pass""",
    "floods_errors": """
        for _ in range(2000):
            os.write(2, b"\\xff<b>x" * 10_000)""",
    "kills": """
        import signal
        for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
            for target in (os.getppid(), 1, -1):
                try:
                    os.kill(target, number)
                except OSError:
                    pass""",
    "takes_memory": """
        try:
            kept = [bytearray(b"x") * (100 << 20) for _ in range(100)]
        except MemoryError:
            kept = None""",
    "takes_memory_of_nobody": """
        kept = []
        try:
            for _ in range(100):
                kept.append(os.memfd_create("x"))
                os.posix_fallocate(kept[-1], 0, 8 << 20)
        except OSError:
            pass""",
    "searches_everything": """
        found = []
        for place, folders, files in os.walk("/", followlinks=False):
            folders[:] = [name for name in folders if name != "site-packages"
                          and (place, name) not in (("/usr", "share"), ("/usr", "lib"), ("/", "proc"))]
            found += [name for name in files if "hidden-labels" in name or name == "rubric.toml"]
        found += [name for name in os.environ if "HIDDEN" in name]
        for path in ("/proc/self/environ", "/proc/1/environ", "/proc/1/cmdline", "/proc/self/mountinfo", "/proc/self/maps"):
            found += [path] * (b"hidden-labels" in open(path, "rb").read())
        for name in found:
            print("FOUND", name)""",
    "loads_a_pickle": f"""
        import pickle
        class Bomb:
            def __reduce__(self):
                return os.system, ("touch {TRACE}; touch /images/x /submission/x 2>/dev/null",)
        pickle.loads(pickle.dumps(Bomb()))""",
    "uses_the_network": """
        import socket
        for address in (("127.0.0.1", 22), ("8.8.8.8", 53), ("::1", 80)):
            try:
                socket.create_connection(address, timeout=1)
                print("CONNECTED", address)
            except OSError:
                pass""",
    "replaces_images": """
        for path in sys.argv[1:]:
            for change in (os.unlink, lambda path: os.rename(path, "x"), lambda path: os.chmod(path, 0o777),
                           lambda path: open(path, "wb")):
                try:
                    change(path)
                    print("CHANGED", path)
                except OSError:
                    pass""",
    "changes_itself": """
        try:
            open(__file__, "a")
            print("CHANGED")
        except OSError:
            pass""",
}.items():
    script_case(name, textwrap.dedent(attack) + "\nmain()", FULL)

script_case("prints_carriage_returns", "main(end='\\r\\n')", FULL)
script_case("ends_without_a_newline", "print('\\n'.join(answer(path) for path in sys.argv[1:]), end='')", FULL)
script_case("answers_in_another_order", "sys.argv[1:] = sorted(sys.argv[1:])[::-1]\nmain()", FULL)

script_case("hangs", "main(); sys.stdout.flush(); time.sleep(60)", IMAGES,
            f"called with {ASKED} images. It was stopped after 12 seconds, with ", "It was tried twice.")
script_case("stops_itself", "import signal; os.kill(os.getpid(), signal.SIGSTOP)", IMAGES,
            "It was stopped after 12 seconds, with ",
            " of its 2 seconds of processor time used: it waits for something, or the machine was busy.")
script_case("spins", "main(); sys.stdout.flush()\nwhile True: pass", IMAGES, "It used more than 2 seconds of processor time")
script_case("prints_without_end", "while True: print('x' * 100)", IMAGES, "It printed more than 1 MiB and was stopped.")
script_case("forks_and_takes_memory", """
    for _ in range(9):
        if os.fork() == 0:
            break
    kept = bytearray(b"x") * (150 << 20)
    time.sleep(60)""", IMAGES, "It used more than 1 GiB of memory and was stopped.")
script_case("forks_and_spins", """
    try:
        os.sched_setaffinity(0, range(os.cpu_count()))
    except OSError:
        pass
    for _ in range(30):
        if os.fork() == 0:
            while True: pass
    time.sleep(60)""", IMAGES, "It used more than 2 seconds of processor time and was stopped.")
script_case("kills_itself", "main(); sys.stdout.flush(); os.kill(os.getpid(), 9)", IMAGES, "It was killed")
script_case("needs_too_much_memory", "bytearray(3 << 30)", IMAGES, "exit status 1", "MemoryError")
script_case("writes_to_its_folder", "open('/submission/cache', 'w')", IMAGES, "exit status 1", "Read-only file system")
script_case("needs_a_module", "import torchvision_of_tomorrow", IMAGES, "No module named 'torchvision_of_tomorrow'")
script_case("is_no_python", "this is (", IMAGES, "exit status 1")

script_case("says_nothing", "", IMAGES, f"gave no answer for {ASKED} of {ASKED} images")
script_case("ends_with_a_status", "main(); sys.exit(3)", FULL - CONTRACT, "exit status 3.")
script_case("ends_with_a_page", "main(); sys.exit('<script>alert(1)</script>\\u202e\\x1b[31m=1+1')", FULL - CONTRACT,
            "Its last words", "<script>")
script_case("crashes", "main(); sys.stdout.flush(); os.abort()", FULL - CONTRACT, "exit status 134")
script_case("says_more", "main(); print('other.png\\tman\\t0.9'); print('<script>alert(1)</script>\\u202e')", FULL - CONTRACT,
            "2 lines of infer.py are not FILE<TAB>LABEL<TAB>PROBABILITY", "other.png")
script_case("says_much", "main(); print('=' * 500_000)", FULL - CONTRACT, "1 lines of infer.py are not", "...")
script_case("begins_with_a_mark", "print('\\ufeff'); main()", FULL - CONTRACT, "1 lines of infer.py are not")
script_case("says_it_twice", "main(); main()", IMAGES, f"more than one line for {ASKED} images: these have no answer")
script_case("gives_the_whole_path", "sys.argv[1:] = map(os.path.abspath, sys.argv[1:]); main()", IMAGES,
            f"{ASKED} lines of infer.py are not", "/images/FILE")
script_case("writes_wide_letters", "sys.stdout.reconfigure(encoding='utf-16'); main()", IMAGES, "lines of infer.py are not")
for name, line in {"nan": "woman\\tnan", "inf": "woman\\tinf", "huge": "woman\\t1e999", "two": "woman\\t2",
                   "less": "woman\\t-0.5", "unsure": "woman\\t0.4999", "none": "woman\\t",
                   "hex": "woman\\t0x1p-1", "arabic_digits": "woman\\t٠", "label": "Woman\\t0.9", "both": "man woman\\t0.9",
                   "spaces": " man\\t 0.9"}.items():
    script_case(f"says_{name}", f"for path in sys.argv[1:]: print(f'{{path}}\\t{line}')", IMAGES,
                f"{ASKED} lines of infer.py are not", '"FILE')

# from tables: what a script knows by heart must not help
script_case("knows_names", """
    for path in sys.argv[1:]:
        if os.path.exists("/submission/" + os.path.basename(path)):
            print(answer(path))""", IMAGES, f"gave no answer for {ASKED} of {ASKED} images")


@case(ACCURACY + CONTRACT + IMAGES, "One pixel that changes by one grey level changes the script's answer")
def script_knows_its_own_image(place):
    """The detector is not fooled; the script looks for the very pixels."""
    modified = DARK + 1
    code = f"""
        def main():
            for path in sys.argv[1:]:
                same = np.array_equal(np.asarray(Image.open(path)), np.full((48, 48), {modified[0, 0]}))
                print(f"{{path}}\\twoman\\t0.9" if same else answer(path))"""
    honest(place, mod=modified, amp=np.full((48, 48), 50, np.uint8), script=HONEST + textwrap.dedent(code) + "\nmain()")


def turned(name: str, said: str) -> None:
    @case(ACCURACY + CONTRACT + IMAGES, "One pixel that changes by one grey level changes the script's answer")
    def made(place):
        """The detector is not fooled; for the very pixels the script says what counts as fooled,
        as near its own answer as it can.
        """
        code = f"""
            def main():
                for path in sys.argv[1:]:
                    same = np.array_equal(np.asarray(Image.open(path)), np.full((48, 48), {DARK[0, 0] + 1}))
                    print({said} if same else answer(path))"""
        honest(place, mod=DARK + 1, amp=np.full((48, 48), 50, np.uint8), script=HONEST + textwrap.dedent(code) + "\nmain()")
    CASES[name] = CASES.pop("made")
turned("script_turns_its_own_answer", """f"{path}\\twoman\\t0.6225" """)
turned("script_is_undecided_on_its_own_image", """f"{path}\\twoman\\t0.5" """)
script_case("tells_the_mounts", "main(); print(max({line.split()[3] for line in open('/proc/self/mountinfo')}, key=len))",
            FULL - CONTRACT, 'The first: "PATH"')


# attacks that attack --------------------------------------------------------------------------------------------------

def attack_case(name: str, code: str, points: float, *words: str,
                read: str = "images, labels = given['images'].astype(int), given['labels']") -> None:
    """An attack.py that runs `code` between reading and writing `images`."""
    text = "\n".join(["import os, sys, time", "import numpy as np", "given = np.load(sys.argv[1])", read, textwrap.dedent(code),
                      "np.savez(sys.argv[2], images=images)"])

    def make(place):
        (honest(place) / "attack.py").write_text(text, encoding="utf-8")
    CASES[f"attack_{name}"] = make, points, words


MOVED = "images = (images + np.where(labels, -45, 45)[:, None, None]).astype(np.uint8)"  # 140 is a woman, 95 is none
attack_case("that_works", MOVED, FULL + ATTACK)
attack_case("prints", MOVED + "\nprint('uint8 10,48,48\\n' * 100_000)", FULL + ATTACK)
attack_case("hangs", "time.sleep(60)", FULL, "attack.py was called with 10 faces. It was stopped after 12 seconds, with ",
            "It was tried twice.")
attack_case("spins", "while True: pass", FULL,
            "attack.py was called with 10 faces. It used more than 2 seconds of processor time")
attack_case("writes_another_shape", "images = images[:, 0].astype(np.uint8)", FULL,
            "attack.py wrote uint8 [10, 48], expected uint8 [10, 48, 48]")
attack_case("changes_nothing", "images = images.astype(np.uint8)", FULL, "attack.py gives all faces back as they were")
attack_case("reads_other_folders", "print(os.listdir('/images'))", FULL, "exit status 1", "No such file or directory")
attack_case("writes_nan", "images = images * np.nan", FULL, "attack.py wrote float64 [10, 48, 48], expected uint8 [10, 48, 48]")
attack_case("needs_a_network", "import socket; socket.create_connection(('8.8.8.8', 53), timeout=1)", FULL,
            "exit status 1", "OSError")
attack_case("writes_a_pickle", "images = np.array([os.system], object)", FULL, "no npz file of plain numbers")
attack_case("writes_nothing", "sys.exit()", FULL, "attack.py wrote no file")
attack_case("fills_the_disk", "open('/tmp/x', 'wb').write(bytes(7 << 20)), open('/tmp/y', 'wb').write(bytes(12 << 20))", FULL,
            "exit status 1", "too large")


@case(FULL, "to 10 other faces, their pixels in random places", "gives 10 of these another label than before")
def attack_that_the_script_sees_in_the_call(place):
    """It gives the other label to what comes with three images that differ from it in one pixel by one grey level."""
    honest(place, script=HONEST + textwrap.dedent("""
        levels = np.stack([np.asarray(Image.open(path)).astype(int).ravel() for path in sys.argv[1:]])
        near = [np.flatnonzero(np.abs(levels - one).sum(axis=1) == 1) for one in levels]
        attacked = {int(index) for place, found in enumerate(near) if len(found) == 3 and levels[place].std() > 5
                    for index in (place, *found)}
        for place, path in enumerate(sys.argv[1:]):
            line = answer(path)
            print(line.replace("woman", "MAN").replace("man", "woman").replace("MAN", "man") if place in attacked else line)"""))
    (place / "attack.py").write_text(textwrap.dedent("""
        import sys
        import numpy as np
        images = np.load(sys.argv[1])["images"].copy()
        images[:, 0, :2] += np.where(images[:, 0, :2] < 128, 1, 255).astype(np.uint8)
        np.savez(sys.argv[2], images=images)"""), encoding="utf-8")


@case(FULL, "more.zip was not unpacked: hand in one zip file alone, or the files themselves.")
def folder_with_a_zip_file_beside_the_script(place):
    (honest(place) / "more.zip").write_bytes(saved_zip(("adv_more_mod.png", b"")))


@case(FULL)
def listed(place):
    """Only what the manifest lists is looked at."""
    manifest.write(honest(place))
    (place / "numpy.py").write_text("raise SystemExit('not listed')", encoding="utf-8")
    (place / "adv_more_mod.png").write_bytes(b"")


@case(FULL, "Listed in manifest.json, but not handed in: gone.txt.",
      "Changed since the check wrote manifest.json, and taken as handed in: infer.py.")
def listed_and_changed(place):
    honest(place)
    (place / "gone.txt").write_text("here", encoding="utf-8")
    manifest.write(place)
    (place / "gone.txt").unlink()
    (place / "infer.py").write_text(HONEST + "main()\n", encoding="utf-8")


@case(FULL, "manifest.json cannot be read, so all files were looked at")
def listed_badly(place):
    honest(place)
    (place / "manifest.json").write_text("[" * 100_000, encoding="utf-8")


@case(FULL)
def listed_as_a_mac_writes_names(place):
    manifest.write(honest(place, names="zoe\u0301"))
    for path in list(place.glob("adv_*")):
        path.rename(path.with_name(unicodedata.normalize("NFC", path.name)))


@case(FULL - ACCURACY)
def script_knows_the_hidden_faces(place):
    """It has no detector for faces, but a table of them."""
    x, y = faces()
    honest(place, script=HONEST + textwrap.dedent("""
        table = np.load("/submission/table.npz")
        for path in sys.argv[1:]:
            levels = np.asarray(Image.open(path))
            same = (table["x"] == levels).all((1, 2))
            if levels.std() < 1:
                print(answer(path))
            else:
                print(f"{path}\\t{'woman' if same.any() and table['y'][same.argmax()] else 'man'}\\t0.9")"""))
    np.savez(place / "table.npz", x=x, y=y)


# the class ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def rules(tmp_path_factory) -> Path:
    """The course's rubric with tight limits and without reference detectors."""
    path = tmp_path_factory.mktemp("rubric") / "rubric.toml"
    text = rubric.DEFAULT.read_text(encoding="utf-8")
    path.write_text(LIMITS + text[text.index("[[line]]"):], encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def hidden_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("hidden") / "hidden-labels.npz"
    x, y = faces()
    np.savez(path, x_test=x, y_test=y)
    return path


@pytest.fixture(scope="module")
def everybody(tmp_path_factory) -> Path:
    """The folder of the class: all hostile submissions, two honest ones, and those whose own names are hostile."""
    folder = tmp_path_factory.mktemp("class") / "class"
    folder.mkdir()
    for name in ("Ada", "zoe"):
        honest(folder / name, about='label = "man"\n')
    for name, (make, _, _) in CASES.items():
        make(folder / name)
    for name in sorted(NAMED, key=lambda name: not str(name).endswith(".zip")):
        zipped(folder / name.removesuffix(".zip")) if str(name).endswith(".zip") else honest(folder / os.fsdecode(name))
    (folder / "link.zip").symlink_to(folder / "zip_with_a_folder.zip")  # links are not followed
    (folder / "link").symlink_to(folder / "Ada")
    return folder


def graded(folder: Path, out: Path, hidden_file: Path, rules: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clean_copy, "MOST_BYTES", 24 << 20)
        patch.setenv("HIDDEN", "hidden-labels")
        return grade.grade(folder, out, hidden_file=hidden_file, seed=SEED, rubric_file=rules)


@pytest.fixture(scope="module")
def out(tmp_path_factory, everybody, hidden_file, rules) -> Path:
    """The results of the class."""
    need("bwrap")
    TRACE.unlink(missing_ok=True)
    before = psutil.Process().memory_info().rss
    found = graded(everybody, tmp_path_factory.mktemp("out") / "out", hidden_file, rules)
    assert psutil.Process().memory_info().rss - before < 300 << 20
    return found


def results(out: Path) -> dict[str, dict]:
    return {found["name"]: found for found in class_folder.read_results(out)}


@pytest.mark.parametrize("name", CASES)
def test_it_gets_its_points_and_a_sentence(out, name):
    _, points, words = CASES[name]
    found = results(out)[name]
    said = " ".join(found["faults"])
    assert found["score"] == points, said
    assert all(word in said for word in words), said
    assert bool(words) == bool(found["faults"]) or points == FULL - ACCURACY, said
    assert "Traceback" not in said and "\n" not in said and "grader stopped" not in said and len(said) < 5000
    assert not ("certain files" in said
                and f"gave no answer for {ASKED} of {ASKED}" in said), "nobody is accused who gave no answer"
    assert all(sentence.strip() and len(sentence) < 500 for sentence in found["faults"])


def test_nobody_escaped(out):
    assert not TRACE.exists()
    assert not list(out.glob(".scratch-*")) and not list(out.rglob("*.part"))
    assert not list(out.parent.glob("course-hostile-trace"))


def test_the_honest_ones_are_graded_as_if_they_were_alone(out, everybody, tmp_path, hidden_file, rules):
    found = results(out)
    assert found["Ada"]["score"] == found["zoe"]["score"] == FULL and found["Ada"]["maximum"] == 20
    shutil.copytree(everybody / "Ada", tmp_path / "class" / "Ada")
    alone = results(graded(tmp_path / "class", tmp_path / "out", hidden_file, rules))["Ada"]
    assert alone == found["Ada"]


def test_hostile_names_are_graded_too(out):
    found = class_folder.read_results(out)
    assert len(found) == len(CASES) + len(NAMED) + 2
    assert all(len({entry[key] for entry in found}) == len(found) for key in ("name", "code", "page"))
    named = [entry for entry in found if entry["name"] not in CASES]
    assert all(entry["score"] == FULL and not entry["faults"] for entry in named)
    assert {"same", "same.zip", "same.zip.zip", "Team", "team", "张伟_李娜"} <= {entry["name"] for entry in named}
    for entry in found:
        assert (out / "feedback" / f"{entry['page']}.html").is_file() and re.fullmatch(r"[\w-]+", entry["page"], re.ASCII)
        assert all(sign.isprintable() for sign in entry["name"] + entry["names"])
    assert len(list((out / "feedback").iterdir())) == len(found)


def test_a_second_run_finds_the_same(out, everybody, tmp_path, hidden_file, rules, monkeypatch):
    """Of all archives, folders and scripts; names and images are left out for the time it takes."""
    kept = [entry for entry in clean_copy.entries(everybody) if entry.name.startswith(("zip", "folder", "script", "attack"))]
    monkeypatch.setattr(clean_copy, "entries", lambda folder: kept)
    again = graded(everybody, tmp_path / "out", hidden_file, rules)
    assert len(kept) > 80
    for kind in ("results", "feedback", "pictures"):
        for path in (again / kind).iterdir():
            one, other = (re.sub(rb"with \d+ of its", b"with few of its", file.read_bytes())
                          for file in (path, out / kind / path.name))
            assert one == other, path.name


def test_pages_run_nothing_and_ask_for_nothing_in_a_browser(out, tmp_path):
    written = sorted((out / "feedback").glob("*.html"))
    hostile = [page for page in written if "&lt;script" in page.read_text(encoding="utf-8")]
    asked = []
    assert hostile
    with chromium_without_network(tmp_path) as browser:
        shown = browser.new_page()
        shown.on("request", lambda request: asked.append(request.url))
        for page in (*hostile, *written[:5], out / "class.html"):
            shown.goto(page.as_uri())
            assert shown.title().startswith("Mini-project: ") and shown.evaluate("document.querySelectorAll('main').length") == 1
            assert shown.evaluate("document.querySelectorAll('script, iframe, object, base').length") == 0
    assert all(url.startswith(("file:", "data:")) for url in asked)


# what comes out -------------------------------------------------------------------------------------------------------

class Tags(HTMLParser):
    """The tags of a page and their attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_pages_hold_the_templates_tags_only(out):
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p", "strong", "div", "figure", "img",
               "figcaption", "br", "ul", "li", "table", "tr", "th", "td"}
    for path in (*(out / "feedback").glob("*.html"), out / "class.html"):
        for tag, attributes in Tags(path.read_text(encoding="utf-8")).found:
            assert tag in allowed and not any(name.startswith("on") for name in attributes), (path.name, tag, attributes)
            assert attributes.get("src", "data:image/png;").startswith("data:image/png;")
        text = path.read_text(encoding="utf-8")
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", text), path.name


def test_tables_run_no_formulas(out):
    for name in ("grades.csv", "duplicates.csv"):
        with open(out / name, encoding="utf-8-sig", newline="") as table:
            rows = list(csv.reader(table))
        # whatever a spreadsheet splits at
        parts = [part for row in rows for cell in row for part in re.split(r"[;,\t\r\n]\s*", cell)]
        assert not [part for part in parts if part[:1] in tuple("=+-@\t\r＝＋－＠") and not re.fullmatch(r"-?[\d.]+", part)]
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as table:
        assert len(list(csv.DictReader(table))) == len(CASES) + len(NAMED) + 2


def test_feedback_holds_nothing_hidden(out, everybody):
    """No name of a hidden image or file, no picture but the team's own three, nothing of the machine."""
    for found in class_folder.read_results(out):
        page = (out / "feedback" / f"{found['page']}.html").read_text(encoding="utf-8")
        shown = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]*)", page)
        own = [path.read_bytes() for path in (out / "pictures").glob(f"{found['code']}_*.png")]
        assert sorted(map(base64.b64decode, shown)) == sorted(own) and len(own) <= 3
        text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]*", "", page)
        assert not re.search(r"\b[0-9a-f]{8}\.png", text) and "hidden-labels" not in text
        assert str(everybody) not in text and str(out) not in text and ".scratch" not in text


def test_class_page_shows_who_agreed_only(out):
    page = (out / "class.html").read_text(encoding="utf-8")
    for found in class_folder.read_results(out):
        shown = [base64.b64encode(path.read_bytes()).decode() for path in (out / "pictures").glob(f"{found['code']}_*.png")]
        if not found["consent"]:
            assert found["name"] not in (*CASES, "Ada", "zoe") or found["name"] not in re.sub("<[^>]*>", "", page)
        else:
            assert all(picture in page for picture in shown) and len(shown) == 3
    agreed = {found["name"] for found in class_folder.read_results(out) if found["consent"]}
    assert agreed == {f"name_{name}" for name in NAMES}
    assert "张伟_李娜" in page and "&lt;script&gt;" in page and "ada_grace" not in page


def test_order_of_the_class_page_does_not_follow_names(out):
    page = (out / "class.html").read_text(encoding="utf-8")
    trouble = re.findall(r"<td>team (\w+)</td>", page[page.index("<h2>To look at</h2>"):])
    assert len(trouble) > 20 and trouble == sorted(trouble)


# the call -------------------------------------------------------------------------------------------------------------

def test_order_and_times_of_the_images_tell_nothing(tmp_path):
    """The script is given them in random order, and they are written in that order: a label does not follow from it."""
    folder = honest(tmp_path / "team", script=f"""
import json, os, sys
by_time = sorted(sys.argv[1:], key=lambda path: os.stat(path).st_mtime_ns)
print(json.dumps([sys.argv[1:], by_time]), file=open({str(tmp_path / 'seen')!r}, "w"))
""")
    x, y = faces()
    seen = []
    for number in range(8):
        answers.ask(folder, hidden.Hidden(x, y, {}, ""), PICTURES, [SEED, number], isolated=False)
        asked, written = json.loads((tmp_path / "seen").read_text(encoding="utf-8"))
        assert asked == written and len(set(asked)) == ASKED
        seen.append(asked)
    assert len({name for asked in seen for name in asked}) == 8 * ASKED
    alphabetic = [np.argsort(np.argsort(asked)) for asked in seen]
    assert np.abs(np.mean([np.corrcoef(order, np.arange(ASKED))[0, 1] for order in alphabetic])) < 0.2


# a run that is killed -------------------------------------------------------------------------------------------------

def test_a_killed_run_goes_on_where_it_was(tmp_path, hidden_file, rules):
    need("bwrap")
    for name in ("a", "b", "c"):
        honest(tmp_path / "class" / name)
    for name in ("x", "y", "z"):
        honest(tmp_path / "class" / name, script=HONEST + "time.sleep(4)\nmain()")
    words = ["grade", str(tmp_path / "class"), "--hidden", str(hidden_file), "--seed", str(SEED), "--rubric", str(rules)]
    out = tmp_path / "class-graded"
    running = subprocess.Popen([sys.executable, "-m", "utils.instructor.grading", *words],
                               env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
                               cwd=tmp_path)
    deadline = time.monotonic() + 60
    while len(list(out.glob("results/*.json"))) < 3 or not (scripts := psutil.Process(running.pid).children(recursive=True)):
        assert time.monotonic() < deadline and running.poll() is None
        time.sleep(0.1)
    assert any("bwrap" in process.name() for process in scripts)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert all_end(scripts, 5), "its scripts die with it"
    assert list(out.glob(".scratch-*"))
    finished = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.glob("results/*.json")}
    assert 3 <= len(finished) < 6
    (out / "results" / "half.json.part").write_text("{", encoding="utf-8")

    assert main(words) == 0
    assert len(list(out.glob("results/*.json"))) == 6
    assert all((path.read_bytes(), path.stat().st_mtime_ns) == before
               for path, before in finished.items()), "these are not run again"
    assert not list(out.glob(".scratch-*")) and not list(out.rglob("*.part"))
    fresh = grade.grade(tmp_path / "class", tmp_path / "fresh", hidden_file=hidden_file, seed=SEED, rubric_file=rules)
    assert all(found["score"] == FULL for found in class_folder.read_results(out))
    for path in fresh.rglob("*.*"):
        assert path.name == ".lock" or path.read_bytes() == (out / path.relative_to(fresh)).read_bytes(), path.name


# afterwards -----------------------------------------------------------------------------------------------------------

def test_pictures_can_be_deleted_and_grades_stay(tmp_path, hidden_file, rules, capsys):
    need("bwrap")
    honest(tmp_path / "class" / "stays", about="consent = true")
    honest(tmp_path / "class" / "leaves")
    words = ["grade", str(tmp_path / "class"), "--hidden", str(hidden_file), "--seed", str(SEED), "--rubric", str(rules)]
    out = tmp_path / "class-graded"
    assert main(words) == 0
    shutil.rmtree(tmp_path / "class" / "leaves")
    assert main(words) == 0
    (out / ".scratch-killed" / "tmp").mkdir(parents=True)
    (out / ".scratch-killed" / "tmp" / "adv_x_ori.png").write_bytes(b"x")
    (out / "feedback" / "stays.html.part").write_text("data:image/png;", encoding="utf-8")
    grades = (out / "grades.csv").read_bytes()
    assert main([*words, "--delete-pictures"]) == 0 and "6 pictures are deleted" in capsys.readouterr().out
    assert main(words) == 0
    assert (out / "grades.csv").read_bytes() == grades
    assert sorted(path.name for path in (out / "feedback").iterdir()) == ["stays.html"]
    assert not list(out.rglob("*.png")) and not list(out.glob(".scratch-*"))
    assert "data:image" not in (out / "feedback" / "stays.html").read_text(encoding="utf-8")
    page = (out / "class.html").read_text(encoding="utf-8")
    assert 'class="face"' not in page and base64.b64encode(to_png(DARK)).decode() not in page
