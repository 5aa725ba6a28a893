"""Right answers of lab 03 in other forms than the solution: each must pass."""
SUBCLASSED = """
def build_lenet():
    layers = tf.keras.layers

    class LeNet(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.out, self.flat, self.pool = layers.Dense(10), layers.Flatten(), layers.MaxPooling2D()
            self.dense = [layers.Dense(n, activation="relu") for n in (120, 84)]
            self.second, self.first = layers.Conv2D(16, 5, activation="relu"), layers.Conv2D(6, 5, activation="relu")

        def call(self, images):
            x = self.pool(self.second(self.pool(self.first(images))))
            return self.out(self.dense[1](self.dense[0](self.flat(x))))
    model = LeNet()
    {build}
    return model
"""
RIGHT = {
    "count": [
        ("counted by loops, an array", """
def count_parameters(side, k, maps):
    dense = local = 0
    for row in range(side - k + 1):
        for column in range(side - k + 1):
            dense += maps * (side**2 + 1)
            local += maps * (k**2 + 1)
    return np.array([dense, local, maps * (k**2 + 1)])
"""), ("floats in a list", """
def count_parameters(side, k, maps):
    places = np.square(side - k + 1.0)
    return [places * maps * (side**2 + 1), places * maps * (k**2 + 1), maps * k**2 + maps]
""")],
    "pool": [
        ("a loop over the windows, float64", """
def max_pool(x):
    n, h, w, c = x.shape
    result = np.zeros((n, h // 2, w // 2, c))
    for i in range(h // 2):
        for j in range(w // 2):
            result[:, i, j] = np.max(x[:, 2 * i:2 * i + 2, 2 * j:2 * j + 2], axis=(1, 2))
    return result
"""), ("four slices", """
def max_pool(x):
    h, w = x.shape[1] // 2, x.shape[2] // 2
    a, b, c, d = (x[:, i::2, j::2][:, :h, :w] for i in (0, 1) for j in (0, 1))
    return np.maximum(np.maximum(a, b), np.maximum(c, d))
"""), ("sliding windows", """
def max_pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))[:, ::2, ::2]
    return list(windows.max(axis=(-1, -2)))
""")],
    "build": [
        ("a subclassed model, not built, layers in another order", SUBCLASSED.format(build="pass")),
        ("a subclassed model, built", SUBCLASSED.format(build="model.build([None, 28, 28, 1])")),
        ("functional, activations as layers, ReLU after the pooling", """
def build_lenet():
    L = tf.keras.layers
    images = x = tf.keras.Input((28, 28, 1), name="images")
    for filters in (6, 16):
        x = L.ReLU()(L.MaxPool2D((2, 2))(L.Conv2D(filters, (5, 5), padding="valid")(x)))
    x = L.Reshape([256])(x)
    for units in (120, 84):
        x = L.Activation(tf.nn.relu)(L.Dense(units)(x))
    return tf.keras.Model(images, L.Dense(10, activation="linear")(x))
"""), ("Sequential, add, no Input, compiled", """
def build_lenet():
    model = tf.keras.Sequential()
    for layer in [tf.keras.layers.Conv2D(6, 5, activation="relu"), tf.keras.layers.MaxPool2D(),
                  tf.keras.layers.Conv2D(16, 5, activation="relu"), tf.keras.layers.MaxPool2D(), tf.keras.layers.Flatten(),
                  *(tf.keras.layers.Dense(n, "relu") for n in (120, 84)), tf.keras.layers.Dense(10)]:
        model.add(layer)
    model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
"""), ("input_shape in the first layer", """
def build_lenet():
    layers = tf.keras.layers
    return tf.keras.Sequential([
        layers.Conv2D(6, 5, activation="relu", input_shape=(28, 28, 1)), layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(120, "relu"), layers.Dense(84, "relu"), layers.Dense(10)])
""")],
    "shift": [
        ("slices, for each sign its own", """
def shift(images, down, right):
    moved = np.zeros_like(images)
    h, w = images.shape[1:3]
    for n, (d, r) in enumerate(zip(down, right)):
        moved[n, max(d, 0):h + min(d, 0), max(r, 0):w + min(r, 0)] = \\
            images[n, max(-d, 0):h - max(d, 0), max(-r, 0):w - max(r, 0)]
    return moved
"""), ("a loop over the pixels, float64", """
def shift(images, down, right):
    n, h, w, _ = images.shape
    moved = np.zeros((n, h, w, 1))
    for k, i, j in np.ndindex(n, h, w):
        row, column = i - down[k], j - right[k]
        if 0 <= row < h and 0 <= column < w:
            moved[k, i, j] = images[k, row, column]
    return moved
"""), ("roll, then black, in a list", """
def shift(images, down, right):
    moved = []
    for image, d, r in zip(images, down, right):
        image = np.roll(np.roll(image, d, 0), r, 1)
        image[:d if d > 0 else 0] = 0
        image[:, :max(r, 0)] = 0
        if d < 0:
            image[d:] = 0
        if r < 0:
            image[:, r:] = 0
        moved.append(image)
    return moved
""")],
    "prepare": [
        ("a loss as a function, more measures, other names, zip", """
def prepare(network, steps):
    def cross_entropy(y, z):
        return tf.keras.losses.sparse_categorical_crossentropy(y, z, from_logits=True)
    schedule = tf.keras.optimizers.schedules.CosineDecay(initial_learning_rate=2e-3, decay_steps=steps)
    network.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=schedule), loss=cross_entropy, metrics=["accuracy"],
                    steps_per_execution=4)
    return network

def batches(images, labels, change, size):
    x, y = (tf.data.Dataset.from_tensor_slices(part) for part in (images, labels))
    def changed(x, y):
        return change(x), y
    return tf.data.Dataset.zip((x, y)).shuffle(10_000, seed=3).batch(size).map(changed, num_parallel_calls=1).prefetch(1)
"""), ("a schedule of one's own, a generator with NumPy's order", """
class Half(tf.keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        return 0.001 * (1 + tf.cos(np.pi * tf.cast(step, tf.float32) / self.steps))

def prepare(network, steps):
    network.compile(tf.keras.optimizers.Adam(Half(steps)), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return network

def batches(images, labels, change, size):
    rng = np.random.default_rng(5)
    def order():
        yield from rng.permutation(len(labels))
    numbers = tf.data.Dataset.from_generator(order, output_signature=tf.TensorSpec([], tf.int64)).batch(size)
    return numbers.map(lambda n: (change(tf.gather(tf.constant(images), n)), tf.gather(tf.constant(labels), n)))
""")],
    "train": [
        ("one epoch at a time with shifted copies, the rate by hand", """
def train(digits):
    tf.keras.utils.set_random_seed(1)
    rng, epochs = np.random.default_rng(1), 12
    model = networks.lenet(padding="valid")
    model.compile(tf.keras.optimizers.Adam(2e-3), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  steps_per_execution=10)
    for epoch in range(epochs):
        model.optimizer.learning_rate = 2e-3 * (1 + np.cos(np.pi * epoch / epochs)) / 2
        d, r = rng.integers(-2, 3, (2, len(digits.x_train)))
        moved = np.stack([np.pad(image, [(2, 2), (2, 2), (0, 0)])[2 - a:30 - a, 2 - b:30 - b]
                          for image, a, b in zip(digits.x_train, d, r)])
        model.fit(moved, digits.y_train, batch_size=64, verbose=0)
    return model
"""), ("a network of one's own without Input, augmented in map", """
def train(digits):
    tf.keras.utils.set_random_seed(2)
    L, g = tf.keras.layers, tf.random.Generator.from_seed(2)
    model = tf.keras.Sequential([L.Conv2D(8, 5, activation="relu"), L.MaxPooling2D(), L.Conv2D(16, 5, activation="relu"),
                                 L.MaxPooling2D(), L.Flatten(), L.Dense(100, activation="relu"), L.Dense(10)])
    batches = tf.data.Dataset.from_tensor_slices((digits.x_train, digits.y_train)).shuffle(4000, seed=0).batch(64)
    batches = batches.map(lambda x, y: (augment.digits(x, g), y))
    model.compile(tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(2e-3, 12 * len(batches))),
                  tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), steps_per_execution=10)
    model.fit(batches, epochs=12, verbose=0)
    return model
""")],
    "exciting": [
        ("loops and sorted", """
def most_exciting(maps, count):
    rows = []
    for c in range(maps.shape[-1]):
        rows.append(sorted(range(len(maps)), key=lambda n: -np.max(maps[n, :, :, c]))[:count])
    return rows
"""), ("sorted upwards, from the end", """
def most_exciting(maps, count):
    peaks = np.amax(maps.reshape(len(maps), -1, maps.shape[-1]).astype(np.float64), axis=1).T
    return np.argsort(peaks, axis=1)[:, ::-1][:, :count]
""")],
    "mistakes": [
        ("loops", """
def confusion(labels, answers, classes):
    matrix = [[0] * classes for _ in range(classes)]
    for label, answer in zip(labels, answers):
        matrix[label][answer] += 1
    return matrix

def worst(logits, labels, count):
    found = []
    for n, (row, label) in enumerate(zip(logits, labels)):
        if np.argmax(row) != label:
            e = np.exp(row.astype(np.float64) - max(row))
            found.append((e[label] / e.sum(), n))
    return [n for _, n in sorted(found)][:count]
"""), ("bincount, log of the softmax, infinity for the right ones", """
def confusion(labels, answers, classes):
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)

def worst(logits, labels, count):
    rows = np.arange(len(labels))
    z = logits - logits.max(1, keepdims=True)
    log_p = z[rows, labels] - np.log(np.exp(z).sum(1))
    wrong = logits.argmax(1) != labels
    return np.argsort(np.where(wrong, log_p, np.inf))[:min(count, wrong.sum())]
""")],
    "sliding": [
        ("loops over the windows", """
def sliding_dense(maps, kernel, bias, side):
    n, h, w, _ = maps.shape
    rows = []
    for i in range(h - side + 1):
        row = [tf.reshape(maps[:, i:i + side, j:j + side], [n, -1]) @ kernel + bias for j in range(w - side + 1)]
        rows.append(tf.stack(row, axis=1))
    return tf.stack(rows, axis=1)
"""), ("patches", """
@tf.function
def sliding_dense(maps, kernel, bias, side):
    patches = tf.image.extract_patches(maps, [1, side, side, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")
    return tf.nn.bias_add(tf.tensordot(patches, kernel, 1), bias)
"""), ("a Keras layer", """
def sliding_dense(maps, kernel, bias, side):
    layer = tf.keras.layers.Conv2D(kernel.shape[1], side)
    layer.build(maps.shape)
    layer.set_weights([np.reshape(kernel, layer.kernel.shape), bias])
    return layer(maps)
""")],
}
