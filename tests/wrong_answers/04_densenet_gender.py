"""Wrong answers to lab 04: {task: [(words that the check must say, code)]}."""

COUNT = """
def dense_net_parameters(blocks, filters):
    total, channels = 0, {first}
    for number in range(blocks):
        for convolution in range(2):
            total += (9 * channels + {bias}) * filters
            channels += {grow}
        total += ({reduced} + {bias}) * 32
        channels = {after}
    side = 48 // 2**blocks
    return total + {dense}
"""
DENSE = "(side * side * 32 + 1) * 50 + (50 + 1) * 2"


def count(first="1", bias="1", grow="filters", reduced="channels", after="32", dense=DENSE):
    return COUNT.format(first=first, bias=bias, grow=grow, reduced=reduced, after=after, dense=dense)


BLOCK = """
def dense_block(x, convolutions, reduction):
    {before}
    for weights, bias in convolutions:
        features = {relu}(tf.nn.conv2d(x, weights, 1, "SAME"){bias})
        x = {joined}
    {middle}
    x = {last_relu}(tf.nn.conv2d(x, reduction[0], 1, "SAME"){last_bias})
    {after}
    return x
"""
POOL = "x = tf.nn.max_pool2d(x, 2, 2, 'VALID')"


def block(before="", relu="tf.nn.relu", bias=" + bias", joined="tf.concat([x, features], -1)", middle=POOL,
          last_relu="tf.nn.relu", last_bias=" + reduction[1]", after=""):
    return BLOCK.format(before=before, relu=relu, bias=bias, joined=joined, middle=middle, last_relu=last_relu,
                        last_bias=last_bias, after=after)


LOSS = """
def cross_entropy(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = np.log(np.exp(shifted).sum(axis=1))
    return {result}

def accuracy(logits, labels):
    return {accuracy}
"""


def loss(result="np.mean(logs - shifted[np.arange(len(labels)), labels])",
         accuracy="np.mean(np.argmax(logits, 1) == labels)"):
    return LOSS.format(result=result, accuracy=accuracy)


NAIVE = """
def cross_entropy(logits, labels):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))

def accuracy(logits, labels):
    return np.mean(np.argmax(logits, 1) == labels)
"""

STEP = """
def train_step(model, x, y, learning_rate):
    with tf.GradientTape() as tape:
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x{training}))
        loss = tf.{mean}(each)
    variables = {variables}
    for v, g in zip(variables, tape.gradient(loss, variables)):
        {update}
    return {result}
"""


def step(training=", training=True", mean="reduce_mean", variables="model.trainable_variables",
         update="v.assign_sub(learning_rate * g)", result="loss"):
    return STEP.format(training=training, mean=mean, variables=variables, update=update, result=result)


def batches(order, cut="range(0, images, batch_size)"):
    return (f"def epoch_batches(images, batch_size, seed, epoch):\n    order = {order}\n"
            f"    return [order[i:i + batch_size] for i in {cut}]\n")


INFERENCE = """
def prepare(picture):
    {grey}
    small = np.asarray(Image.fromarray(picture).convert("L").resize((48, 48)), np.float32)
    return {prepared}

def answer(logits):
    p = np.exp(logits - logits.max())
    p = (p / p.sum())[0]
    return {answer}
"""


def inference(grey="", prepared="small[None, :, :, None] / 255", answer="('man', 'woman')[p.argmax()], p.max()"):
    return INFERENCE.format(grey=grey, prepared=prepared, answer=answer)


def train(body):
    return "def train(faces):\n" + "".join(f"    {line}\n" for line in body.splitlines())


