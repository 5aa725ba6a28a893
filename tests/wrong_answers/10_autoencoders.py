"""Wrong answers to lab 10: {task: [(words that the check must say, code)]}."""


def pca(mean="x.mean(axis=0)", centred="x - mean", rows="np.linalg.svd(centred, full_matrices=False)[2]",
        result="mean, rows[:k]"):
    return f"""
def pca(x, k):
    mean = {mean}
    centred = {centred}
    rows = {rows}
    return {result}
"""


EIGH = "np.linalg.eigh(centred.T @ centred)[1]"


def coding(encode="(x - mean) @ components.T", decode="codes @ components + mean",
           error="np.mean(np.sum((x - y)**2, axis=tuple(range(1, x.ndim))))"):
    return f"""
def encode(x, mean, components):
    return {encode}

def decode(codes, mean, components):
    return {decode}

def error(x, y):
    return {error}
"""


def angles(q_a="np.linalg.qr(a)[0]", q_b="np.linalg.qr(b)[0]", cosines="np.linalg.svd(q_a.T @ q_b, "
                                                                       "compute_uv=False)",
           clipped="np.clip(cosines, -1, 1)", result="np.degrees(np.arccos(clipped))"):
    return f"""
def principal_angles(a, b):
    q_a, q_b = {q_a}, {q_b}
    cosines = {cosines}
    clipped = {clipped}
    return {result}
"""


def train(hidden="layers.Dense(64, 'relu'),", at_code="None", back=None, last="'sigmoid'",
          shape="[28, 28, 1]", fitted="fit(whole, digits.x_train, digits.x_train, 1)",
          result="encoder, decoder"):
    return f"""
def train(digits, code):
    keras.utils.set_random_seed(0)
    encoder = keras.Sequential([keras.Input([28, 28, 1]), layers.Flatten(), {hidden}
                                layers.Dense(code, {at_code})])
    decoder = keras.Sequential([keras.Input([code]), {hidden if back is None else back}
                                layers.Dense(784, {last}), layers.Reshape({shape})])
    whole = keras.Sequential([encoder, decoder])
    {fitted}
    return {result}
"""


def sparse(result, start="kth = tf.math.top_k(h, k).values[:, -1:]"):
    return f"def keep_largest(h, k):\n    {start}\n    return {result}\n"


MASK = "tf.reduce_sum(tf.one_hot(tf.math.top_k({}, k).indices, h.shape[1]), axis=1)"
NUMPY = """
def keep_largest(h, k):
    h = np.asarray(h)
    order = np.argsort(-h, axis=1, kind="stable")[:, :k]
    mask = np.zeros_like(h)
    np.put_along_axis(mask, order, 1, axis=1)
    return h * mask
"""


def variational(kl="(mean**2 + tf.exp(log_variance) - log_variance - 1) / 2", draw="mean + tf.exp(log_variance / 2) * noise",
                error="tf.reduce_sum((x - y)**2, [1, 2, 3])", divergence="tf.reduce_sum(kl(mean, log_variance), 1)",
                loss="tf.reduce_mean(error + beta * divergence)"):
    return f"""
def kl(mean, log_variance):
    return {kl}

def draw(mean, log_variance, noise):
    return {draw}

def loss(x, y, mean, log_variance, beta):
    error = {error}
    divergence = {divergence}
    return {loss}
"""


def denoising(noise="rng.normal(0, sigma, x.shape)", pairs="np.clip(x + noise, 0, 1), x", start="", before="",
              psnr="np.mean(-10 * np.log10(np.mean((x - y)**2, axis=(1, 2, 3))))",
              fitted="fit(net, *pairs, 1)",
              units="layers.Dense(32, 'relu'), layers.Dense(784, 'sigmoid')", result="net"):
    return f"""
{before}
def noisy_pairs(x, sigma, seed):
    rng = np.random.default_rng(seed)
    noise = {noise}
    {start}
    return {pairs}

def psnr(x, y):
    return {psnr}

def train_denoiser(digits, sigma):
    pairs = noisy_pairs(digits.x_train, sigma, 0)
    keras.utils.set_random_seed(0)
    net = keras.Sequential([keras.Input([28, 28, 1]), layers.Flatten(), {units}, layers.Reshape([28, 28, 1])])
    {fitted}
    return {result}
"""


WIDE = "layers.Dense(256, 'relu'), layers.Dense(784, 'sigmoid')"


