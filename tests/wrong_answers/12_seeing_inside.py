"""Wrong answers of lab 12, and words of the sentence that each must get."""


def _occlusion(window: str = "i:i + side, j:j + side", value: str = "fill", p: str = "tf.nn.softmax(z)", column: str = "label",
               copy: str = "x.copy()",
               end: str = "np.asarray(p)[:, {}].reshape(H, W)", sizes: str = "x.shape[0] - side + 1, x.shape[1] - side + 1",
               call: str = "model(np.array(copies))", after: str = "") -> str:
    return (f"def occlusion(model, x, label, side, fill):\n    H, W = {sizes}\n    copies = []\n    for i in range(H):\n        "
            "for j in range(W):\n"
            f"            one = {copy}\n            one[{window}] = {value}\n            copies.append(one)\n    "
            f"{after or 'pass'}\n    z = {call}\n    p = {p}\n"
            f"    return {end.format(column)}")


def _saliency(pick: str = "tf.gather(model(x), labels, batch_dims=1)", end: str = "tf.reduce_max(tf.abs(g), 3)",
              watch: str = "tape.watch(x)") -> str:
    return (f"def saliency(model, x, labels):\n    with tf.GradientTape() as tape:\n        {watch}\n        z = {pick}\n    g = "
            "tape.gradient(z, x)\n"
            f"    return {end}")


def _smooth(value: str) -> str:
    return f"def smooth_gradient(gradient, x, noise):\n    return {value}"


def _integrated(alphas: str = "(np.arange(steps) + 0.5) / steps", path: str = "baseline + a * (x - baseline)",
                factor: str = "(x - baseline)",
                mean: str = "np.mean(g, 0)", gap: str = "abs(A.sum() - (fx - fb)) / abs(fx - fb)", end: str = "A, gap",
                watch: str = "tape.watch(path)", shape: str = "a[:, None, None, None]") -> str:
    return (f"def integrated_gradients(value, x, baseline, steps):\n    a = {alphas}\n    a = {shape}\n    path = "
            f"tf.constant({path}, tf.float32)\n"
            f"    with tf.GradientTape() as tape:\n        {watch}\n        f = value(path)\n    g = np.asarray(tape.gradient(f, "
            f"path))\n    A = {factor} * {mean}\n"
            f"    fx, fb = float(value(tf.constant(x[None]))[0]), float(value(tf.constant(baseline[None]))[0])\n    gap = {gap}\n"
            f"    return {end}")


def _guided(passed: str = "g * tf.cast((x > 0) & (g > 0), g.dtype)", value: str = "tf.nn.relu(x)",
            above: str = "@tf.custom_gradient\n", end: str = "{}, back") -> str:
    return f"{above}def guided_relu(x):\n    def back(g):\n        return {passed}\n    return {end.format(value)}"


def _visualise(gain: str = "tf.reduce_sum(tf.gather(model(x), labels, batch_dims=1))",
               decay: str = "- decay * tf.reduce_sum(x**2)",
               tv: str = "- weight * tf.reduce_sum(tf.image.total_variation(x))",
               length: str = "tf.sqrt(tf.reduce_sum(g**2, [1, 2, 3], keepdims=True))",
               step: str = "x + rate * g / length", clip: str = "tf.clip_by_value({}, 0.0, 1.0)", steps: str = "steps",
               end: str = "x", at: str = "x") -> str:
    return (f"def visualise(model, labels, start, rate, decay, weight, steps):\n    x = start\n    for _ in range({steps}):\n    "
            "    with tf.GradientTape() as tape:\n"
            f"            tape.watch({at})\n            J = {gain} {decay} {tv}\n        g = tape.gradient(J, x)\n        length "
            f"= {length}\n        x = {clip.format(step)}\n"
            f"    return {end}")


def _cue(of: str = "np.abs(maps).mean(0)", side: str = "side", corner: str = "np.unravel_index(s.argmax(), s.shape)",
         window: str = "row:row + side, column:column + side",
         value: str = "fill", copy: str = "images.copy()", accuracy: str = "np.mean(np.argmax(model(c), 1) == labels)",
         more: str = "1") -> str:
    return (f"def strongest_window(maps, side):\n    m, n = {of}, {side}\n    H, W = m.shape\n"
            f"    s = np.array([[m[i:i + n, j:j + n].sum() for j in range(W - n + {more})] for i in range(H - n + {more})])\n    "
            f"return {corner}\n\n\n"
            f"def accuracy_without(model, images, labels, row, column, side, fill):\n    c = {copy}\n    c[:, {window}] = "
            f"{value}\n    return {accuracy}")


