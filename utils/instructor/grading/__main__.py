"""python -m utils.instructor.grading grade DIR | check DIR: see `--help` of each."""
import argparse
import sys
from pathlib import Path

PRACTICE_FACES = 500


def main(words: list[str]) -> int:
    """Run the command line; the exit status is 0, 1 where something is missing or wrong, or 2 for words it does not know."""
    arguments = _parser().parse_args(words)
    from utils.instructor.files import MachineFault
    from utils.instructor.grading.class_folder import CannotGrade
    from utils.instructor.grading.sandbox import SandboxMissing

    try:
        return check(arguments.folder) if arguments.command == "check" else grade(arguments)
    except (CannotGrade, MachineFault, SandboxMissing, ValueError) as problem:
        print(f"grading: {problem}", file=sys.stderr)
        return 1


def grade(arguments: argparse.Namespace) -> int:
    """Grade a class, or delete the pictures of one that is graded."""
    from utils.instructor.grading import grade as grading
    from utils.instructor.grading import class_folder, clean_copy, supervise

    if arguments.delete_pictures:
        out = arguments.out or arguments.folder.with_name(arguments.folder.name + "-graded")
        print(f"{grading.delete_pictures(out)} pictures are deleted; grades and pages stay, without them.")
        return 0
    if arguments.unsafe_no_sandbox:
        print("Without a sandbox: the scripts run as you and may read, change and send whatever you may.", file=sys.stderr)
    out = grading.grade(arguments.folder.resolve(), arguments.out and arguments.out.resolve(), hidden_file=arguments.hidden,
                        seed=arguments.seed, rubric_file=arguments.rubric, isolated=not arguments.unsafe_no_sandbox)
    results = class_folder.read_results(out)
    with open(out / "duplicates.csv", encoding="utf-8-sig") as table:
        pairs = len(table.readlines()) - 1
    if others := clean_copy.left_out(arguments.folder):
        print(f"Neither a folder nor a zip file, so not graded: {', '.join(others)}.", file=sys.stderr)
    if waiting := [found["name"] for found in results if supervise.waited(found["faults"])]:
        print(f"Stopped by the clock before their processor time was used up, so their points may be too low: "
              f"{', '.join(waiting)}. "
              f"A script of theirs waits for something, or this machine was busy: run the same command again when it is quiet; "
              f"it tries these again.", file=sys.stderr)
    print(f"{len(results)} submissions are graded, {sum(bool(found['faults']) for found in results)} of them with something to "
          f"look at; {pairs} pairs share something.")
    print(f"{out.name}/ holds grades.csv, class.html, duplicates.csv and feedback/, a page for each team.")
    return 0


def check(folder: Path) -> int:
    """What the grader will find in this folder or zip, on practice faces; runs the script as you, as you would yourself."""
    from utils import data
    from utils.data.images import to_levels
    from utils.instructor.grading import grade as grading
    from utils.instructor.grading import manifest, rubric
    from utils.instructor.grading.examine_project import examine
    from utils.instructor.grading.hidden import Hidden

    rules, faces = rubric.load(), data.load("faces")
    practice = Hidden(to_levels(faces.x_val[:PRACTICE_FACES, :, :, 0]), faces.y_val[:PRACTICE_FACES], {}, "validation faces")
    found, _ = examine(folder, practice, rules, [0], grading.load_references(rules.references), isolated=False)
    lost = [line for line in found["judged"] if line["measure"] != rubric.PERSON and line["given"] < line["most"]]
    for line in found["judged"]:
        value = "not measured" if line["value"] is None else f"{line['value']:.4g}"
        if line["asked"] == "yes" and line["value"] is not None:
            value = "yes" if line["value"] >= 1 else "no"
        if line["measure"] == rubric.PERSON:
            print(f"    to be graded by a person, of {line['most']:g}  {line['title']}")
        else:
            print(f"{'-- ' if line in lost else 'ok '} {line['given']:g} of {line['most']:g}  {line['title']}: {value} "
                  f"({line['asked']})")
    for fault in found["faults"] + found["lacks"]:
        print(f"!   {fault}")
    for line in lost:  # what was not measured has its sentence above; what needs another line has that one's advice
        if line["value"] is not None and (not line["needs"] or found["measured"].get(line["needs"], 0) > 0):
            print(f"try {line['advice']}")
    print(f"{found['score']:g} of {found['maximum'] - rules.by_person():g} points that a program gives, on practice faces; the "
          f"hidden faces are others. A person gives up to {rules.by_person():g} more.")
    if folder.is_dir():
        print(f"{manifest.NAME} lists the {manifest.write(folder)} files of this folder: hand it in with them, and check again "
              "when you have changed one.")
    return 1 if lost or found["faults"] or found["lacks"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m utils.instructor.grading", description="Grades mini-projects.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("grade", help="grade a folder of submissions, each a folder or a zip file")
    one.add_argument("folder", type=Path, metavar="DIR")
    one.add_argument("--out", type=Path, metavar="DIR", help="where the results go (DIR-graded); a second run goes on there")
    one.add_argument("--hidden", type=Path, metavar="FILE.npz",
                     help="hidden test faces: x_test uint8 [N, 48, 48], y_test 0 man, 1 woman")
    one.add_argument("--seed", type=int, metavar="N", help="of the rendered hidden faces; drawn and kept if you name none")
    one.add_argument("--rubric", type=Path, metavar="FILE.toml", default=Path(__file__).with_name("rubric.toml"))
    one.add_argument("--unsafe-no-sandbox", action="store_true", help="run strangers' scripts as yourself, unprotected")
    one.add_argument("--delete-pictures", action="store_true", help="delete the teams' pictures from the results; grades stay")
    own = commands.add_parser("check", help="what the grader will find in your own folder")
    own.add_argument("folder", type=Path, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
