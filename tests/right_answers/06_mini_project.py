"""Right answers of lab 06 in other forms than the solution: each must pass."""
RIGHT = {
    "train": [
        ("a subclassed Keras network, its own fit", """
def train(faces):
    keras = tf.keras.layers

    class Small(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.parts = [layer for filters in (8, 16, 32) for layer in (
                keras.Conv2D(filters, 3, padding="same", activation="relu"), keras.MaxPooling2D())]
            self.head = tf.keras.Sequential([keras.Flatten(), keras.Dense(2)])
            self.input_shape = (48, 48, 1)

        def call(self, x, training=False):
            for part in self.parts:
                x = part(x)
            return self.head(x)
    tf.keras.utils.set_random_seed(1)
    model = Small()
    model.compile(tf.keras.optimizers.Adam(3e-3), tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(faces.x_train, faces.y_train, batch_size=32, epochs=6, verbose=0)
    return model
"""), ("the better of two on the validation faces", """
def train(faces):
    found = []
    for rate in (1e-3, 3e-3):
        network = networks.three_convolutions()
        curves = training.fit(network, faces, epochs=6, batch_size=32, learning_rate=rate)
        found.append((max(curves["val_accuracy"]), rate, network))
    return max(found)[2]
""")],
    "read_face": [
        ("the size first, the crop by hand", '''%%writefile infer-2-read.py
def read_face(path):
    if not os.path.isfile(path):
        raise ValueError("there is no such file")
    content = Path(path).read_bytes()
    if len(content) == 2304 and content[:4] not in (b"\\x89PNG", b"\\xff\\xd8\\xff\\xe0", b"\\xff\\xd8\\xff\\xe1"):
        return np.array(list(content), np.float32).reshape(48, 48, 1) / 255
    try:
        image = Image.open(io.BytesIO(content), formats=("png", "jpeg"))
        image = ImageOps.exif_transpose(image)
        if "16" in image.mode or image.mode == "I":
            image = Image.fromarray(np.uint8(np.round(np.asarray(image, float) / 257)))
        grey, side = image.convert("L"), min(image.size)
    except Exception as error:
        raise ValueError("no image") from error
    left, top = (grey.width - side) // 2, (grey.height - side) // 2
    grey = grey.crop((left, top, left + side, top + side))
    if side != 48:
        grey = grey.resize((48, 48), Image.Resampling.BOX)
    return np.asarray(grey, dtype="f4")[:, :, np.newaxis] / np.float32(255)
'''), ("a helper, an error class of its own, float64 on the way", '''%%writefile infer-2-read.py
class NoFace(ValueError):
    """There is no face in the file."""


def opened(path):
    with open(path, "rb") as file:
        with Image.open(file, formats=["PNG", "JPEG"]) as image:
            image.load()
            if image.getexif().get(0x0112) == 6:
                image = image.transpose(Image.Transpose.ROTATE_270)
            if image.mode.startswith("I;16"):
                return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            return image.convert("L")


def read_face(path):
    try:
        levels = np.array(ImageOps.fit(opened(path), (48, 48), centering=(0.5, 0.5)))
    except Image.UnidentifiedImageError:
        levels = np.fromfile(path, np.uint8)
        if levels.size != 2304:
            raise NoFace(f"{levels.size} bytes")
    except (OSError, SyntaxError) as error:
        raise NoFace(str(error))
    return (levels.astype(np.float64) / 255).astype(np.float32).reshape(48, 48, 1)
''')],
    "answer": [
        ("a generator of batches, the logistic function", '''%%writefile infer-3-answer.py
def batches(paths, refused):
    batch = []
    for path in paths:
        try:
            batch.append((path, read_face(path)))
        except ValueError as reason:
            refused.append(path)
            sys.stderr.write(f"{path}: {reason}\\n")
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def answer(paths, model):
    refused = []
    for batch in batches(paths, refused):
        logits = np.array(model(np.array([face for _, face in batch])), np.float64)
        for (path, _), (man, woman) in zip(batch, logits):
            label = LABELS[int(woman > man)]
            print(path, label, "%.4f" % (1 / (1 + np.exp(-abs(man - woman)))), sep="\\t")
    return min(1, len(refused))
'''), ("TensorFlow's softmax, tensors, True for 1", '''%%writefile infer-3-answer.py
def answer(paths, model):
    import tensorflow as tf
    failed = False
    for first in range(0, len(paths), BATCH):
        known = {}
        for number, path in enumerate(paths[first:first + BATCH]):
            try:
                known[number] = (path, tf.constant(read_face(path)))
            except ValueError as error:
                failed = True
                print(path, error, sep=": ", file=sys.stderr)
        if known:
            p = tf.nn.softmax(model(tf.stack([image for _, image in known.values()])), axis=-1)
            for (path, _), row in zip(known.values(), p.numpy()):
                sys.stdout.write(path + "\\t" + LABELS[row.argmax()] + "\\t" + format(row.max(), ".4f") + "\\n")
    return int(failed)
''')],
    "train_dx": [
        ("not compiled, Keras' cross-entropy, training=False", """
def train_dx(model, x, wrong, lam):
    cross_entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    dx, adam = tf.Variable(tf.zeros(x.shape)), tf.keras.optimizers.Adam(learning_rate=0.01)
    for _ in range(150):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(dx)
            value = cross_entropy(tf.constant([wrong]), model(x + dx, training=False)) + lam * tf.math.reduce_mean(tf.square(dx))
        adam.apply_gradients([(tape.gradient(value, dx), dx)])
        dx.assign(tf.maximum(tf.minimum(dx, 1 - x), -x))
    return dx
"""), ("Adam by hand in NumPy, the gradient of the penalty too", """
def train_dx(model, x, wrong, lam):
    x = np.asarray(x)
    dx, m, v = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for t in range(1, 201):
        with tf.GradientTape() as tape:
            image = tf.constant(x + dx)
            tape.watch(image)
            loss = -tf.nn.log_softmax(model(image))[0, wrong]
        g = tape.gradient(loss, image).numpy() + 2 * lam * dx / dx.size
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        dx = dx - 0.005 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
        dx = (np.clip(x + dx, 0, 1) - x).astype(np.float32)
    return dx
""")],
    "survive": [
        ("whole numbers for t, TensorFlow", """
def survive(model, x, dx, wrong):
    for twentieths in range(20, 81):
        modified = tf.round(255 * tf.clip_by_value(x + twentieths / 20 * dx, 0, 1)) / 255
        logits = tf.constant(model(modified))
        if int(tf.argmax(logits, axis=-1)[0]) == wrong:
            return modified
    raise ValueError("none")
"""), ("a half added and cut off, all images first", """
def survive(model, x, dx, wrong):
    x, dx = np.asarray(x, np.float64), np.asarray(dx, np.float64)
    images = (np.floor(255 * np.minimum(np.maximum(x + t * dx, 0), 1) + 0.5) / 255 for t in np.linspace(1, 4, 61))
    fooling = [image for image in map(np.float32, images) if np.asarray(model(image))[0].argmax() == wrong]
    if not fooling:
        raise ValueError("none of the 61")
    return fooling[0]
""")],
    "save_images": [
        ("from the grey levels, with open", """
def save_images(x, modified, names):
    ori, mod = (np.rint(255 * np.squeeze(image)).astype(np.int32) for image in (x, modified))
    amp = np.minimum(50 * abs(mod - ori), 255)
    for kind, levels in zip(("ori", "mod", "amp"), (ori, mod, amp)):
        stem = "_".join(["adv", *names, kind])
        with open(stem + ".raw", "wb") as file:
            file.write(bytes(levels.ravel().tolist()))
        Image.frombytes("L", (48, 48), levels.astype("uint8").tobytes()).save(stem + ".png")
    return names
"""), ("TensorFlow writes the files, tensors", """
def save_images(x, modified, names):
    x, modified = tf.constant(x), tf.constant(modified)
    def write(kind, image):
        levels = tf.cast(tf.round(255 * image[0]), tf.uint8)
        tf.io.write_file(f"adv_{names[0]}_{names[1]}_{kind}.png", tf.io.encode_png(levels))
        levels.numpy().tofile(f"adv_{names[0]}_{names[1]}_{kind}.raw")
    write("ori", x)
    write("mod", modified)
    write("amp", tf.minimum(50 * tf.abs(modified - x), 1.0))
""")],
}
