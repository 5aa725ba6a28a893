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


def adam(mean="0.9 * mean + 0.1 * gradient", square="0.999 * square + 0.001 * gradient**2",
         new="w - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)", result=
         "w, mean, square"):
    return f"""
def adam_step(w, gradient, mean, square, step, rate):
    mean = {mean}
    square = {square}
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


def descent(rate="0.2", activation="backprop.RELU", start="backprop.initialise([196, 32, 10], seed)",
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
        ("last layer has no ReLU", forward(last="np.maximum(outputs[-1] @ net[-1][0] + net[-1][1], 0)")),
        ("This is the sigmoid", forward(hidden="1 / (1 + np.exp(-outputs[-1] @ w - b))")),
        ("not the negative ones", forward(hidden="np.minimum(outputs[-1] @ w + b, 0)")),
        ("softmax of the logits", forward(last="softmax(outputs[-1] @ net[-1][0] + net[-1][1])")
         + "\ndef softmax(z):\n    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"),
        ("one array", forward(result="outputs[-1]")),
        ("one array too few", forward(result="outputs[1:]")),
        ("gives None", forward().replace("return outputs", "")),
        ("part of utils", "def forward(net, x):\n    return backprop.forward(net, x)"),
        ("leaves the work to tf (in layer)", "def layer(a, w, b):\n    return tf.nn.relu(a @ w + b)\n"
         + forward(hidden="layer(outputs[-1], w, b)")),
        ("forward stops with ValueError", forward(hidden="np.maximum(w @ outputs[-1] + b, 0)")),
    ],
    "loss": [
        ("sum over the examples", loss(mean="np.sum(each)")),
        ("one number for each example", loss(mean="each")),
        ("m is missing", loss(mean="np.mean(np.log(powers.sum(axis=1)) - logits[rows, labels])")),
        ("leaves the work to scipy", "def softmax_cross_entropy(logits, labels):\n"
         "    from scipy.special import log_softmax\n"
         "    return -log_softmax(logits, axis=1)[:, labels].mean(), logits"),
        ("never negative", loss(mean="-np.mean(each)")),
        ("delta is not divided by N", loss(delta="delta")),
        ("subtract 1 at the label of each example.", loss(minus="pass")),
        ("and divide by N", loss(minus="pass", delta="delta")),
        ("delta has the wrong sign", loss(delta="-delta / len(labels)")),
        ("number of all its entries", loss(delta="delta / delta.size")),
        ("subtract the largest logit", loss(start="logits")),
        ("delta is", loss(axis=0)),
        ("changes the logits", loss(start="logits\n    shifted -= logits.max(axis=1, keepdims=True)")),
        ("return loss, delta", loss(result="np.mean(each)")),
    ],
    "backward": [
        ("slope of ReLU is missing", backward(slope="1")),
        ("multiplied by what the layer gave", backward(slope="outputs[n]")),
        ("the wrong way round", backward(slope="(outputs[n] <= 0)")),
        ("divided by N", backward(w="outputs[n].T @ delta / len(delta)")),
        ("mean over the examples", backward(b="delta.mean(axis=0)")),
        ("transposed", backward(w="delta.T @ outputs[n]")),
        ("add up over the examples only", backward(b="delta.sum()")),
        ("one row for each example", backward(b="delta")),
        ("turn it round", backward(result="gradients")),
        ("sign of an update", backward(w="-outputs[n].T @ delta")),
        ("W transposed", backward(back="delta @ net[n][0]")),
        ("multiply it by W.T, also where W is square", backward(
            back="delta @ (net[n][0] if len(net[n][0]) == len(net[n][1]) else net[n][0].T)")),
        ("delta is not masked there", backward().replace(
            "    gradients.append", "    delta = delta * (outputs[n + 1] > 0)\n        gradients.append")),
        ("leaves the work to tf", "def backward(net, outputs, delta):\n    with tf.GradientTape():\n"
                                  "        return []"),
        ("list of 3 pairs", backward(result="[array for pair in gradients[::-1] for array in pair]")),
        ("part of utils", "def backward(net, outputs, delta):\n    return backprop.backward(net, outputs, "
                          "delta)"),
    ],
    "adam": [
        ("correction for the start", adam(new="w - rate * mean / (np.sqrt(square) + 1e-8)")),
        ("Only the mean is corrected", adam(new="w - rate * mean / (1 - 0.9**step) / (np.sqrt(square) + "
                                                "1e-8)")),
        ("root is missing", adam(new="w - rate * mean / (1 - 0.9**step) / (square / (1 - 0.999**step) + "
                                     "1e-8)")),
        ("up the slope", adam(new="w + rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - "
                                  "0.999**step)) + 1e-8)")),
        ("without the rate", adam(new="w - (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) "
                                      "+ 1e-8)")),
        ("swapped", adam(mean="0.1 * mean + 0.9 * gradient")),
        ("added whole", adam(mean="0.9 * mean + gradient")),
        ("square the gradient first", adam(square="0.999 * square + 0.001 * gradient")),
        ("0.999 was asked", adam(square="0.9 * square + 0.1 * gradient**2")),
        ("mean of the squares", adam(square="mean**2")),
        ("mean is the corrected one", adam(mean="(0.9 * mean + 0.1 * gradient) / (1 - 0.9**step)", new="w")),
        ("three things", adam(result="w")),
        ("The tiny number is missing", adam(new="w - rate * mean / (1 - 0.9**step) / np.sqrt(square / (1 - "
                                                "0.999**step))")),
        ("stands inside the root", adam(new="w - rate * mean / (1 - 0.9**step) / np.sqrt(square / (1 - "
                                            "0.999**step) + 1e-8)")),
        ("with the old mean and square", """
