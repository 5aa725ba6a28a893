"""The checks of the labs: what passes, what fails, and in which words."""
import subprocess
import sys

import numpy as np
import pytest
import scipy.special

from utils import checks
from utils.attacks import total_variation
from utils.checks import nets, tapes
from utils.layers import Conv
from utils.quiet import tf


def mean(x):
    return np.mean(x)


def fails(words: str, function, *arguments, **named):
    with pytest.raises(checks.CheckFailed, match=words):
        function(*arguments, **named)


def test_equal_accepts_equal_numbers_however_they_come():
    checks.equal("x", [1, 2, 3], np.array([1.0, 2.0, 3.0]))
    checks.equal("x", 1.0, np.float32(1))
    checks.equal("x", np.array([1e6 + 1]), np.array([1e6]), tolerance=1e-5)
    checks.equal("x", np.zeros(3), np.zeros(3))
    dense = tf.keras.layers.Dense(2, kernel_initializer="zeros", kernel_regularizer="l2", kernel_constraint="non_neg")
    dense.build([None, 3])
    checks.equal("x", dense.kernel, np.zeros([3, 2]))


def test_equal_names_what_is_wrong():
    fails(r"x has shape \[2\], expected \[3\]", checks.equal, "x", [1, 2], [1, 2, 3])
    fails(r"x is 5 at \[1\], expected 2", checks.equal, "x", [1, 5, 3], [1, 2, 3])
    fails("x holds NaN", checks.equal, "x", [np.nan, 1], [1, 1])
    fails("x is a str, expected numbers", checks.equal, "x", "three", 3)
    fails("x is 2, expected 3", checks.equal, "x", 2, 3)
    fails("x is 1e-05, expected 0", checks.equal, "x", 1e-5, 0)


def test_mistakes_are_looked_at_only_when_the_answer_is_wrong():
    mistakes = [("You forgot the half.", lambda: 2.0), ("You added.", lambda: [1.0, 1.0]), ("Never.", lambda: 1 / 0)]
    checks.equal("x", 1.0, 1.0, mistakes)
    fails("You forgot the half", checks.equal, "x", 2.0, 1.0, mistakes[:2])
    fails("You added", checks.equal, "x", [1, 1], 1.0, mistakes[:2])
    fails("x is 3, expected 1", checks.equal, "x", 3.0, 1.0, mistakes[:2])
    fails("Two or four", checks.equal, "x", 4.0, 1.0, [("Three.", 3), ("Two or four.", 2, lambda: 4.0)])


def test_a_sentence_may_have_several_wrong_values_and_functions():
    mistakes = [("Lost.", 2.5, lambda: 3.5), ("Too large.", [4.0, 5.0], lambda: 7.5)]
    for sentence, wrong in (("Lost", 2.5), ("Lost", 3.5), ("Too large", [4, 5]), ("Too large", 7.5), ("x is 6, expected 1", 6.0)):
        fails(sentence, checks.equal, "x", wrong, 1.0, mistakes)


def test_what_stops_is_told_with_its_message():
    assert checks.attempt(lambda: 3, "never") == 3
    fails("The net stops with ZeroDivisionError: division by zero. Look", checks.attempt, lambda: 1 / 0,
          "The net stops with {}. Look")


def test_what_nan_means_in_a_task_is_said_in_its_words():
    fails("x holds NaN or infinity: that is 0/0", checks.equal, "x", [np.nan, 1], [0.5, 1], nan="that is 0/0.")


def test_whole_numbers_are_told_from_others():
    assert [checks.whole(value) for value in (3, np.int64(3), True, 3.0, "3", [3], None)] == [3, 3, 1] + 4 * [None]


X = np.random.default_rng(0).normal(size=(4, 3))
SLIPS = {  # what a slip makes of X, and words of its sentence
    "2 times what is expected": 2 * X, "1/3 of what is expected": X / 3, "12 times what is expected: a sum where a mean": 12 * X,
    "2.5 times": 2.5 * X, "has the wrong sign": -X, "0 everywhere": 0 * X, "is transposed": X.T, "reversed along axis 0": X[::-1],
    "reversed along axis 1": X[:, ::-1], "shifted by one position along axis 0": np.roll(X, 1, 0), "square of what": X**2,
    "extra absolute value": abs(X), "logarithm to the base 2": X / np.log(2), "logarithm to the base 10": X / np.log(10),
    "decimals are cut off": X.astype(int), "rounded to whole numbers": X.round().astype(int),
    "0.5 larger than expected everywhere": X + 0.5,
    "remove the axis of length 1": X[..., None], "one too few": X[:-1], "one too many": np.r_[X, X[:1]],
    "1 minus what is expected": 1 - X,
    "one number for all": X.mean(), "the sum over axis 1 is missing": np.stack([X / 4, 3 * X / 4], 1),
    "holds NaN": np.where(X > 1, np.nan, X),
    "expected numbers": "three", "a list whose parts do not make one array": [[1, 2], [3]]}


