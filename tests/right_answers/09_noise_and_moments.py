"""Right answers of lab 09 in other forms than the solution: each must pass."""
RIGHT = {
    "mean": [
        ("a loop with math", """
import math
def relu_mean(mean, std):
    result = []
    for m, s in zip(mean, std):
        result.append(m * 0.5 * (1 + math.erf(m / s / math.sqrt(2)))
                      + s * math.exp(-m * m / (2 * s * s)) / math.sqrt(2 * math.pi))
    return result
"""), ("TensorFlow, float64", """
def relu_mean(mean, std):
    m, s = tf.constant(mean), tf.constant(std)
    return s * (m / s * (1 + tf.math.erf(m / s / 2**0.5)) / 2 + tf.exp(-(m / s)**2 / 2) / (2 * np.pi)**0.5)
"""), ("integrated by SciPy", """
from scipy import integrate
def relu_mean(mean, std):
    def one(m, s):
        return integrate.quad(lambda z: (m + s * z) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi), -m / s, np.inf)[0]
    return np.array([one(m, s) for m, s in zip(mean, std)])
"""), ("scipy.stats", """
from scipy import stats
def relu_mean(mean, std):
    return stats.norm.sf(0, mean, std) * mean + std**2 * stats.norm.pdf(0, mean, std)
""")],
    "variance": [
        ("with h alone", """
def relu_variance(mean, std, first):
    h = mean / std
    return std**2 * ((1 + h**2) * Phi(h) + h * phi(h) - (h * Phi(h) + phi(h))**2)
"""), ("a loop, from first", """
def relu_variance(mean, std, first):
    return [m * e + s**2 * Phi(m / s) - e**2 for m, s, e in zip(mean, std, first)]
"""), ("a tensor, float32", """
def relu_variance(mean, std, first):
    m, s, e = (tf.constant(value, tf.float32) for value in (mean, std, first))
    P, p = (tf.constant(f(mean / std), tf.float32) for f in (Phi, phi))
    return (m**2 + s**2) * P + m * s * p - e**2
""")],
    "covariance": [
        ("quad in s, a float", """
from scipy.integrate import quad
def relu_covariance(mean, std, rho):
    x, y = mean / std
    def inner(s):
        return (rho - s) * np.exp(-(x * x - 2 * s * x * y + y * y) / (2 - 2 * s * s)) / (2 * np.pi * np.sqrt(1 - s * s))
    return float(std[0] * std[1] * (rho * Phi(x) * Phi(y) + quad(inner, 0, rho, epsabs=1e-12, epsrel=1e-10)[0]))
"""), ("P integrated twice, by quad", """
from scipy.integrate import quad
def relu_covariance(mean, std, rho):
    x, y = mean / std
    def p(t):
        return np.exp(-(x * x - 2 * np.sin(t) * x * y + y * y) / (2 * np.cos(t)**2)) / (2 * np.pi)
    def P(r):
        return Phi(x) * Phi(y) + quad(p, 0, np.arcsin(r))[0]
    return std[0] * std[1] * quad(P, 0, rho)[0]
"""), ("a loop over the points", """
def relu_covariance(mean, std, rho):
    x, y = mean[0] / std[0], mean[1] / std[1]
    half, total = np.arcsin(rho) / 2, 0.0
    for u, w in zip(nodes, weights):
        t = half + half * u
        total += half * w * (rho - np.sin(t)) * np.exp(-((x - y)**2 + 2 * x * y * (1 - np.sin(t))) / 2 / np.cos(t)**2)
    return rho * std[0] * std[1] * Phi(x) * Phi(y) + std[0] * std[1] * total / 2 / np.pi
"""), ("many midpoints, a tensor", """
def relu_covariance(mean, std, rho):
    x, y = mean / std
    t = tf.asin(tf.constant(rho, tf.float64)) * (np.arange(4000) + 0.5) / 4000
    p = tf.exp(-(x**2 - 2 * x * y * tf.sin(t) + y**2) / (2 * tf.cos(t)**2))
    return std[0] * std[1] * (rho * Phi(x) * Phi(y) + tf.reduce_mean((rho - tf.sin(t)) * p) * np.arcsin(rho) / (2 * np.pi))
""")],
    "net": [
        ("einsum", """
def through_net(mean, covariance, w1, b1, w2, b2, relu_moments):
    hidden, spread = relu_moments(np.einsum("d,dk->k", mean, w1) + b1, np.einsum("dk,de,el->kl", w1, covariance, w1))
    return [np.einsum("k,kc->c", hidden, w2) + b2, np.einsum("kc,kl,ld->cd", w2, spread, w2)]
"""), ("TensorFlow, column vectors", """
def through_net(mean, covariance, w1, b1, w2, b2, relu_moments):
    def layer(m, c, w, b):
        return tf.linalg.matvec(w, m, transpose_a=True) + b, tf.matmul(w, tf.matmul(c, w), transpose_a=True)
    m, c = relu_moments(*layer(tf.constant(mean), tf.constant(covariance), w1, b1))
    return layer(tf.constant(m), tf.constant(c), w2, b2)
"""), ("names of the arguments", """
def through_net(mean, covariance, w1, b1, w2, b2, relu_moments):
    mean, covariance = relu_moments(mean=b1 + mean @ w1, covariance=w1.T @ (covariance @ w1))
    return mean @ w2 + b2, w2.T @ (covariance @ w2)
"""), ("a root of the covariance", """
def through_net(mean, covariance, w1, b1, w2, b2, relu_moments):
    root = np.linalg.cholesky(covariance).T @ w1
    m, c = relu_moments(b1 + w1.T @ mean, root.T @ root)
    return b2 + w2.T @ m, np.array([[u @ c @ v for v in w2.T] for u in w2.T])
""")],
    "linear": [
        ("a gradient for each logit, NumPy", """
def linear_moments(model, x, std):
    image, rows = tf.Variable(x[None]), []
    with tf.GradientTape(persistent=True) as tape:
        parts = tf.unstack(model(image)[0])
    for part in parts:
        rows.append(tape.gradient(part, image).numpy().ravel().astype(float))
    J = np.array(rows)
    return np.array([part.numpy() for part in parts]), J @ np.diag(np.ravel(std)**2.0) @ J.T
"""), ("tensordot over the image's axes", """
def linear_moments(model, x, std):
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = model(tf.expand_dims(x, 0))
    J = tape.jacobian(z, x)[0]
    return z[0], tf.tensordot(J * std**2, J, [[1, 2, 3], [1, 2, 3]])
"""), ("training=False", """
def linear_moments(model, x, std):
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = model(x[tf.newaxis], training=False)
    J, z = tape.jacobian(z, x).numpy().reshape(z.shape[1], -1), z.numpy()[0]
    return z, np.einsum("ad,d,bd->ab", J, np.ravel(std)**2, J)
"""), ("a batch of copies", """
def linear_moments(model, x, std):
    count = model(x[None]).shape[1]
    copies = tf.repeat(x[None], count, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(copies)
        z = model(copies)
    J = tf.reshape(tape.gradient(z, copies, output_gradients=tf.eye(count)), [count, -1])
    return z[0], tf.einsum("ad,bd,d->ab", J, J, tf.reshape(std, [-1])**2)
""")],
    "heat": [
        ("distances, no loop", """
def heat_map(expected_logits, x, label, std, radius):
    rows, columns = (np.abs(np.arange(n)[:, None] - np.arange(n)) <= radius for n in x.shape[:2])
    stds = std * (rows[:, None, :, None] & columns[None, :, None, :]).reshape(-1, *x.shape)
    logits = expected_logits(np.broadcast_to(x, stds.shape), stds) - expected_logits(x[None], 0 * stds[:1])
    return np.asarray(logits)[:, label].reshape(x.shape[:2])
"""), ("one call for each pixel", """
def heat_map(expected_logits, x, label, std, radius):
    H, W = x.shape[:2]
    change = np.zeros((H, W))
    clean = expected_logits(x[None], np.zeros((1, H, W, 1)))[0][label]
    for i in range(H):
        for j in range(W):
            noise = np.zeros((1, H, W, 1))
            for k in range(H):
                for l in range(W):
                    if abs(k - i) <= radius and abs(l - j) <= radius:
                        noise[0, k, l, 0] = std
            change[i, j] = expected_logits(x[None], noise)[0][label] - clean
    return change
"""), ("the logits as NumPy arrays", """
def heat_map(expected_logits, x, label, std, radius):
    H, W, _ = x.shape
    s = np.zeros((H * W, H, W, 1), np.float32)
    for n in range(H * W):
        i, j = divmod(n, W)
        s[n, max(0, i - radius):i + radius + 1, max(0, j - radius):j + radius + 1] = std
    z = expected_logits(np.repeat(x[None], H * W, axis=0), s).numpy()[:, label]
    return (z - expected_logits(x[None], np.zeros_like(x)[None]).numpy()[0, label]).reshape(H, W)
"""), ("names of the arguments", """
def heat_map(expected_logits, x, label, std, radius):
    H, W = x.shape[:2]
    rows, columns = np.mgrid[:H, :W]
    near = [(abs(rows - i) <= radius) & (abs(columns - j) <= radius) for i in range(H) for j in range(W)]
    stds = tf.concat([tf.zeros([1, H, W, 1]), std * tf.cast(tf.stack(near), tf.float32)[..., None]], axis=0)
    z = tf.gather(expected_logits(images=tf.repeat(x[None], len(stds), axis=0), stds=stds), label, axis=1)
    return np.array(z[1:] - z[0]).reshape(H, W)
"""), ("padded, TensorFlow", """
def heat_map(expected_logits, x, label, std, radius):
    H, W = x.shape[:2]
    stds = np.zeros((H, W, H + 2 * radius, W + 2 * radius, 1))
    for i, j in np.ndindex(H, W):
        stds[i, j, i:i + 2 * radius + 1, j:j + 2 * radius + 1] = std
    stds = stds[:, :, radius:radius + H, radius:radius + W].reshape(-1, H, W, 1)
    both = tf.concat([stds, np.zeros((1, H, W, 1))], 0)
    z = tf.constant(expected_logits(tf.repeat(x[None], H * W + 1, axis=0), both))[:, label]
    return tf.reshape(z[:-1] - z[-1], [H, W]).numpy()
""")],
    "attack": [
        ("variables", """
def noise_attack(expected_logits, x, target, beta, low, high, rate, steps):
    m, s = tf.Variable(tf.zeros(x.shape)), tf.Variable(low * tf.ones(x.shape))
    for _ in range(steps):
        with tf.GradientTape() as tape:
            z = expected_logits(x + m, s)
            other = tf.where(tf.one_hot(target, z.shape[1]) > 0, -np.inf, z)
            loss = tf.reduce_max(other, axis=1) - tf.gather(z, target, batch_dims=1)
        g, h = tape.gradient(loss, [m, s])
        m.assign(tf.clip_by_value(m - rate * tf.sign(g), -beta, beta))
        s.assign(tf.clip_by_value(s - rate * tf.sign(h), low, high))
    return m, s
"""), ("names of the arguments, one maximum without the target", """
def noise_attack(expected_logits, x, target, beta, low, high, rate, steps):
    classes = expected_logits(x, low + 0 * x).shape[-1]
    others = np.array([[k for k in range(classes) if k != t] for t in target])
    m, s = 0 * x, low + 0 * x
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch((m, s))
            z = expected_logits(images=x + m, stds=s)
            margin = tf.gather(z, target, batch_dims=1) - tf.reduce_max(tf.gather(z, others, batch_dims=1), axis=1)
        g, h = tape.gradient(margin, (m, s))
        m = tf.minimum(tf.maximum(m + rate * tf.sign(g), -beta), beta)
        s = tf.minimum(tf.maximum(s + rate * tf.sign(h), low), high)
    return m, s
"""), ("NumPy between the tapes, the mean of the batch", """
def noise_attack(expected_logits, x, target, beta, low, high, rate, steps):
    m, s = np.zeros(x.shape, np.float32), np.full(x.shape, low, np.float32)
    for _ in range(steps):
        a, b = tf.constant(m), tf.constant(s)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(a)
            tape.watch(b)
            z = expected_logits(x + a, b)
            margins = [z[n, k] - tf.reduce_max(tf.concat([z[n, :k], z[n, k + 1:]], 0)) for n, k in enumerate(target)]
            value = tf.reduce_mean(margins)
        m = np.minimum(np.maximum(m + rate * np.sign(tape.gradient(value, a)), -beta), beta).astype(np.float32)
        s = np.clip(s + rate * np.sign(tape.gradient(value, b)), low, high).astype(np.float32)
    return m, s
""")],
}
