"""A prediction, written down before the cell that answers it and shown beside the result: `note`, then `compare`."""

_noted: dict[str, object] = {}


def note(question: str, answer: object = None) -> None:
    """Keep the answer that you expect; None if you do not guess. A new guess takes the place of the former one."""
    _noted[question] = answer


def compare(question: str, result: object) -> None:
    """Print the guess that was noted for the question, if there is one, and what was found."""
    answer = _noted.get(question)
    guessed = "no guess" if answer is None else f"your guess {answer}"
    print(f"{question}: {guessed}, found {result}")
