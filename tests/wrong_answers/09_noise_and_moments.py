"""Wrong answers of lab 09, and words of the sentence that each must get."""


def _mean(value: str, before: str = "pass") -> str:
    return f"def relu_mean(mean, std):\n    h = mean / std\n    {before}\n    return {value}"


def _variance(second: str = "(mean**2 + std**2) * Phi(h) + mean * std * phi(h)", value: str = "second - first**2",
              h: str = "mean / std") -> str:
    return f"def relu_variance(mean, std, first):\n    h = {h}\n    second = {second}\n    return {value}"


def _covariance(value: str = "std[0] * std[1] * (rho * Phi(hx) * Phi(hy) + integral)", h: str = "mean / std",
                end: str = "np.arcsin(rho)",
                t: str = "end * (nodes + 1) / 2", power: str = "-(hx**2 - 2 * s * hx * hy + hy**2) / (2 * (1 - s**2))",
                weight: str = "(rho - s)", half: str = "end / 2", density: str = "/ (2 * np.pi)", before: str = "pass") -> str:
    return (f"def relu_covariance(mean, std, rho):\n    {before}\n    hx, hy = {h}\n    end = {end}\n    s = np.sin({t})\n"
            f"    p = np.exp({power}) {density}\n    integral = np.sum(weights * {weight} * p) * {half}\n    return {value}")


def _net(first: str = "mean @ w1 + b1", spread: str = "w1.T @ covariance @ w1", relu: str = "relu_moments(m, c)",
         last: str = "m @ w2 + b2", end: str = "w2.T @ c @ w2", before: str = "pass") -> str:
    return (f"def through_net(mean, covariance, w1, b1, w2, b2, relu_moments):\n    {before}\n    m, c = {first}, {spread}\n    "
            f"m, c = {relu}\n"
            f"    return {last}, {end}")


def _linear(covariance: str = "(J * n) @ tf.transpose(J * n)", mean: str = "z", z: str = "model(x[None])[0]",
            watch: str = "tape.watch(x)", J: str = "tf.reshape(tape.jacobian(z, x), [len(z), -1])") -> str:
    return (f"def linear_moments(model, x, std):\n    with tf.GradientTape() as tape:\n        {watch}\n        z = {z}\n    J "
            f"= {J}\n"
            f"    n = tf.reshape(std, [-1])\n    return {mean}, {covariance}")


def _heat(window: str = "max(i - radius, 0):i + radius + 1, max(j - radius, 0):j + radius + 1", std: str = "std",
          value: str = "noisy[:, label] - clean[:, label]",
          stds: str = "stds", start: str = "np.zeros", shape: str = "[H, W]", given: str = "reshape(-1, H, W, 1)") -> str:
    return (f"def heat_map(expected_logits, x, label, std, radius):\n    H, W, _ = x.shape\n    stds = {start}([H, W, H, W, 1])\n"
            f"    for i in range(H):\n        for j in range(W):\n            stds[i, j, {window}] = {std}\n"
            f"    noisy = expected_logits(np.repeat(x[None], H * W, 0), {stds}.{given})\n"
            f"    clean = expected_logits(x[None], np.zeros([1, H, W, 1]))\n    return np.asarray({value}).reshape({shape})")


def _attack(margin: str = "tf.reduce_sum(own * z, 1) - tf.reduce_max(z - 1e9 * own, 1)",
            m: str = "tf.clip_by_value(m + rate * tf.sign(g), -beta, beta)",
            s: str = "tf.clip_by_value(s + rate * tf.sign(h), low, high)", start: str = "low", end: str = "m, s",
            steps: str = "steps", watch: str = "tape.watch([m, s])", at: str = "x + m, s") -> str:
    return ("def noise_attack(expected_logits, x, target, beta, low, high, rate, steps):\n    m, s = tf.zeros_like(x), "
            f"tf.fill(x.shape, {start})\n"
            f"    for _ in range({steps}):\n        with tf.GradientTape() as tape:\n            {watch}\n            z = "
            f"expected_logits({at})\n"
            f"            own = tf.one_hot(target, z.shape[1])\n            margin = {margin}\n        g, h = "
            "tape.gradient(margin, [m, s])\n"
            f"        m = {m}\n        s = {s}\n    return {end}")


