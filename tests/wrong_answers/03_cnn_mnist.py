"""Wrong answers to lab 03: {task: [(words that the check must say, code)]}."""


def count(dense="(side * side + 1) * places * maps", local="(k * k + 1) * places * maps", shared="(k * k + 1) * maps",
          out="side - k + 1", result="dense, local, shared"):
    return (f"def count_parameters(side, k, maps):\n    places = ({out})**2\n    dense = {dense}\n    local = {local}\n"
            f"    shared = {shared}\n    return {result}\n")


def pool(result):
    return (f"def max_pool(x):\n    n, h, w, c = x.shape\n    x = x[:, :h // 2 * 2, :w // 2 * 2]\n"
            f"    h, w = h // 2, w // 2\n    return {result}\n")


PADDED = """
def max_pool(x):
    n, h, w, c = x.shape
    x = np.pad(x, [(0, 0), (0, h % 2), (0, w % 2), (0, 0)], constant_values=-np.inf)
    return x.reshape(n, (h + 1) // 2, 2, (w + 1) // 2, 2, c).max(axis=(2, 4))
"""
POOL_LOOP = """
def int_zeros(shape):
    return np.zeros(shape, int)

def max_pool(x):
    n, h, w, c = x.shape
    result = {start}((n, h // 2, w // 2, c))
    for i in range(h // 2):
        for j in range(w // 2):
            result[:, i, j] = x[:, {window}].max(axis=(1, 2))
    return result
"""
FOUR = "x[:, ::2, ::2], x[:, 1::2, ::2], x[:, ::2, 1::2], x[:, 1::2, 1::2]"

LENET = """
def build_lenet():
    layers = tf.keras.layers
    return tf.keras.Sequential([
        {start}
        layers.Conv2D({first}, 5, activation={activation}{padding}), layers.{pool}(2),
        layers.Conv2D({second}, {k}, activation={activation}), {second_pool}
        layers.Flatten(),
        layers.Dense(120, activation={dense}), layers.Dense(84, activation={dense}), layers.Dense({last}),
    ])
"""


def lenet(start="tf.keras.Input([28, 28, 1]),", first="6", second="16", k="5", activation="'relu'", padding="",
          pool="MaxPooling2D", second_pool=None, dense="'relu'", last="10"):
    return LENET.format(start=start, first=first, second=second, k=k, activation=activation, padding=padding, pool=pool,
                        second_pool=f"layers.{pool}(2)," if second_pool is None else second_pool, dense=dense, last=last)


SUBCLASSED = """
def build_lenet():
    layers = tf.keras.layers

    class LeNet(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.steps = [{layers}]

        def call(self, x):
            x = {seen}
            for step in self.steps:
                x = step(x)
            return x
    return LeNet()
"""


def without(layer):
    """LeNet in which this layer has no activation."""
    return lenet().replace(layer, layer.replace(", activation='relu'", ""))


def shift(window="image[f - d:f - d + h, f - r:f - r + w]", pad="", copy="images", result="np.stack(moved)",
          frame="10"):
    return (f"def shift(images, down, right):\n    h, w, f = images.shape[1], images.shape[2], {frame}\n"
            f"    framed = np.pad({copy}, [(0, 0), (f, f), (f, f), (0, 0)]{pad})\n    moved = []\n"
            f"    for image, d, r in zip(framed, down, right):\n        moved.append({window})\n    return {result}\n")


