"""The helper that keeps a prediction: what was noted stands beside the result, and nothing is needed for it to run."""
from utils import guess


def test_the_last_guess_stands_beside_the_result(capsys):
    guess.note("units", 4)
    guess.note("units", 3)
    guess.compare("units", 5)
    assert capsys.readouterr().out == "units: your guess 3, found 5\n"


def test_without_a_guess_the_result_is_still_printed(capsys):
    guess.note("lines")
    guess.compare("lines", "7 %")
    guess.compare("never asked", 0)
    assert capsys.readouterr().out == "lines: no guess, found 7 %\nnever asked: no guess, found 0\n"


def test_a_guess_of_zero_is_a_guess(capsys):
    guess.note("gradient", 0)
    guess.compare("gradient", 0.1)
    assert "your guess 0" in capsys.readouterr().out
