"""Right answers of lab 02 in other forms than the solution: each must pass."""
RIGHT = {
    "forward": [
        ("einsum, np.where, a tuple", """
def forward(net, x):
    outputs = (x,)
    for number, (w, b) in enumerate(net):
        z = np.einsum("ni,io->no", outputs[-1], w) + b
        outputs += (z if number == len(net) - 1 else np.where(z > 0, z, 0),)
    return outputs
"""), ("a loop over the examples", """
def forward(net, x):
    outputs = [x.tolist()]
    for number, (w, b) in enumerate(net, 1):
        z = [w.T @ row + b for row in outputs[-1]]
        outputs.append([row if number == len(net) else row * (row > 0) for row in z])
    return outputs
"""), ("recursion", """
def forward(net, x):
    (w, b), rest = net[0], net[1:]
    z = np.dot(x, w) + b[None, :]
    return [x, *forward(rest, (z + abs(z)) / 2)] if rest else [x, z]
""")],
    "loss": [
        ("a loop over the examples, one-hot", """
def softmax_cross_entropy(logits, labels):
    loss, delta = 0, []
    for z, label in zip(logits, labels):
        e = np.exp(z - max(z))
        loss += np.log(sum(e)) + max(z) - z[label]
        delta.append((e / sum(e) - np.eye(len(z))[label]) / len(labels))
    return loss / len(labels), delta
"""), ("logaddexp, a list", """
def softmax_cross_entropy(logits, labels):
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, np.newaxis]
    onehot = (np.arange(logits.shape[1]) == labels[:, None]).astype(float)
    return [np.average(-(np.where(onehot > 0, log_p, 0)).sum(-1)), (np.exp(log_p) - onehot) / logits.shape[0]]
""")],
    "backward": [
        ("zip from the end, np.where, lists", """
def backward(net, outputs, delta):
    gradients = []
    for (w, b), a in zip(net[::-1], outputs[:-1][::-1]):
        gradients = [[a.T.dot(delta), np.ones(len(a)) @ delta]] + gradients
        delta = np.where(a > 0, np.dot(delta, w.T), 0)
    return tuple(gradients)
"""), ("sums of outer products", """
def backward(net, outputs, delta):
    gradients = [None] * len(net)
    for n in range(len(net))[::-1]:
        gradients[n] = sum(np.outer(a, d) for a, d in zip(outputs[n], delta)), np.einsum("no->o", delta)
        delta = np.einsum("no,io->ni", delta, net[n][0]) * np.sign(np.maximum(outputs[n], 0))
    return gradients
""")],
    "gradient": [
        ("in place, put back; the distance by hand", """
def gradient_check(loss, w, gradient, h):
    measured = np.empty_like(w)
    flat = w.copy().ravel()
    for i in range(flat.size):
        kept = flat[i]
        flat[i] = kept + h
        up = loss(flat.reshape(w.shape))
        flat[i] = kept - h
        measured.flat[i] = (up - loss(flat.reshape(w.shape))) / h / 2
        flat[i] = kept
    length = lambda a: np.sqrt((a * a).sum())
    return [length(measured - gradient) / (length(measured) + length(gradient)), measured.tolist()]
"""), ("unit vectors of an identity", """
def gradient_check(loss, w, gradient, h):
    steps = h * np.eye(w.size).reshape(w.size, *w.shape)
    measured = np.array([loss(w + s) - loss(w - s) for s in steps]).reshape(w.shape) / (2 * h)
    g, m = np.ravel(gradient), measured.ravel()
    return float(np.linalg.norm(g - m, ord=2) / (np.linalg.norm(g, ord=2) + np.linalg.norm(m, ord=2))), measured
""")],
    "adam": [
        ("moved by a part of the difference, a list", """
def adam_step(w, g, m, s, t, rate):
    m, s = m + 0.1 * (g - m), s + 0.001 * (g * g - s)
    return [w - rate * (m / (1 - 0.9**t) / (1e-8 + (s / (1 - 0.999**t))**0.5)), m, s]
"""), ("one array", """
def adam_step(w, g, m, s, t, rate):
    m, s = 0.9 * m + (1 - 0.9) * g, 0.999 * s + (1 - 0.999) * np.square(g)
    return np.array([w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8), m, s])
"""), ("a loop over the coordinates", """
def adam_step(w, g, m, s, t, rate):
    new = []
    for w, g, m, s in zip(w, g, m, s):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        new.append((w - rate * m / (1 - 0.9**t) / ((s / (1 - 0.999**t))**0.5 + 1e-8), m, s))
    return tuple(np.array(part) for part in zip(*new))
""")],
    "data": [
        ("masks and lists", """
def standardise(x_train, x):
    deviation = x_train.std(axis=0)
    deviation[deviation == 0] = 1
    return ((x - x_train.mean(axis=0)) / deviation).tolist()

def lamp_features(hours):
    return [[np.sin(angle), np.cos(angle)] for angle in hours * np.pi / 12]
"""), ("scikit-learn, minutes", """
from sklearn.preprocessing import StandardScaler

def standardise(x_train, x):
    return StandardScaler().fit(x_train).transform(x)

def lamp_features(hours):
    minutes = (60 * np.asarray(hours)) % 1440
    angle = 2 * np.pi * minutes[:, None] / 1440
    return np.concatenate([np.cos(angle), np.sin(angle), np.cos(2 * angle)], axis=1).astype(np.float32)
""")],
    "descent": [
        ("other rate, activation and start", """
def fixed_c(x, y, seed):
    return [backprop.train(backprop.initialise([196, 32, 10], seed), x, y, rate=0.4, epochs=8, seed=seed)[0], backprop.RELU]

def fixed_d(x, y, seed):
    net = backprop.initialise([196, 32, 10], seed)
    return backprop.train(net, x, y, rate=0.1, epochs=8, seed=seed, activation=backprop.SIGMOID)[0], backprop.SIGMOID

def fixed_e(x, y, seed):
    rng = np.random.default_rng(seed)
    net = [(0.1 * rng.normal(size=(196, 24)), np.zeros(24)), (0.1 * rng.normal(size=(24, 10)), np.zeros(10))]
    return backprop.train(net, x, y, rate=0.2, epochs=8, seed=seed)[0], backprop.RELU
""")],
    "shape": [
        ("functional, subclassed, without Input", """
def fixed_f():
    x = keras.Input([1])
    return keras.Model(x, keras.layers.Activation("linear")(Dense(1)(Dense(24, "tanh")(x))))

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.last, self.first = Dense(2), Dense(16, "relu")

    def call(self, x):
        return self.last(self.first(x))

def fixed_g():
    return keras.Sequential([Dense(16, "sigmoid"), Dense(2)])

def fixed_h():
    return Net()
"""), ("nested, four layers, compiled", """
def fixed_f():
    return keras.Sequential([keras.Input([1]), Dense(24), keras.layers.ReLU(), Dense(24), keras.layers.ReLU(), Dense(1)])

def fixed_g():
    model = keras.Sequential([keras.Input([2]), *[Dense(16, "relu") for _ in range(4)], Dense(2)])
    model.compile("sgd", "mse")
    return model

def fixed_h():
    return keras.Sequential([keras.Input([2]), keras.Sequential([Dense(32, "relu"), Dense(16, "relu")]), Dense(2)])
""")],
    "diagnosis": [
        ("numbers of NumPy", """
def diagnosis():
    return dict(zip("PQRSTU", np.array([5, 2, 9, 4, 10, 6])))
""")],
}
