"""Right answers of lab 04 in other forms than the solution: each must pass."""
RIGHT = {
    "parameters": [
        ("a formula without a loop", """
def dense_net_parameters(blocks, filters):
    first, later = ((9 * c + 1) * filters + (9 * (c + filters) + 1) * filters + (c + 2 * filters + 1) * 32 for c in (1, 32))
    return first + (blocks - 1) * later + ((48 >> blocks)**2 * 32 + 1) * 50 + 102
"""), ("a Keras network that is built", """
def dense_net_parameters(blocks, filters):
    keras = tf.keras
    image = x = keras.Input([48, 48, 1])
    for _ in range(blocks):
        for _ in range(2):
            x = keras.layers.Concatenate()([x, keras.layers.Conv2D(filters, 3, padding="same")(x)])
        x = keras.layers.Conv2D(32, 1)(keras.layers.MaxPooling2D()(x))
    x = keras.layers.Dense(2)(keras.layers.Dense(50)(keras.layers.Flatten()(x)))
    return keras.Model(image, x).count_params()
"""), ("arrays of NumPy, a sum in floats", """
def dense_net_parameters(blocks, filters):
    channels = np.array([1.0] + [32.0] * (blocks - 1))
    total = np.sum((9 * channels + 1) * filters + (9 * (channels + filters) + 1) * filters + (channels + 2 * filters + 1) * 32)
    return total + (48 / 2**blocks)**2 * 32 * 50 + 50 + 51 * 2
""")],
    "block": [
        ("NumPy, window by window", """
def dense_block(x, convolutions, reduction):
    x = np.asarray(x)
    for weights, bias in convolutions:
        weights, rows, columns = np.asarray(weights), x.shape[1], x.shape[2]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        features = sum(padded[:, i:i + rows, j:j + columns] @ weights[i, j] for i in range(3) for j in range(3))
        x = np.concatenate([x, np.maximum(features + np.asarray(bias), 0)], axis=3)
    n, rows, columns, channels = x.shape
    x = x[:, :rows // 2 * 2, :columns // 2 * 2].reshape(n, rows // 2, 2, columns // 2, 2, channels).max((2, 4))
    return np.maximum(np.einsum("nhwc,cd->nhwd", x, np.asarray(reduction[0])[0, 0]) + np.asarray(reduction[1]), 0)
"""), ("Keras layers with the given weights", """
def dense_block(x, convolutions, reduction):
    def convolved(image, weights, bias, size):
        layer = tf.keras.layers.Conv2D(weights.shape[-1], size, padding="same", activation="relu")
        layer.build(image.shape)
        layer.set_weights([weights.numpy(), bias.numpy()])
        return layer(image)
    for weights, bias in convolutions:
        x = tf.keras.layers.Concatenate()([x, convolved(x, weights, bias, 3)])
    return convolved(tf.keras.layers.MaxPooling2D()(x), *reduction, 1)
"""), ("compiled, the reduction as a matrix product, a list of all features", """
@tf.function
def dense_block(x, convolutions, reduction):
    parts = [x]
    for weights, bias in convolutions:
        parts.append(tf.maximum(tf.nn.bias_add(tf.nn.convolution(tf.concat(parts, 3), weights, padding="SAME"), bias), 0))
    small = tf.nn.max_pool(tf.concat(parts, 3), 2, 2, "VALID")
    return tf.nn.relu(tf.tensordot(small, reduction[0][0, 0], 1) + reduction[1])
""")],
    "loss": [
        ("loops over images and classes", """
def cross_entropy(logits, labels):
    total = 0.0
    for z, y in zip(logits, labels):
        m = max(z)
        total += np.log(sum(np.exp(value - m) for value in z)) + m - z[y]
    return total / len(labels)

def accuracy(logits, labels):
    return sum(int(max(range(len(z)), key=lambda k: z[k]) == y) for z, y in zip(logits, labels)) / len(labels)
"""), ("logaddexp, one-hot labels, float64", """
def cross_entropy(logits, labels):
    onehot = np.eye(logits.shape[1])[labels]
    return np.logaddexp.reduce(logits, axis=1).mean() - np.einsum("nk,nk->", onehot, logits) / len(logits)

def accuracy(logits, labels):
    return float(np.count_nonzero(logits.argmax(-1) == labels)) / labels.size
"""), ("differences to the logit of the label", """
def picked(logits, labels):
    return np.take_along_axis(logits, labels[:, np.newaxis], axis=1)

def cross_entropy(logits, labels):
    gaps = logits - picked(logits, labels)
    top = np.maximum(gaps.max(1), 0)
    return np.average(top + np.log(np.exp(gaps - top[:, None]).sum(1)))

def accuracy(logits, labels):
    return np.mean(picked(logits, labels)[:, 0] >= logits.max(1))
""")],
    "step": [
        ("a compiled step, the log of the softmax by hand", """
@tf.function
def train_step(model, x, y, learning_rate):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss = -tf.reduce_mean(tf.gather(tf.nn.log_softmax(logits), y, batch_dims=1))
    for variable, gradient in zip(model.trainable_variables, tape.gradient(loss, model.trainable_variables)):
        variable.assign(variable - learning_rate * gradient)
    return loss
"""), ("Keras' cross-entropy, a persistent tape, sums divided by N", """
def train_step(model, x, y, learning_rate):
    cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    with tf.GradientTape(persistent=True) as tape:
        loss = cross_entropy(y, model(x, training=True)) / tf.cast(tf.shape(x)[0], tf.float32)
    changes = [(v, learning_rate * tape.gradient(loss, v)) for v in model.trainable_variables]
    [v.assign_add(-change) for v, change in changes]
    return loss
"""), ("one-hot labels, watched variables", """
def train_step(model, x, y, learning_rate):
    variables = list(model.trainable_variables)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(variables)
        logits = model(x, training=True)
        losses = tf.nn.softmax_cross_entropy_with_logits(tf.one_hot(y, logits.shape[-1]), logits)
        loss = tf.reduce_mean(losses)
    for v, g in zip(variables, tape.gradient(losses, variables)):
        v.assign_sub(g * learning_rate / tf.cast(len(losses), g.dtype))
    return tf.identity(loss)
""")],
    "batches": [
        ("Python's own shuffle, lists", """
def epoch_batches(images, batch_size, seed, epoch):
    import random
    order = list(range(images))
    random.Random(f"{seed}, {epoch}").shuffle(order)
    parts = []
    while order:
        parts.append(np.array(order[:batch_size]))
        order = order[batch_size:]
    return parts
"""), ("the generator of the seed, epoch by epoch", """
def epoch_batches(images, batch_size, seed, epoch):
    rng = np.random.default_rng(seed)
    for _ in range(epoch + 1):
        order = rng.permutation(images)
    return np.split(order, np.arange(batch_size, images, batch_size))
"""), ("sorted random numbers, int32, array_split", """
def epoch_batches(images, batch_size, seed, epoch):
    keys = np.random.Generator(np.random.PCG64((epoch, seed))).random(images)
    order = np.argsort(keys).astype(np.int32)
    return [np.sort(order[batch_size * k:batch_size * (k + 1)]) for k in range(-(-images // batch_size))]
""")],
    "train": [
        ("a Keras network without Input, its own fit", """
def train(faces):
    layers = tf.keras.layers
    model = tf.keras.Sequential([layer for filters in (8, 16, 32) for layer in (
        layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D())] + [layers.Flatten(), layers.Dense(2)])
    model.compile(tf.keras.optimizers.Adam(3e-3), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tf.keras.utils.set_random_seed(1)
    model.fit(faces.x_train, faces.y_train, batch_size=32, epochs=6, verbose=0, shuffle=True)
    return model
"""), ("part of the data, a network that scales its input", """
def train(given):
    from dataclasses import replace
    class Centred(tf.Module):
        def __init__(self):
            super().__init__()
            self.body, self.input_shape = networks.residual_stages(depth=6, width=16), (48, 48, 1)
        def __call__(self, x, training=False):
            return self.body(2 * x - 1, training=training)
    model = Centred()
    training.fit(model, replace(given, x_train=given.x_train[:2500], y_train=given.y_train[:2500]), epochs=4, learning_rate=3e-3)
    return model
""")],
    "inference": [
        ("the mean of the pixels that fall into each cell, tensors", """
def prepare(picture):
    image = tf.cast(picture, tf.float32) / 255
    image = image[..., None] if picture.ndim == 2 else tf.tensordot(image, tf.constant([[0.299], [0.587], [0.114]]), 1)
    return tf.image.resize(image[None], [48, 48], antialias=True)

def answer(logits):
    p = tf.nn.softmax(logits)[0].numpy()
    return ["man", "woman"][int(p[1] > p[0])], p.max()
"""), ("the nearest pixel, the logistic function", """
def prepare(picture):
    rows, columns = ((np.arange(48) + 0.5) * n / 48 for n in picture.shape[:2])
    small = picture[rows.astype(int)][:, columns.astype(int)].astype(float)
    grey = small if small.ndim == 2 else np.einsum("hwc,c->hw", small, np.array([299, 587, 114]) / 1000)
    return np.float32(grey / 255)[np.newaxis, ..., np.newaxis]

def answer(logits):
    man, woman = (float(z) for z in logits[0])
    return "woman" if woman > man else "man", 1 / (1 + np.exp(-abs(man - woman)))
"""), ("a helper inside, Lanczos, a list", """
def prepare(picture):
    from PIL import ImageOps
    def scaled(image):
        return image.resize((48, 48), Image.Resampling.LANCZOS)
    grey = ImageOps.grayscale(Image.fromarray(np.ascontiguousarray(picture)))
    return np.array(scaled(grey), dtype="float32")[None, :, :, None] / np.float32(255)

def answer(logits):
    z = logits.astype(np.float64).ravel()
    shares = np.exp(z - np.logaddexp(*z))
    label, share = max(zip(("man", "woman"), shares), key=lambda pair: pair[1])
    return [label, share]
""")],
}
