"""Right answers of lab 10 in other forms than the solution: each must pass."""
CODING = """
def encode(x, mean, components):
    {encode}

def decode(codes, mean, components):
    {decode}

def error(x, y):
    {error}
"""
DENOISING = """
def noisy_pairs(x, sigma, seed):
    {pairs}

def psnr(x, y):
    {psnr}

def train_denoiser(digits, sigma):
    keras.utils.set_random_seed(1)
    noisy, clean = noisy_pairs(np.concatenate([digits.x_train] * 3), sigma, 1)
    {model}
    return fit(model, np.asarray(noisy), np.asarray(clean), 5)
"""
VARIATIONAL = """
def kl(mean, log_variance):
    {kl}

def draw(mean, log_variance, noise):
    {draw}

def loss(x, y, mean, log_variance, beta):
    {loss}
"""
UNSEEN = """
def between(encoder, decoder, a, b, steps):
    {between}

def anomalous(net, x, x_val):
    {anomalous}

def never_seen():
    {never}
"""
RIGHT = {
    "pca": [
        ("the covariance, a list", """
def pca(x, k):
    variances, directions = np.linalg.eigh(np.cov(x.T))
    return [np.mean(x, axis=0), directions[:, np.argsort(-variances)[:k]].T]
"""), ("the columns of U of the transposed", """
def pca(x, k):
    mean = x.mean(0, keepdims=True)
    return mean[0], -np.linalg.svd((x - mean).T)[0][:, :k].T
"""), ("float32, and in a loop one component after the other", """
def pca(x, k):
    x = x.astype(np.float32)
    mean, rows = sum(x) / len(x), []
    left = x - mean
    for _ in range(k):
        rows.append(np.linalg.svd(left)[2][0])
        left = left - np.outer(left @ rows[-1], rows[-1])
    return mean, rows
""")],
    "coding": [
        ("einsum, loops, norms", CODING.format(
            encode="return np.einsum('nd,kd->nk', x - mean, components)",
            decode="return [mean + sum(number * row for number, row in zip(code, components)) for code in codes]",
            error="return np.mean(np.linalg.norm((x - y).reshape(len(x), -1), axis=1)**2)")),
        ("lists, vdot", CODING.format(
            encode="return [[float(np.dot(row - mean, one)) for one in components] for row in x]",
            decode="return np.add(codes @ components, mean)",
            error="return sum(np.vdot(a - b, a - b) for a, b in zip(x, y)) / x.shape[0]"))],
    "angles": [
        ("by the eigenvalues of the product of the projections", """
def principal_angles(a, b):
    q_a, s, _ = np.linalg.svd(a, full_matrices=False)
    q_b, _ = np.linalg.qr(-b)
    squares = np.linalg.eigvalsh(q_b.T @ q_a @ q_a.T @ q_b)[::-1]
    return [float(np.degrees(np.arccos(np.sqrt(np.clip(square, 0, 1))))) for square in squares]
"""), ("Gram and Schmidt", """
def principal_angles(a, b):
    def orthonormal(vectors):
        columns = []
        for v in vectors.T.astype(float):
            for _ in range(2):
                for q in columns:
                    v = v - q * (q @ v)
            columns.append(v / np.linalg.norm(v))
        return np.stack(columns, axis=1)
    s = np.linalg.svd(orthonormal(a).T @ orthonormal(b))[1]
    return np.sort(np.arccos(np.minimum(s, 1.0)) * 180 / np.pi)
""")],
    "train": [
        ("subclassed encoder and decoder, with convolutions in one", """
def train(digits, code):
    keras.utils.set_random_seed(1)

    class Part(keras.Model):
        def __init__(self, parts):
            super().__init__()
            self.parts = parts

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x
    encoder = Part([layers.Flatten(), layers.Dense(256, "relu"), layers.Dense(code)])
    decoder = Part([layers.Dense(256, "relu"), layers.Dense(784, "sigmoid"), layers.Reshape([28, 28, 1])])
    fit(keras.Sequential([encoder, decoder]), digits.x_train, digits.x_train, 8)
    return [encoder, decoder]
"""), ("functional, one model, cut afterwards", """
def train(digits, code):
    keras.utils.set_random_seed(2)
    x = keras.Input([28, 28, 1])
    h = layers.Dense(code)(layers.Dense(300, "elu")(layers.Flatten()(x)))
    decoder = keras.Sequential([keras.Input([code]), layers.Dense(300, "elu"), layers.Dense(784), layers.Activation("sigmoid"),
                                layers.Reshape([28, 28, 1])])
    fit(keras.Model(x, decoder(h)), digits.x_train, digits.x_train, 8)
    return keras.Model(x, h), decoder
""")],
    "sparse": [
        ("ranks", """
def keep_largest(h, k):
    ranks = tf.argsort(tf.argsort(h, direction="DESCENDING", stable=True), stable=True)
    return tf.where(ranks < k, h, tf.zeros_like(h))
"""), ("einsum of values and positions", """
@tf.function
def keep_largest(h, k):
    values, indices = tf.math.top_k(h, k)
    return tf.einsum("nk,nku->nu", values, tf.one_hot(indices, tf.shape(h)[1]))
""")],
    "variational": [
        ("the standard deviation first, einsum", VARIATIONAL.format(
            kl="s = tf.sqrt(tf.exp(log_variance))\n    return 0.5 * (mean * mean + s * s) - tf.math.log(s) - 0.5",
            draw="return tf.add(mean, tf.multiply(tf.exp(0.5 * log_variance), noise))",
            loss=("d = x - y\n    return tf.reduce_mean(tf.einsum('nhwc,nhwc->n', d, d) + beta * tf.reduce_sum(kl(mean, "
                  "log_variance), 1))"))),
        ("the functions of Keras, two means", VARIATIONAL.format(
            kl="return -0.5 * (1 + log_variance - keras.ops.square(mean) - keras.ops.exp(log_variance))",
            draw="return noise * keras.ops.exp(log_variance / 2) + mean",
            loss="flat = layers.Flatten()\n    error = keras.ops.sum((flat(x) - flat(y))**2, axis=-1)\n    both = -0.5 * "
                 "keras.ops.sum(1 + log_variance - mean**2 - keras.ops.exp(log_variance), axis=-1)\n    return "
                 "keras.ops.mean(error) + beta * keras.ops.mean(both)"))],
    "denoising": [
        ("one image after the other, subclassed", DENOISING.format(
            pairs="rng = np.random.default_rng(seed)\n    return [np.stack([np.minimum(1, np.maximum(0, image + sigma * "
                  "rng.standard_normal(image.shape))) for image in x]), x.copy()]",
            psnr="return sum(20 * np.log10(1 / np.sqrt(((a - b)**2).mean())) for a, b in zip(x, y)) / len(x)",
            model="class Net(keras.Model):\n        def __init__(self):\n            super().__init__()\n            self.a, "
                  "self.b, self.flat = layers.Dense(300, 'relu'), layers.Dense(784, 'sigmoid'), layers.Flatten()\n        def "
                  "call(self, x):\n            return tf.reshape(self.b(self.a(self.flat(x))), [-1, 28, 28, 1])\n    model "
                  "= Net()"))],
    "unseen": [
        ("lists, roots and percentiles", UNSEEN.format(
            between="code_a, code_b = encoder.predict(np.stack([a, b]), verbose=0)\n    return [decoder((code_a + n / (steps "
                    "- 1) * (code_b - code_a))[None])[0] for n in range(steps)]",
            anomalous="def root(images):\n        return np.sqrt(np.mean((np.asarray(net(images)) - images)**2, axis=(1, "
                      "2, 3)))\n"
                  "    limit = np.percentile(root(x_val), 95)\n    return [score > limit for score in root(x)]",
            never="return dict(zip('ABC', np.array([6, 1, 0])))")),
        ("measured", UNSEEN.format(
            between=("t = tf.linspace(0.0, 1.0, steps)[:, None]\n    c = encoder(tf.stack([a, b]))\n    return "
                     "decoder(tf.concat([1 - t, t], 1) @ c)"),
            anomalous=("e, v = (tf.reduce_sum((net(i) - i)**2, [1, 2, 3]).numpy() for i in (x, x_val))\n    return e > "
                       "np.quantile(v, 0.95)"),
            never="x, y = digits.x_val, digits.y_val\n    table = np.array([[np.mean(np.sum((net(x[y == k]).numpy() - x[y == "
                  "k])**2, (1, 2, 3))) for k in range(10)] for net in nets.values()])\n    return dict(zip(nets, np.argmax(table "
                  "/ np.sort(table, 0)[0], 1).tolist()))"))],
}