SAMPLES = "z = np.random.default_rng(1).normal(size=[2, 10**6])"
BEYOND = "[(i + k) % H for k in range(-radius, radius + 1)]"
AROUND = f"np.array({BEYOND})[:, None], np.array([(j + k) % W for k in range(-radius, radius + 1)])"
WRONG = {
    "mean": [
        ("Phi and phi are swapped", _mean("mean * phi(h) + std * Phi(h)")),
        ("has the variance", _mean("mean * Phi(h) + std**2 * phi(h)")),
        ("take h = mean / std", _mean("mean * Phi(mean) + std * phi(mean)")),
        ("divided by the variance", _mean("mean * Phi(h) + std * phi(h)", "h = mean / std**2")),
        ("The factor std", _mean("mean * Phi(h) + phi(h)")), ("The second term is missing", _mean("mean * Phi(h)")),
        ("The first term is missing", _mean("std * phi(h)")), ("the ReLU of the mean", _mean("np.maximum(mean, 0)")),
        ("do not divide", _mean("mean + std * phi(h) / Phi(h)")),
        ("Phi has the wrong sign", _mean("mean * Phi(-h) + std * phi(h)")),
        ("The second term has the wrong sign", _mean("mean * Phi(h) - std * phi(h)")),
        ("the mean of |X|", _mean("mean * (2 * Phi(h) - 1) + 2 * std * phi(h)")),
        ("1 / sqrt(2 pi)", _mean("mean * Phi(h) + std * np.exp(-h**2 / 2)")),
        ("Is it sampled", _mean("np.maximum(mean + std * z[0][:, None], 0).mean(0)", SAMPLES)),
        ("part of utils", "def helper(mean, std):\n    return moments.relu_mean(mean, std).numpy()\n\n\n"
         + _mean("helper(mean, std)")),
        ("part of utils", _mean("moments.relu_mean(mean, std)")),
        *[("lacks the factor Phi(h)", _mean(first + " + std * phi(h)")) for first in ("mean", "np.maximum(mean, 0)")],
        ("one number for all", _mean("np.mean(mean * Phi(h) + std * phi(h))")),
        ("changes its argument mean in place",
         "def relu_mean(mean, std):\n    h = mean / std\n    mean *= Phi(h)\n    return mean + std * phi(h)"),
        ("does it end with return", "def relu_mean(mean, std):\n    mean * Phi(mean / std)"),
    ],
    "variance": [
        ("This is the second moment", _variance(value="second")), ("expected its square", _variance(value="second - first")),
        ("before the ReLU is subtracted", _variance(value="second - mean**2")),
        ("swapped", _variance("(mean**2 + std**2) * phi(h) + mean * std * Phi(h)")),
        ("lacks the term", _variance("(mean**2 + std**2) * Phi(h)")),
        ("takes half of it back", _variance("(mean**2 + std**2) * Phi(h) - mean * std * phi(h)")),
        ("Phi(h) - h phi(h)", _variance("(mean**2 + std**2) * Phi(h) + 2 * mean * std * phi(h)")),
        ("here it is added", _variance("(mean**2 + std**2) * Phi(h) + 3 * mean * std * phi(h)")),
        ("Phi has the wrong sign", _variance("(mean**2 + std**2) * Phi(-h) + mean * std * phi(h)")),
        ("The factor mean", _variance("(mean**2 + std**2) * Phi(h) + std * phi(h)")),
        ("The factor std", _variance("(mean**2 + std**2) * Phi(h) + mean * phi(h)")),
        ("std where the variance belongs", _variance("(mean**2 + std) * Phi(h) + mean * std * phi(h)")),
        ("std^2 is missing", _variance("mean**2 * Phi(h) + mean * std * phi(h)")), ("take h = mean / std", _variance(h="mean")),
        ("on and off varies too", _variance(value="std**2 * Phi(h)")),
        ("the linear part alone", _variance(value="std**2 * Phi(h)**2")),
        ("before the ReLU", _variance(value="std**2")), ("the standard deviation", _variance(value="np.sqrt(second - first**2)")),
        ("the mean is the argument first", _variance(value="second - relu_mean(mean, std)**2")),
        ("calls relu_mean, your answer to another task", _mean("mean * Phi(h) + std * phi(h)") + "\n\n\n"
         + _variance(value="second - relu_mean(mean, std)**2")),
        ("has the wrong sign for mean = [", _variance(value="first**2 - second")),
        ("part of utils", _variance(value="moments.relu_variance(mean, std)")),
        ("Is it sampled", "def relu_variance(mean, std, first):\n    " + SAMPLES
         + "\n    return np.maximum(mean + std * z[0][:, None], 0).var(0)"),
    ],
    "covariance": [
        ("E[X+ Y+]", _covariance("std[0] * std[1] * (rho * Phi(hx) * Phi(hy) + integral) + np.prod(mean * Phi(mean / std) + std "
                                 "* phi(mean / std))")),
        ("std_x std_y is missing", _covariance("rho * Phi(hx) * Phi(hy) + integral")),
        ("formula for mean 0", _covariance(h="0 * mean")),
        ("the correlation of X+",
         _covariance("std[0] * std[1] * (rho * Phi(hx) * Phi(hy) + integral) / np.sqrt(np.prod(second - first**2))",
                     before=("h = mean / std; first = mean * Phi(h) + std * phi(h); second = (mean**2 + std**2) * Phi(h) + mean "
                             "* std * phi(h)"))),
        ("The integral is missing", _covariance("std[0] * std[1] * rho * Phi(hx) * Phi(hy)")),
        ("rho Phi(hx) Phi(hy) is missing", _covariance("std[0] * std[1] * integral")),
        ("before the ReLUs", _covariance("std[0] * std[1] * rho")), ("The factor 1 / (2 pi)", _covariance(density="")),
        ("P is itself integrated", _covariance(weight="np.sqrt(1 - s**2)")),
        ("P is itself integrated", _covariance(weight="1")),
        ("taken for a positive one", _covariance(before="rho = abs(rho)")),
        ("has the densities", _covariance("std[0] * std[1] * (rho * phi(hx) * phi(hy) + integral)")),
        ("times, is", _covariance("std[0] * std[1] * (rho * Phi(hx) * Phi(hy) + integral) + rho / 9")),
        ("P is not integrated", _covariance("std[0] * std[1] * (Phi(hx) * Phi(hy) + integral)", weight="1")),
        ("expected rho - s", _covariance(weight="(s - rho)")), ("map them", _covariance(t="end * nodes / 2")),
        ("multiply them by half", _covariance(half="1")), ("expected half of it", _covariance(half="end")),
        ("not rho: s = sin t", _covariance(end="rho")),
        ("1 / cos t is left over", _covariance(weight="(rho - s) / np.sqrt(1 - s**2)")),
        ("here cos t is left over", _covariance(weight="(rho - s) * np.sqrt(1 - s**2)")),
        ("wrong sign: hx^2", _covariance(power="-(hx**2 + 2 * s * hx * hy + hy**2) / (2 * (1 - s**2))")),
        ("the factor 2 of", _covariance(power="-(hx**2 - s * hx * hy + hy**2) / (2 * (1 - s**2))")),
        ("the 2 of 2 cos^2 t", _covariance(power="-(hx**2 - 2 * s * hx * hy + hy**2) / (1 - s**2)")),
        ("not the means", _covariance(h="mean")),
        ("Is it sampled", _covariance(("np.cov(np.maximum(mean[0] + std[0] * z[0], 0), np.maximum(mean[1] + std[1] * (rho * z[0] "
                                       "+ np.sqrt(1 - rho**2) * z[1]), 0))[0, 1]"),
                                      before=SAMPLES)),
        ("has shape [1], expected one number", _covariance("(std[:1] * std[1] * (rho * Phi(hx) * Phi(hy) + integral))")),
        ("lacks its factor rho", _covariance("std[0] * std[1] * (Phi(hx) * Phi(hy) + integral)")),
        ("P is 1/4 at correlation 0 only", _covariance("std[0] * std[1] * (rho / 4 + integral)")),
        ("both are negative", _covariance("std[0] * std[1] * (rho * Phi(-hx) * Phi(-hy) + integral)")),
        ("is rho alone", _covariance(weight="rho")), ("is s, expected rho - s", _covariance(weight="s")),
        ("1 / cos^2 t is left over", _covariance(weight="(rho - s) / (1 - s**2)")),
        ("here it is cos t", _covariance(power="-(hx**2 - 2 * s * hx * hy + hy**2) / (2 * np.sqrt(1 - s**2))")),
        ("for mean = [", _covariance("std[0] * std[1] * (rho * Phi(hx) * Phi(hy) + integral) + rho")),
        ("has shape [2, 2]", _covariance("np.full([2, 2], integral)")),
        ("part of utils", _covariance("moments.relu_covariance(mean, np.outer(std, std))[0, 1]")),
    ],
    "net": [
        ("b1 is missing", _net("mean @ w1")), ("b2 is missing", _net(last="m @ w2")), ("no ReLU", _net(relu="m, c")),
        ("applied to the mean", _net(relu="np.maximum(m, 0), relu_moments(m, c)[1]")),
        ("the covariance as it was", _net(relu="relu_moments(m, c)[0], c")),
        ("so the mean is m @ W", _net("w1 @ mean + b1", last="w2 @ m + b2")),
        ("the covariance is W.T @ C @ W", _net(spread="w1 @ covariance @ w1.T", end="w2 @ c @ w2.T")),
        ("must be transposed", _net(spread="w1 @ covariance @ w1", end="w2 @ c @ w2")),
        ("stands on both sides", _net(spread="covariance @ w1", end="c @ w2")),
        ("between the hidden units", _net(end="w2.T @ np.diag(np.diag(c)) @ w2")),
        ("between the inputs", _net(spread="w1.T @ np.diag(np.diag(covariance)) @ w1")),
        ("makes it a second moment", _net(end="w2.T @ (c + np.outer(m, m)) @ w2")),
        ("moves the mean only", _net(end="w2.T @ c @ w2 + b2")),
        ("moves the mean only", _net(spread="w1.T @ covariance @ w1 + b1")),
        ("moves the mean only", _net(spread="w1.T @ covariance @ w1 + b1", end="w2.T @ c @ w2 + b2")),
        ("Both biases", _net("mean @ w1", last="m @ w2")), ("the product of matrices",
                                                            _net(spread="w1.T * covariance * w1", end="w2.T * c * w2")),
        ("at the output too", _net().replace("return m", "return relu_moments(m") + ")"),
        ("expected the whole covariance", _net(end="np.diag(w2.T @ c @ w2)")),
        ("expected 2", _net().replace(", w2.T @ c @ w2", "")),
        ("relu_moments gets", _net(relu="relu_moments(m, np.diag(c))")), ("expected 2", _net(end="0").replace(", 0", "")),
        ("part of utils", _net(relu="moments.relu_mean(m, c), c")),
        ("part of utils",
         "def after(m, c):\n    return (moments.relu_mean(m, np.sqrt(np.diag(c))).numpy(),\n"
         "            moments.relu_covariance(m, c).numpy())\n\n\n"
         + _net(relu="after(m, c)")),
    ],
    "linear": [
        ("std is not squared", _linear("(J * n) @ tf.transpose(J)")), ("std is missing", _linear("J @ tf.transpose(J)")),
        ("squared twice", _linear("(J * n**2) @ tf.transpose(J * n**2)")),
        ("each pixel's own", _linear("tf.reduce_mean(n)**2 * J @ tf.transpose(J)")),
        ("each pixel's own", _linear("tf.reduce_mean(n**2) * J @ tf.transpose(J)")),
        ("the variances alone", _linear("tf.reduce_sum((J * n)**2, 1)")),
        ("The covariances are missing", _linear("tf.linalg.diag(tf.reduce_sum((J * n)**2, 1))")),
        ("a matrix of pixels", _linear("tf.transpose(J * n) @ (J * n)")),
        ("tape.gradient adds them up", _linear("tf.reduce_sum((J * n)**2)", J="tf.reshape(tape.gradient(z, x), [-1])")),
        ("tape.gradient adds them up", _linear("(J * n) @ tf.transpose(J * n)", J="tf.reshape(tape.gradient(z, x), [1, -1])")),
        ("without its product", _linear("J * n")), ("called with training=True", _linear(z="model(x[None], training=True)[0]")),
        ("squares add up", _linear("tf.tensordot(tf.reduce_sum(J * n, 1), tf.reduce_sum(J * n, 1), 0)")),
        ("add no std", _linear(mean="model((x + std)[None])[0]")), ("These are probabilities", _linear(mean="tf.nn.softmax(z)")),
        ("tape.watch", _linear(watch="pass")), ("makes a batch of one image", _linear(z="model(x)[0]")),
        ("remove the axis of length 1", _linear(mean="z[None]")), ("expected 2", _linear().replace("return z, ", "return ")),
    ],
    "heat": [
        ("The clean logit is not subtracted", _heat(value="noisy[:, label]")), ("The variance is given", _heat(std="std**2")),
        ("The root of std", _heat(std="std**0.5")), ("on the pixel alone", _heat("i, j")),
        ("everywhere but", _heat(std="0", start="std * np.ones")),
        ("that one included", _heat("max(i - radius, 0):i + radius, max(j - radius, 0):j + radius")),
        ("begins at the pixel", _heat("i:i + 2 * radius + 1, j:j + 2 * radius + 1")),
        ("the column has to be near too", _heat("max(i - radius, 0):i + radius + 1")),
        ("A negative index", _heat("i - radius:i + radius + 1, j - radius:j + radius + 1")), ("cut it off there", _heat(AROUND)),
        ("wrong sign", _heat(value="clean[:, label] - noisy[:, label]")),
        ("This is the logit of class", _heat(value="noisy[:, label - 1] - clean[:, label - 1]")),
        ("expected an array of NumPy", _heat().replace("np.asarray", "tf.constant").replace(".reshape([H, W])", "")
         .replace("return ", "return tf.reshape(") + ", [H, W])"),
        ("a list of values", _heat(shape="[-1]")),
        ("gives a tensor", _heat().replace("np.asarray", "")),
        ("row after row", _heat().replace("reshape([H, W])", "reshape([H, W]).T.reshape([H, W])")),
        ("of the pixels before", _heat().replace("            stds[i", "            stds[i, j] = stds[i, j - 1] if j else "
                                                 "stds[i - 1, -1]\n            stds[i")),
        ("rows and columns are exchanged", _heat().replace("reshape([H, W])", "reshape([H, W]).T")),
        ("The standard deviations have shape", _heat(given="reshape(-1, H * W, 1)")), ("as many", _heat(stds="stds[:2]")),
        ("a cross or a circle", _heat(std="std * (abs(np.arange(max(i - radius, 0), min(i + radius + 1, H)) - i)[:, None, None] "
                                      "+ abs(np.arange(max(j - radius, 0), min(j + radius + 1, W)) - j)[:, None] <= radius)")),
        ("both the row and the column",
         _heat().replace("            stds[i, j, max", "            stds[i, j, max(i - radius, 0):i + radius + 1] = std\n"
                         "            stds[i, j, :, max(j - radius, 0):j + radius + 1] = std\n            stds[i, j, max")),
    ],
    "attack": [
        ("expected the mean m alone", _attack(end="x + m, s")),
        ("go downwards", _attack(m="tf.clip_by_value(m - rate * tf.sign(g), -beta, beta)",
                               s="tf.clip_by_value(s - rate * tf.sign(h), low, high)")),
        ("expected along its sign",
         _attack(m="tf.clip_by_value(m + rate * g, -beta, beta)", s="tf.clip_by_value(s + rate * h, low, high)")),
        *[("Where a gradient is 0", _attack(m=f"tf.clip_by_value(m + rate * tf.where(g {more} 0, 1.0, -1.0), -beta, beta)",
                                            s=f"tf.clip_by_value(s + rate * tf.where(h {more} 0, 1.0, -1.0), low, high)"))
          for more in (">", ">=")],
        ("m is not kept", _attack(m="m + rate * tf.sign(g)")), ("s is not kept", _attack(s="s + rate * tf.sign(h)")),
        ("m is not kept", _attack(m="m + rate * tf.sign(g)", s="s + rate * tf.sign(h)")),
        ("clip after each step", _attack(m="m + rate * tf.sign(g)", s="s + rate * tf.sign(h)",
                                         end="tf.clip_by_value(m, -beta, beta), tf.clip_by_value(s, low, high)")),
        ("m does not move", _attack(m="m")), ("s does not move", _attack(s="s")), ("s starts at high", _attack(start="high")),
        ("s starts at 0", _attack(start="0.0")),
        ("The step of s goes along its gradient", _attack(s="tf.clip_by_value(s + rate * h, low, high)")),
        ("The step of s goes downwards", _attack(s="tf.clip_by_value(s - rate * tf.sign(h), low, high)")),
        ("x + m is clipped", _attack(at="tf.clip_by_value(x + m, 0, 1), s")), ("in the wrong order", _attack(end="s, m")),
        ("the highest other logit", _attack("tf.reduce_sum(own * z, 1)")),
        ("Leave it out", _attack("tf.reduce_sum(own * z, 1) - tf.reduce_max(z, 1)")),
        ("The mean of the other logits",
         _attack("tf.reduce_sum(own * z, 1) - tf.reduce_sum((1 - own) * z, 1) / (z.shape[1] - 1.0)")),
        *[("not small enough", _attack(f"tf.reduce_sum(own * z, 1) - tf.reduce_max(z - {less} * own, 1)")) for less in (10, 20)],
        ("The cross-entropy", _attack("-tf.nn.sparse_softmax_cross_entropy_with_logits(target, z)")),
        *[("over the whole batch", _attack(f"{own} - tf.reduce_max(z - 1e9 * own)"))
          for own in ("tf.reduce_sum(own * z, 1)", "tf.reduce_sum(own * z)")],
        ("between 0 and high", _attack(s="tf.clip_by_value(s + rate * tf.sign(h), 0, high)")),
        ("at the new m", _attack().replace("        s = ", """        with tf.GradientTape() as tape:
            tape.watch(s)
            z = expected_logits(x + m, s)
            margin = tf.reduce_sum(own * z, 1) - tf.reduce_max(z - 1e9 * own, 1)
        h = tape.gradient(margin, s)
        s = """)),
        ("Are the images x + m", _attack(at="x, s")),
        ("multiplied by 0", _attack("tf.reduce_sum(own * z, 1) - tf.reduce_max((1 - own) * z, 1)")),
        ("one step too few or too many", _attack(steps="steps - 1")),
        ("one step too few or too many", _attack(steps="steps + 1")), ("expected 2", _attack(end="m")),
        ("tape.watch", _attack(watch="pass")), ("The images have shape", _attack(at="(x + m)[:1], s")),
    ],
}