OF_P = "tf.gather(tf.nn.softmax(model(x)), labels, batch_dims=1)"
WRONG = {
    "occlusion": [
        ("These are logits", _occlusion(p="z")), ("This is the probability of class 0", _occlusion(column="0")),
        ("model(images)", _occlusion(call="model.predict(np.array(copies))")),
        ("over the windows", _occlusion(p="tf.nn.softmax(z, axis=0)")), ("not divided by their sum", _occlusion(p="tf.exp(z)")),
        ("This is the probability of class", _occlusion(column="label - 1")),
        ("the most probable class", _occlusion(end="np.max(p, 1).reshape(H, W)")),
        ("the change of the probability",
         _occlusion(end="(np.asarray(p)[:, label] - np.asarray(tf.nn.softmax(model(x[None])))[0, label]).reshape(H, W)")),
        ("the change of the probability",
         _occlusion(end="(np.asarray(tf.nn.softmax(model(x[None])))[0, label] - np.asarray(p)[:, label]).reshape(H, W)")),
        ("divided by that of the whole image",
         _occlusion(end="(np.asarray(p)[:, label] / np.asarray(tf.nn.softmax(model(x[None])))[0, label]).reshape(H, W)")),
        ("filled with 0", _occlusion(value="0")), ("the mean of the image", _occlusion(value="x.mean()")),
        ("multiplied by `fill`", _occlusion(value="fill * one[i:i + side, j:j + side]")),
        ("is added to the windows", _occlusion(value="fill + one[i:i + side, j:j + side]")),
        ("one pixel too small", _occlusion("i:i + side - 1, j:j + side - 1")),
        ("one pixel too large", _occlusion("i:i + side + 1, j:j + side + 1")),
        ("shifted by one pixel", _occlusion("i + 1:i + side + 1, j + 1:j + side + 1")),
        ("in its middle", _occlusion("max(i - 1, 0):i + side - 1, max(j - 1, 0):j + side - 1")),
        ("Only the first channel", _occlusion("i:i + side, j:j + side, 0")),
        ("Everything but the window",
         _occlusion("i:i + side, j:j + side", "one[i:i + side, j:j + side]", after="copies = [np.where(c == 2, x, fill) for c in "
                   "[np.where(np.isin(np.arange(x.shape[0])[:, None, None], range(i, i + side)) & "
                   "np.isin(np.arange(x.shape[1])[:, None], range(j, j + side)), 2, 0) for i in range(H) for j in range(W)]]")),
        ("earlier positions stay covered", _occlusion(copy="(copies[-1] if copies else x).copy()")),
        ("column by column", _occlusion(end="np.asarray(p)[:, {}].reshape(H, W, order='F')")),
        ("a list of values", _occlusion(end="np.asarray(p)[:, {}]")),
        ("rows and columns are exchanged", _occlusion(end="np.asarray(p)[:, {}].reshape(H, W).T")),
        ("one too few", _occlusion(sizes="x.shape[0] - side, x.shape[1] - side")),
        ("is called 15 times", _occlusion(call="np.concatenate([model(c[None]) for c in copies])")),
        ("The images that the model gets", _occlusion(call="model(np.array(copies)[0])")),
        ("changes its argument x in place", _occlusion(copy="x")),
    ],
    "saliency": [
        ("The absolute value is missing", _saliency(end="tf.reduce_max(g, 3)")),
        ("comes after the maximum", _saliency(end="tf.abs(tf.reduce_max(g, 3))")),
        ("added up, expected their maximum", _saliency(end="tf.reduce_sum(tf.abs(g), 3)")),
        ("averaged, expected their maximum", _saliency(end="tf.reduce_mean(tf.abs(g), 3)")),
        ("so that they cancel", _saliency(end="tf.abs(tf.reduce_sum(g, 3))")),
        ("the length over the channels", _saliency(end="tf.norm(g, axis=3)")),
        ("the minimum over the channels", _saliency(end="tf.reduce_min(tf.abs(g), 3)")),
        ("Only the first channel", _saliency(end="tf.abs(g[..., 0])")),
        ("the derivative of a probability", _saliency(OF_P)),
        ("cross-entropy", _saliency("tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x))")),
        ("the sum of all logits", _saliency("model(x)")),
        ("the class that the model chooses", _saliency("tf.reduce_max(model(x), 1)")),
        ("The label of the first image", _saliency("model(x)[:, labels[0]]")),
        ("the logits of all labels", _saliency("tf.gather(model(x), labels, axis=1)")),
        ("a mean where a sum is expected", _saliency("tf.reduce_mean(tf.gather(model(x), labels, batch_dims=1))")),
        ("multiplied by the image", _saliency(end="tf.reduce_max(tf.abs(g * x), 3)")),
        ("divided by its maximum",
         _saliency(end="tf.reduce_max(tf.abs(g), 3) / tf.reduce_max(tf.abs(g), [1, 2, 3])[:, None, None]")),
        ("divided by its maximum", _saliency(end="tf.reduce_max(tf.abs(g), 3) / tf.reduce_max(tf.abs(g))")),
        ("The channels are still there", _saliency(end="g")),
        ("maximum over axis 3", _saliency(end="tf.abs(g)")), ("tape.watch", _saliency(watch="pass")),
        ("TensorFlow's functions", _saliency("model(x).numpy()[np.arange(3), labels]")),
        ("has shape", _saliency(end="tf.reduce_max(tf.abs(g), 1)")),
        ("does it end with return", _saliency().replace("return ", "")),
        ("picks one entry", _saliency("model(x)[:, labels]")), ("model(images)", _saliency("model.predict(x)")),
    ],
    "smooth": [
        ("a sum where a mean is expected", _smooth("gradient(x + noise).sum(0)")),
        ("The absolute values are averaged", _smooth("np.abs(gradient(x + noise)).mean(0)")),
        ("The absolute value is taken", _smooth("np.abs(gradient(x + noise).mean(0))")),
        ("The noisy images are clipped", _smooth("gradient(np.clip(x + noise, 0, 1)).mean(0)")),
        ("at the mean of the noisy images", _smooth("gradient((x + noise).mean(0)[None])[0]")),
        ("the noise is missing", _smooth("gradient(x[None])[0]")),
        ("at the noise alone", _smooth("gradient(noise).mean(0)")),
        ("The noise is subtracted", _smooth("gradient(x - noise).mean(0)")),
        ("multiplied by the noise", _smooth("gradient(x * noise).mean(0)")),
        ("averaged in", _smooth("gradient(np.concatenate([x + noise, x[None]])).mean(0)")),
        ("the difference from the gradient at x", _smooth("gradient(x + noise).mean(0) - gradient(x[None])[0]")),
        ("multiplied by the image", _smooth("x * gradient(x + noise).mean(0)")),
        ("Only one of the noisy images", _smooth("gradient(x + noise[:1])[0]")),
        ("Only one of the noisy images", _smooth("[gradient((x + n)[None])[0] for n in noise][-1]")),
        ("This is the median", _smooth("np.median(gradient(x + noise), 0)")),
        ("The mean goes over all axes", _smooth("np.mean(gradient(x + noise))")),
        ("the mean over axis 0 is missing", _smooth("gradient(x + noise)")),
        ("The mean goes over axis 1", _smooth("gradient(x + noise).mean(axis=1)")),
        ("The images that gradient gets", _smooth("gradient(x)")),
    ],
    "integrated": [
        *[("in the middle, at (k + 1/2) / steps", _integrated(f"np.{alphas}")) for alphas in (
            "arange(1, steps + 1) / steps", "arange(steps) / steps", "linspace(0, 1, steps)", "linspace(0, 1, steps + 1)")],
        ("the trapezoidal rule", _integrated("np.linspace(0, 1, steps + 1)", mean="((g[1:] + g[:-1]) / 2).mean(0)")),
        ("one step too far", _integrated("(np.arange(1, steps + 1) + 0.5) / steps")),
        ("The factor x - baseline is missing", _integrated(factor="1")), ("The factor is x,", _integrated(factor="x")),
        ("expected x - baseline", _integrated(factor="(baseline - x)")),
        ("begins at a black image, and", _integrated(path="a * x", factor="x")),
        ("begins at a black image:", _integrated(path="a * x")),
        ("add the baseline", _integrated(path="a * (x - baseline)")), ("beyond x", _integrated(path="x + a * (x - baseline)")),
        ("beyond x", _integrated(path="baseline + a * x")),
        ("the gradient at x times", _integrated("np.ones(1)")), ("the gradient at the baseline", _integrated("np.zeros(1)")),
        ("in the middle of the path alone", _integrated("np.array([0.5])")),
        ("a sum where a mean is expected", _integrated(mean="g.sum(0)")), ("Only the last midpoint", _integrated(mean="g[-1]")),
        ("The absolute values are averaged", _integrated(mean="np.abs(g).mean(0)")),
        ("lacks its negative sign", _integrated(end="np.abs(A), gap")),
        ("The channels are added up", _integrated(end="A.sum(2), gap")),
        ("gap is signed", _integrated(gap="(A.sum() - (fx - fb)) / (fx - fb)")),
        ("gap is signed", _integrated(gap="(fx - fb - A.sum()) / (fx - fb)")),
        ("gap is not divided", _integrated(gap="abs(A.sum() - (fx - fb))")),
        ("divided by the sum of the attribution", _integrated(gap="abs(A.sum() - (fx - fb)) / abs(A.sum())")),
        ("f(baseline) is missing", _integrated(gap="abs(A.sum() - fx) / abs(fx)")),
        ("goes over absolute values", _integrated(gap="abs(np.abs(A).sum() - (fx - fb)) / abs(fx - fb)")),
        ("uses the mean", _integrated(gap="abs(A.mean() - (fx - fb)) / abs(fx - fb)")),
        ("in percent", _integrated(gap="100 * abs(A.sum() - (fx - fb)) / abs(fx - fb)")),
        ("the share that is explained", _integrated(gap="A.sum() / (fx - fb)")),
        ("watch needs a tensor", _integrated(watch="path = path.numpy(); tape.watch(path)")),
        ("expected 2", _integrated(end="A")),
        ("tape.watch", _integrated(watch="pass")), ("two lengths must be equal", _integrated(shape="a")),
    ],
    "guided": [
        ("a plain ReLU", _guided("tf.where(x > 0, g, 0)")), ("a plain ReLU", "def guided_relu(x):\n    return tf.nn.relu(x)"),
        ("Only the negative gradients are stopped", _guided("tf.nn.relu(g)")),
        ("passes unchanged", _guided("g")), ("is 1 where it passes", _guided("tf.cast((x > 0) & (g > 0), g.dtype)")),
        ("The incoming gradient is ignored", _guided("tf.cast(x > 0, g.dtype)")),
        ("multiplied by x", _guided("x * g * tf.cast((x > 0) & (g > 0), g.dtype)")),
        ("expected where both are", _guided("tf.where((x > 0) | (g > 0), g, 0)")),
        ("The negative gradients pass", _guided("tf.where((x > 0) & (g < 0), g, 0)")),
        ("where x is negative", _guided("tf.where((x <= 0) & (g > 0), g, 0)")),
        ("where x is 0", _guided("tf.where((x >= 0) & (g > 0), g, 0)")),
        ("The absolute value", _guided("tf.where(x > 0, tf.abs(g), 0)")), ("The value is x itself", _guided(value="x")),
        ("The value is 1", _guided(value="tf.cast(x > 0, x.dtype)")), ("@tf.custom_gradient", _guided(above="")),
        ("two things", _guided(end="{}")), ("two things", _guided(end="{}, back(x)")),
        ("In a compiled network", _guided("tf.constant(np.where((x.numpy() > 0) & (g.numpy() > 0), g.numpy(), 0))")),
        ("wrong sign", _guided("-tf.where((x > 0) & (g > 0), g, 0)")),
        ("brackets around each", _guided("tf.where(x > 0 and g > 0, g, 0)")),
        ("brackets around each comparison", _guided("tf.where(x > 0 & g > 0, g, 0)")),
        ("changed in place", _guided().replace("return g *", "g[x <= 0] = 0\n        return g *")),
        ("back gives None", _guided().replace("return g", "g")),
        ("with one argument", _guided().replace("back(g)", "back(y, g)")),
    ],
    "visualise": [
        ("ascent, not descent", _visualise(step="x - rate * g / length")), ("leaves the box", _visualise(clip="{}")),
        ("not divided by its length", _visualise(step="x + rate * g")),
        ("the sign of the gradient", _visualise(step="x + rate * tf.sign(g)")),
        ("that of the whole batch", _visualise(length="tf.norm(g)")),
        ("the square of its length", _visualise(length="tf.reduce_sum(g**2, [1, 2, 3], keepdims=True)")),
        ("by its largest value", _visualise(length="tf.reduce_max(tf.abs(g), [1, 2, 3], keepdims=True)")),
        ("The decay is missing", _visualise(decay="")), ("The decay is added", _visualise(decay="+ decay * tf.reduce_sum(x**2)")),
        ("the sum of the values", _visualise(decay="- decay * tf.reduce_sum(x)")),
        ("the root of the sum", _visualise(decay="- decay * tf.reduce_sum(tf.norm(tf.reshape(x, [len(x), -1]), axis=1))")),
        ("half of its gradient", _visualise(decay="- decay * tf.nn.l2_loss(x)")),
        ("The total variation is missing", _visualise(tv="")),
        ("The total variation is added", _visualise(tv="+ weight * tf.reduce_sum(tf.image.total_variation(x))")),
        ("Both penalties are added",
         _visualise(decay="+ decay * tf.reduce_sum(x**2)", tv="+ weight * tf.reduce_sum(tf.image.total_variation(x))")),
         ("Both penalties are missing", _visualise(decay="", tv="")),
        ("neighbours in a row count too", _visualise(tv="- weight * tf.reduce_sum(tf.abs(x[:, 1:] - x[:, :-1]))")),
        ("in a column count too", _visualise(tv="- weight * tf.reduce_sum(tf.abs(x[:, :, 1:] - x[:, :, :-1]))")),
        ("has the probability", _visualise(f"tf.reduce_sum({OF_P})")),
        ("logarithm", _visualise(f"tf.reduce_sum(tf.math.log({OF_P}))")),
        ("All logits are raised", _visualise("tf.reduce_sum(model(x))")),
        ("for the first label", _visualise("tf.reduce_sum(model(x)[:, labels[0]])")),
        ("for all labels", _visualise("tf.reduce_sum(tf.gather(model(x), labels, axis=1))")),
        ("one step too few", _visualise(steps="steps - 1")), ("one step too many", _visualise(steps="steps + 1")),
        ("Only one step", _visualise(step="start + rate * g / length", steps="1")),
        ("No step is taken", _visualise(end="start")),
        ("at the end only", _visualise(clip="{}", end="tf.clip_by_value(x, 0.0, 1.0)")),
        ("the change of the image", _visualise(end="x - start")), ("tape.watch", _visualise(at="tf.zeros(1)")),
    ],
    "cue": [
        ("so that they cancel", _cue("maps.mean(0)")), ("comes after the mean", _cue("np.abs(maps.mean(0))")),
        ("the strongest pixel, expected", _cue(side="1")),
        ("One strong map", _cue("np.abs(maps).max(0)")), ("One strong map", _cue("(maps**2).mean(0)")),
        ("One strong map", _cue("np.sqrt((maps**2).mean(0))")), ("the median", _cue("np.median(np.abs(maps), 0)")),
        ("the first window with the strongest pixel", _cue().replace("n].sum()", "n].max()")),
        ("The last row or column", _cue(more="0")),
        ("The last row or column", _cue().replace("range(W - n + 1)", "range(W - n)")),
        ("The last row or column", _cue().replace("range(H - n + 1)", "range(H - n)")),
        ("Only the first channel", _cue(window="row:row + side, column:column + side, 0")),
        ("one pixel too small", _cue(side="side - 1")),
        ("one pixel too large", _cue(side="side + 1")),
        ("Row and column are swapped.", _cue(corner="np.unravel_index(s.argmax(), s.shape)[::-1]")),
        ("the middle of the window", _cue(corner="[int(k) + side // 2 for k in np.unravel_index(s.argmax(), s.shape)]")),
        ("the smallest sum", _cue(corner="np.unravel_index(s.argmin(), s.shape)")),
        ("Only the first map", _cue("np.abs(maps[0])")), ("expected 2", _cue(corner="s.argmax()")),
        ("cover it", _cue(window="row:row, column:column")),
        ("wrong answers", _cue(accuracy="np.mean(np.argmax(model(c), 1) != labels)")),
        ("the number of right answers", _cue(accuracy="np.sum(np.argmax(model(c), 1) == labels)")),
        ("the change of the accuracy",
         _cue(accuracy="np.mean(np.argmax(model(c), 1) == labels) - np.mean(np.argmax(model(images), 1) == labels)")),
        ("the change of the accuracy",
         _cue(accuracy="np.mean(np.argmax(model(images), 1) == labels) - np.mean(np.argmax(model(c), 1) == labels)")),
        ("compared with those before", _cue(accuracy="np.mean(np.argmax(model(c), 1) == np.argmax(model(images), 1))")),
        ("swapped in the window", _cue(window="column:column + side, row:row + side")), ("filled with 0", _cue(value="0")),
        ("Everything but", _cue(copy="np.full_like(images, fill)", value="images[:, row:row + side, column:column + side]")),
        ("one pixel too small", _cue(window="row:row + side - 1, column:column + side - 1")),
        ("one pixel too large", _cue(window="row:row + side + 1, column:column + side + 1")),
        ("shifted by one pixel", _cue(window="row + 1:row + side + 1, column + 1:column + side + 1")),
        ("changes its argument images in place", _cue(copy="images")),
        ("in percent", _cue(accuracy="100 * np.mean(np.argmax(model(c), 1) == labels)")),
        ("part of utils", _cue(accuracy="training.evaluate(model, c, labels)")),
    ],
}
