"""Wrong answers to lab 02: {task: [(words that the check must say, code)]}."""


def forward(hidden="np.maximum(outputs[-1] @ w + b, 0)", last="outputs[-1] @ net[-1][0] + net[-1][1]", result=
            "outputs"):
    return f"""
def forward(net, x):
    outputs = [x]
    for w, b in net[:-1]:
        outputs.append({hidden})
    outputs.append({last})
    return {result}
"""


def loss(delta="delta / len(labels)", mean="np.mean(each)", axis=1, minus="delta[rows, labels] -= 1", powers=
         "shifted",
         start="logits - logits.max(axis=1, keepdims=True)", result=None):
    return f"""
def softmax_cross_entropy(logits, labels):
    rows = np.arange(len(labels))
    shifted = {start}
    powers = np.exp({powers})
    p = powers / powers.sum(axis={axis}, keepdims=True)
    each = np.log(powers.sum(axis=1)) - ({powers})[rows, labels]
    delta = p.copy()
    {minus}
    return {result or f"{mean}, {delta}"}
"""


def backward(w="outputs[n].T @ delta", b="delta.sum(axis=0)", back="delta @ net[n][0].T", slope=
             "(outputs[n] > 0)",
             result="gradients[::-1]"):
    return f"""
def backward(net, outputs, delta):
    gradients = []
    for n in reversed(range(len(net))):
        gradients.append(({w}, {b}))
        delta = {back} * {slope}
    return {result}
"""


def gradient(points="(loss(w + step) - loss(w - step)) / (2 * h)",
             distance="np.linalg.norm(gradient - measured) / (np.linalg.norm(gradient) + np.linalg.norm(measured))",
             step="step[place] = h", result="distance, measured"):
    return f"""
def gradient_check(loss, w, gradient, h):
    measured = np.zeros(w.shape)
    for place in np.ndindex(w.shape):
        step = np.zeros(w.shape)
        {step}
        measured[place] = {points}
    distance = {distance}
    return {result}
"""


def adam(m="0.9 * m + 0.1 * g", s="0.999 * s + 0.001 * g**2",
         new="w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)", result="w, m, s"):
    return f"""
def adam_step(w, g, m, s, t, rate):
    m = {m}
    s = {s}
    w = {new}
    return {result}
"""


def data(standard="(x - x_train.mean(axis=0)) / np.where(x_train.std(axis=0) > 0, x_train.std(axis=0), 1)",
         lamp="np.stack([np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24)], axis=1)"):
    return f"""
def standardise(x_train, x):
    return {standard}

def lamp_features(hours):
    return {lamp}
"""


def descent(rate="0.2", activation="backprop.RELU", start="backprop.initialise([196, 24, 10], seed)",
            result="backprop.train(net, x, y, rate=0.2, epochs=8, seed=seed)[0], backprop.RELU"):
    return f"""
def fixed_c(x, y, seed):
    net = backprop.initialise([196, 32, 10], seed)
    return backprop.train(net, x, y, rate={rate}, epochs=8, seed=seed)[0], backprop.RELU

def fixed_d(x, y, seed):
    net, activation = backprop.initialise([196, 32, 10], seed), {activation}
    return backprop.train(net, x, y, rate=0.1, epochs=8, seed=seed, activation=activation)[0], activation

def fixed_e(x, y, seed):
    net = {start}
    return {result}
"""


def shape(wave="Dense(32, 'relu'), Dense(1)", deep="Dense(8, 'sigmoid'), Dense(2)", narrow=
          "Dense(16, 'relu'), Dense(2)",
          compiled=""):
    return f"""
def fixed_f():
    return keras.Sequential([keras.Input([1]), {wave}]){compiled}

def fixed_g():
    return keras.Sequential([keras.Input([2]), {deep}])

def fixed_h():
    return keras.Sequential([keras.Input([2]), {narrow}])
"""


def diagnosis(**named):
    return f"def diagnosis():\n    return {dict(P=5, Q=2, R=9, S=4, T=10, U=6) | named}"


