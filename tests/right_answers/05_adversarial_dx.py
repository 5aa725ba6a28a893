"""Right answers of lab 05 in other forms than the solution: each must pass."""
RIGHT = {
    "penalty": [
        ("a loop over the images", """
def penalty(dx, norm):
    values = []
    for image in tf.unstack(dx):
        flat = tf.abs(tf.reshape(image, [-1]))
        values.append({"L1": tf.reduce_mean(flat), "L2": tf.reduce_mean(flat**2), "Linf": tf.reduce_max(flat)}[norm])
    return tf.stack(values)
"""), ("float64, flattened, norms of TensorFlow", """
def penalty(dx, norm):
    flat = tf.reshape(tf.cast(dx, tf.float64), [dx.shape[0], -1])
    if norm == "Linf":
        return tf.norm(flat, ord=np.inf, axis=1)
    power = int(norm[1])
    return tf.norm(flat, ord=power, axis=1)**power / flat.shape[1]
""")],
    "loss": [
        ("softplus of differences of logits", """
def attacker_loss(logits, labels, targeted):
    own = tf.one_hot(labels, logits.shape[1], dtype=tf.bool, on_value=True, off_value=False)
    others = tf.reduce_logsumexp(tf.where(own, -1e9, logits), 1)
    gap = others - tf.reduce_logsumexp(tf.where(own, logits, -1e9), 1)
    return tf.nn.softplus(gap if targeted else -gap)
"""), ("Keras' cross-entropy, gather", """
def attacker_loss(logits, labels, targeted):
    loss = tf.keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if targeted:
        return loss
    p = tf.gather(tf.nn.softmax(logits), tf.constant(labels), batch_dims=1)
    return -tf.math.log1p(-p)
"""), ("a small number added before the logarithm", """
def attacker_loss(logits, labels, targeted):
    p = tf.gather(tf.nn.softmax(logits), tf.constant(labels), batch_dims=1)
    return -tf.math.log((p if targeted else 1 - p) + 1e-7)
"""), ("einsum in float64, a list of labels", """
@tf.function
def attacker_loss(logits, labels, targeted):
    p = tf.einsum("nc,nc->n", tf.nn.softmax(tf.cast(logits, tf.float64)),
                  tf.one_hot(labels, tf.shape(logits)[1], dtype=tf.float64))
    return -tf.math.log(p) if targeted else -tf.math.log(1 - p)
""")],
    "gradient": [
        ("the penalty's gradient by hand", """
def gradient(model, loss, x, dx, lam):
    with tf.GradientTape() as tape:
        value = loss(model(x + dx))
    return tape.gradient(value, dx) + lam * 2 * dx / np.prod(dx.shape[1:]).astype(np.float32)
"""), ("arguments by their names", """
def gradient(model, loss, x, dx, lam):
    with tf.GradientTape() as tape:
        value = loss(logits=model(images=x + dx, training=False)) + lam * tf.reduce_mean(dx**2, [1, 2, 3])
    return tape.gradient(value, dx)
"""), ("one image at a time", """
def gradient(model, loss, x, dx, lam):
    parts = []
    for n in range(len(x)):
        one = tf.Variable(dx[n:n + 1])
        with tf.GradientTape() as tape:
            total = loss(model(x[n:n + 1] + one)) + lam * tf.reduce_mean(tf.square(one))
        parts.append(tape.gradient(total, one))
    return np.concatenate(parts)
""")],
    "attack": [
        ("compiled, Keras Adam with apply_gradients", """
def attack(model, loss, x, lam, steps, learning_rate):
    x, dx = tf.constant(x), tf.Variable(tf.zeros_like(x))
    adam = tf.keras.optimizers.Adam(learning_rate)
    adam.build([dx])
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(loss(model(x + dx)) + lam * tf.reduce_mean(dx**2, [1, 2, 3]))
        adam.apply_gradients([(tape.gradient(total, dx), dx)])
        dx.assign(tf.minimum(tf.maximum(dx, -x), 1 - x))
    for _ in range(steps):
        step()
    return dx.numpy()
"""), ("arguments by their names, the image clipped in the objective too, an array of NumPy", """
def attack(model, loss, x, lam, steps, learning_rate):
    dx = tf.Variable(np.zeros(x.shape, np.float32))
    adam = tf.keras.optimizers.Adam(learning_rate)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            image = tf.clip_by_value(x + dx, 0, 1)
            total = loss(logits=model(images=image, training=False)) + lam * tf.reduce_mean(dx**2, [1, 2, 3])
        adam.apply_gradients([(tape.gradient(total, dx), dx)])
        dx.assign(np.clip(x + dx, 0, 1) - x)
    return np.asarray(dx.value())
""")],
    "tradeoff": [
        ("a copy, and the failures in it", """
def tradeoff(fooled, sizes):
    counted = sizes.astype(float)
    counted[~fooled] = np.inf
    return np.mean(fooled, axis=-1), np.median(counted, axis=-1)
"""), ("loops and lists", """
def tradeoff(fooled, sizes):
    success, size = [], []
    for f, s in zip(fooled, sizes):
        counted = sorted(value if flag else float("inf") for flag, value in zip(f, s))
        n = len(counted)
        success.append(sum(f) / n)
        size.append((counted[(n - 1) // 2] + counted[n // 2]) / 2)
    return success, size
""")],
    "save": [
        ("all images first", """
def save_8bit(model, x, dx, label, scales):
    images = [np.rint(255 * np.clip(x + t * dx, 0.0, 1.0)).astype("uint8") for t in scales]
    for image in images:
        if int(np.argmax(model(image[np.newaxis] / np.float32(255))[0])) != label:
            break
    return image
"""), ("a tensor given, training=False, the logits as a tensor", """
def save_8bit(model, x, dx, label, scales):
    for t in scales:
        im = np.round(np.clip(x + t * dx, 0, 1) * 255).astype(np.uint8)
        if model(tf.constant(im[None] / np.float32(255)), training=False).numpy().argmax() != label:
            break
    return im
"""), ("with a half added, in float64", """
def save_8bit(model, x, dx, label, scales):
    x, dx = x.astype(np.float64), dx.astype(np.float64)
    for t in scales:
        saved = np.floor(np.minimum(np.maximum(x + t * dx, 0), 1) * 255 + 0.5).astype(np.uint8)
        if tf.argmax(tf.constant(model(saved.astype(np.float32)[None] / 255)), axis=1).numpy()[0] != label:
            return saved
    return saved
""")],
    "amplified": [
        ("a loop over the pixels", """
def amplified(original, modified):
    picture = np.zeros_like(original)
    for place in np.ndindex(*original.shape):
        picture[place] = min(255, 50 * abs(int(original[place]) - int(modified[place])))
    return picture
"""), ("int16 and where", """
def amplified(original, modified):
    change = 50 * np.abs(modified.astype(np.int16) - original.astype(np.int16))
    return np.where(change > 255, 255, change).astype(np.uint8)
""")],
}