WRONG = {
    "parameters": [
        ("biases are missing", count(bias="0", dense="side * side * 32 * 50 + 50 * 2")),
        ("second convolution", count(grow="(filters if convolution else 0)", reduced="(channels + filters)")),
        ("second convolution is missing", count(reduced="(channels - filters)")),
        ("not only the output of the second", count(reduced="filters")),
        ("The first block gets 1 channel", count(first="32")),
        ("Only the first block gets 1 channel", count(after="1")),
        ("hidden and the output layer are missing", count(dense="0")),
        ("halves the image", count(dense="(48 * 48 * 32 + 1) * 50 + (50 + 1) * 2")),
        ("part of utils",
         "def dense_net_parameters(blocks, filters):\n    return networks.count_parameters(networks.DenseNet(blocks, filters))"),
    ],
    "block": [
        ("fewer channels", block(joined="features")),
        ("behind the input", block(joined="tf.concat([features, x], -1)")),
        ("not before them", block(before=POOL, middle="")),
        ("before the reduction", block(middle="", after=POOL)),
        ("pooling is missing", block(middle="")),
        ("ReLU is missing.", block(relu="", last_relu="")),
        ("ReLU is missing after the reduction", block(last_relu="")),
        ("biases are missing", block(bias="", last_bias="")),
        ("gives None", block().replace("return x", "x")),
    ],
    "loss": [
        ("sum over the images", loss(result="np.sum(logs - shifted[np.arange(len(labels)), labels])")),
        ("one number for each image", loss(result="logs - shifted[np.arange(len(labels)), labels]")),
        ("sign is wrong", loss(result="np.mean(shifted[np.arange(len(labels)), labels] - logs)")),
        ("base 2", loss(result="np.mean(logs - shifted[np.arange(len(labels)), labels]) / np.log(2)")),
        ("all classes", loss(result="np.mean(logs[:, None] - shifted)")),
        ("not over the images", loss(
            result="np.mean(np.log(np.exp(logits).sum(0))[labels] - logits[np.arange(len(labels)), labels])")),
        ("subtract the largest logit", NAIVE),
        ("divide by the number of images", loss(accuracy="np.sum(np.argmax(logits, 1) == labels)")),
        ("fraction of wrong answers", loss(accuracy="np.mean(np.argmax(logits, 1) != labels)")),
        ("percent", loss(accuracy="100 * np.mean(np.argmax(logits, 1) == labels)")),
        ("smallest logit", loss(accuracy="np.mean(np.argmin(logits, 1) == labels)")),
    ],
    "step": [
        ("up the slope", step(update="v.assign_add(learning_rate * g)")),
        ("training=True", step(training="")),
        ("not the sum", step(mean="reduce_sum")),
        ("learning rate is missing", step(update="v.assign_sub(g)")),
        ("assign replaces", step(update="v.assign(learning_rate * g)")),
        ("bias did not change", step(variables="[model.weights]")),
        ("weights did not change", step(update="v = v - learning_rate * g")),
        ("return their mean", step(result="each")),
        ("loss after the step", step(
            result="tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True)))")),
        ("train_step stops with", step(variables="model.variables")),
    ],
    "batches": [
        ("last batch is missing", batches("np.random.default_rng([seed, epoch]).permutation(images)",
                                          "range(0, images - batch_size + 1, batch_size)")),
        ("come twice", batches("np.random.default_rng([seed, epoch]).integers(0, images, images)")),
        ("not shuffled", batches("np.arange(images)")),
        ("two orders", "import itertools\n\ncalls = itertools.count()\n" + batches("np.random.default_rng(next(calls)).permutation(images)")),
        ("same order as epoch 0", batches("np.random.default_rng(seed).permutation(images)")),
        ("same order as seed 1", batches("np.random.default_rng(epoch).permutation(images)")),
        ("order of seed 2 in epoch 1", batches("np.random.default_rng(seed + epoch).permutation(images)")),
        ("neighbours", "def epoch_batches(images, batch_size, seed, epoch):\n    rng = np.random.default_rng([seed, epoch])\n"
                       "    return [rng.permutation(np.arange(i, min(images, i + batch_size)))\n"
                       "            for i in range(0, images, batch_size)]"),
    ],
    "train": [
        ("same answer for nearly all", train("tf.keras.utils.set_random_seed(3)\nreturn networks.three_convolutions()")),
        ("gives a dict", train("return training.fit(networks.three_convolutions(), faces, epochs=1)")),
        ("gives None", train("model = networks.three_convolutions()")),
        ("more than 85 % is asked", train(
            "model = networks.three_convolutions()\n"
            "training.fit(model, faces, epochs=1, learning_rate=3e-3)\nreturn model")),
        ("has length 0", train("model = networks.three_convolutions()\n"
                               "training.evaluate(model, faces.x_test, faces.y_test)\nreturn model")),
        ("gives probabilities", train("model = networks.three_convolutions()\nreturn lambda x: tf.nn.softmax(model(x))")),
    ],
    "inference": [
        ("Divide by 255", inference(prepared="small[None, :, :, None]")),
        ("turned over", inference(prepared="small.T[None, :, :, None] / 255")),
        ("plain mean", inference(grey="picture = picture if picture.ndim == 2 else picture.mean(-1).astype(np.uint8)")),
        ("red and blue are swapped", inference(
            grey="picture = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])")),
        ("batch and channel are missing", inference(prepared="small / 255")),
        ("axis of the batch is missing", inference(prepared="small[:, :, None] / 255")),
        ("expected float32", inference(prepared="small[None, :, :, None].astype(np.float64) / 255")),
        ("the larger one wins", inference(answer="('woman', 'man')[p.argmax()], p.max()")),
        ("other label", inference(answer="('man', 'woman')[p.argmax()], p.min()")),
        ("the logit, not a probability", inference(answer="('man', 'woman')[p.argmax()], logits.max()")),
        ("return label, probability", inference(answer="('man', 'woman')[p.argmax()]")),
        ('expected "man" or "woman"', inference(answer="p.argmax(), p.max()")),
        ("not a number", inference(answer="('man', 'woman')[p.argmax()], (np.exp(logits) / np.exp(logits).sum()).max()")),
    ],
}

MEMORISED = {
    "train": """
def train(given):
    place, known = tf.Variable(0), tf.constant(faces.y_test)

    def model(images, training=False):
        chosen = (place + tf.range(tf.shape(images)[0])) % len(known)
        place.assign_add(tf.shape(images)[0])
        return tf.one_hot(tf.gather(known, chosen), 2) * 9.0
    return model
""",
}
