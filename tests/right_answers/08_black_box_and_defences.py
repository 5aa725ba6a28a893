"""Right answers of lab 08 in other forms than the solution: each must pass."""
RIGHT = {
    "transfer": [
        ("one image after the other, float64", """
def transfer(source, victim, x, labels, epsilon, signs):
    right, fooled = 0, [0, 0]
    for image, label, s in zip(x, labels, signs):
        v = tf.Variable(image[None])
        with tf.GradientTape() as tape:
            loss = -tf.nn.log_softmax(source(v))[0, int(label)]
        g = tape.gradient(loss, v).numpy()[0].astype(float)
        if victim(image[None]).numpy().argmax() == label:
            right += 1
            for i, way in enumerate((np.sign(g), s)):
                moved = np.minimum(np.maximum(image + epsilon * way, 0), 1)
                fooled[i] += int(victim(moved[None]).numpy().argmax() != label)
    return fooled[0] / right, fooled[1] / right
"""), ("tensors, boolean_mask, Keras' loss", """
def transfer(source, victim, x, labels, epsilon, signs):
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, source(x))
    rates = []
    for way in (tf.sign(tape.gradient(loss, x)), tf.constant(signs)):
        before, after = (tf.argmax(victim(im), 1) == labels for im in (x, tf.clip_by_value(x + epsilon * way, 0.0, 1.0)))
        rates.append(1 - tf.reduce_mean(tf.cast(tf.boolean_mask(after, before), tf.float64)))
    return rates
""")],
    "augmentation": [
        ("one_hot, NumPy after the gradient, float64", """
def jacobian_augmentation(model, x, labels, lam):
    t = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(t)
        z = model(t)
        y = tf.reduce_sum(tf.one_hot(labels, z.shape[1]) * z)
    return np.clip(x.astype(float) + lam * np.sign(tape.gradient(y, t).numpy()), 0, 1)
"""), ("the whole Jacobian", """
def jacobian_augmentation(model, x, labels, lam):
    t = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(t)
        z = model(t)
    J = tape.batch_jacobian(z, t)
    return tf.clip_by_value(t + lam * tf.sign(tf.gather(J, labels, axis=1, batch_dims=1)), 0, 1)
"""), ("a loop, a list", """
def jacobian_augmentation(model, x, labels, lam):
    new = []
    for image, y in zip(x, labels):
        v = tf.Variable(image[None])
        with tf.GradientTape() as tape:
            score = model(v)[0, y]
        new.append(tf.clip_by_value(v + lam * tf.sign(tape.gradient(score, v)), 0, 1)[0])
    return new
""")],
    "substitute": [
        ("new images in front, a counter", """
def train_substitute(ask, train, augment, x, rounds):
    labels, queries = ask(x), len(x)
    model = train(x, labels)
    while rounds > 0:
        new = augment(model, x, labels)
        answers = ask(new)
        queries += new.shape[0]
        x, labels = np.vstack([new, x]), np.hstack([answers, labels])
        model, rounds = train(x, labels), rounds - 1
    return [model, queries]
"""), ("the training in front", """
def train_substitute(ask, train, augment, x, rounds):
    labels = ask(x)
    for r in range(rounds + 1):
        model = train(x, labels)
        if r == rounds:
            return model, len(labels)
        new = augment(model, x, labels)
        x, labels = tf.concat([x, new], 0).numpy(), np.append(labels, ask(new))
"""), ("recursion", """
def train_substitute(ask, train, augment, x, rounds):
    def further(images, labels, left):
        model = train(images, labels)
        if not left:
            return model, np.int64(len(images))
        new = augment(model, images, labels)
        return further(np.r_[images, new], np.r_[labels, ask(new)], left - 1)
    return further(x, ask(x), rounds)
""")],
    "training": [
        ("compiled", """
@tf.function
def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):
    a = tf.clip_by_value(x + start, 0.0, 1.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(a))
    a = a + step_size * tf.sign(tape.gradient(loss, a))
    a = tf.clip_by_value(tf.clip_by_value(a, x - epsilon, x + epsilon), 0.0, 1.0)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(a, training=True)))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return a
"""),
        ("a variable, Keras' loss, apply_gradients", """
def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    def into(images):
        return tf.minimum(tf.maximum(images, tf.maximum(x - epsilon, 0.0)), tf.minimum(x + epsilon, 1.0))
    a = into(x + start)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(a)
        value = loss(labels, model(a))
    a = into(a + step_size * tf.sign(tape.gradient(value, a)))
    with tf.GradientTape() as tape:
        value = loss(labels, model(a))
    v = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(value, v), v))
    return a
"""), ("Keras's name of the weights", """
def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    a = tf.clip_by_value(x + start, 0.0, 1.0)
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = loss(labels, model(a))
    a = a + step_size * tf.sign(tape.gradient(value, a))
    a = tf.clip_by_value(tf.clip_by_value(a, x - epsilon, x + epsilon), 0.0, 1.0)
    with tf.GradientTape() as tape:
        value = loss(labels, model(a))
    optimizer.apply(tape.gradient(value, model.trainable_weights), model.trainable_weights)
    return a
"""), ("DX, one persistent tape", """
def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):
    dx = tf.clip_by_value(x + start, 0.0, 1.0) - x
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(dx)
        first = -tf.reduce_sum(tf.one_hot(labels, 4) * tf.nn.log_softmax(model(x + dx)))
        with tape.stop_recording():
            step = step_size * tf.sign(tape.gradient(first, dx))
            dx2 = tf.clip_by_value(x + tf.clip_by_value(dx + step, -epsilon, epsilon), 0.0, 1.0) - x
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(x + dx2, training=True)))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(grads, model.trainable_variables)
    return x + dx2
""")],
    "bpda": [
        ("custom_gradient", """
def straight_through(defence):
    @tf.custom_gradient
    def g(x):
        return defence(x), lambda dy: dy
    return g
"""), ("stop_gradient of both", """
def straight_through(defence):
    return lambda x: tf.stop_gradient(defence(x)) + (x - tf.stop_gradient(x))
"""), ("grad_pass_through", """
def straight_through(defence):
    return tf.grad_pass_through(defence)
"""), ("a class", """
class Through:
    def __init__(self, defence):
        self.defence = defence
    def __call__(self, images):
        q = tf.cast(self.defence(images), images.dtype)
        return images - tf.stop_gradient(images - q)
def straight_through(defence):
    return Through(defence)
""")],
    "radius": [
        ("a loop, the root of the binomial", """
from scipy.optimize import brentq
from scipy.stats import binom
def certify(first, second, sigma, alpha):
    classes, radii = [], []
    for a, b in zip(first, second):
        c = int(np.argmax(a))
        k, n = int(b[c]), int(b.sum())
        p = brentq(lambda p: binom.sf(k - 1, n, p) - alpha, 1e-12, 1 - 1e-12, xtol=1e-13) if k else 0.0
        classes.append(c if p > 0.5 else -1)
        radii.append(sigma * norm.ppf(p) if p > 0.5 else 0)
    return classes, radii
"""), ("binomtest, tensors", """
from scipy.stats import binomtest
def certify(first, second, sigma, alpha):
    c = tf.argmax(first, axis=1)
    p = np.array([binomtest(int(row[i]), int(row.sum()), alternative="greater").proportion_ci(1 - alpha, "exact").low
                  for row, i in zip(second, c.numpy())])
    return tf.where(p > 0.5, c, -1), tf.constant(np.maximum(sigma * norm.ppf(np.maximum(p, 0.5)), 0))
"""), ("masked assignment", """
def certify(first, second, sigma, alpha):
    c = np.argmax(first, -1)
    k = np.take_along_axis(second, c[:, None], 1)[:, 0]
    low = np.nan_to_num(beta(k.clip(1), second.sum(1) - k + 1).ppf(alpha))
    r, out = np.zeros(len(c)), np.full(len(c), -1)
    ok = (low > 0.5) & (k > 0)
    r[ok], out[ok] = norm(0, sigma).ppf(low[ok]), c[ok]
    return out, r
""")],
    "intervals": [
        ("positive and negative weights", """
def verify(x, labels, epsilon, layers):
    low, high = np.maximum(x - epsilon, 0), np.minimum(x + epsilon, 1)
    for W, b in layers[:-1]:
        p, m = np.maximum(W, 0), np.minimum(W, 0)
        low, high = np.maximum(low @ p + high @ m + b, 0), np.maximum(high @ p + low @ m + b, 0)
    W, b = layers[-1]
    p, m = W * (W > 0), W * (W < 0)
    low, high = low @ p + high @ m + b, high @ p + low @ m + b
    proven = [all(l[y] > h[j] for j in range(len(h)) if j != y) for l, h, y in zip(low, high, labels)]
    return low, high, proven
"""), ("TensorFlow, float64, einsum", """
def verify(x, labels, epsilon, layers):
    low, high = tf.clip_by_value(x - epsilon, 0, 1), tf.clip_by_value(x + epsilon, 0, 1)
    for i, (W, b) in enumerate(layers):
        if i > 0:
            low, high = tf.nn.relu(low), tf.nn.relu(high)
        c, r = tf.einsum("nd,dk->nk", (low + high) / 2, W) + b, tf.einsum("nd,dk->nk", (high - low) / 2, np.abs(W))
        low, high = c - r, c + r
    own = tf.one_hot(labels, low.shape[1], on_value=True, off_value=False)
    return low, high, tf.boolean_mask(low, own) > tf.reduce_max(tf.where(own, tf.constant(-np.inf, tf.float64), high), 1)
"""), ("one image after the other", """
def verify(x, labels, epsilon, layers):
    lows, highs, proven = [], [], []
    for image, y in zip(x, labels):
        low, high = np.clip(image - epsilon, 0, 1), np.clip(image + epsilon, 0, 1)
        for n, (W, b) in enumerate(layers):
            a = np.minimum(low[:, None] * W, high[:, None] * W).sum(0) + b
            c = np.maximum(low[:, None] * W, high[:, None] * W).sum(0) + b
            low, high = (a, c) if n == len(layers) - 1 else (a.clip(0), c.clip(0))
        lows.append(low)
        highs.append(high)
        proven.append(low[y] > np.delete(high, y).max())
    return np.array(lows), np.array(highs), np.array(proven)
""")],
}
