"""Wrong answers of lab 07, and words of the sentence that each must get."""


def _fast(move: str = "x + (-1 if targeted else 1) * epsilon * step", linf: str = "tf.sign(g)",
          end: str = "tf.clip_by_value(moved, 0, 1) - x",
          l2: str = "g / tf.sqrt(tf.reduce_sum(g**2, [1, 2, 3], keepdims=True))", watch: str = "tape.watch(x)",
          loss: str = "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x))") -> str:
    return ("def fast_gradient(model, x, labels, epsilon, norm, targeted):\n    with tf.GradientTape() as tape:\n        "
            f"{watch}\n"
            f"        loss = {loss}\n    g = tape.gradient(loss, x)\n    step = {linf} if norm == 'Linf' else {l2}\n"
            f"    moved = {move}\n    return {end}")


def _pgd(start: str = "project(start)", at: str = "x + dx", move: str = "np.sign({})", sign: str = "+",
         ball: str = "np.clip(dx, -epsilon, epsilon)",
         box: str = "np.clip(x + dx, 0, 1) - x", steps: str = "steps", each: str = "project", end: str = "dx") -> str:
    step = f"dx {sign} step_size * {move.format(f'gradient({at})')}"
    return (f"def pgd(gradient, x, start, epsilon, step_size, steps):\n    def project(dx):\n        dx = {ball}\n        return "
            f"{box}\n"
            f"    dx = {start}\n    for _ in range({steps}):\n        dx = {each}({step})\n    return {end}")


def _plane(t: str = "np.minimum(tau * a, u)", u: str = "np.where(way > 0, 1 - x, x)", small: str = "way * u",
           way: str = "np.sign(g) * np.sign(c)",
           end: str = "way * t(high)", top: str = "np.max(u[a > 0]) / np.min(a[a > 0]) + np.max(u)") -> str:
    return (f"def onto_boundary(x, g, c):\n    way, a = {way}, np.abs(g)\n    u = {u}\n    t = lambda tau: {t}\n"
            f"    if a @ u <= abs(c):\n        return {small}\n    low, high = 0.0, {top}\n    for _ in range(100):\n"
            "        tau = (low + high) / 2\n        low, high = (tau, high) if a @ t(tau) < abs(c) else (low, tau)\n    "
            f"return {end}")


CLOSED = "def onto_boundary(x, g, c):\n    d = c * g / (g @ g)\n    "
ONCE = CLOSED + ("cut = np.clip(x + d, 0, 1) - x\n    free = cut == d\n"
                 "    d = np.where(free, cut + (c - g @ cut) * g / (g[free] @ g[free]), cut)\n    return ")


def _smallest(c: str = "g @ d - f - beyond", new: str = "project(x, g, c)", at: str = "x + d",
              keep: str = "np.linalg.norm(d) < np.linalg.norm(best)",
              end: str = "d if best is None else best", steps: str = "steps", after: str = "pass") -> str:
    return (f"def smallest(margin, project, x, steps, beyond):\n    d, best = 0 * x, None\n    f, g = margin({at})\n    for _ in "
            f"range({steps}):\n"
            f"        c = {c}\n        d = {new}\n        f, g = margin({at})\n        if f < 0 and (best is None or {keep}):\n"
            f"            best = d\n            {after}\n    return {end}")


def _evolve(child: str = "np.clip(one + (two - three) / 2, 0, 1)", better: str = "new < margins",
            c: str = "np.where(better[..., None], child, candidates)",
            m: str = "np.where(better, new, margins)", score: str = "score(child)") -> str:
    return ("def evolve(candidates, margins, parents, score):\n    one, two, three = (candidates[:, parents[:, i]] for i in "
            "range(3))\n"
            f"    child = {child}\n    new = {score}\n    better = {better}\n    return {c}, {m}")


def _eot(total: str = "tf.add_n([loss(model(t(x))) for t in transformations]) / len(transformations)",
         end: str = "tape.gradient(total, x)") -> str:
    return (f"def eot_gradient(model, loss, x, transformations):\n    with tf.GradientTape() as tape:\n        tape.watch(x)\n"
            f"        total = {total}\n    return {end}")


