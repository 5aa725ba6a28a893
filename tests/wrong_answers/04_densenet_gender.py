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
class DenseBlock({base}):
    def __init__(self, inputs, filters, convolutions, outputs):
        super().__init__()

        def pair(size, channels, made):
            {kernel}
            return {kept}

        self.pairs = {pairs}
        self.last = pair({size}, {all}, outputs)

    def __call__(self, x, training=False):
        {before}
        for kernel, bias in self.pairs:
            features = {relu}(tf.nn.conv2d(x, kernel, 1, "SAME"){bias})
            x = {joined}
        {middle}
        kernel, bias = self.last
        x = {last_relu}(tf.nn.conv2d(x, kernel, 1, "SAME"){last_bias})
        {after}
        return x
"""
POOL = "x = tf.nn.max_pool2d(x, 2, 2, 'VALID')"
PAIRS = "[pair(3, inputs + i * filters, filters) for i in range(convolutions)]"


def block(base="tf.Module", kernel="kernel = tf.keras.initializers.HeNormal()([size, size, channels, made])",
          kept="tf.Variable(kernel), tf.Variable(tf.zeros([made]))", pairs=PAIRS, size="1", all="inputs + convolutions * filters",
          before="", relu="tf.nn.relu", bias=" + bias", joined="tf.concat([x, features], -1)", middle=POOL,
          last_relu="tf.nn.relu", last_bias=" + bias", after=""):
    return BLOCK.format(**locals())


IN_CALL = """
class DenseBlock(tf.Module):
    def __init__(self, inputs, filters, convolutions, outputs):
        super().__init__()
        self.filters, self.convolutions, self.outputs = filters, convolutions, outputs

    def __call__(self, x, training=False):
        def convolved(x, size, made):
            kernel = tf.Variable(tf.keras.initializers.HeNormal()([size, size, x.shape[-1], made]))
            bias = tf.Variable(tf.zeros([made]))
            {keep}
            return tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
        self.kept = []
        for _ in range(self.convolutions):
            x = tf.concat([x, convolved(x, 3, self.filters)], -1)
        return convolved(tf.nn.max_pool2d(x, 2, 2, "VALID"), 1, self.outputs)
"""

KERAS = """
class DenseBlock(tf.Module):
    def __init__(self, inputs, filters, convolutions, outputs):
        super().__init__()
        layers = tf.keras.layers
        self.convolutions = [layers.Conv2D(filters, 3, padding="same", activation="relu") for _ in range(convolutions)]
        self.pool, self.reduction = layers.MaxPooling2D(), layers.Conv2D(outputs, 1, activation="relu")

    def __call__(self, x, training=False):
        for convolution in self.convolutions:
            x = tf.concat([x, convolution(x)], -1)
        return self.reduction(self.pool(x))
"""

RESUME = """
def train_to(steps, folder, every, model, optimizer, take_step):
    {counter}
    checkpoint = tf.train.Checkpoint({saved})
    manager = tf.train.CheckpointManager(checkpoint, {folder}, max_to_keep=3)
    {restore}
    first = {first}
    for number in range({begin}, steps):
        {loop}
    return {result}
