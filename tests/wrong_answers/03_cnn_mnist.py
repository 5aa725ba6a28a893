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
        ("one bias, not one for each place", count(shared="k * k * maps + places * maps")),
        ("the point of sharing", count(shared="(k * k + 1) * places * maps")),
        ("a bias of its own", count(dense="side * side * places * maps + maps")),
        ("one more than side - k", count(out="side - k")),
        ("Without padding", count(out="side")),
        ("order is dense", count(result="shared, local, dense")),
        ("one map only", count(dense="(side * side + 1) * places")),
        ("expected three numbers", count(result="shared")),
        ("expected three numbers", count(result="np.array([dense, local])")),
        ("not one for all maps together", count(shared="k * k * maps + 1", result="np.array([dense, local, shared])")),
    ],
    "pool": [
        ("mean of the four", pool(f"np.mean([{FOUR}], axis=0)")),
        ("smallest of the four", pool(f"np.min([{FOUR}], axis=0)")),
        ("moves by one pixel", "def max_pool(x):\n    return np.max([x[:, :-1, :-1], x[:, 1:, :-1], x[:, :-1, 1:], x[:, 1:, 1:]], "
                               "axis=0)"),
        ("one pixel of each window", pool("x[:, ::2, ::2]")),
        ("turn each pair round", pool("x.reshape(n, 2, h, 2, w, c).max(axis=(1, 3))")),
        ("columns are not", pool("x.reshape(n, h, 2, 2 * w, c).max(axis=2)")),
        ("over the channels too", pool("x.reshape(n, h, 2, w, 2, c).max(axis=(2, 4, 5))")),
        ("without partner is dropped", PADDED),
        ("Negative numbers are lost", pool("np.maximum(0, x.reshape(n, h, 2, w, 2, c).max(axis=(2, 4)))")),
        ("leaves the work to tf", "def max_pool(x):\n    return tf.nn.max_pool2d(x, 2, 2, 'VALID').numpy()"),
        ("leaves the work to tf", "def max_pool(x):\n    return tf.keras.layers.MaxPooling2D()(x).numpy()"),
        ("stops with ValueError", "def max_pool(x):\n    n, h, w, c = x.shape\n"
                                  "    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))"),
    ],
    "build": [
        ("softmax: logits were asked", lenet(last="10, activation='softmax'")),
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
        ("does not know the shape", lenet(start="")),
        ("expected [28, 28, 1]", lenet(start="tf.keras.Input([32, 32, 1]),")),
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
        ("has shape", shift(result="framed")),
        ("changes the images", IN_PLACE),
        ("as wide as the largest shift", shift(frame="3")),
        ("as wide as the largest shift", shift(frame="max(down.max(), right.max())")),
        ("whatever its sign", shift(frame="abs(max(down.max(), right.max()))")),
        ("leaves the work to scipy", SCIPY),
        ("uses augment, which is part of utils",
         "def shift(images, down, right):\n    return augment.moved(images, down=down, right=right)"),
    ],
    "train": [
        ("about as chance", train(fit="pass")),
        ("not what fit returns", train(fit="pass", result="tf.keras.callbacks.History()")),
        ("gives None", train(fit="pass", result="None")),
        ("looks at x_test", train(fit="model.fit(digits.x_test, digits.y_test, epochs=1, verbose=0)")),
        ("gives probabilities", train(model="tf.keras.Sequential([networks.lenet(padding='valid'), tf.keras.layers.Softmax()])",
                                      logits="False", fit="pass")),
        ("over all steps, not epochs", train(rate="tf.keras.optimizers.schedules.CosineDecay(2e-3, 30)")),
        ("TypeError: generator is a Generator, expected a tf.random.Generator", train(fit=PIPELINE.format(
            generator="np.random.default_rng(0)", batch=".batch(64)"))),
        ("ValueError: images of shape [28, 28, 1], expected [N, 28, 28, 1]: batch before map", train(fit=PIPELINE.format(
            generator="tf.random.Generator.from_seed(0)", batch=""))),
        ("94.0 % is required", train()),
        ("or let the learning rate fall", train(rate="1e-3", fit=FEW)),
        ("2 pixels away", train(rate="tf.keras.optimizers.schedules.CosineDecay(3e-3, 500)",
                                fit=FIT.format(x="digits.x_train", epochs=4))),
        ("images from 0 to 255", train(fit=FIT.format(x="255 * digits.x_train", epochs=1))),
    ],
    "exciting": [
        ("least excited", exciting(result="np.argsort(peaks, axis=0)[:count].T")),
        ("turned round", exciting(result="np.argsort(peaks, axis=0)[-count:].T")),
        ("mean over the places", exciting(peaks="maps.mean(axis=(1, 2))")),
        ("largest size", exciting(peaks="np.abs(maps).max(axis=(1, 2))")),
        ("one column for each channel", exciting(result="np.argsort(-peaks, axis=0)[:count]")),
        ("over the channels of one image", exciting(result="np.argsort(-peaks, axis=1)[:, :count]")),
        ("numbers of the images were asked", exciting(result="-np.sort(-peaks, axis=0)[:count].T")),
        ("np.argsort needs axis=0", exciting(result="np.argsort(-peaks)[:count].T")),
        ("responses with a minus", exciting(result="np.sort(-peaks, axis=0)[:count].T")),
        ("leaves the work to tf", exciting(result="tf.math.top_k(peaks.T, count).indices.numpy()")),
        ("has shape", exciting(result="np.argsort(-peaks, axis=0).T")),
    ],
    "mistakes": [
        ("Rows and columns are swapped", mistakes(add="np.add.at(matrix, (answers, labels), 1)")),
        ("counted once", mistakes(add="matrix[labels, answers] += 1")),
        ("These are fractions", mistakes(matrix="matrix / matrix.sum(1, keepdims=True)")),
        ("missing on the diagonal", mistakes(matrix="matrix * (1 - np.eye(classes, dtype=int))")),
        ("best of the mistakes", mistakes(sort="-p[wrong, labels[wrong]]")),
        ("answered right are among them", mistakes(chosen="labels >= 0", sort="-p.max(1)")),
        ("numbers come back", mistakes(chosen="labels >= 0")),
        ("depends on all logits", mistakes(sort="(logits[np.arange(len(logits)), labels] - logits.max(1))[wrong]")),
        ("logit of 1000 is infinite", mistakes(softmax="np.exp(logits) / np.exp(logits).sum(1)[:, None]")),
        ("The size is `classes`",
         mistakes().replace("(classes, classes)", "[max(labels.max(), answers.max()) + 1] * 2")),
        ("confusion leaves the work to tf",
         mistakes(matrix="tf.math.confusion_matrix(labels, answers, classes).numpy()")),
        ("worst leaves the work to tf", mistakes(softmax="tf.nn.softmax(logits).numpy()")),
        ("do not compare", mistakes(softmax="logits")),
        ("do not compare, probabilities do", mistakes(sort="logits[wrong, labels[wrong]]")),
        ("numbers in a list of the mistakes", mistakes(result="order[:count]")),
        ("These are probabilities", mistakes(result="np.sort(p[wrong, labels[wrong]])[:count]")),
    ],
    "sliding": [
        ("bias is missing", sliding(end="")),
        ("use VALID", sliding(padding="SAME")),
        ("There is a ReLU", sliding(end=" + bias\n    y = tf.nn.relu(y)")),
        ("in this order", sliding("tf.transpose(tf.reshape(kernel, [-1, side, side, kernel.shape[1]]), [1, 2, 0, 3])")),
        ("Rows and columns of the kernel",
         sliding("tf.transpose(tf.reshape(kernel, [side, side, -1, kernel.shape[1]]), [1, 0, 2, 3])")),
        ("flipped", sliding("tf.reshape(kernel, [side, side, -1, kernel.shape[1]])[::-1, ::-1]")),
        ("they move by one", sliding(stride="side")),
        ("reshape the matrix", sliding("tf.reshape(kernel, [-1, side, side, kernel.shape[1]])")),
        ("reshape the matrix", sliding("kernel")),
    ],
}

MEMORISED = {
    "train": """
def train(given):
    place, known = tf.Variable(0), tf.constant(digits.y_test)

    def model(images, training=False):
        chosen = (place + tf.range(tf.shape(images)[0])) % len(known)
        place.assign_add(tf.shape(images)[0])
        return tf.one_hot(tf.gather(known, chosen), 10) * 9.0
    return model
""",
}