def _reading(a: str = "set()", b: str = "{2, 4, 5}", c: str = "{1}", masked: str = "'B'") -> str:
    return f"def reading():\n    return {{'A': {a}, 'B': {b}, 'C': {c}}}, {masked}"


WRONG = {
    "fast": [
        ("targeted makes no difference", _fast("x + epsilon * step")),
        ("The step goes the wrong way for targeted=False", _fast("x + (1 if targeted else -1) * epsilon * step")),
        ("X + DX leaves the box", _fast(end="moved - x")),
        ("This is X + DX, expected DX.", _fast(end="tf.clip_by_value(moved, 0, 1)")),
        ("and it leaves the box", _fast(end="moved")),
        ("DX is clipped to [0, 1]", _fast(end="tf.clip_by_value(moved - x, 0, 1)")),
        ("softmax first", _fast(loss="-tf.reduce_sum(tf.one_hot(labels, 6) * model(x), 1)")),
        ("Pass from_logits=True", _fast(loss="tf.keras.losses.sparse_categorical_crossentropy(labels, model(x))")),
        ("Softmax is taken twice", _fast(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.nn.softmax(model(x)))")),
        ("the other norm's step", _fast(l2="tf.sign(g)")),
        ("divided by its largest value", _fast(linf="g / tf.reduce_max(tf.abs(g), [1, 2, 3], keepdims=True)")),
        ("without influence moves", _fast(linf="tf.where(g > 0, 1.0, -1.0)")),
        ("the whole batch", _fast(l2="g / tf.norm(g)")),
        ("take the root", _fast(l2="g / tf.reduce_sum(g**2, [1, 2, 3], keepdims=True)")),
        ("root of its mean square", _fast(l2="g / tf.sqrt(tf.reduce_mean(g**2, [1, 2, 3], keepdims=True))")),
        ("sum of its absolute values", _fast(l2="g / tf.reduce_sum(tf.abs(g), [1, 2, 3], keepdims=True)")),
        ("not been normalised, for L2", _fast(l2="g")),
        ("each channel", _fast(l2="g / tf.norm(g, axis=[1, 2], keepdims=True)")),
        ("each pixel's channels", _fast(l2="tf.math.l2_normalize(g, axis=-1)")),
        ("the predicted class", _fast(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(tf.argmax(model(x), 1), model(x))")),
        ("tape.watch", _fast(watch="pass")),
        ("predict gives an array", _fast(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model.predict(x))")),
        ("two axes at most", _fast(l2="g / tf.norm(g, axis=[1, 2, 3], keepdims=True)")),
        ("are they exchanged", _fast(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(model(x), labels)")),
        ("It is the sign, divided by its length", _fast(l2="tf.sign(g) / tf.sqrt(tf.reduce_sum(tf.sign(g)**2, [1, 2, 3], "
                                                           "keepdims=True))")),
        ("the length epsilon again", _fast(end="(lambda d: d if norm == 'Linf' else epsilon * d / tf.sqrt(tf.reduce_sum(d**2, "
                                               "[1, 2, 3], keepdims=True)))(tf.clip_by_value(moved, 0, 1) - x)")),
        ("part of utils", "def fast_gradient(model, x, labels, epsilon, norm, targeted):\n"
                          "    return attacks.fgsm(model, x, labels, epsilon=epsilon, norm=norm, targeted=targeted).dx"),
        ("gives None", _fast(end="None")),
    ],
    "pgd": [
        ("This is X + DX", _pgd(end="x + dx")), ("The steps go down", _pgd(sign="-")), ("always taken at x", _pgd(at="x")),
        ("taken at DX", _pgd(at="dx")), ("DX starts at 0", _pgd(start="0 * start")),
        ("The start is not brought back", _pgd(start="start")),
        ("only at the end", _pgd(start="start", each="", end="project(dx)")), ("leaves the box", _pgd(box="dx")),
        ("leaves the box", _pgd(box="dx", start="np.clip(x + start, 0, 1) - x")),
        ("DX is clipped to [0, 1]", _pgd(box="np.clip(dx, 0, 1)")), ("DX leaves the ball", _pgd(ball="dx")),
        ("both the ball and the box", _pgd(start="start", each="")), ("DX is scaled", _pgd(start="np.clip(x + start, 0, 1) - x",
                                                ball="dx * np.minimum(1, epsilon / np.abs(dx).max((1, 2, 3), keepdims=True))")),
        ("its sign, for Linf", _pgd(move="{}")), ("step_size", _pgd(move="epsilon / step_size * np.sign({})")),
        ("gradient is 0 moves", _pgd(move="np.where({} >= 0, 1, -1)")),
        ("gradient is 0 moves", _pgd(move="np.where({} > 0, 1, -1)")),
        ("the box only at the end", _pgd(box="dx", end="np.clip(x + dx, 0, 1) - x")), ("after one step", _pgd(steps="1")),
        ("once, before the loop", _pgd(at="begin", start="project(start)\n    begin = x + dx")),
        ("one step too many", _pgd(steps="steps + 1")), ("one step too few", _pgd(steps="steps - 1")),
        ("The last step is not projected",
         _pgd(each="").replace("        dx = (dx", "        dx = project(dx)\n        dx = (dx")),
        ("changes its argument start in place",
         "def pgd(gradient, x, start, epsilon, step_size, steps):\n    dx = start\n    for _ in range(steps):\n"
         "        dx += step_size * np.sign(gradient(x + dx))\n    return dx"),
    ],
    "projection": [
        ("The step that ignores the box is clipped", CLOSED + "return np.clip(x + d, 0, 1) - x"),
        ("x + d leaves the box", CLOSED + "return d"),
        ("repeat it, or search for tau", ONCE + "np.clip(x + d, 0, 1) - x"), ("repeat it, or search for tau", ONCE + "d"),
        ("This is x + d", _plane(end="x + way * t(high)")),
        ("d goes the wrong way", _plane(way="-np.sign(g) * np.sign(c)", u="np.where(way < 0, 1 - x, x)")),
        ("smallest step by Linf", _plane(t="np.where(a > 0, np.minimum(tau, u), 0)")),
        ("smallest step by L1", "def onto_boundary(x, g, c):\n    d, left = np.zeros_like(x), abs(c)\n    for i in "
                                "np.argsort(-np.abs(g)):\n"
         "        way = np.sign(g[i]) * np.sign(c)\n        if way:\n            t = min(left / abs(g[i]), 1 - x[i] if way > 0 "
         "else x[i])\n"
         "            d[i], left = way * t, left - abs(g[i]) * t\n    return d"),
        ("The room u is 1 - x for all", _plane(u="(1 - x) * (way != 0)")),
        ("depends on the direction", _plane(u="np.minimum(x, 1 - x) * (way != 0)")),
        ("the square of the length", "def onto_boundary(x, g, c):\n    return c * g / np.linalg.norm(g)"),
        ("whose gradient is 0 moves", _plane(way="np.where(g >= 0, 1, -1) * np.sign(c)")),
        ("d is 0 here", _plane(small="0 * x")), ("also when the box is too small", _plane(small="None")),
        ("leaves the work to minimize", "from scipy.optimize import minimize\ndef onto_boundary(x, g, c):\n"
         "    return minimize(lambda d: d @ d, 0 * x, bounds=list(zip(-x, 1 - x)), constraints={'type': 'eq', 'fun': lambda d: g "
         "@ d - c}).x"),
        ("The sign of c is ignored", _plane(way="np.sign(g)")), ("compare the sum with |c|", _plane().replace("abs(c)", "c")),
        ("too small: where a is small", _plane(top="10")),
        ("the sign of g times that of c", _plane(u="np.where(g > 0, 1 - x, x)")),
        ("repeat it, or search for tau", "def onto_boundary(x, g, c):\n    d, free = np.zeros(len(x)), g != 0\n"
         "    for _ in range(3):\n"
         "        d = np.where(free, (c - g[~free] @ d[~free]) * g / max(g[free] @ g[free], 1e-30), d)\n"
         "        cut = np.clip(x + d, 0, 1) - x\n        free, d = free & (cut == d), cut\n    return d"),
        ("too small: where a is small", _plane(top="1e3")), ("too small: where a is small", _plane(top="1e4")),
        ("too small: where a is small", _plane(top="np.min(u[a > 0] / a[a > 0])")),
        ("is scaled until", CLOSED + "d = np.clip(x + d, 0, 1) - x\n    return d * c / (g @ d)"),
        ("which half", _plane().replace("(tau, high) if a @ t(tau) < abs(c) else (low, tau)",
                                        "(low, tau) if a @ t(tau) < abs(c) else (tau, high)")),
        ("The room u is exchanged", _plane(u="np.where(way > 0, x, 1 - x) * (way != 0)")),
        ("holds NaN", _plane(top="np.max(u / a)")),
        ("stop too early", _plane().replace("range(100)", "range(16)")),
    ],
    "smallest": [
        ("This is x + d", _smallest(end="x + (d if best is None else best)")), ("d counts from x", _smallest("-f - beyond")),
        ("added up", _smallest("-f - beyond", "d + project(x + d, g, c)")),
        ("The projection starts at x + d", _smallest(new="project(x + d, g, c)")),
        ("beyond is left out", _smallest("g @ d - f")), ("beyond has the wrong sign", _smallest("g @ d - f + beyond")),
        ("c has the wrong sign", _smallest("f + beyond - g @ d", steps="1")), ("always linearised at x", _smallest(at="x")),
        ("called with d", _smallest(at="d")), ("the first d that fools", _smallest(after="return d")),
        ("This is the last d", _smallest(end="d")), ("the last d that fools", _smallest(keep="True")),
        ("keep", _smallest(keep="np.linalg.norm(d) > np.linalg.norm(best)")), ("one round too few", _smallest(steps="steps - 1")),
        ("one round too many", _smallest(steps="steps + 1")), ("this one is 0", _smallest(end="0 * x if best is None else best")),
        ("return the last one", _smallest(end="best")), ("g . (x + d)", _smallest("g @ (x + d) - f - beyond")),
        ("not multiplied", _smallest("g @ d - (1 + beyond) * f")), ("c has the wrong sign", _smallest("g @ d + f + beyond")),
        ("g . d the right sign", _smallest("-g @ d - f - beyond")),
        ("by another norm", _smallest(keep="abs(d).max() < abs(best).max()")),
        ("by another norm", _smallest(keep="abs(d).sum() < abs(best).sum()")),
        ("Where f is 0 the model is not fooled", _smallest().replace("f < 0", "f <= 0")),
        ("not only from f < -beyond", _smallest().replace("f < 0", "f < -beyond")),
        ("the lowest margin", _smallest(keep="f < lowest", after="lowest = f")),
        ("computed again in each round", _smallest(keep="np.linalg.norm(d) > np.linalg.norm(best)")),
        ("whole ones", _smallest(new="0.5 * d + 0.5 * project(x, g, c)")),
        ("give it the image x", _smallest(new="project(d, g, c)")),
        ("shortest of all", _smallest().replace("f < 0", "f < np.inf")),
        ("written over later", _smallest(new="d[:] = project(x, g, c)").replace("d = d[:]", "d[:]")),
        ("never tested", "def smallest(margin, project, x, steps, beyond):\n    d, best = 0 * x, None\n    for _ in "
                         "range(steps):\n"
         "        f, g = margin(x + d)\n        if f < 0 and (best is None or np.linalg.norm(d) < np.linalg.norm(best)):\n       "
         "     best = d\n"
         "        d = project(x, g, g @ d - f - beyond)\n    return d if best is None else best"),
    ],
    "evolution": [
        ("the half is missing", _evolve("np.clip(one + two - three, 0, 1)")),
        ("it leaves the box", _evolve("one + (two - three) / 2")),
        ("second and third are swapped", _evolve("np.clip(one + (three - two) / 2, 0, 1)")),
        ("not at the candidate itself", _evolve("np.clip(candidates + (two - three) / 2, 0, 1)")),
        ("with the higher margin survive", _evolve(better="new > margins")),
        ("with the same margin", _evolve(better="new <= margins")), ("All children survive", _evolve(better="new < np.inf")),
        ("competes with its first parent", _evolve(better="new < margins[:, parents[:, 0]]")),
        ("for a whole image", _evolve(better="(new.min(1, keepdims=True) < margins.min(1, keepdims=True)) & (new < np.inf)")),
        ("the margins stay", _evolve(m="margins")), ("The candidates stay", _evolve(c="candidates")),
        ("The array candidates has shape", _evolve(c="np.where(better[..., None], child, candidates)[0]")),
        ("called 2 times", _evolve(score="np.minimum(score(child), score(child))")),
        ("expected 2", _evolve().replace(", np.where(better, new, margins)", "")),
        ("changes its argument candidates in place", "def evolve(candidates, margins, parents, score):\n"
         "    child = np.clip(candidates[:, parents[:, 0]] + (candidates[:, parents[:, 1]] - candidates[:, parents[:, 2]]) / 2, "
         "0, 1)\n"
         "    new = score(child)\n    candidates[new < margins] = child[new < margins]\n    return candidates, np.minimum(new, "
         "margins)"),
    ],
    "eot": [
        ("in their order", _eot("loss(model(tf.concat([t(x) for t in transformations], 0))) / len(transformations)")),
        ("in their order", _eot("sum(loss(model(t(x)[i:i + 1])) for t in transformations for i in range(3))")),
        ("eot_gradient(...) is", _eot("tf.add_n([loss(model(t(x))[::-1]) for t in transformations]) / len(transformations)")),
        ("the number of images", _eot("tf.add_n([loss(model(t(x))) for t in transformations]) / len(x)")),
        ("expected the mean", _eot("tf.add_n([loss(model(t(x))) for t in transformations])")),
        ("each image has its own", _eot("tf.reduce_mean([loss(model(t(x))) for t in transformations])")),
        ("the model must see t(x)", _eot("loss(model(x))")),
        ("The gradient is the one with respect to t(x)",
         "def eot_gradient(model, loss, x, transformations):\n    total = 0\n    for t in transformations:\n"
         "        z = t(x)\n        with tf.GradientTape() as tape:\n            tape.watch(z)\n            value = "
         "loss(model(z))\n"
         "        total += tape.gradient(value, z)\n    return total / len(transformations)"),
        ("the mean of the transformed images",
         _eot("loss(model(tf.add_n([t(x) for t in transformations]) / len(transformations)))")),
        ("The logits are averaged", _eot("loss(tf.add_n([model(t(x)) for t in transformations]) / len(transformations))")),
        ("Only the last", _eot("[loss(model(t(x))) for t in transformations][-1]")),
        ("Only the last", _eot("[loss(model(t(x))) for t in transformations][-1] / len(transformations)")),
        ("Only the first", _eot("loss(model(transformations[0](x)))")),
        ("return stand inside the loop", _eot("loss(model(transformations[0](x))) / len(transformations)")),
        ("The signs are averaged", "def eot_gradient(model, loss, x, transformations):\n    signs = []\n    for t in "
                                   "transformations:\n"
         "        with tf.GradientTape() as tape:\n            tape.watch(x)\n            value = loss(model(t(x)))\n"
         "        signs.append(tf.sign(tape.gradient(value, x)))\n    return sum(signs) / len(signs)"),
        ("follow one another", "def eot_gradient(model, loss, x, transformations):\n    with tf.GradientTape() as tape:\n        "
                               "tape.watch(x)\n"
         "        z, total = x, 0\n        for t in transformations:\n            z = t(z)\n            total += loss(model(z))\n"
         "    return tape.gradient(total, x) / len(transformations)"),
        ("wrong sign", _eot(end="-tape.gradient(total, x)")), ("tape.watch", _eot().replace("tape.watch(x)", "pass")),
        ("TensorFlow's functions", _eot("np.mean([loss(model(t(x))) for t in transformations], axis=0)")),
    ],
    "reading": [
        ("The rules fit", _reading(masked="'A'")), ("Not all of it fits", _reading(b="{2, 4}")),
        ("Not all of it fits", _reading(a="{3}")),
        ("Not all of it fits", _reading(b="{2, 3, 4, 5}", c="set()")), ("sets of numbers 1 to 5", _reading(b="[2, 4, 5]")),
        ("sets of numbers 1 to 5", _reading(a="{0}")), ("one of the letters", _reading(masked="{'B'}")),
        ("expected 2", "def reading():\n    return {'A': set(), 'B': {2, 4, 5}, 'C': {1}}"),
        ("part of utils", "def reading():\n    return lab07.suspects(lenet)"),
    ],
}