@pytest.mark.parametrize("words", SLIPS)
def test_slips_of_any_task(words):
    fails(words, checks.equal, "y", SLIPS[words], X)


def test_a_wrong_axis_is_named():
    given = {"x": np.arange(12.0).reshape(4, 3)**2}
    x = given["x"]
    fails("y is the mean of x over axis 0, expected over axis 1", checks.equal, "y", x.mean(0), x.mean(1), given=given)
    fails("y is the sum of x over all axes, expected over axis 0", checks.equal, "y", x.sum(), x.sum(0), given=given)
    square = {"x": X[:3, :3]}
    fails("y is the maximum of x over axis 1, expected over axis 0", checks.equal, "y", X[:3, :3].max(1), X[:3, :3].max(0),
          given=square)
    fails("one too few. Is a bound off by one, or an axis the wrong one", checks.equal, "y", x.mean(0), x.mean(1))


def test_slips_of_one_number():
    for words, value in {"wrong sign": -0.3, "logarithm to the base 2": 0.3 / np.log(2), "is half of": 0.15, "in percent": 30,
                         "extra root": 0.3**0.5}.items():
        fails(words, checks.equal, "y", value, 0.3)
    fails("y is 0.7003, expected 0.3", checks.equal, "y", 0.7003, 0.3)
    fails("y is 0.435, expected 0.3", checks.equal, "y", 0.435, 0.3, tolerance=0.05)  # near 0.3 / log 2, by chance


def test_small_inputs_are_shown():
    fails(r"y is 3.7, expected 3 for x = \[1, 2\], w = 5.$", checks.equal, "y", 3.7, 3, given={"x": [1, 2], "w": 5})
    fails(r"y has the wrong sign for x = 2\.$", checks.equal, "y", -3.5, 3.5, given={"x": 2})
    fails(r"y is half of what is expected for x = 2: is .*\?$", checks.equal, "y", 1.75, 3.5, given={"x": 2})
    fails(r"y is 3.7, expected 3.$", checks.equal, "y", 3.7, 3, given={"x": np.ones(13)})


def test_an_argument_that_is_changed_in_place_is_named():
    def steps(x, arrays, table):
        x += 1
        return x

    def of_a_list(x, arrays, table):
        arrays[1][0] = 5
        return x

    def of_a_table(x, arrays, table):
        table["a"] *= 2
        return x
    given = np.ones(3), [np.ones(2), np.ones(2)], {"a": np.ones(2)}
    for function, name in ((steps, "x"), (of_a_list, "arrays"), (of_a_table, "table")):
        fails(f"{function.__name__} changes its argument {name} in place: work on a copy", checks.call, function, *given)
    assert all(np.all(array == 1) for array in (given[0], *given[1], given[2]["a"])), "the student's function gets copies"


def test_results_are_counted():
    assert checks.results(mean, [1, 2], "loss", "delta") == (1, 2)
    fails("mean gives one value, expected 2: return loss, delta", checks.results, mean, np.ones(2), "loss", "delta")
    fails("mean gives 3 values, expected 2", checks.results, mean, (1, 2, 3), "loss", "delta")


def test_not_implemented_by_somebody_else_is_an_error_of_its_own():
    def symbolic(x):
        return tf.data.Dataset.range(2).map(lambda n: np.asarray(n) + 1)
    fails("symbolic stops in line .*use TensorFlow's functions, not NumPy's", checks.call, symbolic, 1)


def test_a_check_has_hidden_inputs_and_says_how_long_it_takes(capsys):
    @checks.check(seconds=5)
    def task(function):
        checks.equal("y", function(checks.inputs(2, lambda rng: 3)), checks.inputs(4, lambda rng: 9))
    task(lambda x: x**2)
    assert capsys.readouterr().out == "This check takes about 5 seconds.\n"
    task.hidden(lambda x: x**2)
    task(lambda x: 2 * x)
    fails("^With other inputs: y is 6, expected 9", task.hidden, lambda x: 2 * x)


def test_call_gives_the_value():
    assert checks.call(mean, [1, 2, 3]) == 2