"""
LOOP = ("take_step(number)", "done.assign(number + 1)", "if (number + 1) % every == 0 or number + 1 == steps:",
        "    manager.save()")


def resume(counter="done = tf.Variable(0)", saved="model=model, optimizer=optimizer, done=done", folder="folder",
           restore="checkpoint.restore(manager.latest_checkpoint)", first="int(done)", begin="first", loop=LOOP, result="first"):
    return RESUME.format(counter=counter, saved=saved, folder=folder, restore=restore, first=first, begin=begin, result=result,
                         loop="\n        ".join(loop))


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
        ("The second convolution gets the input concatenated with",
         count(grow="(filters if convolution else 0)", reduced="(channels + filters)")),
        ("gets the input of the block too",
         count().replace("(9 * channels + 1) * filters", "(9 * (filters if convolution else channels) + 1) * filters")),
        ("The output layer has (50 + 1) * 2", count(dense="(side * side * 32 + 1) * 50 + 50 * 2")),
        ("biases of the hidden layer", count(dense="side * side * 32 * 50 + (50 + 1) * 2")),
        ("1 pixels wide: 48 // 32, not 48 / 32", count().replace("48 // 2**blocks", "48 / 2**blocks")),
        ("not 48 // (2 * 4)", count().replace("48 // 2**blocks", "48 // (2 * blocks)")),
        ("One block is missing", count().replace("range(blocks)", "range(1, blocks)")),
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
        # variables
        ("create them in __init__", IN_CALL.format(keep="self.kept += [kernel, bias]")),
        ("not in Keras layers and not in local names", IN_CALL.format(keep="")),
        ("not in Keras layers", KERAS),
        ("put each into a tf.Variable", block(kept="kernel, tf.zeros([made])")),
        ("trainable=False", block(kept="tf.Variable(kernel, trainable=False), tf.Variable(tf.zeros([made]), trainable=False)")),
        ("The biases are missing", block(kept="tf.Variable(kernel), tf.zeros([made])")),
        ("share a bias", block(kept="tf.Variable(kernel), bias")
         .replace("def pair", "bias = tf.Variable(tf.zeros([filters]))\n\n        def pair").replace(
            "self.last = pair(1, inputs + convolutions * filters, outputs)",
            "self.last = pair(1, inputs + convolutions * filters, outputs)[0], tf.Variable(tf.zeros([outputs]))")),
        ("share one kernel", block(pairs="[pair(3, inputs, filters)] * convolutions")),
        ("so each one more channels", block(pairs="[pair(3, inputs, filters) for i in range(convolutions)]")),
        ("so each one more channels", block(pairs="[pair(3, filters if i else inputs, filters) for i in range(convolutions)]",
                                            joined="features", all="filters")),
        ("so each one more channels",
         block(pairs="[pair(3, inputs, filters) for i in range(convolutions)]", joined="x + features", all="inputs")),
        ("inputs + convolutions * filters channels", block(all="filters")),
        ("inputs + convolutions * filters channels", block(all="convolutions * filters")),
        ("1x1 windows", block(size="3")),
        ("the second one the tensor", block(kernel="kernel = tf.keras.initializers.HeNormal([size, size, channels, made])")),
        ("Only the last convolution is kept", block(pairs="[pair(3, inputs + (convolutions - 1) * filters, filters)]")),
        ("channels in, channels out", block(kernel="kernel = tf.keras.initializers.HeNormal()([size, size, made, channels])")),
        ("always 2 convolutions", block(pairs=PAIRS.replace("convolutions", "2"), all="inputs + 2 * filters")),
        ("always gives 32 channels", block().replace("filters, outputs)\n\n    def", "filters, 32)\n\n    def")),
        ("in any order",
         block(pairs=PAIRS.replace("(convolutions)", "(1 + convolutions)"), all="inputs + (1 + convolutions) * filters")),
        ("The reduction is missing", block(middle=POOL + "; return x").replace("self.last = ", "last = ")),
        # first values
        ("The kernels start at 0", block(kernel="kernel = tf.zeros([size, size, channels, made])")),
        ("All filters of a convolution start equal", block(kernel="kernel = tf.ones([size, size, channels, made])")),
        ("times as large as expected", block(kernel="kernel = tf.random.normal([size, size, channels, made], seed=1)")),
        ("times as large as expected",
         block(kernel="kernel = tf.random.normal([size, size, channels, made], stddev=(2 / channels)**0.5, seed=1)")),
        ("The biases do not start at 0", block(kept="tf.Variable(kernel), tf.Variable(tf.ones([made]))")),
        # the call
        ("go on with that", block(joined="features")),
        ("which are the last axis", block(joined="tf.concat([x, features], 1)")),
        ("do not add them", block(joined="x + features")),
        ('convolve with "SAME"', block().replace('"SAME"', "'VALID'", 1)),
        ("go on with that", block(middle="x = features; " + POOL)),
        ("The pooling takes the mean", block(middle=POOL.replace("max", "avg"))),
        ("give it stride 2", block(middle=POOL.replace("2, 2", "2, 1"))),
        ("makes 5 rows of 9", block(middle=POOL.replace("VALID", "SAME"))),
        ("In the loop and in the reduction the bias is added after ReLU",
         block(bias="").replace(', "SAME"))', ', "SAME")) + bias').replace(', "SAME") + bias)', ', "SAME")) + bias')),
        ("In the loop ReLU is missing", block(relu="")),
        ("ReLU is applied to the input too", block(joined="tf.nn.relu(tf.concat([x, features], -1))")),
        ("concatenate them behind it", block(joined="tf.concat([features, x], -1)")),
        ("before the convolutions", block(before=POOL, middle="")),
        ("after the reduction", block(middle="", after=POOL)),
        ("pooling is missing", block(middle="")),
        ("In the loop the bias is not added", block(bias="")),
        ("In the reduction the bias is not added", block(last_bias="")),
        ("In the loop the bias is added after ReLU", block(bias="").replace('"SAME"))', '"SAME")) + bias', 1)),
        ("In the reduction the bias is added after",
         block(last_bias="").replace('"SAME"))\n        \n', '"SAME")) + bias\n        \n')),
        ("are made with trainable=False", block(kept="tf.Variable(kernel), tf.Variable(tf.zeros([made]), trainable=False)")),
        ("Inside a compiled function", block(joined="np.concatenate([x, features], -1)")),
        ("called with an argument that it does not have", block().replace("x, training=False", "x")),
        ("In the loop and in the reduction ReLU is missing", block(relu="", last_relu="")),
        ("In the reduction ReLU is missing", block(last_relu="")),
        ("In the loop and in the reduction the bias is not added", block(bias="", last_bias="")),
        ("gives None", block().replace("return x", "x")),
        ("Inside a compiled function", block(after="x = tf.constant(np.maximum(x.numpy(), 0))")),
        ("compiled and in training", block(after="x = 0.9 * x if training else x")),
        # the class
        ("is not a tf.Module", block(base="object")),
        ("is not a class", "def DenseBlock(inputs, filters, convolutions, outputs):\n    return networks.DenseNet().blocks[0]"),
        ("part of utils", "class DenseBlock(tf.Module):\n    def __init__(self, inputs, filters, convolutions, outputs):\n"
                          "        super().__init__()\n        self.block = networks.DenseNet().blocks[0]\n"
                          "    def __call__(self, x, training=False):\n        return self.block(x)"),
        ("comes from utils", "class DenseBlock(type(networks.DenseNet().blocks[0])):\n    def __call__(self, x, "
                             "training=False):\n"
                             "        return super().__call__(x, training)"),
        ("has no method __call__", block().replace("def __call__", "def call")),
        ("wrong number of arguments", block().replace("convolutions, outputs):", "convolutions):\n        outputs = 7")),
    ],
    "step": [
        ("up the slope", step(update="v.assign_add(learning_rate * g)")),
        ("training=True", step(training="")),
        ("a sum where a mean is expected", step(mean="reduce_sum")),
        ("learning rate is missing", step(update="v.assign_sub(g)")),
        ("assign replaces", step(update="v.assign(learning_rate * g)")),
        ("bias did not change", step(variables="[model.weights]")),
        ("weights did not change", step(update="v = v - learning_rate * g")),
        ("the mean over axis 0 is missing", step(result="each")),
        ("always 0.1", step(update="v.assign_sub(0.1 * g)")),
        ("is `return` in the loop", step(update="v.assign_sub(learning_rate * g)\n        return loss")),
        ("is called 2 times", step().replace("    with tf", "    model(x, training=True)\n    with tf")),
        ("softmax is part of it", step().replace("model(x, training=True)", "tf.nn.softmax(model(x, training=True))")),
        ("from_logits=True",
         step().replace("tf.nn.sparse_softmax_cross_entropy_with_logits", "tf.keras.losses.sparse_categorical_crossentropy")),
        ("This is the sigmoid cross-entropy",
         step().replace("sparse_softmax_cross_entropy_with_logits(y,", "sigmoid_cross_entropy_with_logits(tf.one_hot(y, 2),")),
        ("take all gradients first", """