def adam_step(w, gradient, mean, square, step, rate):
    w = w - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return w, 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
"""),
        ("0.9 and 0.999 are swapped: mean", adam(mean="0.999 * mean + 0.001 * gradient")),
        ("swapped in the corrections", adam(new="w - rate * mean / (1 - 0.999**step) / (np.sqrt(square / "
                                                "(1 - 0.9**step)) + 1e-8)")),
        ("leaves the work to tf", adam(result="tf.keras.optimizers.Adam(rate)")),
    ],
    "data": [
        ("divide by it", data(standard="(x - x_train.mean(axis=0)) / x_train.std(axis=0)")),
        ("or by a tiny number", data(standard="(x - x_train.mean(axis=0)) / (x_train.std(axis=0) + 1e-8)")),
        ("take them from x_train", data(standard="(x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, "
                                                 "x.std(axis=0), 1)")),
        ("standard deviation is missing", data(standard="x - x_train.mean(axis=0)")),
        ("mean is missing", data(standard="x / np.where(x_train.std(axis=0) > 0, x_train.std(axis=0), 1)")),
        ("divide by the variance", data(standard="(x - x_train.mean(0)) / np.where(x_train.var(0) > 0, "
                                                 "x_train.var(0), 1)")),
        ("for all pixels", data(standard="(x - x_train.mean()) / x_train.std()")),
        ("expected [1000, 196]", data(standard="x_train")),
        ("the next day gives other features", data(lamp="(hours[:, None] - 4380) / 2529")),
        ("the next day gives other features", data(lamp="np.stack([np.sin(hours / 24), np.cos(hours / 24)], "
                                                        "axis=1)")),
        ("just after midnight", data(lamp="(hours[:, None] % 24) / 24")),
        ("Program B is not fixed", data(lamp="[[np.sin(a)] for a in 2 * np.pi * hours / 24]")),
        ("Program B is not fixed", data(lamp="np.sin(2 * np.pi * hours / 24)[:, None]")),
        ("one row for each hour", data(lamp="np.stack([np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * "
                                            "hours / 24)])")),
    ],
    "descent": [
        ("too large", descent(rate="40")),
        ("Program C", descent(rate="2.5")),
        ("Program C is not fixed", descent(rate="1")),
        ("too small", descent(rate="1e-5")),
        ("slope of the activation of Program D", descent(activation="STEP")),
        ("slope of the activation of Program D",
         descent(activation="backprop.Activation(lambda z: np.round(np.tanh(z)), lambda a: 0 * a)")),
        ("activation=activation",
         descent(activation="backprop.TANH").replace(", activation=activation", "")),
        ("same weights", descent(start="[(np.full((196, 32), 0.1), np.zeros(32)), (np.full((32, 10), 0.1), "
                                       "np.zeros(10))]")),
        ("same weights", descent(start="[(np.zeros((196, 32)), np.zeros(32)), (np.zeros((32, 10)), "
                                       "np.zeros(10))]")),
        ("return net, activation", descent(result="backprop.train(net, x, y, rate=0.2, epochs=8, "
                                                  "seed=seed)[0]")),
        ("take the first", descent(
            result="backprop.train(net, x, y, rate=0.2, epochs=8, seed=seed), backprop.RELU")),
        ("stops with", descent(start="backprop.initialise([784, 32, 10], seed)")),
    ],
    "shape": [
        ("never negative", shape(wave="Dense(32, 'relu'), Dense(1, 'sigmoid')")),
        ("never negative", shape(wave="Dense(32, 'relu'), Dense(1, 'relu')")),
        ("from -1 to 1", shape(wave="Dense(32, 'relu'), Dense(1, 'tanh')")),
        ("Program F is not fixed", shape(wave="Dense(1)")),
        ("has 12 hidden layers: clearly fewer",
         shape(deep="*[Dense(8, 'relu') for _ in range(12)], Dense(2)")),
        ("gives softmax: the loss takes logits", shape(deep="Dense(8, 'sigmoid'), Dense(2, 'softmax')")),
        ("gives softmax: the loss takes logits",
         shape(narrow="Dense(16, 'relu'), Dense(2), keras.layers.Softmax()")),
        ("begin with keras.Input([2])", shape().replace("keras.Input([2]), ", "")),
        ("begin with keras.Input([1])", "class Net(keras.Model):\n    pass\n" + shape(compiled=" and Net()")),
        ("define a function", shape() + "\nfixed_f = fixed_f()"),
        ("has 12 hidden layers", shape(deep="*[Dense(8, 'sigmoid') for _ in range(12)], Dense(2)")),
        ("6 hidden layers too much of the gradient is lost",
         shape(deep="*[Dense(8, 'sigmoid') for _ in range(6)], Dense(2)")),
        ("no hidden layer", shape(deep="Dense(2)")),
        ("1 hidden units draw", shape(narrow="Dense(1, 'relu'), Dense(2)")),
        ("expected (None, 2) to (None, 2)", shape(narrow="Dense(16, 'relu'), Dense(1)")),
        ("return the Keras model", shape(compiled=".compile('adam', 'mse') or 0")),
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