def test_call_refuses_what_is_not_ones_own():
    def borrowed(dx):
        return total_variation(dx)
    borrowed.__globals__["total_variation"] = total_variation
    fails("comes from utils", checks.call, total_variation, np.zeros((1, 2, 2, 1)))
    fails("uses total_variation, which is part of utils", checks.call, borrowed, np.zeros((1, 2, 2, 1)))
    fails("is not a function", checks.call, 3)


def test_a_class_is_looked_at_and_called_like_a_function():
    class Inverse:
        def __init__(self, x):
            self.x = 1 / x

    class Borrowed(Inverse):
        def loss(self, dx):
            return total_variation(dx)
    assert checks.call(Inverse, 4).x == 0.25
    fails(r"Inverse stops in line \d+, `self.x = 1 / x`, with ZeroDivisionError", checks.call, Inverse, 0)
    fails("Borrowed uses total_variation, which is part of utils", checks.own, Borrowed)
    fails("comes from utils", checks.own, Conv)
    fails("is not a function", checks.own, dict)


def test_call_turns_exceptions_into_sentences():
    def stub():
        raise NotImplementedError("Write this task")

    def broken():
        return 1 / 0

    def forgetful():
        pass
    fails("stub is not written yet", checks.call, stub)
    fails(r"broken stops in line \d+, `return 1 / 0`, with ZeroDivisionError: division by zero", checks.call, broken)
    fails("forgetful gives None", checks.call, forgetful)


def test_of_a_long_message_only_the_line_that_matters_is_shown():
    def graph():
        raise ValueError('Graph execution error:\n\n  File "a.py", line\n\nIncompatible shapes: 2 vs. 3\n\t [[{{node sub}}]]\n')

    def layer():
        raise ValueError("Exception when calling.\n\n\x1b[1mExpected shape 4\x1b[0m\n\nArguments received by call():\n  • x=1")

    def inside():
        raise ValueError("in user code:\n\n    File a.py\n\n    NameError: no x\n")

    def short():
        raise ValueError("one\ntwo")
    fails("^graph stops in .*with ValueError: Incompatible shapes: 2 vs. 3. Two shapes do not fit", checks.call, graph)
    fails("^layer stops in .*with ValueError: Expected shape 4$", checks.call, layer)
    fails("^inside stops in .*with NameError: no x$", checks.call, inside)
    fails("^short stops in .*with ValueError: one\ntwo$", checks.call, short)


def test_a_check_that_fails_inside_is_not_wrapped():
    def stopped():
        checks.require(False, "Add the bias.")
    fails("^Add the bias.$", checks.run, stopped)


def test_a_failed_check_is_one_sentence_in_jupyter():
    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c",
                           "from utils import checks; checks.require(False, 'Add the bias.')"], capture_output=True,
                          encoding="utf-8")
    assert done.stdout.strip() == "Not yet: Add the bias." and "Traceback" not in done.stdout + done.stderr


def with_scipy(x):
    return scipy.special.logsumexp(x)


def by_a_helper(x):
    return with_scipy(x) - 1


def helper_imports(x):
    return leave(x) + 1


def leave(x):
    from sklearn.utils.extmath import softmax

    return softmax(x)


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def by_ones_own_softmax(x):
    return [softmax(row) for row in x]


def utils_in_a_comprehension(x):
    return [total_variation(row) for row in x]


def utils_inside(x):
    from utils.attacks import total_variation

    return total_variation(x)


def utils_of_keras(x):
    return np.keras.utils(x)


def test_written_out_refuses_libraries_also_in_helpers():
    fails("with_scipy leaves the work to scipy: write it", checks.written_out, with_scipy)
    fails(r"by_a_helper leaves the work to scipy \(in with_scipy\)", checks.written_out, by_a_helper)
    fails(r"leaves the work to sklearn.utils.extmath \(in leave\)", checks.written_out, helper_imports)
    fails("uses total_variation, which is part of utils", checks.written_out, utils_in_a_comprehension)
    fails("uses utils.attacks, which is part of utils", checks.own, utils_inside)
    checks.own(utils_of_keras)
    checks.written_out(by_ones_own_softmax, checks.LIBRARIES | {"softmax"})
    checks.written_out(mean)


def test_a_thing_that_is_no_function_gets_a_sentence():
    class Model:
        def __call__(self):
            return 1 / 0
    fails("stops with ZeroDivisionError", checks.run, Model())


