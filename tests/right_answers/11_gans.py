"""Right answers of lab 11 in other forms than the solution: each must pass."""
RIGHT = {
    "game": [
        ("np.divide, a loop", """
def optimal_discriminator(p, q):
    return np.divide(p, p + q, out=np.full(p.shape, 0.5), where=(p + q) != 0)

def value(p, q, d, dx):
    total = 0.0
    for one, other, probability in zip(p, q, d):
        total += one * np.log(probability) if one else 0
        total += other * np.log1p(-probability) if other else 0
    return total * dx
"""), ("masks of one's own for both parts, NaN made 0", """
def optimal_discriminator(p, q):
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(p / (p + q), nan=0.5)

def value(p, q, d, dx):
    real, made = p > 0, q > 0
    return dx * (np.dot(p[real], np.log(d[real])) + np.dot(q[made], np.log(1 - d[made])))
"""), ("a product of NaN left out, an einsum of the ratio", """
def optimal_discriminator(p, q):
    d = np.full_like(p, 0.5)
    some = (p + q).nonzero()[0]
    d[some] = 1 / (1 + q[some] / np.where(p[some] > 0, p[some], 1)) * (p[some] > 0)
    return d

def value(p, q, d, dx):
    with np.errstate(all="ignore"):
        return np.nansum(np.stack([p * np.log(d), q * np.log(1 - d)])) * dx
""")],
    "losses": [
        ("logaddexp", """
def discriminator_loss(on_real, on_fake, real=1.0, fake=0.0):
    each = np.logaddexp(0, on_real) - real * on_real + np.logaddexp(0, on_fake) - fake * on_fake
    return each.mean()

def generator_loss(on_fake):
    return -np.mean(np.minimum(on_fake, 0) - np.log1p(np.exp(-abs(on_fake))))
"""), ("a loop over the images, float32 and numbers as labels", """
def discriminator_loss(on_real, on_fake, real=1.0, fake=0.0):
    def mean(logits, labels):
        labels = np.broadcast_to(labels, logits.shape)
        return sum(max(u, 0) - u * y + np.log(1 + np.exp(-abs(u))) for u, y in zip(logits.flat, labels.flat)) / logits.size
    return float(mean(on_real, real) + mean(on_fake, fake))

def generator_loss(on_fake):
    return np.where(on_fake > 0, np.log1p(np.exp(-np.abs(on_fake))),
                    np.log1p(np.exp(-np.abs(on_fake))) - on_fake).sum() / len(on_fake)
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
    "generator": [
        ("functional, tanh as a function, names for the layers", """
def build_generator(latent, width):
    normal = lambda: tf.keras.initializers.RandomNormal(0.0, 0.02)
    z = tf.keras.Input(shape=(latent,), name="z")
    y = tf.keras.layers.Dense(7 * 7 * 2 * width, use_bias=False, kernel_initializer=normal())(z)
    y = tf.keras.layers.Reshape((7, 7, 2 * width))(y)
    y = tf.keras.activations.relu(tf.keras.layers.BatchNormalization(momentum=0.9)(y))
    y = tf.keras.layers.Conv2DTranspose(width, (4, 4), strides=(2, 2), padding="same", use_bias=False,
                                        kernel_initializer=normal())(y)
    y = tf.keras.layers.Activation("relu")(tf.keras.layers.BatchNormalization(momentum=0.9)(y))
    y = tf.keras.layers.Conv2DTranspose(1, (4, 4), strides=(2, 2), padding="same", kernel_initializer=normal())(y)
    return tf.keras.Model(z, tf.keras.ops.tanh(y))
"""), ("a subclass, built when it is called", """
def build_generator(latent, width):
    class Generator(tf.keras.Model):
        def __init__(self):
            super().__init__()
            layers, start = tf.keras.layers, dict(kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.02))
            self.dense = layers.Dense(98 * width, use_bias=False, **start)
            self.first = layers.BatchNormalization(momentum=0.9)
            self.larger = layers.Conv2DTranspose(width, 4, 2, "same", use_bias=False, **start)
            self.second = layers.BatchNormalization(momentum=0.9)
            self.last = layers.Conv2DTranspose(1, 4, 2, "same", **start)

        def call(self, z, training=False):
            y = tf.reshape(self.dense(z), [-1, 7, 7, 2 * width])
            y = tf.nn.relu(self.first(y, training=training))
            y = tf.nn.relu(self.second(self.larger(y), training=training))
            return tf.tanh(self.last(y))
    return Generator()
"""), ("add, layer by layer", """
def build_generator(latent, width):
    model = tf.keras.Sequential()
    model.add(tf.keras.Input([latent]))
    start = {"stddev": 0.02}
    model.add(tf.keras.layers.Dense(98 * width, use_bias=False, kernel_initializer=tf.keras.initializers.RandomNormal(**start)))
    model.add(tf.keras.layers.Reshape([7, 7, -1]))
    for maps in (width, 1):
        model.add(tf.keras.layers.BatchNormalization(momentum=0.9))
        model.add(tf.keras.layers.ReLU())
        model.add(tf.keras.layers.Conv2DTranspose(maps, 4, 2, "same", use_bias=maps == 1,
                                                  activation="tanh" if maps == 1 else None,
                                                  kernel_initializer=tf.keras.initializers.RandomNormal(**start)))
    return model
""")],
    "discriminator": [
        ("functional, the slope by name", """
def build_discriminator(width):
    x = y = tf.keras.Input((28, 28, 1))
    for n, maps in enumerate((width, 2 * width)):
        y = tf.keras.layers.Conv2D(maps, 4, strides=2, padding="same", use_bias=n == 0,
                                   kernel_initializer=tf.keras.initializers.RandomNormal(0, 0.02))(y)
        y = tf.keras.layers.BatchNormalization(momentum=0.9)(y) if n else y
        y = tf.keras.layers.LeakyReLU(negative_slope=0.2)(y)
    y = tf.keras.layers.Reshape([7 * 7 * 2 * width])(y)
    return tf.keras.Model(x, tf.keras.layers.Dense(1, kernel_initializer=tf.keras.initializers.RandomNormal(0, 0.02))(y))
"""), ("a subclass with a list of layers", """
def build_discriminator(width):
    class Discriminator(tf.keras.Model):
        def __init__(self):
            super().__init__()
            layers, normal = tf.keras.layers, tf.keras.initializers.RandomNormal
            self.steps = [layers.Conv2D(width, 4, 2, "same", kernel_initializer=normal(0, 0.02)),
                          layers.Conv2D(2 * width, 4, 2, "same", use_bias=False, kernel_initializer=normal(0, 0.02)),
                          layers.BatchNormalization(momentum=0.9), layers.Dense(1, kernel_initializer=normal(0, 0.02))]

        def call(self, x, training=False):
            first, second, norm, last = self.steps
            x = tf.nn.leaky_relu(first(x), 0.2)
            x = tf.nn.leaky_relu(norm(second(x), training=training), 0.2)
            return last(tf.reshape(x, [tf.shape(x)[0], 98 * width]))
    return Discriminator()
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
for task in ("step", "inversion"):
    RIGHT[task].append(("under @tf.function", RIGHT[task][1][1].replace("\ndef ", "\n@tf.function\ndef ")))