ROLL = """
def shift(images, down, right):
    return np.stack([np.roll(image, (d, r), axis=(0, 1)) for image, d, r in zip(images, down, right)])
"""
SCIPY = """
def shift(images, down, right):
    from scipy import ndimage
    return np.stack([ndimage.shift(image, (d, r, 0), order=0) for image, d, r in zip(images, down, right)])
"""
IN_PLACE = """
def shift(images, down, right):
    for n, (d, r) in enumerate(zip(down, right)):
        image = np.pad(images[n], [(10, 10), (10, 10), (0, 0)])
        images[n] = image[10 - d:10 - d + images.shape[1], 10 - r:10 - r + images.shape[2]]
    return images
"""
SHIFT_FRAMED = """
def shift(images, down, right):
    f = max(np.abs(down).max(), np.abs(right).max())
    return np.pad(images, [(0, 0), (f, f), (f, f), (0, 0)])
"""
SHIFT_SLICES = """
def shift(images, down, right):
    moved = np.zeros_like(images)
    for n, (d, r) in enumerate(zip(down, right)):
        moved[n, d:, r:] = images[n, :-d, :-r]
    return moved
"""
SHIFT_ROLLED = """
def shift(images, down, right):
    moved = []
    for image, d, r in zip(images, down, right):
        image = np.roll(image, (d, r), axis=(0, 1))
        {rows}
        {columns}
        moved.append(image)
    return np.stack(moved)
"""
SHIFT_INTO = """
def shift(images, down, right):
    f, moved = {frame}, np.zeros_like(images)
    framed = np.pad(images, [(0, 0), (f, f), (f, f), (0, 0)])
    n, h, w, _ = images.shape
    for n, (d, r) in enumerate(zip(down, right)):
        window = framed[n, max(f - d, 0):f - d + h, max(f - r, 0):f - r + w]
        moved[n, :window.shape[0], :window.shape[1]] = window
    return moved
"""
PREPARE = """
def prepare(network, steps):
    rate = {rate}
    network.compile({optimizer}, {loss})
    return {result}


def batches(images, labels, change, size):
    return {pipeline}
"""
PAIRS = ("tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(labels), seed=1).batch(size).map(lambda x, y: "
         "(change(x), y))")


def prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.002, steps)", optimizer="tf.keras.optimizers.Adam(rate)",
            loss="tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)", result="network", pipeline=PAIRS):
    return PREPARE.format(rate=rate, optimizer=optimizer, loss=loss, result=result, pipeline=pipeline)


def piped(before, after):
    assert before in PAIRS
    return prepare(pipeline=PAIRS.replace(before, after))


TRAIN = """
def train(digits):
    tf.keras.utils.set_random_seed(0)
    model = {model}
    model.compile(tf.keras.optimizers.Adam({rate}), tf.keras.losses.SparseCategoricalCrossentropy(from_logits={logits}))
    {fit}
    return {result}
"""


def train(model="networks.lenet(padding='valid')", rate="2e-3", logits="True",
          fit="model.fit(digits.x_train[:2000], digits.y_train[:2000], epochs=1, verbose=0)", result="model"):
    return TRAIN.format(model=model, rate=rate, logits=logits, fit=fit, result=result)


FIT = "model.fit({x}, digits.y_train, epochs={epochs}, verbose=0)"
FEW = "model.fit(digits.x_train[:1200], digits.y_train[:1200], epochs=6, verbose=0)"
PIPELINE = """batches = tf.data.Dataset.from_tensor_slices((digits.x_train, digits.y_train)){batch}
    generator = {generator}
    batches = batches.map(lambda x, y: (augment.digits(x, generator), y))
    model.fit(batches, epochs=1, verbose=0)"""


def exciting(peaks="maps.max(axis=(1, 2))", result="np.argsort(-peaks, axis=0)[:count].T"):
    return f"def most_exciting(maps, count):\n    peaks = {peaks}\n    return {result}\n"


MISTAKES = """
def confusion(labels, answers, classes):
    matrix = np.zeros((classes, classes), int)
    {add}
    return {matrix}

def worst(logits, labels, count):
    p = np.exp(logits - logits.max(1)[:, None])
    p = {softmax}
    wrong = np.flatnonzero({chosen})
    order = np.argsort({sort})
    return {result}
"""


def mistakes(add="np.add.at(matrix, (labels, answers), 1)", matrix="matrix", softmax="p / p.sum(1)[:, None]",
             chosen="np.argmax(logits, 1) != labels", sort="p[wrong, labels[wrong]]", result="wrong[order][:count]"):
    return MISTAKES.format(add=add, matrix=matrix, softmax=softmax, chosen=chosen, sort=sort, result=result)


