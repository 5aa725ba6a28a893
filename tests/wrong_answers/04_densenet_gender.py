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
        ("The second convolution gets its input", count(grow="(filters if convolution else 0)", reduced="(channels + filters)")),
        ("second convolution is missing", count(reduced="(channels - filters)")),
        ("not only the output of the second", count(reduced="filters")),
        ("The first block gets 1 channel", count(first="32")),
        ("Only the first block gets 1 channel", count(after="1")),
        ("hidden and the output layer are missing", count(dense="0")),
        ("halves the image", count(dense="(48 * 48 * 32 + 1) * 50 + (50 + 1) * 2")),
        ("1x1 windows", count(reduced="9 * channels")),
        ("The reduction of each block", count(reduced="0").replace("(0 + 1) * 32", "0")),
        ("do not grow from block to block", count(after="channels")),
        ("9 weights for each channel, not 3", count().replace("9 *", "3 *")),
        ("width times height", count(dense="(side * 32 + 1) * 50 + (50 + 1) * 2")),
        ("The output layer", count(dense="(side * side * 32 + 1) * 50")),
        ("use the arguments", "def dense_net_parameters(blocks, filters):\n    return 59160"),
        ("part of utils",
         "def dense_net_parameters(blocks, filters):\n    return networks.count_parameters(networks.DenseNet(blocks, filters))"),
    ],
    "block": [
        ("go on with that", block(joined="features")),
        ("which are the last axis", block(joined="tf.concat([x, features], 1)")),
        ("do not add them", block(joined="x + features")),
        ("the convolution is", block().replace("'SAME'", "'VALID'").replace('"SAME"', "'VALID'", 1)),
        ("go on with that", block(joined="x", middle="x = features; " + POOL)),
        ("The pooling takes the mean", block(middle=POOL.replace("max", "avg"))),
        ("give it stride 2", block(middle=POOL.replace("2, 2", "2, 1"))),
        ("turns 9 rows into 5", block(middle=POOL.replace("VALID", "SAME"))),
        ("The bias is added after ReLU", block(last_bias="").replace(', "SAME") + bias)', ', "SAME")) + bias')
            .replace(', reduction[0], 1, "SAME"))', ', reduction[0], 1, "SAME")) + reduction[1]')),
        ("ReLU is missing in the loop", block(relu="")),
        ("ReLU is applied to the input too", block(joined="tf.nn.relu(tf.concat([x, features], -1))")),
        ("changes its argument convolutions in place", block(after="convolutions.append(reduction)")),
        ("part of utils", "def dense_block(x, convolutions, reduction):\n    block = networks.DenseNet().blocks[0]\n    return block(x)"),
        ("concatenate them behind it", block(joined="tf.concat([features, x], -1)")),
        ("before the convolutions", block(before=POOL, middle="")),
        ("after the reduction", block(middle="", after=POOL)),
        ("pooling is missing", block(middle="")),
        ("ReLU is missing.", block(relu="", last_relu="")),
        ("ReLU is missing after the reduction", block(last_relu="")),
        ("biases are missing", block(bias="", last_bias="")),
        ("gives None", block().replace("return x", "x")),
    ],
    "loss": [
        ("sum over the images", loss(result="np.sum(logs - shifted[np.arange(len(labels)), labels])")),
        ("the mean over axis 0 is missing", loss(result="logs - shifted[np.arange(len(labels)), labels]")),
        ("has the wrong sign", loss(result="np.mean(shifted[np.arange(len(labels)), labels] - logs)")),
        ("base 2", loss(result="np.mean(logs - shifted[np.arange(len(labels)), labels]) / np.log(2)")),
        ("all classes", loss(result="np.mean(logs[:, None] - shifted)")),
        ("not over the images", loss(
            result="np.mean(np.log(np.exp(logits).sum(0))[labels] - logits[np.arange(len(labels)), labels])")),
        ("subtract the largest logit", NAIVE),
        ("images and classes", loss(result="np.mean(np.eye(3)[labels] * (logs[:, None] - shifted))")),
        ("takes all labels for each image", loss(result="np.mean(logs[:, None] - shifted[:, labels])")),
        ("in one place only", loss(result="np.mean(logs - logits[np.arange(len(labels)), labels])")),
        ("The logarithm is missing", loss(result="-np.mean(np.exp(shifted[np.arange(len(labels)), labels] - logs))")),
        ("not over all", loss(result="np.log(np.exp(logits).sum()) - np.mean(logits[np.arange(len(labels)), labels])")),
        ("take no logarithm of a probability", NAIVE.replace("p = np", "logits = logits - logits.max(1, keepdims=True); p = np")
            .replace("labels]))", "labels] + 1e-12))")),
        ("changes its argument logits in place", loss().replace("shifted = logits -", "logits -=").replace("keepdims=True)", "keepdims=True); shifted = logits")),
        ("leaves the work to tf", "def cross_entropy(logits, labels):\n"
                                  "    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)).numpy()"),
        ("gives None", loss().replace("return np.mean(logs", "np.mean(logs")),
        ("the largest of each, axis=1", loss(accuracy="np.mean(np.argmax(logits) == labels)")),
        ("the mean over axis 0 is missing", loss(accuracy="np.argmax(logits, 1) == labels")),
        ("divide by the number of images", loss(accuracy="np.sum(np.argmax(logits, 1) == labels)")),
        ("1 minus what is expected", loss(accuracy="np.mean(np.argmax(logits, 1) != labels)")),
        ("percent", loss(accuracy="100 * np.mean(np.argmax(logits, 1) == labels)")),
        ("smallest logit", loss(accuracy="np.mean(np.argmin(logits, 1) == labels)")),
    ],
    "step": [
        ("up the slope", step(update="v.assign_add(learning_rate * g)")),
        ("training=True", step(training="")),
        ("the sum over the batch", step(mean="reduce_sum")),
        ("learning rate is missing", step(update="v.assign_sub(g)")),
        ("assign replaces", step(update="v.assign(learning_rate * g)")),
        ("bias did not change", step(variables="[model.weights]")),
        ("weights did not change", step(update="v = v - learning_rate * g")),
        ("the mean over axis 0 is missing", step(result="each")),
        ("compute the loss inside", step().replace("        loss = ", "    loss = ")),
        ("The mean over the batch is taken twice", step(update="v.assign_sub(learning_rate * g / len(x))")),
        ("first the labels, then the logits", step().replace("(y, model(x, training=True))", "(model(x, training=True), y)")),
        ("This is a step of Adam", step(update="pass").replace("    return", "    tf.keras.optimizers.Adam(learning_rate).apply_gradients(zip("
                                        "tape.gradient(loss, variables), variables))\n    return").replace("tape =", "tape =").replace(
                                        "tf.GradientTape()", "tf.GradientTape(persistent=True)")),
        ("a compiled function must not create any", step(update="pass").replace("    return", "    tf.keras.optimizers.SGD(learning_rate).apply_gradients("
                                        "zip(tape.gradient(loss, variables), variables))\n    return").replace(
                                        "tf.GradientTape()", "tf.GradientTape(persistent=True)")),
        ("Inside a compiled function", step(result="loss.numpy()")),
        ("Use `variable.assign_sub(value)`", step(update="v -= learning_rate * g")),
        ("comes from utils", "train_step = training.fit"),
        ("loss after the step", step(
            result="tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True)))")),
        ("trainable_variables alone", step(variables="model.variables")),
    ],
    "batches": [
        ("last batch is missing", batches("np.random.default_rng([seed, epoch]).permutation(images)",
                                          "range(0, images - batch_size + 1, batch_size)")),
        ("come twice", batches("np.random.default_rng([seed, epoch]).integers(0, images, images)")),
        ("shuffle the images, then cut", batches("np.arange(images)")),
        ("two orders", "import itertools\n\ncalls = itertools.count()\n" + batches("np.random.default_rng(next(calls)).permutation(images)")),
        ("Seed 0 in epoch 1 gives the order of seed 0 in epoch 0", batches("np.random.default_rng(seed).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 0", batches("np.random.default_rng(epoch).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 1", batches("np.random.default_rng(seed + epoch).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 10", batches("np.random.default_rng(10 * seed + epoch).permutation(images)")),
        ("Seed 0 in epoch 1 gives the order of seed 0 in epoch 0", batches("np.random.default_rng(seed * epoch).permutation(images)")),
        ("have the sizes [25, 25, 25, 25]", "def epoch_batches(images, batch_size, seed, epoch):\n"
                                            "    return np.array_split(np.random.default_rng([seed, epoch]).permutation(images), 4)"),
        ("go from 1 to 100", batches("1 + np.random.default_rng([seed, epoch]).permutation(images)")),
        ("gives a generator", "def epoch_batches(images, batch_size, seed, epoch):\n    order = np.random.default_rng([seed, epoch]).permutation(images)\n"
                              "    for i in range(0, images, batch_size):\n        yield order[i:i + batch_size]"),
        ("gives a ndarray", "def epoch_batches(images, batch_size, seed, epoch):\n    return np.random.default_rng([seed, epoch]).permutation(images)"),
        ("cut the order into pieces", "def epoch_batches(images, batch_size, seed, epoch):\n"
                                      "    return list(np.random.default_rng([seed, epoch]).permutation(images))"),
        ("the same batches as epoch 0", "def epoch_batches(images, batch_size, seed, epoch):\n"
         "    order = np.random.default_rng(seed).permutation(images)\n    parts = [order[i:i + batch_size] for i in range(0, images, batch_size)]\n"
         "    return [np.random.default_rng([seed, epoch]).permutation(part) for part in parts]"),
        ("neighbours", "def epoch_batches(images, batch_size, seed, epoch):\n    rng = np.random.default_rng([seed, epoch])\n"
                       "    return [rng.permutation(np.arange(i, min(images, i + batch_size)))\n"
                       "            for i in range(0, images, batch_size)]"),
    ],
    "train": [
        ("same answer for nearly all", train("tf.keras.utils.set_random_seed(3)\nreturn networks.three_convolutions()")),
        ("not what fit returns", train("return training.fit(networks.three_convolutions(), faces, epochs=1)")),
        ("gives None", train("model = networks.three_convolutions()")),
        ("more than 85 % is required", train(
            "model = networks.three_convolutions()\n"
            "training.fit(model, faces, epochs=1, learning_rate=3e-3)\nreturn model")),
        ("looks at x_test", train("model = networks.three_convolutions()\n"
                               "training.evaluate(model, faces.x_test, faces.y_test)\nreturn model")),
        ("looks at y_test", "def train(given):\n    labels = [*given.y_train, *faces.y_test]\n    return networks.three_convolutions()"),
        ("expected 2 logits", train("model = networks.three_convolutions()\nreturn lambda x: model(x)[:, :1]")),
        ("are the labels swapped", train("model = networks.three_convolutions()\ntraining.fit(model, faces, epochs=2, learning_rate=3e-3)\n"
                                         "return lambda x: -model(x)")),
        ("gives probabilities", train("model = networks.three_convolutions()\nreturn lambda x: tf.nn.softmax(model(x))")),
    ],
    "inference": [
        ("Divide by 255", inference(prepared="small[None, :, :, None]")),
        ("is transposed", inference(prepared="small.T[None, :, :, None] / 255")),
        ("not their mean", inference(grey="picture = picture if picture.ndim == 2 else picture.mean(-1).astype(np.uint8)")),
        ("red and blue are swapped", inference(
            grey="picture = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])")),
        ("an axis of length 1 is missing", inference(prepared="small / 255")),
        ("an axis of length 1 is missing", inference(prepared="small[:, :, None] / 255")),
        ("expected float32", inference(prepared="small[None, :, :, None].astype(np.float64) / 255")),
        ("the larger logit wins", inference(answer="('woman', 'man')[p.argmax()], p.max()")),
        ("other label", inference(answer="('man', 'woman')[p.argmax()], p.min()")),
        ("the logit, not a probability", inference(answer="('man', 'woman')[p.argmax()], logits.max()")),
        ("return label, probability", inference(answer="('man', 'woman')[p.argmax()]")),
        ('expected "man" or "woman"', inference(answer="p.argmax(), p.max()")),
        ("The picture is cropped", "from PIL import ImageOps\n" + inference().replace(".resize((48, 48))", "").replace("Image.fromarray(picture)",
            "ImageOps.fit(Image.fromarray(picture), (48, 48))").replace("def prepare(picture):", "def prepare(picture):\n    from PIL import ImageOps")),
        ("padded with bars", inference().replace(".resize((48, 48))", "").replace("Image.fromarray(picture)",
            "ImageOps.pad(Image.fromarray(picture), (48, 48))").replace("def prepare(picture):", "def prepare(picture):\n    from PIL import ImageOps")),
        ("from -1 to 1", inference(prepared="small[None, :, :, None] / 127.5 - 1")),
        ("contrast is stretched", inference(prepared="small[None, :, :, None] / small.max()")),
        ("contrast is stretched", inference(prepared="(small - small.min())[None, :, :, None] / np.ptp(small)")),
        ("this is red alone", inference(grey="picture = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 0])")),
        ("do not invert", inference(prepared="1 - small[None, :, :, None] / 255")),
        ("without an axis of colours", inference(grey="picture = np.uint8(picture @ [0.299, 0.587, 0.114])")),
        ("the decimals are cut off", inference(prepared="np.uint8(small[None, :, :, None] / 255)")),
        ("prepare uses WEIGHTS", "WEIGHTS = [0.299, 0.587, 0.114]\n" + inference(
            grey="picture = picture if picture.ndim == 2 else np.uint8(np.round(picture @ WEIGHTS))")),
        ("answer uses softmax", "def softmax(z):\n    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()\n\n" + inference().replace(
            "p = np.exp(logits - logits.max())", "p = softmax(logits)")),
        ("in percent", inference(answer="('man', 'woman')[p.argmax()], 100 * p.max()")),
        ("the logistic function of one logit", inference(answer="('man', 'woman')[p.argmax()], 1 / (1 + np.exp(-logits.max()))")),
        ("do not add up to 1", inference(answer="('man', 'woman')[p.argmax()], (np.exp(logits - logits.max()) / np.exp(logits - logits.max())"
                                                ".sum(0)).max()")),
        ("These are both probabilities", inference(answer="('man', 'woman')[p.argmax()], p")),
        ("expected \"man\" or", inference(answer="p.max(), ('man', 'woman')[p.argmax()]")),
        ("changes its argument logits in place", inference().replace("p = np.exp(logits", "logits -= logits.max(); p = np.exp(logits")),
        ("not a number", inference(answer="('man', 'woman')[p.argmax()], (np.exp(logits) / np.exp(logits).sum()).max()")),
    ],
}

MEMORISED = {
    "train": """
def train(given):
    place = tf.Variable(0)

    def model(images, training=False):
        known = tf.constant(faces.y_test)  # read when the network is asked, not in the training
        chosen = (place + tf.range(tf.shape(images)[0])) % tf.size(known)
        place.assign_add(tf.shape(images)[0])
        return tf.one_hot(tf.gather(known, chosen), 2) * 9.0
    return model
""",
}
