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
    return total + (48 // 2**blocks)**2 * 32.0 * 50 + 50 + 51 * 2
""")],
    "block": [
        ("as on the slides, a Module for each convolution, a loop that appends", """
class Convolution(tf.Module):
    def __init__(self, inputs, outputs, size):
        super().__init__()
        self.weights = tf.Variable(tf.random.normal([size, size, inputs, outputs],
                                                    stddev=(2 / (size * size * inputs)) ** 0.5, seed=1))
        self.bias = tf.Variable([0.0] * outputs)

    def __call__(self, x):
        return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, self.weights, strides=[1, 1, 1, 1], padding="SAME"), self.bias))


class DenseBlock(tf.Module):
    def __init__(self, inputs, filters, convolutions, outputs):
        super().__init__(name="block")
        self.block = []
        for i in range(convolutions):
            self.block.append(Convolution(inputs + i * filters, filters, 3))
        self.reduction = Convolution(inputs + convolutions * filters, outputs, 1)

    def __call__(self, x, training=False):
        for layer in self.block:
            x = tf.concat([x, layer(x)], axis=3)
        return self.reduction(tf.nn.max_pool(x, 2, 2, "VALID"))
"""), ("attributes by name, biases in another order than kernels, a compiled call, the reduction as a matrix product", """
class DenseBlock(tf.Module):
    def __init__(self, inputs, filters, convolutions, outputs):
        rng = np.random.default_rng(1)
        self.kernels, self.number, self.total = {}, convolutions, inputs + convolutions * filters
        for i in range(convolutions):
            channels = inputs + i * filters
            limit = np.sqrt(6 / (9 * channels))
            self.kernels[i] = tf.Variable(np.float32(rng.uniform(-limit, limit, [3, 3, channels, filters])))
            setattr(self, f"bias_{convolutions - i}", tf.Variable(tf.zeros([filters]), name="b"))
        self.reduction = tf.Variable(tf.keras.initializers.HeNormal()([1, 1, self.total, outputs]))
        self.shift = tf.Variable(np.zeros(outputs, np.float32))

    @tf.function
    def __call__(self, x, training=False):
        parts = [x]
        for i in range(self.number):
            features = tf.nn.convolution(tf.concat(parts, 3), self.kernels[i], padding="SAME")
            parts.append(tf.maximum(features + getattr(self, f"bias_{self.number - i}"), 0))
        small = tf.nn.pool(tf.concat(parts, 3), [2, 2], "MAX", strides=[2, 2])
        return tf.nn.relu(tf.tensordot(small, self.reduction[0, 0], 1) + self.shift)
"""), ("tuples, the kernel as padded shifts, einsum, windows by reshape", """
def variables(size, channels, made):
    return tuple(map(tf.Variable, (tf.keras.initializers.he_normal(seed=2)((size, size, channels, made)), tf.zeros(made))))


class DenseBlock(tf.Module):
    def __init__(self, inputs, filters, convolutions, outputs):
        super().__init__()
        sizes = [inputs + i * filters for i in range(convolutions + 1)]
        self.all = tuple(variables(3, size, filters) for size in sizes[:-1]) + (variables(1, sizes[-1], outputs),)

    def convolve(self, x, kernel, bias):
        edge, (rows, columns) = kernel.shape[0] // 2, x.shape[1:3]
        padded = tf.pad(x, [[0, 0], [edge, edge], [edge, edge], [0, 0]])
        total = sum(tf.einsum("nhwc,cd->nhwd", padded[:, i:i + rows, j:j + columns], kernel[i, j])
                    for i in range(kernel.shape[0]) for j in range(kernel.shape[1]))
        return tf.nn.relu(total + bias)

    def __call__(self, x, training=False):
        *most, last = self.all
        for pair in most:
            x = tf.concat((x, self.convolve(x, *pair)), axis=-1)
        rows, columns = x.shape[1] // 2, x.shape[2] // 2
        windows = tf.reshape(x[:, :2 * rows, :2 * columns], [-1, rows, 2, columns, 2, x.shape[3]])
        return self.convolve(tf.reduce_max(windows, axis=[2, 4]), *last)
""")],
    "resume": [
        ("without a manager, the optimizer counts the steps", """
def train_to(steps, folder, every, model, optimizer, take_step):
    state = tf.train.Checkpoint(model=model, optimizer=optimizer)
    newest = tf.train.latest_checkpoint(folder)
    if newest:
        state.restore(newest)
    start = number = int(optimizer.iterations)
    while number < steps:
        take_step(number)
        number += 1
        if number % every == 0 or number == steps:
            state.save(folder + "/ckpt")
    return start
"""), ("the number is in the name of the file, built before, all checkpoints kept", """
def train_to(steps, folder, every, model, optimizer, take_step):
    optimizer.build(model.trainable_variables)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(all=[model, optimizer]), folder, max_to_keep=None)
    path = manager.restore_or_initialize()
    done = int(path.split("-")[-1]) if path else 0
    for number in range(done, steps):
        take_step(number)
        if not (number + 1) % every or number == steps - 1:
            manager.save(checkpoint_number=number + 1)
    return tf.constant(done)
"""), ("NumPy files, written whole, in pieces between two checkpoints", """
def train_to(steps, folder, every, model, optimizer, take_step):
    import os
    optimizer.build(model.trainable_variables)
    place, state = os.path.join(folder, "newest.npz"), [*model.variables, *optimizer.variables]
    begun = done = 0
    if os.path.exists(place):
        with np.load(place) as kept:
            begun = done = int(kept["done"])
            for i, variable in enumerate(state):
                variable.assign(kept[f"v{i}"])
    while done < steps:
        end = min(steps, (done // every + 1) * every)
        for number in range(done, end):
            take_step(number)
        done = end
        np.savez(place + ".new.npz", done=done, **{f"v{i}": variable.numpy() for i, variable in enumerate(state)})
        os.replace(place + ".new.npz", place)
    return begun
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
        layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D())]
        + [layers.Flatten(), layers.Dense(2)])
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
