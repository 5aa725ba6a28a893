"""Whether a script is stand-alone: asked by the check of the mini-project, and by its grader."""
import ast


def of_course(source: str) -> int:
    """The first line in which a script imports `utils`, the course's package, outside of a `try`; 0 if none does."""
    try:
        waiting = list(ast.parse(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    lines = []
    while waiting:
        node = waiting.pop()
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
            [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
        lines += [node.lineno for name in names if name.split(".")[0] == "utils"]
        waiting += [] if isinstance(node, ast.Try) else list(ast.iter_child_nodes(node))
    return min(lines, default=0)