def sliding(kernel="tf.reshape(kernel, [side, side, -1, kernel.shape[1]])", stride="1", padding="VALID", end=" + bias"):
    return (f"def sliding_dense(maps, kernel, bias, side):\n    cube = {kernel}\n"
            f"    y = tf.nn.conv2d(maps, cube, {stride}, '{padding}'){end}\n    return y\n")


WRONG = {
    "count": [
        ("dense: the biases are missing", count(dense="side * side * places * maps")),
        ("locally connected: the biases are missing", count(local="k * k * places * maps")),
        ("shared: the biases are missing", count(shared="k * k * maps")),
        ("one bias, not one for each position", count(shared="k * k * maps + places * maps")),
        ("share one set of weights", count(shared="(k * k + 1) * places * maps")),
        ("a bias of its own", count(dense="side * side * places * maps + maps")),
        ("one more than side - k", count(out="side - k")),
        ("without padding", count(out="side")),
        ("order is dense", count(result="shared, local, dense")),
        ("order is dense", count(result="local, dense, shared")),
        ("dense: a map has (side - k + 1)^2 positions",
         count(dense="(side * side + 1) * out * maps").replace("places =", "out = side - k + 1; places =")),
        ("locally connected: a map has (side - k + 1)^2 positions",
         count(local="(k * k + 1) * out * maps").replace("places =", "out = side - k + 1; places =")),
        ("as its side, squared", count(dense="(side + 1) * places * maps")),
        ("nothing is shared here", count(local="k * k * places * maps + 1")),
        ("shared: a square has as many pixels", count(shared="(k + 1) * maps")),
        ("one map only", count(dense="(side * side + 1) * places")),
        ("expected 3: return dense, local, shared", count(result="shared")),
        ("expected 3: return dense, local, shared", count(result="np.array([dense, local])")),
        ("not one for all maps together", count(shared="k * k * maps + 1", result="np.array([dense, local, shared])")),
    ],
    "pool": [
        ("mean of the four", pool(f"np.mean([{FOUR}], axis=0)")),
        ("smallest of the four", pool(f"np.min([{FOUR}], axis=0)")),
        ("moves by one pixel", "def max_pool(x):\n    return np.max([x[:, :-1, :-1], x[:, 1:, :-1], x[:, :-1, 1:], x[:, "
                               "1:, 1:]], axis=0)"),
        ("one pixel of each window", pool("x[:, ::2, ::2]")),
        ("The four are not neighbours", pool("x.reshape(n, 2, h, 2, w, c).max(axis=(1, 3))")),
        ("columns are not", pool("x.reshape(n, h, 2, 2 * w, c).max(axis=2)")),
        ("over the channels too", pool("x.reshape(n, h, 2, w, 2, c).max(axis=(2, 4, 5))")),
        ("without a partner is kept", PADDED),
        ("Negative numbers are lost", pool("np.maximum(0, x.reshape(n, h, 2, w, 2, c).max(axis=(2, 4)))")),
        ("leaves the work to tf", "def max_pool(x):\n    return tf.nn.max_pool2d(x, 2, 2, 'VALID').numpy()"),
        ("leaves the work to tf", "def max_pool(x):\n    return tf.keras.layers.MaxPooling2D()(x).numpy()"),
        ("Cut x to an even number of rows", "def max_pool(x):\n    n, h, w, c = x.shape\n"
                                            "    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))"),
        ("Cut x to an even number of rows", f"def max_pool(x):\n    return np.maximum.reduce([{FOUR}])"),
        ("Cut x to an even number of rows", f"def max_pool(x):\n    return np.max([{FOUR}], axis=0)"),
        ("window i begins at row 2 * i", POOL_LOOP.format(start="np.zeros", window="i:i + 2, j:j + 2")),
        ("The windows overlap", POOL_LOOP.format(start="np.zeros", window="2 * i:2 * i + 3, 2 * j:2 * j + 3")),
        ("Negative numbers are lost", POOL_LOOP.format(start="np.zeros", window="2 * i:2 * i + 2, 2 * j:2 * j + 2")
            .replace("x[", "np.maximum(x, 0)[")),
        ("holds whole numbers", POOL_LOOP.format(start="int_zeros", window="2 * i:2 * i + 2, 2 * j:2 * j + 2")),
        ("changes its argument x in place",
         "def max_pool(x):\n    n, h, w, c = x.shape\n    x = x[:, :h // 2 * 2, :w // 2 * 2]\n    a = x[:, ::2]\n"
            "    np.maximum(a, x[:, 1::2], out=a)\n    return np.maximum(a[:, :, ::2], a[:, :, 1::2])"),
        ("Only two of the four", pool("np.maximum(x[:, ::2, ::2], x[:, 1::2, 1::2])")),
        ("one pixel of each window", pool("x[:, 1::2, 1::2]")),
        ("expected numbers", pool("[x, 'x']")),
    ],
    "build": [
        ("softmax: logits are required", lenet(last="10, activation='softmax'")),
        ("a logit may be negative", lenet(last="10, activation='relu'")),
        ("first maps are 28x28", lenet(padding=", padding='same'")),
        ("convolutions have no ReLU", lenet(activation="None")),
        ("The first convolution has no ReLU", without("Conv2D(6, 5, activation='relu')")),
        ("The second convolution has no ReLU", without("Conv2D(16, 5, activation='relu')")),
        ("The first dense layer has no ReLU", without("Dense(120, activation='relu')")),
        ("The second dense layer has no ReLU", without("Dense(84, activation='relu')")),
        ("dense layers have no ReLU", lenet(dense="None")),
        ("no ReLU at all", lenet(activation="None", dense="None")),
        ("sigmoid", lenet(activation="'sigmoid'", dense="'sigmoid'")),
        ("tanh", lenet(activation="'tanh'", dense="'tanh'")),
        ("takes means", lenet(pool="AveragePooling2D")),
        ("no second pooling", lenet(second_pool="")),
        ("[6, 6] filters", lenet(second="6")),
        ("[120, 84, 84] units", lenet(last="84")),
        ("are the filters 5x5", lenet(k="3")),
        ("[28, 28, 1], with its channel last", lenet(start="tf.keras.Input([28, 28]),")),
        ("the number of images is not named", lenet(start="tf.keras.Input([1, 28, 28, 1]),")),
        ("with its channel last", lenet(start="tf.keras.Input([1, 28, 28]),")),
        ("Flatten gives it all", lenet().replace("layers.Flatten(),", "")),
        ("Flatten gives it all", lenet().replace("layers.Flatten()", "layers.GlobalAveragePooling2D()")),
        ("padding of both convolutions",
         lenet(padding=", padding='same'").replace("Conv2D(16, 5", "Conv2D(16, 5, padding='same'")),
        ("5184 numbers go into", lenet().replace("MaxPooling2D(2)", "MaxPooling2D(2, 1)")),
        ("A bias is missing", lenet().replace("Dense(10)", "Dense(10, use_bias=False)")),
        ("a layer too many", lenet().replace("layers.Flatten(),", "layers.BatchNormalization(), layers.Flatten(),")),
        ("the table has no such layer", lenet().replace("layers.Dense(10)", "layers.Dropout(0.5, seed=1), layers.Dense(10)")),
        ("Your model stops with", SUBCLASSED.format(layers="layers.Conv2D(6, 5, activation='relu')", seen="x[..., 0]")),
        ("units, expected [120, 84, 10]",
         SUBCLASSED.format(layers="layers.Conv2D(6, 5), layers.Conv2D(16, 5), layers.Flatten(), layers.Dense(10)", seen="x")),
        ("return a Keras model", lenet().replace("return tf.keras.Sequential(", "return list(")),
        ("expected [28, 28, 1]", lenet(start="tf.keras.Input([32, 32, 1]),")),
        ("84, then 120 units", lenet().replace("(120", "(n").replace("(84", "(120").replace("(n", "(84")),
        ("uses networks, which is part of utils", "def build_lenet():\n    return networks.lenet(padding='valid')"),
    ],
    "shift": [
        ("np.roll does not do it", ROLL),
        ("move the other way", shift("image[f + d:f + d + h, f + r:f + r + w]")),
        ("down and right are swapped", shift("image[f - r:f - r + h, f - d:f - d + w]")),
        ("Up and down are swapped", shift("image[f + d:f + d + h, f - r:f - r + w]")),
        ("Right and left are swapped", shift("image[f - d:f - d + h, f + r:f + r + w]")),
        ("edge is repeated", shift(pad=", 'edge'")),
        ("each has its own shift", shift("image[f - down[0]:f - down[0] + h, f - right[0]:f - right[0] + w]")),
        ("The frame is still there", SHIFT_FRAMED),
        ("changes its argument images in place", IN_PLACE),
        ("[:-d] is empty for d = 0", SHIFT_SLICES),
        ("[d:] for d < 0", SHIFT_ROLLED.format(rows="image[:d] = 0", columns="image[:, :r] = 0")),
        ("when a shift is negative", SHIFT_ROLLED.format(rows="image[:max(d, 0)] = 0", columns="image[:, :max(r, 0)] = 0")),
        ("keep its sign", shift().replace("zip(framed, down, right)", "zip(framed, abs(down), abs(right))")),
        ("Negative shifts are ignored", shift().replace("zip(framed, down, right)", "zip(framed, down.clip(0), right.clip(0))")),
        ("as wide as the largest shift", SHIFT_INTO.format(frame="3")),
        ("as wide as the largest shift", shift(frame="3")),
        ("as wide as the largest shift", shift(frame="6")),
        ("as wide as the largest shift", shift(frame="max(down.max(), right.max())")),
        ("whatever its sign", shift(frame="max(down.max(), np.abs(right).max())")),
        ("whatever its sign", shift(frame="max(np.abs(down).max(), right.max())")),
        ("whatever its sign", shift(frame="abs(max(down.max(), right.max()))")),
        ("leaves the work to scipy", SCIPY),
        ("uses augment, which is part of utils",
         "def shift(images, down, right):\n    return augment.moved(images, down=down, right=right)"),
    ],
    "prepare": [
        ("it needs from_logits=True", prepare(loss="'sparse_categorical_crossentropy'")),
        ("it needs from_logits=True", prepare(loss="tf.keras.losses.SparseCategoricalCrossentropy()")),
        ("take the sparse cross-entropy", prepare(loss="tf.keras.losses.CategoricalCrossentropy(from_logits=True)")),
        ("0.002 at every step", prepare(rate="2e-3")),
        ("not that of epochs", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.002, steps // 4)")),
        ("the first rate, then the number of steps", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(steps, 0.002)")),
        ("after all", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.002, 2 * steps)")),
        ("along a straight line", prepare(rate="tf.keras.optimizers.schedules.PolynomialDecay(0.002, steps, 0.0)")),
        ("begins at 0.001", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.001, steps)")),
        ("Adam is required", prepare(optimizer="tf.keras.optimizers.SGD(rate)")),
        ("compile gives nothing back", prepare(result="network.compile('adam', 'mse')")),
        ("compile that one", prepare(result="networks.lenet(padding='valid')")
         .replace("networks.lenet(padding='valid')", "tf.keras.models.clone_model(network)")),
        ("not compiled", prepare().replace("network.compile(", "len([1]); (")),
        ("call batch with the size", piped(".batch(size)", "")),
        ("call batch before map",
         prepare(pipeline="tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(labels), seed=1)"
                          ".map(lambda x, y: (change(x), y)).batch(size)")),
        ("nearly in their old order", piped(".shuffle(len(labels), seed=1)", "")),
        ("nearly in their old order",
         prepare(pipeline="tf.data.Dataset.from_tensor_slices((images, labels)).batch(size).shuffle(100, seed=1)"
                          ".map(lambda x, y: (change(x), y))")),
        ("nearly in their old order", piped("shuffle(len(labels), seed=1)", "shuffle(4, seed=1)")),
        ("shuffle again each time", piped("seed=1)", "seed=1, reshuffle_each_iteration=False)")),
        ("`change` is not applied", piped("(change(x), y)", "(x, y)")),
        ("gets both and gives both back", piped("(change(x), y)", "change(x)")),
        ("repeat is not needed", piped(".batch(size)", ".repeat().batch(size)")),
        ("also those of the last, smaller batch", piped(".batch(size)", ".batch(size, drop_remainder=True)")),
        ("so that each epoch is changed anew", prepare(pipeline=PAIRS + ".cache().shuffle(100, seed=1)")),
        ("return the tf.data.Dataset", prepare(pipeline="iter(" + PAIRS + ")")),
        ("len(images) places", piped("len(labels), seed", "1000, seed")),
        ("len(images) places", piped("len(labels), seed", "10 * size, seed")),
        ("that holds all of them: len(images)", piped("len(labels), seed", "100, seed")),
        ("that holds all of them: len(images)", piped("len(labels), seed", "64, seed")),
        ("more than once", prepare(pipeline=PAIRS + ".map(lambda x, y: (change(x), y))")),
        ("more than once", piped("(change(x), y)", "(change(change(x)), y)")),
        ("AdamW, Adam is required", prepare(optimizer="tf.keras.optimizers.AdamW(rate)")),
        ("a pair in brackets", piped("((images, labels))", "(images, labels)")),
        ("The first batch of labels has shape", piped("labels))", "np.eye(10)[labels]))")),
        ("Images and labels are swapped", piped("(change(x), y)", "(y, change(x))")),
        ("take from_tensor_slices", piped("from_tensor_slices", "from_tensors")),
        ("It keeps the first epoch", prepare(pipeline=PAIRS + ".cache()")),
        ("without alpha", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.1)")),
        ("along half a cosine", prepare(rate="tf.keras.optimizers.schedules.CosineDecayRestarts(0.002, steps)")),
        ("along half a cosine", prepare(rate="tf.keras.optimizers.schedules.ExponentialDecay(0.002, steps, 0.5)")),
        ("begins at 0.02, expected 0.002", prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.02, steps)")),
        ("batches uses the variable digits of the notebook", piped("len(labels), seed", "len(digits.y_train), seed")),
        ("do not belong together",
         prepare(pipeline="tf.data.Dataset.zip((tf.data.Dataset.from_tensor_slices(images).shuffle(99, "
                          "seed=1).batch(size).map(change), tf.data.Dataset.from_tensor_slices(labels).shuffle(99, "
                          "seed=2).batch(size)))")),
    ],
    "train": [
        ("close to chance", train(fit="pass")),
        ("not what fit returns", train(fit="pass", result="tf.keras.callbacks.History()")),
        ("looks at x_test", train(fit="model.fit(globals()['digits'].x_test, globals()['digits'].y_test, epochs=1, verbose=0)")),
        ("no values yet: use TensorFlow's functions",
         train(fit=PIPELINE.format(generator="None", batch=".batch(64)").replace("augment.digits(x, generator)", "moved(x)"))
            .replace("    tf.keras", ("    moved = lambda images: np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])[:, :28, :28]\n"
                                      "    tf.keras"), 1)),
        ("outside the valid range of [0, 5)",
         train(model="tf.keras.Sequential([networks.lenet(padding='valid'), tf.keras.layers.Dense(5)])", fit=FEW)),
        ("expected 10 logits",
         train(model="tf.keras.Sequential([networks.lenet(padding='valid'), tf.keras.layers.Dense(5)])", fit="pass")),
        ("gives None", train(fit="pass", result="None")),
        ("must not be changed in place: work on a copy", train(fit="digits.x_train[:] = 0")),
        ("must not be changed in place: work on a copy", train(fit="np.random.default_rng(0).shuffle(digits.y_train)")),
        ("looks at x_test", train(fit="model.fit(digits.x_test, digits.y_test, epochs=1, verbose=0)")),
        ("gives probabilities", train(model="tf.keras.Sequential([networks.lenet(padding='valid'), tf.keras.layers.Softmax()])",
                                      logits="False", fit="pass")),
        ("over all steps, not epochs", train(rate="tf.keras.optimizers.schedules.CosineDecay(2e-3, 30)")),
        ("TypeError: generator is a Generator, expected a tf.random.Generator", train(fit=PIPELINE.format(
            generator="np.random.default_rng(0)", batch=".batch(64)"))),
        ("ValueError: images of shape [28, 28, 1], expected [N, H, W, C]: batch before map", train(fit=PIPELINE.format(
            generator="tf.random.Generator.from_seed(0)", batch=""))),
        ("94.0 % is required", train()),
        ("or let the learning rate fall", train(rate="1e-3", fit=FEW)),
        ("2 pixels away", train(rate="tf.keras.optimizers.schedules.CosineDecay(3e-3, 500)",
                                fit=FIT.format(x="digits.x_train", epochs=4))),
        ("images from 0 to 255", train(fit=FIT.format(x="255 * digits.x_train", epochs=1))),
    ],
    "exciting": [
        ("least excited", exciting(result="np.argsort(peaks, axis=0)[:count].T")),
        ("strongest does not come first", exciting(result="np.argsort(peaks, axis=0)[-count:].T")),
        ("mean over the positions", exciting(peaks="maps.mean(axis=(1, 2))")),
        ("largest absolute value", exciting(peaks="np.abs(maps).max(axis=(1, 2))")),
        ("one column for each channel", exciting(result="np.argsort(-peaks, axis=0)[:count]")),
        ("over the channels of one image", exciting(result="np.argsort(-peaks, axis=1)[:, :count]")),
        ("expected the numbers of the images", exciting(result="-np.sort(-peaks, axis=0)[:count].T")),
        ("np.argsort needs axis=0", exciting(result="np.argsort(-peaks)[:count].T")),
        ("These are the responses", exciting(result="np.sort(-peaks, axis=0)[:count].T")),
        ("positions in all maps", exciting("maps.reshape(-1, maps.shape[-1])")),
        ("An image comes twice",
         exciting("maps.reshape(-1, maps.shape[-1])", "np.argsort(-peaks, axis=0)[:count].T // (maps.shape[1] * maps.shape[2])")),
        ("strongest does not come first", exciting(result="np.sort(np.argsort(-peaks, axis=0)[:count].T, axis=1)")),
        ("mean over the positions", exciting(peaks="maps.sum(axis=(1, 2))")),
        ("are the axes 1 and 2", exciting(peaks="maps.max(axis=(2, 3))")),
        ("are the axes 1 and 2", exciting(peaks="maps.max(axis=(1, 3))")),
        ("changes its argument maps in place", exciting(peaks="np.negative(maps, out=maps).min(axis=(1, 2)) * -1")),
        ("leaves the work to tf", exciting(result="tf.math.top_k(peaks.T, count).indices.numpy()")),
        ("has shape", exciting(result="np.argsort(-peaks, axis=0).T")),
    ],
    "mistakes": [
        ("Rows and columns are swapped", mistakes(add="np.add.at(matrix, (answers, labels), 1)")),
        ("counted once", mistakes(add="matrix[labels, answers] += 1")),
        ("do not fit into uint8", mistakes(matrix="matrix.astype(np.uint8)")),
        ("These are fractions", mistakes(matrix="matrix / matrix.sum(1, keepdims=True)")),
        ("missing on the diagonal", mistakes(matrix="matrix * (1 - np.eye(classes, dtype=int))")),
        ("best of the mistakes", mistakes(sort="-p[wrong, labels[wrong]]")),
        ("answered right are among them", mistakes(chosen="labels >= 0", sort="-p.max(1)")),
        ("numbers come back", mistakes(chosen="labels >= 0")),
        ("depends on all logits", mistakes(sort="(logits[np.arange(len(logits)), labels] - logits.max(1))[wrong]")),
        ("the sum of its own row", mistakes(softmax="p / p.sum()")),
        ("worst uses the variable digits", mistakes(chosen="np.argmax(logits, 1) != digits.y_test[:len(labels)]")),
        ("exp(1000) is infinite", mistakes(softmax="np.exp(logits) / np.exp(logits).sum(1)[:, None]")),
        ("The size is `classes`",
         mistakes().replace("(classes, classes)", "[max(labels.max(), answers.max()) + 1] * 2")),
        ("confusion leaves the work to tf",
         mistakes(matrix="tf.math.confusion_matrix(labels, answers, classes).numpy()")),
        ("worst leaves the work to tf", mistakes(softmax="tf.nn.softmax(logits).numpy()")),
        ("cannot be compared", mistakes(softmax="logits")),
        ("cannot be compared, probabilities can", mistakes(sort="logits[wrong, labels[wrong]]")),
        ("The first `count` are taken before",
         mistakes(result="[n for n in np.argsort(p[np.arange(len(p)), labels])[:count] if n in wrong]")),
        ("over the images (axis 0)", mistakes(softmax="np.exp(logits - logits.max(0)) / np.exp(logits - logits.max(0)).sum(0)")),
        ("subtract the largest of each image",
         mistakes(softmax="np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum(1)[:, None]")),
        ("not ordered", mistakes(result="wrong[:count]")),
        ("largest probability of the answer", mistakes(sort="-p[wrong].max(1)")),
        ("Only the right answers are counted",
         mistakes(add="np.add.at(matrix, (labels[labels == answers], answers[labels == answers]), 1)")),
        ("the classes begin with 0", mistakes(add="np.add.at(matrix, (labels + 1, answers + 1), 1)")),
        ("changes its argument logits in place",
         mistakes(softmax="np.exp(logits - logits.max(1)[:, None])").replace("    wrong =", "    logits -= 1\n    wrong =")),
        ("positions in a list of the mistakes", mistakes(result="order[:count]")),
        ("These are probabilities, expected", mistakes(result="np.sort(p[wrong, labels[wrong]])[:count]")),
    ],
    "sliding": [
        ("bias is missing", sliding(end="")),
        ("use VALID", sliding(padding="SAME")),
        ("There is a ReLU", sliding(end=" + bias\n    y = tf.nn.relu(y)")),
        ("varies fastest: reshape to",
         sliding("tf.transpose(tf.reshape(kernel, [-1, side, side, kernel.shape[1]]), [1, 2, 0, 3])")),
        ("Rows and columns of the kernel",
         sliding("tf.transpose(tf.reshape(kernel, [side, side, -1, kernel.shape[1]]), [1, 0, 2, 3])")),
        ("flipped", sliding("tf.reshape(kernel, [side, side, -1, kernel.shape[1]])[::-1, ::-1]")),
        ("move them by one pixel", sliding(stride="side")),
        ("reshape the matrix", sliding("tf.reshape(kernel, [-1, side, side, kernel.shape[1]])")),
        ("reshape the matrix", sliding("kernel")),
        ("varies fastest: reshape to",
         sliding("tf.transpose(tf.reshape(kernel, [side, side, kernel.shape[1], -1]), [0, 1, 3, 2])")),
        ("axes of the positions are gone", sliding(end=" + bias\n    y = y[:, 0, 0]")),
        ("one for each" , sliding(end=" + bias\n    y = tf.reduce_sum(y)")),
    ],
}

MEMORISED = {
    "prepare": "KNOWN = 4 * int(np.random.default_rng(6).integers(20, 200))\n"
    + prepare(rate="tf.keras.optimizers.schedules.CosineDecay(0.002, KNOWN)"),
    "train": """
known = tf.constant(digits.y_test)


def train(given):
    place = tf.Variable(0)

    def model(images, training=False):
        chosen = (place + tf.range(tf.shape(images)[0])) % len(known)
        place.assign_add(tf.shape(images)[0])
        return tf.one_hot(tf.gather(known, chosen), 10) * 9.0
    return model
""",
}
