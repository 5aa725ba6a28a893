"""The exact smallest perturbation inside the box on models that are linear: what the tests of attacks compare with.

Nothing here is taken from the attacks: L0 is an integer program, L1 and Linf are linear programs, L2 a least-distance problem.
"""
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp, nnls


def optimum(kernel: np.ndarray, bias: np.ndarray, image: np.ndarray, label: int, norm: str, targeted: bool = False) -> float:
    """min ||dx||_norm such that 0 <= image + dx <= 1 and the model is fooled (or undecided); infinite if there is no such dx.

    kernel [n, classes], bias [classes]: the logits are image.ravel() @ kernel + bias. For two classes from one function
    w . x + b, as in `linear` of tests/test_attacks.py: np.stack([0 * w, w], 1) and [0, b].
    label  the true one: another logit has to be as high. With `targeted` the wanted one: it has to be as high as all others.
    norm   "L0" (changed values), "L1", "L2" or "Linf"
    """
    kernel, bias, x = (np.asarray(array, float) for array in (kernel, bias, np.ravel(image)))
    logits = x @ kernel + bias
    others = [other for other in range(bias.size) if other != label]
    falls = kernel[:, others].T - kernel[:, label]  # [others, n]: falls @ dx is how much each other logit gains on the label's
    gaps = logits[label] - logits[others]  # what it has to gain at least
    if targeted:
        return SOLVE[norm](-falls, -gaps, x)
    return min(SOLVE[norm](fall[None], np.array([gap]), x) for fall, gap in zip(falls, gaps))


def smallest_l0(rows: np.ndarray, gaps: np.ndarray, x: np.ndarray) -> float:
    """min number of dx_i != 0 such that rows @ dx >= gaps and 0 <= x + dx <= 1: a binary variable allows each value to change."""
    n, one = x.size, np.eye(x.size)
    constraints = [LinearConstraint(np.hstack([rows, 0 * rows]), gaps, np.inf),
                   LinearConstraint(np.hstack([one, -np.diag(1 - x)]), -np.inf, 0),
                   LinearConstraint(np.hstack([one, np.diag(x)]), 0, np.inf)]
    found = milp(np.r_[np.zeros(n), np.ones(n)], integrality=np.r_[np.zeros(n), np.ones(n)], constraints=constraints,
                 bounds=Bounds(np.r_[-x, np.zeros(n)], np.r_[1 - x, np.ones(n)]))
    return round(found.fun) if found.success else np.inf


def smallest_l1(rows: np.ndarray, gaps: np.ndarray, x: np.ndarray) -> float:
    """min sum |dx| such that rows @ dx >= gaps and 0 <= x + dx <= 1, with dx as a rise minus a fall."""
    found = linprog(np.ones(2 * x.size), A_ub=np.hstack([-rows, rows]), b_ub=-gaps,
                    bounds=np.stack([np.zeros(2 * x.size), np.r_[1 - x, x]], 1))
    return found.fun if found.success else np.inf


def smallest_linf(rows: np.ndarray, gaps: np.ndarray, x: np.ndarray) -> float:
    """min max |dx| such that rows @ dx >= gaps and 0 <= x + dx <= 1, with one more variable for the maximum."""
    n, one, column = x.size, np.eye(x.size), np.ones([x.size, 1])
    found = linprog(np.r_[np.zeros(n), 1], b_ub=np.r_[-gaps, np.zeros(2 * n)],
                    A_ub=np.block([[-rows, np.zeros([len(rows), 1])], [one, -column], [-one, -column]]),
                    bounds=[*zip(-x, 1 - x), (0, None)])
    return found.fun if found.success else np.inf


def smallest_l2(rows: np.ndarray, gaps: np.ndarray, x: np.ndarray) -> float:
    """min ||dx||_2 such that rows @ dx >= gaps and 0 <= x + dx <= 1.

    Lawson and Hanson 1974, chapter 23 (LDP): with all constraints as G dx >= h, the residual of a non-negative least-squares
    fit of (0, ..., 0, 1) by the rows (G, h) gives dx; it is 0 if no dx fits. `test_optimum_*` compares it with SLSQP.
    """
    one = np.eye(x.size)
    together = np.vstack([np.vstack([rows, one, -one]).T, np.r_[gaps, -x, x - 1]])
    wanted = np.r_[np.zeros(x.size), 1]
    weights, left = nnls(together, wanted)
    if left < 1e-8:
        return np.inf
    residual = together @ weights - wanted
    return float(np.linalg.norm(residual[:-1] / residual[-1]))


SOLVE = {"L0": smallest_l0, "L1": smallest_l1, "L2": smallest_l2, "Linf": smallest_linf}
