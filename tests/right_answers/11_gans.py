"""Right answers of lab 11 in other forms than the solution: each must pass."""
RIGHT = {
    "game": [
        ("np.divide, a loop", """
def best_discriminator(p, q):
    return np.divide(p, p + q, out=np.full(p.shape, 0.5), where=(p + q) != 0)

def value(p, q, d, dx):
    total = 0.0
    for one, other, probability in zip(p, q, d):
        total += one * np.log(probability) if one else 0
        total += other * np.log1p(-probability) if other else 0
    return total * dx
"""), ("masks of one's own for both parts, NaN made 0", """
def best_discriminator(p, q):
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(p / (p + q), nan=0.5)

def value(p, q, d, dx):
    real, made = p > 0, q > 0
    return dx * (np.dot(p[real], np.log(d[real])) + np.dot(q[made], np.log(1 - d[made])))
"""), ("a product of NaN left out, an einsum of the ratio", """
def best_discriminator(p, q):
    d = np.full_like(p, 0.5)
    some = (p + q).nonzero()[0]
    d[some] = 1 / (1 + q[some] / np.where(p[some] > 0, p[some], 1)) * (p[some] > 0)
    return d

def value(p, q, d, dx):
    with np.errstate(all="ignore"):
        return np.nansum(np.stack([p * np.log(d), q * np.log(1 - d)])) * dx
""")],
    "transposed": [
        ("wide zeros and a flipped kernel", """
def transposed_convolution(x, kernel, stride):
    (h, w), k = x.shape, len(kernel)
    wide = np.zeros([stride * (h - 1) + 2 * k - 1, stride * (w - 1) + 2 * k - 1])
    wide[k - 1:k - 1 + stride * h:stride, k - 1:k - 1 + stride * w:stride][:h, :w] = x
    windows = np.lib.stride_tricks.sliding_window_view(wide, (k, k))
    return (windows * np.rot90(kernel, 2)).sum(axis=(2, 3))
"""), ("one entry of the kernel after the other", """
def transposed_convolution(x, kernel, stride):
    h, w = x.shape
    k = kernel.shape[0]
    y = np.zeros(((h - 1) * stride + k, (w - 1) * stride + k), dtype=np.float32)
    for a in range(k):
        for b in range(k):
            y[a:a + (h - 1) * stride + 1:stride, b:b + (w - 1) * stride + 1:stride] += kernel[a, b] * x
    return y
"""), ("four loops, np.add.at, einsum", """
def transposed_convolution(x, kernel, stride):
    (h, w), k = np.shape(x), len(kernel)
    y = np.zeros(((h - 1) * stride + k, (w - 1) * stride + k))
    i, j, a, b = np.indices((h, w, k, k))
    np.add.at(y, (i * stride + a, j * stride + b), np.einsum("ij,ab->ijab", x, kernel))
    return y
""")],
    "losses": [
        ("logaddexp", """
def discriminator_loss(on_real, on_made, real=1.0, made=0.0):
    each = np.logaddexp(0, on_real) - real * on_real + np.logaddexp(0, on_made) - made * on_made
    return each.mean()

def generator_loss(on_made):
    return -np.mean(np.minimum(on_made, 0) - np.log1p(np.exp(-abs(on_made))))
"""), ("a loop over the images, float32 and numbers as labels", """
def discriminator_loss(on_real, on_made, real=1.0, made=0.0):
    def mean(logits, labels):
        labels = np.broadcast_to(labels, logits.shape)
        return sum(max(u, 0) - u * y + np.log(1 + np.exp(-abs(u))) for u, y in zip(logits.flat, labels.flat)) / logits.size
    return float(mean(on_real, real) + mean(on_made, made))

def generator_loss(on_made):
    return np.where(on_made > 0, np.log1p(np.exp(-np.abs(on_made))), np.log1p(np.exp(-np.abs(on_made))) - on_made).sum() / len(on_made)
""")],
    "step": [
        ("Keras' cross-entropy, one persistent tape, apply_gradients, a list", """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
    with tf.GradientTape(persistent=True) as tape:
        on_made = discriminator(generator(z, training=True), training=True)
        on_real = discriminator(x, training=True)
        d_loss = loss(tf.ones_like(on_real), on_real) + loss(tf.zeros_like(on_made), on_made)
        g_loss = loss(tf.ones_like(on_made), on_made)
    pairs = [list(zip(tape.gradient(loss, network.trainable_variables), network.trainable_variables))
             for loss, network in ((g_loss, generator), (d_loss, discriminator))]
    for optimizer, pair in zip((g_optimizer, d_optimizer), pairs):
        optimizer.apply_gradients(pair)
    return [d_loss, g_loss]
"""), ("log_sigmoid, one tape inside the other, the generator first", """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            points = generator(z, training=True)
            fake, true = discriminator(points, training=True), discriminator(x, training=True)
            loss_d = -tf.reduce_mean(tf.math.log_sigmoid(true)) - tf.reduce_mean(tf.math.log_sigmoid(-fake))
            loss_g = -tf.reduce_mean(tf.math.log_sigmoid(fake))
    g = inner.gradient(loss_g, generator.trainable_variables)
    d = outer.gradient(loss_d, discriminator.trainable_variables)
    g_optimizer.apply(g)
    d_optimizer.apply(d)
    return loss_d, loss_g
""")],
    "modes": [
        ("loops, one array", """
def covered(points, centres, radius):
    near = np.array([[np.hypot(*(point - centre)) < radius for centre in centres] for point in points])
    full = near.sum(axis=0) >= len(points) / 100
    return np.array([np.count_nonzero(full), near.any(axis=1).sum() / len(points)])

def diagnosis():
    return dict(zip("PQRST", np.array([3, 1, 4, 5, 2])))
"""), ("squares by einsum, a list", """
def covered(points, centres, radius):
    difference = points[None] - centres[:, None]
    near = np.einsum("mnc,mnc->mn", difference, difference) < radius**2
    return [sum(row.mean() >= 0.01 for row in near), np.mean(near.max(axis=0))]

def diagnosis():
    return {"T": 2, "S": 5, "R": 4, "Q": 1, "P": 3}
""")],
    "slerp": [
        ("row by row", """
def slerp(a, b, t):
    rows = []
    for one, other in zip(a, b):
        cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        omega = np.arccos(min(1.0, cosine))
        rows.append(one + t * (other - one) if np.sin(omega) < 1e-6 else
                    (np.sin(omega - t * omega) * one + np.sin(t * omega) * other) / np.sin(omega))
    return np.array(rows)
"""), ("einsum, and only the rows that need it", """
def slerp(a, b, t):
    u, v = (x / np.sqrt(np.einsum("nd,nd->n", x, x))[:, None] for x in (a, b))
    omega = np.arccos(np.clip(np.einsum("nd,nd->n", u, v), -1, 1))
    result, some = (1 - t) * a + t * b, np.sin(omega) >= 1e-6
    omega = omega[some, None]
    result[some] = np.sin((1 - t) * omega) / np.sin(omega) * a[some] + np.sin(t * omega) / np.sin(omega) * b[some]
    return result
""")],
    "frechet": [
        ("sqrtm of SciPy, covariances by hand", """
def frechet_distance(a, b):
    from scipy.linalg import sqrtm
    means = a.mean(axis=0) - b.mean(axis=0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    A, B = a.T @ a / (len(a) - 1), b.T @ b / (len(b) - 1)
    return np.trace(A + B - 2 * sqrtm(A @ B).real) + means @ means
"""), ("the lecture's symmetric root", """
def frechet_distance(a, b):
    A, B = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(A)
    root = vectors @ np.diag(np.sqrt(np.clip(values, 0, None))) @ vectors.T
    inner = np.linalg.eigvalsh(root @ B @ root)
    last = np.sqrt(np.clip(inner, 0, None)).sum()
    return np.linalg.norm(np.mean(a, 0) - np.mean(b, 0))**2 + np.einsum("ii", A) + np.einsum("ii", B) - 2 * last
"""), ("singular values of a product of deviations", """
def frechet_distance(a, b):
    means = ((a.mean(0) - b.mean(0))**2).sum()
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b))
    return means + (a**2).sum() + (b**2).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
""")],
    "inversion": [
        ("rows of images, lists", """
def invert_step(generator, z, images, rate):
    n, restarts, latent = z.shape
    rows, wanted = tf.reshape(z, [n * restarts, latent]), tf.repeat(images, restarts, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        errors = tf.reduce_sum(tf.square(wanted - generator(rows, training=False)), axis=(1, 2, 3))
    rows -= rate * tape.gradient(errors, rows)
    return [tf.reshape(rows, z.shape), tf.reshape(errors, [n, restarts])]

def best_restart(z, errors):
    return np.array([row[int(place)] for row, place in zip(z.numpy(), np.argmin(errors, axis=1))])
"""), ("one restart after the other, einsum, one-hot", """
def invert_step(generator, z, images, rate):
    moved, errors = [], []
    for r in range(z.shape[1]):
        one = z[:, r]
        with tf.GradientTape() as tape:
            tape.watch(one)
            difference = generator(one) - images
            error = tf.einsum("nhwc,nhwc->n", difference, difference)
        moved.append(one - rate * tape.gradient(error, one))
        errors.append(error)
    return tf.stack(moved, 1), tf.stack(errors, 1)

def best_restart(z, errors):
    return tf.einsum("nr,nrd->nd", tf.one_hot(tf.argmin(errors, 1), z.shape[1]), z)
""")],
}