WRONG = {
    "forward": [
        ("ReLU is missing after a hidden", forward(hidden="outputs[-1] @ w + b")),
        ("bias is missing", forward(hidden="np.maximum(outputs[-1] @ w, 0)")),
        ("bias of the last layer", forward(last="outputs[-1] @ net[-1][0]")),
        ("last layer has a ReLU", forward(last="np.maximum(outputs[-1] @ net[-1][0] + net[-1][1], 0)")),
        ("This is the sigmoid", forward(hidden="1 / (1 + np.exp(-outputs[-1] @ w - b))")),
        ("not the negative ones", forward(hidden="np.minimum(outputs[-1] @ w + b, 0)")),
        ("softmax of the logits", forward(last="softmax(outputs[-1] @ net[-1][0] + net[-1][1])")
         + "\ndef softmax(z):\n    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"),
        ("one array", forward(result="outputs[-1]")),
        ("has 3 arrays, expected 4: x itself", forward(result="outputs[1:]")),
        ("gives None", forward().replace("return outputs", "")),
        ("part of utils", "def forward(net, x):\n    return backprop.forward(net, x)"),
        ("leaves the work to tf (in layer)", "def layer(a, w, b):\n    return tf.nn.relu(a @ w + b)\n"
         + forward(hidden="layer(outputs[-1], w, b)")),
        ("x @ W, not W @ x", forward(hidden="np.maximum(w @ outputs[-1] + b, 0)")),
        ("what the layer before gave", forward(hidden="np.maximum(x @ w + b, 0)")),
        ("x @ W, not W @ x", forward(hidden="np.maximum(np.dot(w, outputs[-1]) + b, 0)")),
        ("np.max gives the largest value", forward(hidden="np.max(outputs[-1] @ w + b, 0)")),
        ("np.maximum(array, 0) works value by value", forward(hidden="np.max(0, outputs[-1] @ w + b)")),
        ("np.maximum(array, 0) works value by value", forward(hidden="max(0, outputs[-1] @ w + b)")),
        ("changes its argument net in place",
         "def forward(net, x):\n    w, b = net.pop()\n    outputs = [x]\n    for v, c in net:\n"
         "        outputs.append(np.maximum(outputs[-1] @ v + c, 0))\n    return [*outputs, outputs[-1] @ w + b]"),
        ("added after ReLU", forward(hidden="np.maximum(outputs[-1] @ w, 0) + b")),
        ("what goes into the layer", forward(hidden="np.maximum(outputs[-1], 0) @ w + b")),
        ("keep the number", forward(hidden="(outputs[-1] @ w + b > 0) * 1.0")),
        ("has 6 arrays, expected 4: x itself",
         forward().replace("outputs.append(np", "z = outputs[-1] @ w + b; outputs.append(z); outputs.append(np")
         .replace("(outputs[-1] @ w + b, 0)", "(z, 0)")),
    ],
    "loss": [
        ("sum over the examples", loss(mean="np.sum(each)")),
        ("the mean over axis 0 is missing", loss(mean="each")),
        ("m is missing", loss(mean="np.mean(np.log(powers.sum(axis=1)) - logits[rows, labels])")),
        ("leaves the work to scipy", "def softmax_cross_entropy(logits, labels):\n"
         "    from scipy.special import log_softmax\n"
         "    return -log_softmax(logits, axis=1)[:, labels].mean(), logits"),
        ("The loss has the wrong sign", loss(mean="-np.mean(each)")),
        ("delta is 7 times what is expected", loss(delta="delta")),
        ("delta is the softmax itself", loss(minus="pass")),
        ("and divide by N", loss(minus="pass", delta="delta")),
        ("delta has the wrong sign", loss(delta="-delta / len(labels)")),
        ("delta is 1/3 of what is expected", loss(delta="delta / delta.size")),
        ("subtract the largest logit", loss(start="logits")),
        ("not over the examples", loss(axis=0)),
        ("changes its argument logits in place", loss(start="logits\n    shifted -= logits.max(axis=1, keepdims=True)")),
        ("return loss, delta", loss(result="np.mean(each)")),
        ("each example has its own sum", loss().replace("axis=1, keepdims=True)\n    each", ")\n    each")),
        ("each example has its own sum",
         "def softmax_cross_entropy(logits, labels):\n    e = np.exp(logits)\n    p = e / e.sum()\n"
         "    return -np.log(p[np.arange(len(p)), labels]).mean(), p"),
        ("changes the columns of all labels",
         loss(minus="delta[:, labels] -= 1").replace("delta[:, labels] -= 1", "delta[:, np.unique(labels)] -= 1")),
        ("changes the columns of all labels", loss(minus="delta[:, labels] -= 1")),
        ("has the columns of all labels", loss(mean="-np.log(p[:, labels]).mean()")),
        ("mean over all entries", loss(mean="-np.mean(np.eye(p.shape[1])[labels] * np.log(p))")),
        ("over all classes", loss(mean="-np.mean(np.log(p))")),
        ("log(p + 1e-12) hides", loss(mean="-np.log(p[rows, labels] + 1e-12).mean()")),
        ("log(p + 1e-12) hides", loss(mean="-np.log(np.clip(p[rows, labels], 1e-9, 1)).mean()")),
        ("so does np.clip", loss(start="np.clip(logits, -700, 700)")),
        ("so does np.clip", loss(start="np.clip(logits, -50, 50)")),
        ("take no logarithm of a probability", loss(mean="-np.log(p[rows, labels]).mean()")),
        ("the mean logit", loss(mean="-logits[rows, labels].mean()")),
        ("The loss is the mean probability", loss(mean="p[rows, labels].mean()")),
        ("taken after the mean", loss(mean="-np.log(p[rows, labels].mean())")),
        ("with keepdims=True", loss(start="logits - logits.max(axis=1)")),
        ("subtract 1, in the column", loss(minus="delta = delta - labels[:, None]")),
    ],
    "backward": [
        ("slope of ReLU is missing", backward(slope="1")),
        ("multiplied by what the layer gave", backward(slope="outputs[n]")),
        ("The slope of ReLU is swapped", backward(slope="(outputs[n] <= 0)")),
        ("1/6 of what is expected", backward(w="outputs[n].T @ delta / len(delta)")),
        ("1/6 of what is expected", backward(b="delta.mean(axis=0)")),
        ("transposed", backward(w="delta.T @ outputs[n]")),
        ("one number for all, expected one for each", backward(b="delta.sum()")),
        ("the sum over axis 0 is missing", backward(b="delta")),
        ("reverse it", backward(result="gradients")),
        ("has the wrong sign", backward(w="-outputs[n].T @ delta")),
        ("W transposed", backward(back="delta @ net[n][0]")),
        ("multiply it by W.T, also where W is square", backward(
            back="delta @ (net[n][0] if len(net[n][0]) == len(net[n][1]) else net[n][0].T)")),
        ("mask delta at the last layer", backward().replace(
            "    gradients.append", "    delta = delta * (outputs[n + 1] > 0)\n        gradients.append")),
        ("slope of ReLU is missing, or 1 everywhere", backward(slope="(outputs[n] >= 0)")),
        ("The new delta is used too early", """
def backward(net, outputs, delta):
    gradients = []
    for n in reversed(range(len(net))):
        back = (delta @ net[n][0].T) * (outputs[n] > 0)
        gradients.append((outputs[n].T @ back, back.sum(axis=0)))
        delta = back
    return gradients[::-1]
"""),
        ("The new delta is used too early", """
def backward(net, outputs, delta):
    gradients = []
    for n in reversed(range(len(net))):
        w = outputs[n].T @ delta
        delta = (delta @ net[n][0].T) * (outputs[n] > 0)
        gradients.append((w, delta.sum(axis=0)))
    return gradients[::-1]
"""),
        ("Begin with the last layer", backward().replace("reversed(range(len(net)))", "range(len(net))")),
        ("divided by N at each layer", backward(slope="(outputs[n] > 0) / len(delta)")),
        ("changes its argument outputs in place",
         backward().replace("    gradients.append", "    outputs[n][outputs[n] < 0] = 0\n        gradients.append")),
        ("changes its argument outputs in place",
         backward().replace("    gradients = []", "    gradients = []\n    outputs.pop()")),
        ("changes its argument delta in place",
         backward().replace("    gradients = []", "    gradients = []\n    delta *= 1 / len(delta)")),
        ("remove the axis of length 1", backward(b="delta.sum(axis=0, keepdims=True)")),
        ("leaves the work to tf", "def backward(net, outputs, delta):\n    with tf.GradientTape():\n"
                                  "        return []"),
        ("of 3, which begins with a ndarray, expected a list of 3 pairs",
         backward(result="[pair[0] for pair in gradients[::-1]]")),
        ("list of 3 pairs", backward(result="[array for pair in gradients[::-1] for array in pair]")),
        ("part of utils", "def backward(net, outputs, delta):\n    return backprop.backward(net, outputs, "
                          "delta)"),
    ],
    "gradient": [
        ("one-sided differences", gradient(points="(loss(w + step) - loss(w)) / h")),
        ("one-sided differences", gradient(points="(loss(w) - loss(w - step)) / h")),
        ("2 h apart", gradient(points="(loss(w + step) - loss(w - step)) / h")),
        ("needs brackets", gradient(points="(loss(w + step) - loss(w - step)) / 2 * h")),
        ("not divided by the step", gradient(points="loss(w + step) - loss(w - step)")),
        ("measured has the wrong sign", gradient(points="(loss(w - step) - loss(w + step)) / (2 * h)")),
        ("All entries are moved at once", gradient(step="step[...] = h")),
        ("the gradient that was given", gradient(points="gradient[place]")),
        ("give loss the whole copy", gradient(points="(loss(w[place] + h) - loss(w[place] - h)) / (2 * h)")),
        ("return distance, measured", gradient(result="distance")),
        ("sum of the two lengths", gradient(distance="np.linalg.norm(gradient - measured)")),
        ("one length only", gradient(distance="np.linalg.norm(gradient - measured) / np.linalg.norm(gradient)")),
        ("one length only", gradient(distance="np.linalg.norm(gradient - measured) / np.linalg.norm(measured)")),
        ("length of the sum", gradient(distance="np.linalg.norm(gradient - measured) / np.linalg.norm(gradient + measured)")),
        ("The root is missing",
         gradient(distance="np.sum((gradient - measured)**2) / (np.sum(gradient**2) + np.sum(measured**2))")),
        ("sums of absolute values",
         gradient(distance="np.abs(gradient - measured).sum() / (np.abs(gradient).sum() + np.abs(measured).sum())")),
        ("largest singular value",
         gradient(distance="np.linalg.norm(gradient - measured, 2) / (np.linalg.norm(gradient, 2) + "
                           "np.linalg.norm(measured, 2))")),
        ("largest difference of an entry", gradient(distance="np.abs(gradient - measured).max()")),
        ("is there an extra absolute value", gradient(points="abs(loss(w + step) - loss(w - step)) / (2 * h)")),
        ("Negative slopes are 0", gradient(points="max(0, loss(w + step) - loss(w - step)) / (2 * h)")),
        ("lost the signs of w", gradient(points="(loss(abs(w) + step) - loss(abs(w) - step)) / (2 * h)")),
        ("Several entries are moved at once", gradient(step="step[place[:2]] = h")),
        ("Several entries are moved at once", gradient(step="step[place[0]] = h")),
        ("The moves pile up", gradient().replace("        step = np.zeros(w.shape)\n", "")
         .replace("    for", "    step = np.zeros(w.shape)\n    for", 1)),
        ("Only one of the two points", gradient(points="(loss(w + step) - loss(w)) / (2 * h)")),
        ("Only one of the two points", gradient(points="(loss(w) - loss(w - step)) / (2 * h)")),
        ("inside the loop", gradient().replace("    distance =", "        break\n    distance =")),
        ("divide by 2 h, with the argument h", gradient(points="(loss(w + step) - loss(w - step)) / (2 * 1e-5)")),
        ("the step is the argument h", gradient(
            points="(loss(w + step) - loss(w - step)) / (2 * 1e-5)", step="step[place] = 1e-5")),
        ("return distance, measured", gradient(result="measured, distance")),
        ("changes its argument w in place", gradient(step="w[place] += h / 7", points="(loss(w) - loss(w - h / 7)) / h")),
        ("part of utils",
         "def gradient_check(loss, w, gradient, h):\n    return 0, backprop.finite_differences(lambda: loss(w), w, h)"),
    ],
    "adam": [
        ("correction for the start", adam(new="w - rate * m / (np.sqrt(s) + 1e-8)")),
        ("Only m is corrected", adam(new="w - rate * m / (1 - 0.9**t) / (np.sqrt(s) + 1e-8)")),
        ("Only s is corrected", adam(new="w - rate * m / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("root is missing", adam(new="w - rate * m / (1 - 0.9**t) / (s / (1 - 0.999**t) + 1e-8)")),
        ("up the slope", adam(new="w + rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("The learning rate is missing", adam(new="w - (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("w is the step alone", adam(new="rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("swapped", adam(m="0.1 * m + 0.9 * g")),
        ("0.999 and 0.001 are swapped", adam(s="0.001 * s + 0.999 * g**2")),
        ("added whole", adam(m="0.9 * m + g")),
        ("square the gradient first", adam(s="0.999 * s + 0.001 * g")),
        ("expected 0.999", adam(s="0.9 * s + 0.1 * g**2")),
        ("mean of the squares", adam(s="m**2")),
        ("m is the corrected one", adam(m="(0.9 * m + 0.1 * g) / (1 - 0.9**t)", new="w")),
        ("s is the corrected one", adam(s="(0.999 * s + 0.001 * g**2) / (1 - 0.999**t)", new="w")),
        ("one value, expected 3: return w, m, s", adam(result="w")),
        ("correction for the start at 0 is missing", adam(
            new="w - rate * m / (1 - 0.9**t * (t < 11)) / (np.sqrt(s / (1 - 0.999**t * (t < 11))) + 1e-8)")),
        ("another order", adam(result="m, s, w")),
        ("another order", adam(result="w, s, m")),
        ("another order", adam(result="s, m, w")),
        ("The 1e-8 is missing", adam(new="w - rate * m / (1 - 0.9**t) / np.sqrt(s / (1 - 0.999**t))")),
        ("stands inside the root", adam(new="w - rate * m / (1 - 0.9**t) / np.sqrt(s / (1 - 0.999**t) + 1e-8)")),
        ("1e-7, expected 1e-8", adam(new="w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-7)")),
        ("the paper's shorter form", adam(new="w - rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(s) + 1e-8)")),
        ("powers, 0.9**t", adam(new="w - rate * m / (1 - 0.9 * t) / (np.sqrt(s / (1 - 0.999 * t)) + 1e-8)")),
        ("expected the power", adam(new="w - rate * m / (1 - 0.9 * t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("You multiply by the bias corrections", adam(new="w - rate * m * (1 - 0.9**t) / (np.sqrt(s * (1 - 0.999**t)) + 1e-8)")),
        ("take m in the numerator", adam(new="w - rate * g / (1 - 0.9**t) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)")),
        ("with the old m and s", """
def adam_step(w, g, m, s, t, rate):
    w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return w, 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
"""),
        ("m is the old one", """
def adam_step(w, g, m, s, t, rate):
    new_m, new_s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    return w - rate * new_m / (1 - 0.9**t) / (np.sqrt(new_s / (1 - 0.999**t)) + 1e-8), m, s
"""),
        ("changes its argument m in place", adam(m="m; m *= 0.9; m += 0.1 * g")),
        ("0.9 and 0.999 are swapped: m", adam(m="0.999 * m + 0.001 * g")),
        ("swapped in the corrections", adam(new="w - rate * m / (1 - 0.999**t) / (np.sqrt(s / (1 - 0.9**t)) + 1e-8)")),
        ("leaves the work to tf", adam(result="tf.keras.optimizers.Adam(rate)")),
    ],
    "data": [
        ("divided by 0 or by a tiny", data(standard="(x - x_train.mean(axis=0)) / x_train.std(axis=0)")),
        ("or by a tiny number", data(standard="(x - x_train.mean(axis=0)) / (x_train.std(axis=0) + 1e-8)")),
        ("take them from x_train", data(standard="(x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, "
                                                 "x.std(axis=0), 1)")),
        ("standard deviation is missing", data(standard="x - x_train.mean(axis=0)")),
        ("mean is missing", data(standard="x / np.where(x_train.std(axis=0) > 0, x_train.std(axis=0), 1)")),
        ("divide by the variance", data(standard="(x - x_train.mean(0)) / np.where(x_train.var(0) > 0, "
                                                 "x_train.var(0), 1)")),
        ("for all pixels", data(standard="(x - x_train.mean()) / x_train.std()")),
        ("tiny number (std + 1e-8)", data(standard="(x - x_train.mean(axis=0)) / np.maximum(x_train.std(axis=0), 1e-12)")),
        ("divided by the same number", data(standard="(x - x_train.mean(axis=0)) / 16")),
        ("divided by the same number", data(standard="(x - x_train.mean(axis=0)) / 255")),
        ("after the division", data(standard="x / np.where(x_train.std(0) > 0, x_train.std(0), 1) - x_train.mean(0)")),
        *(("divided by 1 and by nothing else", data(
            standard=f"(x - x_train.mean(axis=0)) / np.where(x_train.std(axis=0) > 0, x_train.std(axis=0), {by})"))
          for by in ("np.inf", "255", "x_train.std(axis=0).mean()")),
        ("divided by 1 and by nothing else", data(
            standard="np.where(x_train.std(0) > 0, (x - x_train.mean(0)) / np.maximum(x_train.std(0), 1e-9), 0)")),
        ("You scale to [0, 1]", data(standard="(x - x_train.min(0)) / np.maximum(np.ptp(x_train, axis=0), 1)")),
        ("changes its argument x in place",
         data(standard="x.__isub__(x_train.mean(axis=0)) / np.where(x_train.std(axis=0) > 0, x_train.std(axis=0), 1)")),
        ("the second array standardised, has shape [2000, 196], expected [1000, 196]", data(standard="x_train")),
        ("the next day gives other features", data(lamp="(hours[:, None] - 4380) / 2529")),
        ("the next day gives other features", data(lamp="np.stack([np.sin(hours / 24), np.cos(hours / 24)], "
                                                        "axis=1)")),
        ("far apart in your features", data(lamp="(hours[:, None] % 24) / 24")),
        ("and the features are the same", data(lamp="[[np.sin(a)] for a in 2 * np.pi * hours / 24]")),
        ("and the features are the same", data(lamp="np.sin(2 * np.pi * hours / 24)[:, None]")),
        ("and the features are the same",
         data(lamp="np.stack([np.sin(2 * np.pi * hours / 12), np.cos(2 * np.pi * hours / 12)], axis=1)")),
        ("The features reach 12: bring them near to 0", data(lamp="np.abs(hours % 24 - 12)[:, None]")),
        ("changes its argument hours in place",
         data(lamp="np.stack([np.sin(hours.__imul__(np.pi / 12)), np.cos(hours)], axis=1)")),
        ("beyond 100", data(lamp="np.stack([500 * np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24)], axis=1)")),
        ("one row for each hour", data(lamp="np.stack([np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * "
                                            "hours / 24)])")),
    ],
    "descent": [
        ("too large", descent(rate="40")),
        ("Program C", descent(rate="2.5")),
        ("Program C is not fixed", descent(rate="1")),
        ("initial weights are too small", descent(rate="1e-5")),
        ("its steps seem too small", descent(rate="0.01")),
        ("its steps seem too large", descent(rate="1")),
        ("slope of the activation of Program D", descent(activation="STEP")),
        ("slope of the activation of Program D",
         descent(activation="backprop.Activation(lambda z: np.round(np.tanh(z)), lambda a: 0 * a)")),
        ("activation=activation",
         descent(activation="backprop.TANH").replace(", activation=activation", "")),
        ("same weights", descent(start="[(np.full((196, 32), 0.1), np.zeros(32)), (np.full((32, 10), 0.1), "
                                       "np.zeros(10))]")),
        ("same weights", descent(start="[(np.zeros((196, 32)), np.zeros(32)), (np.zeros((32, 10)), "
                                       "np.zeros(10))]")),
        ("expected net, activation", descent(result="backprop.train(net, x, y, rate=0.2, epochs=8, "
                                                  "seed=seed)[0]")),
        ("take the first of these two", descent(
            result="backprop.train(net, x, y, rate=0.2, epochs=8, seed=seed), backprop.RELU")),
        ("Two shapes do not fit", descent(start="backprop.initialise([784, 24, 10], seed)")),
        ("Program D is trained with rate=0.2, expected 0.1 as before",
         descent() + "\ndef fixed_d(x, y, seed):\n    net = backprop.initialise([196, 32, 10], seed)\n"
         "    return backprop.train(net, x, y, rate=0.2, epochs=8, seed=seed, activation=backprop.TANH)[0], backprop.TANH\n"),
        *((f"Program E is trained with {words} as before", descent(
            result=f"backprop.train(net, x, y, rate=0.2, {other}, seed=seed)[0], backprop.RELU")) for words, other in (
                ("epochs=16, expected 8", "epochs=16"), ("rule=momentum, expected sgd", "epochs=8, rule=backprop.momentum"))),
        ("Program C is trained with epochs=24, expected 8 as before", descent(rate="0.05").replace("epochs=8", "epochs=24", 1)),
        ("Program E calls fixed_c", descent() + "\ndef fixed_e(x, y, seed):\n    return fixed_c(x, y, seed)\n"),
        ("Program D calls fixed_c", descent() + "\ndef fixed_d(x, y, seed):\n    return fixed_c(x, y, seed)\n"),
        ("expected [24, 10] as before", descent() + "\nfixed_e = fixed_c\n"),
        ("expected [24, 10] as before", descent(start="backprop.initialise([196, 32, 10], seed)")),
    ],
    "shape": [
        ("never negative", shape(wave="Dense(32, 'relu'), Dense(1, 'sigmoid')")),
        ("never negative", shape(wave="Dense(32, 'relu'), Dense(1, 'relu')")),
        ("from -1 to 1", shape(wave="Dense(32, 'relu'), Dense(1, 'tanh')")),
        ("Program F is not fixed", shape(wave="Dense(1)")),
        ("has 12 hidden layers, at most 4",
         shape(deep="*[Dense(8, 'relu') for _ in range(12)], Dense(2)")),
        ("gives softmax: the loss takes logits", shape(deep="Dense(8, 'sigmoid'), Dense(2, 'softmax')")),
        ("gives softmax: the loss takes logits",
         shape(narrow="Dense(16, 'relu'), Dense(2), keras.layers.Softmax()")),
        ("Program H stops for inputs [500, 2]", shape().replace("keras.Input([2]), Dense(16", "keras.Input([3]), Dense(16")),
        ("Program F stops for inputs [500, 1]", "class Net(keras.Model):\n    pass\n" + shape(compiled=" and Net()")),
        ("define a function", shape() + "\nfixed_f = fixed_f()"),
        ("has 12 hidden layers", shape(deep="*[Dense(8, 'sigmoid') for _ in range(12)], Dense(2)")),
        ("has 6 hidden layers, at most 4",
         shape(deep="*[Dense(8, 'sigmoid') for _ in range(6)], Dense(2)")),
        ("gives sigmoid: the loss takes logits", shape(narrow="Dense(16, 'relu'), Dense(2, 'sigmoid')")),
        ("2 hidden units, which draw", shape(narrow="Dense(2, 'relu'), Dense(2)")),
        ("no hidden layer", shape(deep="Dense(2)")),
        ("1 hidden units, which draw", shape(narrow="Dense(1, 'relu'), Dense(2)")),
        ("expected [500, 2]", shape(narrow="Dense(16, 'relu'), Dense(1)")),
        ("Program F gives a int: return the Keras model", shape(compiled=".compile('adam', 'mse') or 0")),
    ],
    "diagnosis": [
        ("Panel P does not show cause 6", diagnosis(P=6)),
        ("Panel Q does not show cause 4", diagnosis(Q=4)),
        ("Panel R does not show cause 8", diagnosis(R=8)),
        ("Panel S does not show cause 2", diagnosis(S=2)),
        ("Panel T does not show cause 9", diagnosis(T=9)),
        ("Panel U does not show cause 1", diagnosis(U=1)),
        ("is not the number of a cause", diagnosis(S="no regularisation")),
        ("dictionary with the keys", "def diagnosis():\n    return [5, 2, 9, 4, 10, 6]"),
    ],
}