def test_other_inputs_within_hidden_only():
    visible = np.random.default_rng(3).normal(size=4)
    np.testing.assert_array_equal(checks.seeded(3).normal(size=4), visible)
    with checks.other_inputs(7):
        np.testing.assert_array_equal(checks.seeded(3).normal(size=4), np.random.default_rng([7, 3]).normal(size=4))
        assert checks.inputs((5, 9), lambda rng: (7, 11)) == (7, 11)
    np.testing.assert_array_equal(checks.seeded(3).normal(size=4), visible)
    assert checks.inputs((5, 9), lambda rng: (7, 11)) == (5, 9)


def fail_within_hidden(fault):
    with checks.other_inputs(7):
        fault()


def test_hidden_says_that_the_inputs_are_others_and_shows_no_code():
    fails("^With other inputs: x is 2, expected 3.$", fail_within_hidden, lambda: checks.equal("x", 2, 3))
    fails("^With other inputs: NameError: name 'not_there' is not defined$", fail_within_hidden, lambda: not_there)  # noqa: F821
    assert checks.inputs(1, lambda rng: 2) == 1, "after a failure too the visible inputs come back"


@tf.function
def compiled_mean(x):
    return tf.reduce_mean(x)


@tf.function(reduce_retracing=True)
def compiled_with_a_helper(x):
    return compiled_mean(x) + 0


@tf.function
def compiled_with_utils(x):
    return total_variation(x)


def with_a_compiled_borrower(x):
    return compiled_with_utils(x)


def test_tf_function_is_only_a_wrapper():
    x = np.ones((1, 2, 2, 1), np.float32)
    assert checks.call(compiled_mean, x) == 1 and checks.call(compiled_with_a_helper, x) == 1
    checks.written_out(compiled_with_a_helper, {"sklearn"})
    fails("compiled_mean leaves the work to reduce_mean: write", checks.written_out, compiled_mean, {"reduce_mean"})
    fails(r"compiled_with_a_helper leaves the work to reduce_mean \(in compiled_mean\)", checks.written_out,
          compiled_with_a_helper, {"reduce_mean"})
    fails("compiled_with_utils uses total_variation, which is part of utils", checks.call, compiled_with_utils, x)
    fails("with_a_compiled_borrower leaves|compiled_with_utils uses total_variation", checks.written_out,
          with_a_compiled_borrower)
    fails("total_variation comes from utils", checks.call, tf.function(total_variation), x)
    fails("compiled_mean is not written yet", checks.call, tf.function(not_written), x)
    assert checks.call(tf.function(tf.function(mean_of_squares)), x).numpy() == mean_of_squares(x).numpy()


def mean_of_squares(x):
    return tf.reduce_mean(tf.cast(x, tf.float32)**2)


def not_written(x):
    raise NotImplementedError


not_written.__name__ = "compiled_mean"


def test_the_values_of_an_array_that_a_tape_refuses_are_not_told():
    with pytest.raises(ValueError) as raised, tf.GradientTape() as tape:
        tape.watch(np.zeros([40, 40, 3]))
    assert checks.message_of(raised.value).startswith("ValueError: Passed in an object of type 'ndarray', not tf.Tensor")


def test_the_gradient_of_a_small_network_is_that_of_the_chain_rule():
    rng = np.random.default_rng(5)
    net, x = nets.tanh_net(rng, (2, 3, 1), 4), rng.normal(size=[5, 2, 3, 1]).astype(np.float32)
    w, v = (kernel.numpy().astype(float) for kernel in net.kernels)
    hidden, labels = np.tanh(x.reshape(5, 6) @ w), np.array([0, 3, 1, 1, 2])
    p, own = scipy.special.softmax(hidden @ v, 1), np.eye(4)[labels]
    np.testing.assert_allclose(net(x), hidden @ v, rtol=1e-4, atol=1e-5)
    for loss, pull in ((nets.label_logit, own), (nets.cross_entropy, p - own)):
        chain = (pull @ v.T * (1 - hidden**2) @ w.T).reshape(x.shape)
        np.testing.assert_allclose(nets.gradient(net, x, labels, loss), chain, rtol=1e-4, atol=1e-5)
    fails(r"have shape \[5, 6\], expected \[N, 2, 3, 1\]", net, x.reshape(5, 6))


def test_what_a_function_passes_back():
    value, gradient = tapes.passed_back(lambda x: x**2, [1.0, 3.0], [1, -1], "")
    assert value.numpy().tolist() == [1, 9] and gradient().numpy().tolist() == [2, -6]
    fails("The gradient is None: it is lost.", tapes.passed_back(lambda x: tf.stop_gradient(x), [1.0], [1], "it is lost.")[1])