def train_step(model, x, y, learning_rate):
    first = None
    for v in model.trainable_variables:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True)))
        model.calls = min(1, model.calls)  # the check counts them
        first = loss if first is None else first
        v.assign_sub(learning_rate * tape.gradient(loss, v))
    return first
"""),
        ("times what is expected", step(update="v.assign_sub(learning_rate * tf.clip_by_norm(g, 1.0))")),
        ("Inside a compiled function", step(update="v.assign(v.numpy() - learning_rate * g)")),
        ("compute the loss inside", step().replace("        loss = ", "    loss = ")),
        ("The mean over the batch is taken twice", step(update="v.assign_sub(learning_rate * g / len(x))")),
        ("first the labels, then the logits", step().replace("(y, model(x, training=True))", "(model(x, training=True), y)")),
        ("This is a step of Adam", step(update="pass")
         .replace("    return", "    tf.keras.optimizers.Adam(learning_rate).apply_gradients(zip("
                                        "tape.gradient(loss, variables), variables))\n    return")
         .replace("tape =", "tape =").replace(
                                        "tf.GradientTape()", "tf.GradientTape(persistent=True)")),
        ("a compiled function must not create any",
         step(update="pass").replace("    return", "    tf.keras.optimizers.SGD(learning_rate).apply_gradients("
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
        ("two orders", "import itertools\n\ncalls = itertools.count()\n"
         + batches("np.random.default_rng(next(calls)).permutation(images)")),
        ("Seed 0 in epoch 1 gives the order of seed 0 in epoch 0", batches("np.random.default_rng(seed).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 0", batches("np.random.default_rng(epoch).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 1",
         batches("np.random.default_rng(seed + epoch).permutation(images)")),
        ("Seed 1 in epoch 0 gives the order of seed 0 in epoch 10",
         batches("np.random.default_rng(10 * seed + epoch).permutation(images)")),
        ("Seed 0 in epoch 1 gives the order of seed 0 in epoch 0",
         batches("np.random.default_rng(seed * epoch).permutation(images)")),
        ("have the sizes [25, 25, 25, 25]", "def epoch_batches(images, batch_size, seed, epoch):\n"
                                            "    return np.array_split(np.random.default_rng([seed, "
                                            "epoch]).permutation(images), 4)"),
        ("go from 1 to 100", batches("1 + np.random.default_rng([seed, epoch]).permutation(images)")),
        ("gives a generator", "def epoch_batches(images, batch_size, seed, epoch):\n    order = np.random.default_rng([seed, "
                              "epoch]).permutation(images)\n"
                              "    for i in range(0, images, batch_size):\n        yield order[i:i + batch_size]"),
        ("one batch is empty",
         batches("np.random.default_rng([seed, epoch]).permutation(images)", "range(0, images + 1, batch_size)")),
        ("Seed 0 in epoch 1000 gives the order of seed 1",
         batches("np.random.default_rng(1000 * seed + epoch).permutation(images)")),
        ("gives a ndarray", ("def epoch_batches(images, batch_size, seed, epoch):\n    return np.random.default_rng([seed, "
                             "epoch]).permutation(images)")),
        ("cut the order into pieces", "def epoch_batches(images, batch_size, seed, epoch):\n"
                                      "    return list(np.random.default_rng([seed, epoch]).permutation(images))"),
        ("the same batches as epoch 0", "def epoch_batches(images, batch_size, seed, epoch):\n"
         "    order = np.random.default_rng(seed).permutation(images)\n    parts = [order[i:i + batch_size] for i in range(0, "
         "images, batch_size)]\n"
         "    return [np.random.default_rng([seed, epoch]).permutation(part) for part in parts]"),
        ("neighbours", "def epoch_batches(images, batch_size, seed, epoch):\n    rng = np.random.default_rng([seed, epoch])\n"
                       "    return [rng.permutation(np.arange(i, min(images, i + batch_size)))\n"
                       "            for i in range(0, images, batch_size)]"),
    ],
    "resume": [
        ("the optimizer, with its moving averages", resume(saved="model=model, done=done")),
        ("starts with new weights", resume(saved="optimizer=optimizer, done=done")),
        ("the number of the steps that are done", resume(saved="model=model, optimizer=optimizer")),
        ("the number of the steps that are done", resume(begin="0")),
        ("starts again from scratch", resume(restore="")),
        ("restores the trainable variables alone", resume(saved="model=tf.Module(), optimizer=optimizer, done=done").replace(
            "    manager =", "    checkpoint.model.weights = model.weights\n    manager =")),
        ("restore the newest checkpoint, manager.latest",
         resume(restore="checkpoint.restore(manager.checkpoints[0] if manager.checkpoints else None)")),
        ("save after the last step too", resume(loop=[*LOOP[:2], "if (number + 1) % every == 0:", LOOP[3]])),
        ("not more often", resume(loop=[*LOOP[:2], "manager.save()"])),
        ("save after each `every` steps", resume(loop=[*LOOP[:2], "if number + 1 == steps:", LOOP[3]])),
        ("repeats a step that was already done", resume(loop=["take_step(number)", *LOOP[2:], "done.assign(number + 1)"])),
        ("takes the steps [0, 1", resume(begin="first, 1 + steps").replace("1 + steps, steps", "1 + steps")),
        ("skips a step", resume(loop=["take_step(number + 1)", *LOOP[1:]])),
        ("skips a step", resume(begin="first + 1")),
        ("is a multiple of 4", resume(loop=[*LOOP[:2], "if number % every == 0 or number + 1 == steps:", LOOP[3]])),
        ("takes the steps [8, 9", resume(begin="first, first + steps").replace("first + steps, steps", "first + steps")),
        ("takes no step", "done = tf.Variable(0)\n" + resume(counter="")),
        ("is empty after a training", "import tempfile\n\nplace = tempfile.mkdtemp()\n" + resume(folder="place")),
        ("is empty after a training", resume(folder="tempfile.mkdtemp()", counter="import tempfile; done = tf.Variable(0)")),
        ("The interruption is caught",
         resume(loop=["try:", "    take_step(number)", "except BaseException:", "    return number", *LOOP[1:]])),
        ("saved during the interruption",
         resume(loop=["try:", "    take_step(number)", "    done.assign(number + 1)", "finally:", "    manager.save()"])),
        # a second checkpoint object, restored before it has anything to restore, its complaint silenced
        ("starts again from scratch",
         resume(restore="tf.train.Checkpoint().restore(manager.latest_checkpoint).expect_partial()")),
        ("starts with new weights",
         resume(restore="tf.train.Checkpoint(done=done).restore(manager.latest_checkpoint).expect_partial()")),
        ("belongs in the checkpoint too, as a tf.Variable",
         resume(counter="done = 0", saved="model=model, optimizer=optimizer", loop=[
            LOOP[0], "done = number + 1", *LOOP[2:]])),
        ("What it returns", resume(result="steps")),
        ("returns the variable that counts", resume(first="done", begin="int(first)")),
        ("takes no step but saves", resume(result="(manager.save(), first)[1]",
                                           loop=[*LOOP[:2], "if (number + 1) % every == 0 and number + 1 < steps:", LOOP[3]])),
        ("is saved after the step, not before", resume(loop=[LOOP[1], *LOOP[2:], LOOP[0]])),
        ("gives None", resume().replace("    return first", "    first")),
        ("not more often", resume().replace("% every", "% (every - 1)")),
        ("comes from utils", "train_to = training.fit"),
        ("part of utils", resume(restore="training.resume(folder, model=model, optimizer=optimizer, done=done)")),
        ("A Python number cannot be in a checkpoint", resume(counter="done = 0", loop=[LOOP[0], "done = number + 1", *LOOP[2:]])),
    ],
    "train": [
        ("same answer for nearly all", train("tf.keras.utils.set_random_seed(3)\nreturn networks.three_convolutions()")),
        ("not what fit returns", train("return training.fit(networks.three_convolutions(), faces, epochs=1)")),
        ("gives None", train("model = networks.three_convolutions()")),
        ("must not be changed in place: work on a copy", train(
            "x = faces.x_train\nx += 0.1\nreturn networks.three_convolutions()")),
        ("more than 85 % is required", train(
            "model = networks.three_convolutions()\n"
            "training.fit(model, faces, epochs=1, learning_rate=3e-3)\nreturn model")),
        ("looks at x_test", train("model = networks.three_convolutions()\n"
                               "training.evaluate(model, faces.x_test, faces.y_test)\nreturn model")),
        ("looks at y_test",
         "def train(given):\n    labels = [*given.y_train, *faces.y_test]\n    return networks.three_convolutions()"),
        ("uses pretrained", train("return pretrained.load('faces_densenet')")),
        ("uses the network known", "known = networks.three_convolutions()\n\n" + train("return known")),
        ("which loads the test set too",
         "from utils import data\n\n" + train("faces = data.load('faces')\nreturn networks.three_convolutions()")),
        ("expected 2 logits", train("model = networks.three_convolutions()\nreturn lambda x: model(x)[:, :1]")),
        ("are the labels swapped",
         train("model = networks.three_convolutions()\ntraining.fit(model, faces, epochs=2, learning_rate=3e-3)\n"
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
        ("The picture is cropped", "from PIL import ImageOps\n" + inference().replace(".resize((48, 48))", "")
         .replace("Image.fromarray(picture)",
            "ImageOps.fit(Image.fromarray(picture), (48, 48))")
         .replace("def prepare(picture):", "def prepare(picture):\n    from PIL import ImageOps")),
        ("padded with bars", inference().replace(".resize((48, 48))", "").replace("Image.fromarray(picture)",
            "ImageOps.pad(Image.fromarray(picture), (48, 48))")
         .replace("def prepare(picture):", "def prepare(picture):\n    from PIL import ImageOps")),
        ("from -1 to 1", inference(prepared="small[None, :, :, None] / 127.5 - 1")),
        ("contrast is stretched", inference(prepared="small[None, :, :, None] / small.max()")),
        ("contrast is stretched", inference(prepared="(small - small.min())[None, :, :, None] / np.ptp(small)")),
        ("this is red alone",
         inference(grey="picture = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., 0])")),
        ("The picture is cropped", inference().replace(".resize((48, 48))", ".crop((0, 0, 48, 48))")),
        ("in the wrong place", inference(prepared="small[None, None] / 255")),
        ("prepare uses Tuple", "from typing import Tuple\n\n" + inference()
         .replace("prepare(picture):", "prepare(picture) -> Tuple:")),
        ("answer uses math", "import math\n\n" + inference(answer="('man', 'woman')[p.argmax()], math.exp(math.log(p.max()))")),
        ("as a text", inference(answer="('man', 'woman')[p.argmax()], f'{p.max():.2f}'")),
        ("do not clip them", inference().replace("logits - logits.max()", "np.clip(logits, -50, 50)", 1)),
        ("a probability that is not a number", inference().replace("logits - logits.max()", "logits - logits.mean()")),
        ("divided by the sum of the logits", inference().replace("np.exp(logits - logits.max())", "logits")),
        ("do not invert", inference(prepared="1 - small[None, :, :, None] / 255")),
        ("without an axis of colours", inference(grey="picture = np.uint8(picture @ [0.299, 0.587, 0.114])")),
        ("the decimals are cut off", inference(prepared="np.uint8(small[None, :, :, None] / 255)")),
        ("prepare uses WEIGHTS", "WEIGHTS = [0.299, 0.587, 0.114]\n" + inference(
            grey="picture = picture if picture.ndim == 2 else np.uint8(np.round(picture @ WEIGHTS))")),
        ("answer uses softmax",
         "def softmax(z):\n    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()\n\n" + inference().replace(
            "p = np.exp(logits - logits.max())", "p = softmax(logits)")),
        ("in percent", inference(answer="('man', 'woman')[p.argmax()], 100 * p.max()")),
        ("the logistic function of one logit", inference(answer="('man', 'woman')[p.argmax()], 1 / (1 + np.exp(-logits.max()))")),
        ("do not add up to 1",
         inference(answer="('man', 'woman')[p.argmax()], (np.exp(logits - logits.max()) / np.exp(logits - logits.max())"
                          ".sum(0)).max()")),
        ("These are both probabilities", inference(answer="('man', 'woman')[p.argmax()], p")),
        ("expected \"man\" or", inference(answer="p.max(), ('man', 'woman')[p.argmax()]")),
        ("changes its argument logits in place",
         inference().replace("p = np.exp(logits", "logits -= logits.max(); p = np.exp(logits")),
        ("not a number", inference(answer="('man', 'woman')[p.argmax()], (np.exp(logits) / np.exp(logits).sum()).max()")),
    ],
}

MEMORISED = {
    "block": block().replace("filters, convolutions, outputs):",
                             "filters, convolutions, outputs):\n        convolutions = 2 if filters == 16 else 3"),
    "resume": resume().replace("% every", "% 4"),
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