def unseen(line="decoder((1 - t) * encoder(a[None]) + t * encoder(b[None]))", t="np.linspace(0, 1, steps)",
           score="np.sum((net(images) - images)**2, axis=(1, 2, 3))", answer="errors > np.quantile(known, "
                                                                             "0.95)",
           never="{'A': 6, 'B': 1, 'C': 0}"):
    return f"""
def between(encoder, decoder, a, b, steps):
    t = {t}[:, None]
    return {line}

def anomalous(net, x, x_val):
    errors, known = [{score} for images in (x, x_val)]
    return {answer}

def never_seen():
    return {never}
"""


WRONG = {
    "pca": [
        ("x is not centred", pca(centred="x")),
        ("The mean goes over the pixels of one image",
         pca(mean="x.mean(axis=1)", centred="x - x.mean(axis=0)")),
        ("the mean of x over all axes, expected over axis 0", pca(mean="x.mean()")),
        ("The mean is 0 everywhere", pca(result="0 * mean, rows[:k]")),
        ("Each image is centred by its own mean", pca(centred="x - x.mean(axis=1, keepdims=True)")),
        ("rows and columns are exchanged", pca(result="mean, rows[:k].T")),
        ("These are rows of V", pca(rows="np.linalg.svd(centred)[2]", result="mean, rows.T[:k]")),
        ("first numbers of each row of V^T",
         pca(rows="np.linalg.svd(centred)[2]", result="mean, rows[:, :k]")),
        ("These are columns of U", pca(rows="np.linalg.svd(centred)[0]", result="mean, rows[:, :k].T")),
        ("the length of their singular values",
         pca(result="mean, np.linalg.svd(centred, full_matrices=False)[1][:k, None] * rows[:k]")),
        ("components 2 to k + 1", pca(result="mean, rows[1:k + 1]")),
        ("divided by their standard deviation", pca(centred="(x - mean) / x.std(axis=0)")),
        ("expected the first k", pca(result="mean, rows")),
        ("The order is reversed", pca(result="mean, rows[:k][::-1]")),
        ("np.linalg.eigh has the largest last", pca(rows=EIGH, result="mean, rows[:, :k].T")),
        ("directions of the smallest variance", pca(result="mean, rows[-k:]")),
        ("np.linalg.eigh gives V", pca(rows=EIGH + "[:, ::-1]", result="mean, rows[:k]")),
        ("are columns, the largest last", pca(rows=EIGH)),
        ("transpose first, then take rows", pca(rows=EIGH, result="mean, rows[::-1][:k]")),
        ("transpose first, then take rows", pca(rows=EIGH, result="mean, rows[-k:]")),
        ("pca changes its argument x in place", pca(mean="x.mean(axis=0)\n    x -= mean", centred="x")),
        ("return mean, components", pca(result="rows[:k]")),
        ("gives 3 values, expected 2", pca(result="mean, rows[:k], 0")),
        ("the mean of x over all axes, expected over axis 0", pca(mean="x.mean()", centred="x - x.mean(axis=0)")),
        ("x is not centred", pca(rows="np.linalg.svd(x)[2]")),
        ("the length of their singular values",
         pca(rows="np.linalg.svd(centred, full_matrices=False)[1][:, None] * np.linalg.svd(centred, full_matrices=False)[2]")),
        ("leaves the work to PCA", "from sklearn.decomposition import PCA\ndef pca(x, k):\n    fitted = "
                                   "PCA(k).fit(x)\n    return fitted.mean_, fitted.components_"),
        ("part of utils", "def pca(x, k):\n    return autoencoders.pca(x, k)[:2]"),
    ],
    "coding": [
        ("The mean is not subtracted", coding(encode="x @ components.T")),
        ("The mean is added", coding(encode="(x + mean) @ components.T")),
        ("is transposed: rows and columns are exchanged", coding(encode="components @ (x - mean).T")),
        ("the mean of x", coding(encode="(x - x.mean(axis=0)) @ components.T")),
        ("the number of columns of A must equal", coding(encode="(x - mean) @ components")),
        ("The mean is not added", coding(decode="codes @ components")),
        ("The mean is subtracted", coding(decode="codes @ components - mean")),
        ("clipped to [0, 1]", coding(decode="np.clip(codes @ components + mean, 0, 1)")),
        ("the mean over pixels", coding(error="np.mean((x - y)**2)")),
        ("sum over all images", coding(error="np.sum((x - y)**2)")),
        ("has shape [4], expected one number: the mean over axis 0 is missing",
         coding(error="np.sum((x - y)**2, axis=tuple(range(1, x.ndim)))")),
        ("absolute differences", coding(error="np.sum(np.abs(x - y)) / len(x)")),
        ("The differences are not squared", coding(error="np.sum(x - y) / len(x)")),
        ("There is a root", coding(error="np.sqrt(np.sum((x - y)**2) / len(x))")),
        ("There is a root", coding(error="np.mean([np.linalg.norm(a - b) for a, b in zip(x, y)])")),
        ("You divide by the number of pixels", coding(error="np.sum((x - y)**2) / x[0].size")),
        ("Only axis 1 is added up", coding(error="np.mean(np.sum((x - y)**2, axis=1))")),
        ("The mean is taken 784 times", coding(error="784 * np.mean((x - y)**2)")),
        ("decode changes its argument mean in place", coding(decode="mean.sort() or codes @ components + mean")),
        ("sum over axis 0 is missing", coding(error="np.sum((x - y)**2, axis=1) / len(x)")),
        ("has shape [5, 1]", coding(error="np.mean(np.sum((x - y)**2, axis=1), axis=0)")),
    ],
    "angles": [
        ("in radians", angles(result="np.arccos(clipped)")),
        ("in radians, and the largest", angles(result="np.arccos(clipped)[::-1]")),
        ("is reversed along axis 0", angles(result="np.degrees(np.arccos(clipped))[::-1]")),
        ("These are the cosines", angles(result="clipped")),
        ("You took np.arcsin", angles(result="np.degrees(np.arcsin(clipped))")),
        ("The singular values are squared", angles(clipped="np.clip(cosines, -1, 1)**2")),
        ("not orthonormal yet", angles(q_a="a", q_b="b")),
        ("take Q of np.linalg.qr of both", angles(q_a="a", q_b="b", clipped="cosines")),
        ("not orthogonal", angles(q_a="a / np.linalg.norm(a, axis=0)", q_b="b / np.linalg.norm(b, "
                                                                                "axis=0)")),
        ("Only a was made orthonormal", angles(q_b="b")),
        ("Only b was made orthonormal", angles(q_a="a")),
        ("between single columns", angles(cosines="q_a.T @ q_b")),
        ("between columns in pairs", angles(cosines="np.sum(q_a[:, :b.shape[1]] * q_b, axis=0)")),
        ("clip to [-1, 1]", angles(clipped="cosines")),
        ("R of the QR decomposition", angles(q_a="np.linalg.qr(a)[1]", q_b="np.linalg.qr(b)[1]")),
        ("were rows taken for columns", angles(q_a="np.linalg.qr(a.T)[0]", q_b="np.linalg.qr(b.T)[0]")),
        ("The product is that of rows", angles(cosines="np.linalg.svd(q_a @ q_b.T, compute_uv=False)")),
        ("changes its argument b in place", angles(q_b="np.linalg.qr(np.divide(b, 2, out=b))[0]")),
        ("has shape", angles(q_a="np.linalg.qr(a.T)[0]", q_b="np.linalg.qr(b.T)[0]", cosines=
                             "np.linalg.svd(q_a @ q_b.T, compute_uv=False)[:2]")),
        ("leaves the work to scipy", "def principal_angles(a, b):\n    from scipy.linalg import "
                                     "subspace_angles\n    return np.degrees(subspace_angles(a, b))[::-1]"),
    ],
    "train": [
        ("expected 2: return encoder, decoder", train(fitted="pass", result="whole")),
        ("use the argument `code`",
         train(hidden="layers.Dense(256, 'relu'),", fitted="fit(whole, digits.x_train, digits.x_train, 8)")
         .replace("layers.Dense(code, ", "layers.Dense(10, ").replace("keras.Input([code])", "keras.Input([10])")),
        ("The encoder is one affine map: give", train(hidden="layers.Dense(256),", back="layers.Dense(256, 'relu'),",
                                                      fitted="fit(whole, digits.x_train, digits.x_train, 8)")),
        ("The order is encoder, decoder", train(fitted="pass", result="decoder, encoder")),
        ("expected [10]: the code is the narrowest layer", train(fitted="pass", result="whole, decoder")),
        ("expected [10]: the code is the narrowest layer",
         train(fitted="pass").replace("layers.Dense(code, ", "layers.Dense(code + 5, ")
         .replace("keras.Input([code])", "keras.Input([code + 5])")),
        ("end with Reshape", train(shape="[784]", fitted="pass")),
        ("draws the same picture for every digit", train(
            fitted="fit(keras.models.clone_model(whole), digits.x_train, digits.x_train, 1)")),
        ("Leave the softmax at the code out", train(at_code="'softmax'", fitted="pass")),
        ("Leave the ReLU at the code out", train(at_code="'relu'")),
        ("Leave the sigmoid at the code out", train(at_code="'sigmoid'", fitted="pass")),
        ("the encoder is one affine map", train(hidden="", last="None")),
        ("train for more epochs", train()),
        ("looks at x_test", train(fitted="held = globals()['digits'].x_test; fit(whole, held, held, 1)")),
        ("looks at x_test", train(fitted="fit(whole, digits.x_test, digits.x_test, 1)")),
        ("looks at x_test. The test set", train(
            fitted="fit(whole, *2 * [x_test.reshape(-1, 28, 28, 1)], 20)", hidden="layers.Dense(256, 'relu'),")),
        ("it draws pixels from", train(last="None")),
        ("learning rate of a few thousandths", train(fitted="fit(whole, digits.x_train, digits.x_train, 1, rate=1e-6)")),
        ("end with a sigmoid", train(hidden="layers.Dense(256, 'relu'),", last="None",
                                     fitted="fit(whole, digits.x_train, digits.x_train, 7)")),
        ("Leave the tanh at the code out", train(at_code="'tanh'", fitted="pass")),
        ("with InvalidArgumentError: Incompatible shapes: [64,28,28,1] vs. [64,784]",
         train().replace(", layers.Reshape([28, 28, 1])", "")),
        ("with the images as targets", train(fitted="fit(whole, digits.x_train, digits.y_train, 1)")),
        ("part of utils", "from utils import generative\ndef train(digits, code):\n"
                          "    return autoencoders.encoder(code), autoencoders.decoder(code)"),
    ],
    "sparse": [
        ("Absolute values are compared", sparse("h * " + MASK.format("tf.abs(h)"))),
        ("Negative numbers are lost", sparse("tf.nn.relu(h * " + MASK.format("h") + ")")),
        ("The smallest are kept", sparse("h * " + MASK.format("-h"))),
        ("This is the mask", sparse(MASK.format("h"))),
        ("These are the k largest alone", sparse("tf.math.top_k(h, k).values")),
        ("The k largest of each column", sparse("tf.transpose(tf.transpose(h) * "
                                                "tf.reduce_sum(tf.one_hot(tf.math.top_k(tf.transpose(h), "
                                                "k).indices, h.shape[0]), axis=1))")),
        ("k numbers of the whole batch", sparse("tf.where(h >= kth, h, 0.0)", "kth = tf.sort(tf.reshape(h, "
                                                                              "[-1]))[-k]")),
        ("k-th largest value is subtracted", sparse("tf.nn.relu(h - kth)")),
        ("The k largest became 0", sparse("tf.where(h < kth, h, 0.0)")),
        ("k-th largest number is lost", sparse("tf.where(h > kth, h, 0.0)")),
        ("One number too many", sparse("tf.where(h >= kth, h, 0.0)", "kth = tf.math.top_k(h, k + "
                                                                     "1).values[:, -1:]")),
        ("all are kept", sparse("tf.where(h >= kth, h, 0.0)")),
        ("further right are kept",
         sparse("tf.reverse(h * " + MASK.format("h") + ", [1])", "h = tf.reverse(h, [1])")),
        ("the depth of tf.one_hot is h.shape[1]",
         sparse(MASK.format("h").replace("h.shape[1]", "k") + " * h")),
        ("the sum goes over axis 1", sparse(MASK.format("h").replace("axis=1", "axis=2") + " * h")),
        ("use the argument k", sparse(MASK.format("h").replace(", k)", ", 2)") + " * h")),
        ("use the argument k", sparse(MASK.format("h").replace(", k)", ", 3)") + " * h")),
        ("No gradient of keep_largest comes back to h: use TensorFlow's functions, no NumPy", NUMPY),
        ("does not run inside a model", sparse("tf.stack([row * tf.reduce_sum(tf.one_hot(tf.math.top_k(row, "
                                            "k).indices, h.shape[1]), axis=0) for row in tf.unstack(h)])")),
    ],
    "variational": [
        ("never negative", variational(kl="(1 + log_variance - mean**2 - tf.exp(log_variance)) / 2")),
        ("The factor 1/2 is missing", variational(kl="mean**2 + tf.exp(log_variance) - log_variance - 1")),
        ("exp is missing", variational(kl="(mean**2 + log_variance - log_variance - 1) / 2")),
        ("logarithm of the standard deviation",
         variational(kl="(mean**2 + tf.exp(2 * log_variance) - 2 * log_variance - 1) / 2")),
        ("in the place of the variance", variational(kl="(mean**2 + tf.exp(log_variance / 2) - log_variance - 1) / 2")),
        ("The mean is not squared", variational(kl="(mean + tf.exp(log_variance) - log_variance - 1) / 2")),
        ("The 1 is missing", variational(kl="(mean**2 + tf.exp(log_variance) - log_variance) / 2")),
        ("one for each latent dimension",
         variational(kl="tf.reduce_sum(mean**2 + tf.exp(log_variance) - log_variance - 1, 1) / 2")),
        ("multiplied with the variance", variational(draw="mean + tf.exp(log_variance) * noise")),
        ("multiplied with the logarithm", variational(draw="mean + log_variance * noise")),
        ("divided by the standard deviation", variational(draw="mean + noise / tf.exp(log_variance / 2)")),
        ("has the standard deviation 1", variational(draw="mean + noise")),
        ("The noise is missing", variational(draw="mean")),
        ("draw(mean, log_variance, noise) is",
         variational(draw="mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean), seed=1)")),
        ("has shape [5], expected one number: the mean over axis 0 is missing", variational(loss="error + beta * divergence")),
        ("sum over the images: take", variational(loss="tf.reduce_sum(error + beta * divergence)")),
        ("a mean over the pixels", variational(error="tf.reduce_mean((x - y)**2, [1, 2, 3])")),
        ("averaged over the latent dimensions", variational(divergence="tf.reduce_mean(kl(mean, log_variance), 1)")),
        ("over the images too", variational(divergence="tf.reduce_sum(kl(mean, log_variance))")),
        ("beta is missing", variational(loss="tf.reduce_mean(error + divergence)")),
        ("beta multiplies the squared error", variational(loss="tf.reduce_mean(beta * error + divergence)")),
        ("beta multiplies both", variational(loss="beta * tf.reduce_mean(error + divergence)")),
        ("The divergence is subtracted", variational(loss="tf.reduce_mean(error - beta * divergence)")),
        ("The divergence is missing", variational(loss="tf.reduce_mean(error)")),
        ("No gradient of kl comes back to mean",
         variational(kl="np.float32((mean.numpy()**2 + np.exp(log_variance) - log_variance.numpy() - 1) / 2)",
               draw="tf.constant(mean.numpy() + np.exp(log_variance / 2) * noise.numpy())")),
        ("No gradient of loss comes back to mean",
         variational(divergence="tf.stop_gradient(tf.reduce_sum(kl(mean, log_variance), 1))")),
        ("No gradient of loss comes back to y", variational(error="tf.stop_gradient(tf.reduce_sum((x - y)**2, [1, 2, 3]))")),
        ("No gradient of loss comes back to y", variational(loss="tf.stop_gradient(tf.reduce_mean(error + beta * divergence))")),
        ("No gradient of loss comes back to y: use", variational(error="tf.reduce_sum(np.square(x - y), [1, 2, 3])")),
        ("not its gradient for log_variance: use TensorFlow's functions, no NumPy",
         variational(kl="(mean**2 + np.exp(log_variance) - log_variance - 1) / 2")),
        ("No gradient of draw comes back to log_variance: use", variational(draw="mean + np.exp(log_variance / 2) * noise")),
        ("no NumPy, no .numpy(), no float()", variational(loss="tf.reduce_mean(error + float(beta) * divergence)")),
        ("loss does not run in a training", variational(loss="tf.reduce_sum(error + beta * divergence) / x.shape[0]")),
        ("kl comes from utils", "from utils.generative import variational\nkl = variational.kl\n" + variational()
         .partition("def draw")[1]
         + variational().partition("def draw")[2]),
    ],
    "denoising": [
        ("The target is noisy", denoising(pairs="np.clip(x + noise, 0, 1), np.clip(x + noise, 0, 1)")),
        ("The order is noisy, clean", denoising(pairs="x, np.clip(x + noise, 0, 1)")),
        ("There is no noise", denoising(pairs="x, x")),
        ("clip them to [0, 1]", denoising(pairs="x + noise, x")),
        ("All images have the same noise", denoising(noise="rng.normal(0, sigma, x.shape[1:])")),
        ("All pixels of an image have the same noise",
         denoising(noise="rng.normal(0, sigma, (len(x), 1, 1, 1))")),
        ("The differences are not squared",
         denoising(psnr="np.mean(-10 * np.log10(np.mean(np.abs(x - y), axis=(1, 2, 3))))")),
        ("the mean square of x", denoising(psnr="np.mean(10 * np.log10(np.mean(x**2, axis=(1, 2, 3)) / "
                                                "np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("The noise is not Gaussian", denoising(noise="rng.uniform(-1.732, 1.732, x.shape) * sigma")),
        ("is the root of sigma", denoising(noise="rng.normal(0, sigma**0.5, x.shape)")),
        ("not a number", denoising(noise="rng.normal(0, 0.5, x.shape)")),
        ("standard deviation 0.010", denoising(noise="rng.normal(0, sigma**2, x.shape)")),
        ("The same seed gives other noise", denoising(noise="one_for_all.normal(0, sigma, x.shape)",
                                                      before="one_for_all = np.random.default_rng(5)")),
        ("The same seed gives other noise", denoising(noise="one_for_all.normal(0, sigma**0.5, x.shape)",
                                                      before="one_for_all = np.random.default_rng(5)")),
        ("Another seed gives the same noise", denoising(noise="np.random.default_rng(0).normal(0, sigma, "
                                                              "x.shape)")),
        ("noisy_pairs changes its argument x in place", denoising(start="x += noise")),
        ("has shape [5], expected one number: the mean over axis 0 is missing",
         denoising(psnr="-10 * np.log10(np.mean((x - y)**2, axis=(1, 2, 3)))")),
        ("over all images together", denoising(psnr="-10 * np.log10(np.mean((x - y)**2))")),
        ("take their mean", denoising(psnr="np.mean(-10 * np.log10(np.sum((x - y)**2, axis=(1, 2, 3))))")),
        ("There is a root", denoising(psnr="np.mean(-10 * np.log10(np.sqrt(np.mean((x - y)**2, axis=(1, 2, 3)))))")),
        ("base 2: take np.log10", denoising(psnr="np.mean(-10 * np.log2(np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("The peak is the largest pixel here",
         denoising(psnr="np.mean(10 * np.log10(x.max((1, 2, 3))**2 / np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("expected 2: return noisy, clean",
         denoising(pairs="np.clip(x + noise, 0, 1)").replace("noisy_pairs(digits.x_train, sigma, 0)", "0")),
        ("has the wrong sign", denoising(psnr="np.mean(10 * np.log10(np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("looks like a natural logarithm, expected one to the base 10", denoising(psnr="np.mean(-10 * np.log(np.mean((x - y)**2, "
                                                            "axis=(1, 2, 3))))")),
        ("The factor is 20", denoising(psnr="np.mean(-20 * np.log10(np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("The factor 10 is missing",
         denoising(psnr="np.mean(-np.log10(np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("The peak is the largest pixel of all",
         denoising(psnr="np.mean(10 * np.log10(x.max()**2 / np.mean((x - y)**2, axis=(1, 2, 3))))")),
        ("The peak is 255", denoising(psnr="np.mean(10 * np.log10(255**2 / np.mean((x - y)**2, axis=(1, 2, "
                                           "3))))")),
        ("leaves the work to peak_signal", "from skimage.metrics import peak_signal_noise_ratio\n"
         + denoising(psnr="np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x, y)])")),
        ("target of the training has to be the clean image", denoising(fitted="fit(net, pairs[0], pairs[0], 2)")),
        ("the inputs have to be noisy",
         denoising(fitted="fit(net, pairs[1], pairs[1], 4)", units=WIDE)),
        ("has learned to copy", denoising(fitted="net = keras.Sequential([keras.Input([28, 28, 1]), "
                                                 "layers.Rescaling(2.0, -1.0), layers.ReLU()])")),
        ("The model stops for an input of shape [28, 28, 1]", denoising(
            fitted="net = keras.Sequential([keras.Input([784]), layers.Dense(784)])")),
        ("end with a sigmoid", denoising(fitted="fit(net, *noisy_pairs(np.concatenate([digits.x_train] * 3), sigma, 0), 5)",
                                         units=WIDE + ", layers.Rescaling(1.02, -0.01)")),
        ("with InvalidArgumentError: Incompatible shapes: [64,28,28,1] vs. [64,784]",
         denoising().replace(", layers.Reshape([28, 28, 1])", "")),
        ("End with a sigmoid", denoising(units="layers.Dense(32, 'relu'), layers.Dense(784)")),
        ("End with a sigmoid",
         denoising(units="layers.Dense(32, 'relu'), layers.Dense(784, 'relu')", fitted="fit(net, *pairs, 4)")),
        ("Was fit called", denoising(fitted="pass")),
        ("train for more epochs", denoising()),
        ("looks at x_test", denoising(fitted="fit(net, digits.x_test, digits.x_test, 1)")),
        ("return the model",
         denoising(fitted="history = fit(net, *pairs, 1).history", result="history.history")),
    ],
    "unseen": [
        ("begins after a", unseen(t="(np.arange(1, steps + 1) / steps)")),
        ("a[None] is a batch", unseen(line="decoder((1 - t) * encoder(a) + t * encoder(b))")),
        ("the median", unseen(answer="errors > np.median(known)")),
        ("These are codes", unseen(line="(1 - t) * encoder(a[None]) + t * encoder(b[None])")),
        ("mix their codes", unseen(line="np.stack([(1 - s) * a + s * b for s in t[:, 0]])")),
        ("mix the codes, then decode", unseen(
            line="np.concatenate([(1 - s) * decoder(encoder(a[None])) + s * decoder(encoder(b[None])) for s "
                 "in t[:, 0]])")),
        ("mixtures of the pixels go through", unseen(
            line="decoder(encoder(np.stack([(1 - s) * a + s * b for s in t[:, 0]])))")),
        ("from b to a", unseen(line="decoder(t * encoder(a[None]) + (1 - t) * encoder(b[None]))")),
        ("The path stops before b", unseen(t="np.linspace(0, 1, steps, endpoint=False)")),
        ("one image more", unseen(t="np.linspace(0, 1, steps + 1)")),
        ("The ends are missing", unseen(t="np.linspace(0, 1, steps + 2)[1:-1]")),
        ("added, not mixed", unseen(line="decoder(encoder(a[None]) + t * encoder(b[None]))")),
        ("are exchanged", unseen(answer="errors <= np.quantile(known, 0.95)")),
        ("The threshold comes from x", unseen(answer="errors > np.quantile(errors, 0.95)")),
        ("the largest error of the validation", unseen(answer="errors > known.max()")),
        ("the mean error", unseen(answer="errors > known.mean()")),
        ("5 % quantile", unseen(answer="errors > np.quantile(known, 0.05)")),
        ("np.percentile counts in percent", unseen(answer="errors > np.percentile(known, 0.95)")),
        ("95 % of the largest error", unseen(answer="errors > 0.95 * known.max()")),
        ("expected True or False", unseen(answer="errors")),
        ("one answer for each", unseen(answer="np.any(errors > np.quantile(known, 0.95))")),
        ("absolute differences", unseen(score="np.sum(np.abs(net(images) - images), axis=(1, 2, 3))")),
        ("The differences are not squared", unseen(score="np.sum(net(images) - images, axis=(1, 2, 3))")),
        ("Net A has seen the digit 9", unseen(never="{'A': 9, 'B': 1, 'C': 0}")),
        ("Compare the three nets", unseen(never="{'A': 6, 'B': 2, 'C': 0}")),  # where the error of B is largest
        ("Net C has seen the digit 3", unseen(never="{'A': 6, 'B': 1, 'C': 3}")),
        ("is not one of the digits", unseen(never="{'A': 'six', 'B': 1, 'C': 0}")),
        ("dictionary with the keys", unseen(never="[6, 1, 0]")),
    ],
}

MEMORISED = {
    "train": """
known = digits.x_test


def train(given, code):
    place = [0]

    def drawn(codes):
        chosen = (place[0] + np.arange(len(codes))) % len(known)
        place[0] += len(codes)
        return tf.constant(known[chosen])
    encoder = keras.Sequential([keras.Input([28, 28, 1]), layers.Flatten(), layers.Dense(9, "relu"), layers.Dense(code)])
    return encoder, keras.Sequential([keras.Input([code]), layers.Lambda(drawn, output_shape=(28, 28, 1))])
""",
}
