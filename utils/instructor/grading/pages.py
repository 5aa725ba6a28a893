"""What the grader gives out: grades.csv, duplicates.csv, a feedback page for each team and a page for the class.

Every page is one HTML file that needs nothing else. What a team wrote (names, output of its script) is escaped.
"""
import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from utils.instructor.files import write_table
from utils.instructor.grading.duplicates import Duplicate
from utils.instructor.grading.measures import MEASURES
from utils.instructor.grading.rubric import PERSON

ASSIGNMENT = "06_mini_project"
# The columns of `nbgrader export`, so that labs and mini-project can stand in one table; then what is the grader's own.
COLUMNS = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
           "late_submission_penalty", "score", "max_score", "code", "to_be_graded", "norm",
           *(NUMBERS := ("accuracy", "fooled", "L1", "L2", "Linf", "attack_success", "attack_size", "own_face")),
           "feedback"]
KINDS = {"ori": "original", "mod": "modified", "amp": "50 |DX|"}
SHOWN = 20  # of the leaderboard


def write_grades(path: Path, results: Sequence[dict]) -> None:
    """One line for each submission; `student_id` is the name of what was handed in."""
    rows = []
    for found in results:
        row = dict.fromkeys(COLUMNS, "") | {"assignment": ASSIGNMENT, "student_id": found["name"], "raw_score": found["score"],
                                            "late_submission_penalty": 0.0, "score": found["score"],
                                            "max_score": found["maximum"],
                                            "code": found["code"], "to_be_graded": waiting(found), "norm": found["norm"],
                                            "feedback": " ".join(found["faults"])}
        row |= {name: round(found["measured"][name], 4) for name in NUMBERS if name in found["measured"]}
        rows.append(row)
    write_table(path, COLUMNS, rows)


def write_duplicates(path: Path, found: Sequence[Duplicate]) -> None:
    """One line for each pair of submissions that share something."""
    write_table(path, Duplicate._fields, [pair._asdict() for pair in found])


def waiting(found: dict) -> float:
    """The points that a person has still to give."""
    return sum(line["most"] for line in found["judged"] if line["given"] is None)


def feedback(found: dict, pictures: Mapping[str, bytes]) -> str:
    """The page of one team: images, rubric, numbers, what to try next; nothing of the hidden faces but the accuracy."""
    lines = [line | {"shown": "" if line["measure"] == PERSON else _number(line["value"])} for line in found["judged"]]
    numbers = [(name, _number(found["measured"][name]), what) for name, what in MEASURES.items() if name in found["measured"]]
    lost = [line["advice"] for line in lines if line["given"] is not None and line["given"] < line["most"] and line["advice"]]
    questions = [question for line in lines for question in line["questions"]]
    said = {KINDS[kind]: _words(found["said"][kind][0]) for kind in ("ori", "mod") if kind in found["said"]}
    return fill("feedback.html.j2", found=found, lines=lines, numbers=numbers, lost=lost, said=said, waiting=waiting(found),
                questions=questions, groups=_groups(found["groups"]),
                 pictures={KINDS[kind]: _data(content) for kind, content in pictures.items()})


def of_class(results: Sequence[dict], pictures: Mapping[str, Mapping[str, bytes]]) -> str:
    """The page of the class. Teams are codes, unless they agreed to be shown; `pictures` {code: ...} has only theirs."""
    results = sorted(results, key=lambda found: found["code"])  # the order of the names would tell who is who
    teams = {found["code"]: _team(found) for found in results}
    fooled = sorted((found for found in results if found["measured"].get("fooled", 0) > 0),
                    key=lambda found: found["measured"]["L2"])
    leaders = [(teams[found["code"]],
                *(_number(found["measured"].get(name)) for name in ("L2", "Linf", "L0", "ssim", "shortest_t")))
               for found in fooled[:SHOWN]]
    charts = [histogram([found["measured"]["accuracy"] for found in results if "accuracy" in found["measured"]], 1,
                         "Accuracy on the hidden faces", "share of right answers"),
              histogram([found["measured"]["L2"] for found in fooled], None, "Size of DX where the script is fooled",
                        "L2 norm of DX"),
              histogram([found["measured"]["Linf"] for found in fooled], None, "Largest change of a pixel, same submissions",
                         "Linf norm of DX"),
              histogram([found["score"] for found in results], max(found["maximum"] for found in results), "Points", "points")]
    sheet = [(teams[code], {KINDS[kind]: _data(content) for kind, content in shown.items()})
             for code, shown in pictures.items() if shown]
    trouble = [(f"team {found['code']}", _trouble(found)) for found in results if _trouble(found)]  # nobody's failure by name
    return fill("class.html.j2", submissions=len(results), fooled=len(fooled), leaders=leaders,
                 charts=[chart for chart in charts if chart], sheet=sheet, trouble=trouble)


def _team(found: dict) -> str:
    return found["names"] or found["name"] if found["consent"] else f"team {found['code']}"


def _trouble(found: dict) -> str:
    """What an instructor should look at, without a word that the team wrote."""
    measured = found["measured"]
    if not found["judged"]:
        return "the grader itself stopped"
    if not measured:
        return "nothing could be taken in, or no script and no images"
    if "accuracy" not in measured:
        return "no script"
    if measured["accuracy"] == 0:
        return "the script gave no right answer"
    if not measured["contract"]:
        return "the script broke its contract"
    if "L2" not in measured:
        return "an image is missing or cannot be read"
    if measured.get("steady") == 0:
        return "answers for its own images hang on single grey levels"
    return "" if measured["fooled"] else "the modified image does not fool the script"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4g}"


def _words(woman: float | None) -> str:
    """What the script said, from its probability of "woman"."""
    if woman is None:
        return "no answer"
    return f"{'woman' if woman > 0.5 else 'man'}, {max(woman, 1 - woman):.2f}"


def _groups(groups: dict) -> dict[str, list[tuple[str, int, str]]]:
    def words(accuracy: float | None, low: float | None, high: float | None) -> str:
        return "too few to say" if accuracy is None else f"{100 * accuracy:.1f} % ({100 * low:.0f} to {100 * high:.0f})"
    return {kind: [(name, people, words(*measured)) for name, people, *measured in rows] for kind, rows in groups.items()}


def histogram(values: Sequence[float], highest: float | None, title: str, xlabel: str) -> tuple[str, str, str] | None:
    """(title, image, what is to be seen in words) of `values` from 0 to `highest`, or to the largest; None without any."""
    if not values:
        return None
    figure = Figure(figsize=(4.6, 2.8), layout="constrained")  # not through pyplot: nothing to close, no window
    axis = figure.add_subplot()
    axis.hist(values, bins=20, range=(0, max([*values, highest or 1e-9])), color="#0072B2")
    axis.set(title=title, xlabel=xlabel, ylabel="submissions")
    axis.spines[["top", "right"]].set_visible(False)
    axis.yaxis.get_major_locator().set_params(integer=True)
    content = io.BytesIO()
    figure.savefig(content, dpi=100, metadata={"Software": None})
    middle = sorted(values)[len(values) // 2]
    return (title, _data(content.getvalue()),
            f"{len(values)} values from {min(values):.3g} to {max(values):.3g}, middle {middle:.3g}.")


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def fill(template: str, **values) -> str:
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(template).render(**values)
