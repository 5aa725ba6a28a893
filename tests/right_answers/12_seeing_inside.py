"""Right answers of lab 12 in other forms than the solution: each must pass."""
RIGHT = {
    "occlusion": [
        ("a list of copies, float64", """
def occlusion(model, x, label, side, fill):
    H, W, C = x.shape
    batch = []
    for i in range(H - side + 1):
        for j in range(W - side + 1):
            one = np.array(x, dtype=np.float64)
            one[i:i + side, j:j + side, :] = fill
            batch.append(one)
    z = np.array(model(np.stack(batch)))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return (e[:, label] / e.sum(axis=1)).reshape(H - side + 1, -1)
"""), ("masks without a loop, tensors", """
def occlusion(model, x, label, side, fill):
    rows, columns = (np.arange(n - side + 1)[:, None] for n in x.shape[:2])
    a = (np.arange(x.shape[0]) >= rows) & (np.arange(x.shape[0]) < rows + side)
    b = (np.arange(x.shape[1]) >= columns) & (np.arange(x.shape[1]) < columns + side)
    mask = tf.constant((a[:, None, :, None] & b[None, :, None, :]).reshape(-1, *x.shape[:2], 1))
    images = tf.where(mask, tf.cast(fill, tf.float32), tf.constant(x))
    return tf.reshape(tf.nn.softmax(model(images), axis=-1)[:, label], [len(a), len(b)])
"""), ("a call for each row", """
def occlusion(model, x, label, side, fill):
    rows = []
    for i in range(x.shape[0] - side + 1):
        batch = np.repeat(x[np.newaxis], x.shape[1] - side + 1, axis=0)
        for j, one in enumerate(batch):
            one[i:i + side, j:j + side] = fill
        rows.append(tf.nn.softmax(model(batch))[:, label].numpy())
    return rows
""")],
    "saliency": [
        ("one hot, NumPy afterwards", """
def saliency(model, x, labels):
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = model(x)
        total = tf.reduce_sum(z * tf.one_hot(labels, z.shape[1]))
    return np.abs(tape.gradient(total, x).numpy()).max(axis=-1)
"""), ("an image at a time, a variable", """
def saliency(model, x, labels):
    maps = []
    for image, label in zip(x, labels):
        v = tf.Variable(image[None])
        with tf.GradientTape() as tape:
            z = model(v)[0, int(label)]
        maps.append(np.amax(np.abs(tape.gradient(z, v)[0]), 2))
    return np.array(maps)
"""), ("the jacobian, float64", """
def saliency(model, x, labels):
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = model(x)
    J = np.asarray(tape.batch_jacobian(z, x), np.float64)
    return np.abs(J[np.arange(len(labels)), labels]).max(3)
"""), ("compiled", """
@tf.function
def saliency(model, x, labels):
    pick = tf.stack([tf.range(len(labels)), tf.cast(labels, tf.int32)], 1)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = tf.gather_nd(model(x), pick)
    return tf.reduce_max(tf.abs(tape.gradient(z, x)), -1)
""")],
    "smooth": [
        ("a loop", """
def smooth_gradient(gradient, x, noise):
    total = np.zeros_like(x)
    for n in noise:
        total = total + gradient((x + n)[None])[0]
    return total / len(noise)
"""), ("a tensor", """
def smooth_gradient(gradient, x, noise):
    return tf.reduce_mean(gradient(np.asarray(tf.constant(x) + tf.constant(noise))), axis=0)
"""), ("einsum, float64", """
def smooth_gradient(gradient, x, noise):
    weights = np.full(len(noise), 1 / len(noise))
    return np.einsum("t,thwc->hwc", weights, gradient(x[None].astype(np.float64) + noise))
""")],
    "integrated": [
        ("a loop with a tape each", """
def integrated_gradients(value, x, baseline, steps):
    total = np.zeros(x.shape)
    for k in range(steps):
        at = tf.constant((baseline + (k + 0.5) / steps * (x - baseline))[None])
        with tf.GradientTape() as tape:
            tape.watch(at)
            f = value(at)
        total += tape.gradient(f, at)[0].numpy()
    A = total / steps * (x - baseline)
    change = float(value(tf.constant(x[None]))[0] - value(tf.constant(baseline[None]))[0])
    return A, abs((A.sum() - change) / change)
"""), ("the derivative by the distance, tensors", """
def integrated_gradients(value, x, baseline, steps):
    a = tf.reshape((tf.range(steps, dtype=tf.float32) + 0.5) / steps, [-1, 1, 1, 1])
    d = tf.repeat((tf.constant(x) - baseline)[None], steps, axis=0)
    with tf.GradientTape() as tape:
        tape.watch(d)
        f = tf.reduce_sum(value(baseline + a * d) / a[:, 0, 0, 0])
    A = tf.reduce_mean(d * tape.gradient(f, d), axis=0)
    fx, fb = tf.unstack(value(tf.stack([tf.constant(x), tf.constant(baseline)])))
    return [A, tf.abs(1 - tf.reduce_sum(A) / (fx - fb))]
"""), ("from the image to the baseline, einsum", """
def integrated_gradients(value, x, baseline, steps):
    a = np.linspace(1 - 0.5 / steps, 0.5 / steps, steps)
    path = tf.Variable(np.einsum("k,hwc->khwc", a, x) + np.einsum("k,hwc->khwc", 1 - a, baseline), dtype=tf.float32)
    with tf.GradientTape() as tape:
        f = tf.reduce_sum(value(path))
    A = np.einsum("khwc,hwc->hwc", tape.gradient(f, path).numpy() / steps, x - baseline)
    end, begin = (value(tf.constant(one[None])).numpy()[0] for one in (x, baseline))
    return A, np.abs(A.sum() - (end - begin)) / np.abs(end - begin)
""")],
    "guided": [
        ("two ReLUs", """
@tf.custom_gradient
def guided_relu(x):
    def grad(upstream):
        return tf.nn.relu(upstream) * tf.sign(tf.nn.relu(x))
    return tf.maximum(x, 0), grad
"""), ("decorated inside", """
def guided_relu(x):
    @tf.custom_gradient
    def relu(z):
        y = tf.nn.relu(z)
        return y, lambda g: tf.cast(y > 0, tf.float32) * tf.cast(g > 0, tf.float32) * g
    return relu(x)
"""), ("without the decorator's form", """
def rule(x):
    def back(g):
        zero = tf.zeros_like(g)
        return tf.where(x > 0, tf.where(g > 0, g, zero), zero)
    return x * tf.cast(x > 0, x.dtype), back
guided_relu = tf.custom_gradient(rule)
"""), ("compiled", """
@tf.function
def guided_relu(x):
    @tf.custom_gradient
    def relu(z):
        return tf.nn.relu(z), lambda g: tf.where(tf.logical_and(z > 0, g > 0), g, tf.zeros_like(g))
    return relu(x)
""")],
    "visualise": [
        ("a variable, TV by hand", """
def visualise(model, labels, start, rate, decay, weight, steps):
    x = tf.Variable(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            z = model(x)
            tv = (tf.reduce_sum(tf.abs(x[:, 1:] - x[:, :-1]), [1, 2, 3])
                  + tf.reduce_sum(tf.abs(x[:, :, 1:] - x[:, :, :-1]), [1, 2, 3]))
            loss = -tf.gather(z, labels, batch_dims=1) + decay * tf.reduce_sum(tf.square(x), [1, 2, 3]) + weight * tv
        g = tape.gradient(loss, x)
        g = g / tf.reshape(tf.norm(tf.reshape(g, [len(labels), -1]), axis=1), [-1, 1, 1, 1])
        x.assign(tf.clip_by_value(x - rate * g, 0, 1))
    return x
"""), ("an image at a time, NumPy between the tapes", """
def visualise(model, labels, start, rate, decay, weight, steps):
    images = []
    for image, label in zip(start.numpy(), labels):
        x = image[None]
        for _ in range(steps):
            v = tf.constant(x, tf.float32)
            with tf.GradientTape() as tape:
                tape.watch(v)
                J = model(v)[0, int(label)] - decay * tf.reduce_sum(v * v) - weight * tf.image.total_variation(v)[0]
            g = tape.gradient(J, v).numpy()
            x = np.clip(x + rate * g / np.linalg.norm(g), 0, 1)
        images.append(x[0])
    return np.array(images)
"""), ("penalties by formula, the mean objective, l2_normalize", """
def visualise(model, labels, start, rate, decay, weight, steps):
    x = start
    for _ in range(steps):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z = model(x)
            J = tf.reduce_mean(tf.einsum("nk,nk->n", z, tf.one_hot(labels, z.shape[1])) - weight * tf.image.total_variation(x))
        g = len(labels) * tape.gradient(J, x) - 2 * decay * x
        x = tf.minimum(tf.maximum(x + rate * tf.math.l2_normalize(g, axis=[1, 2, 3], epsilon=0), 0), 1)
    return x
""")],
    "cue": [
        ("loops, best so far", """
def strongest_window(maps, side):
    total = sum(abs(m) for m in maps)
    best, place = -1, None
    for i in range(total.shape[0] - side + 1):
        for j in range(total.shape[1] - side + 1):
            s = float(np.sum(total[i:i + side, j:j + side]))
            if s > best:
                best, place = s, [i, j]
    return place


def accuracy_without(model, images, labels, row, column, side, fill):
    right = 0
    for image, label in zip(images, labels):
        one = np.array(image, np.float64)
        one[row:row + side, column:column + side] = fill
        right += int(tf.argmax(model(one[None])[0])) == label
    return right / len(labels)
"""), ("a convolution, a mask", """
def strongest_window(maps, side):
    mean = tf.reduce_mean(tf.abs(maps), 0)[None, :, :, None]
    s = tf.nn.conv2d(mean, tf.ones([side, side, 1, 1]), 1, "VALID")[0, :, :, 0]
    return divmod(int(tf.argmax(tf.reshape(s, [-1]))), s.shape[1])


def accuracy_without(model, images, labels, row, column, side, fill):
    i, j = np.ogrid[:images.shape[1], :images.shape[2]]
    mask = ((i >= row) & (i < row + side) & (j >= column) & (j < column + side))[..., None]
    logits = model(np.where(mask, np.float32(fill), images)).numpy()
    return (logits.argmax(-1) == labels).astype(float).mean()
"""), ("cumulative sums, tensors", """
def strongest_window(maps, side):
    c = np.pad(np.mean(np.abs(np.asarray(maps, float)), 0), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    s = c[side:, side:] - c[:-side, side:] - c[side:, :-side] + c[:-side, :-side]
    return np.argwhere(s == s.max())[0].tolist()


def accuracy_without(model, images, labels, row, column, side, fill):
    patch = tf.fill([len(images), side, side, images.shape[3]], float(fill))
    top = tf.concat([images[:, row:row + side, :column], patch, images[:, row:row + side, column + side:]], axis=2)
    x = tf.concat([images[:, :row], top, images[:, row + side:]], axis=1)
    return tf.reduce_mean(tf.cast(tf.argmax(model(x), 1) == labels, tf.float32))
""")],
}
