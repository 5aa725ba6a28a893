"""Wrong answers of lab 05, and words of the sentence that each must get."""


def _penalty(l1: str, l2: str, linf: str) -> str:
    return f"def penalty(dx, norm):\n    return dict(L1=lambda: {l1}, L2=lambda: {l2}, Linf=lambda: {linf})[norm]()"


L1, L2 = "tf.reduce_mean(tf.abs(dx), [1, 2, 3])", "tf.reduce_mean(tf.square(dx), [1, 2, 3])"
LINF = "tf.reduce_max(tf.abs(dx), [1, 2, 3])"


def _loss(targeted: str, untargeted: str) -> str:
    return (f"def attacker_loss(logits, labels, targeted):\n"
            f"    log_p = tf.reduce_sum(tf.one_hot(labels, 5) * tf.nn.log_softmax(logits), 1)\n"
            f"    return {targeted} if targeted else {untargeted}")


def _gradient(objective: str, end: str = "tape.gradient(total, dx)") -> str:
    return (f"def gradient(model, loss, x, dx, lam):\n    with tf.GradientTape() as tape:\n"
            f"        square = tf.reduce_mean(tf.square(dx), [1, 2, 3])\n        total = {objective}\n    return {end}")


def _attack(objective: str = "loss(model(x + dx)) + lam * square", sign: str = "", box: str = "pass", end: str = "dx.numpy()",
            step: str = "adam.apply([{sign}tape.gradient(total, dx)], [dx])", start: str = "0 * x",
            adam: str = "Adam(learning_rate)", steps: str = "steps") -> str:
    return (f"def attack(model, loss, x, lam, steps, learning_rate):\n    dx = tf.Variable({start})\n"
            f"    adam = tf.keras.optimizers.{adam}\n    for _ in range({steps}):\n"
            f"        with tf.GradientTape() as tape:\n"
            f"            square = tf.reduce_mean(tf.square(dx), [1, 2, 3])\n            total = {objective}\n"
            f"        {step.format(sign=sign)}\n        {box}\n    return {end}")


BOX = "dx.assign(tf.clip_by_value(x + dx, 0, 1) - x)"


def _save(image: str = "np.round(np.clip(x + t * dx, 0, 1) * 255).astype(np.uint8)", seen: str = "saved[None] / 255",
          end: str = "return saved", result: str = "saved") -> str:
    return (f"def save_8bit(model, x, dx, label, scales):\n    for t in scales:\n        saved = {image}\n"
            f"        if np.argmax(model({seen})) != label:\n            {end}\n    return {result}")


def _table(success: str, size: str = "np.median(np.where(fooled, sizes, np.inf), axis=1)") -> str:
    return f"def tradeoff(fooled, sizes):\n    return {success}, {size}"


def _amplified(expression: str) -> str:
    return f"def amplified(original, modified):\n    return {expression}"


WRONG = {
    "penalty": [
        ("L1 is the sum, expected the mean", _penalty("tf.reduce_sum(tf.abs(dx), [1, 2, 3])", L2, LINF)),
        ("L1 is one number for the batch", _penalty("tf.reduce_mean(tf.abs(dx))", L2, LINF)),
        ("L1 lacks the absolute value", _penalty("tf.reduce_mean(dx, [1, 2, 3])", L2, LINF)),
        ("L2 has a square root", _penalty(L1, "tf.sqrt(tf.reduce_mean(dx**2, [1, 2, 3]))", LINF)),
        ("Linf lacks the absolute value", _penalty(L1, L2, "tf.reduce_max(dx, [1, 2, 3])")),
        ("Linf is one number for the batch", _penalty(L1, L2, "tf.reduce_max(tf.abs(dx))")),
        ("Linf is the mean", _penalty(L1, L2, L1)),
        ("L1 keeps the channels apart", _penalty("tf.reduce_mean(tf.abs(dx), [1, 2])", L2, LINF)),
        ("L1 is the absolute value of the mean", _penalty("tf.abs(tf.reduce_mean(dx, [1, 2, 3]))", L2, LINF)),
        ("L1 is taken over the wrong axes", _penalty("tf.reduce_mean(tf.abs(dx), [0, 1, 2])", L2, LINF)),
        ("the number of all values of the batch",
         _penalty("tf.reduce_sum(tf.abs(dx), [1, 2, 3]) / tf.cast(tf.size(dx), tf.float32)", L2, LINF)),
        ("has no gradient", _penalty("np.mean(np.abs(dx), (1, 2, 3))", L2, LINF)),
        ("part of utils", "def penalty(dx, norm):\n    return attacks.NORMS[norm].penalty(dx)"),
        ("remove the axis of length 1", _penalty("tf.reduce_mean(tf.abs(dx), [1, 2, 3], keepdims=True)", L2, LINF)),
    ],
    "loss": [
        ("are exchanged", _loss("-tf.math.log(1 - tf.exp(log_p))", "-log_p")),
        ("has the wrong sign", _loss("log_p", "-tf.math.log(1 - tf.exp(log_p))")),
        ("which has no lower bound", _loss("-log_p", "log_p")),
        ("is a probability", _loss("-log_p", "tf.exp(log_p)")),
        ("one number for the batch", _loss("-tf.reduce_mean(log_p)", "-tf.math.log(1 - tf.exp(log_p))")),
        ("apply softmax first", "def attacker_loss(logits, labels, targeted):\n"
                                "    return -tf.reduce_sum(tf.one_hot(labels, 5) * logits, 1)"),
        ("Apply softmax first", "def attacker_loss(logits, labels, targeted):\n"
                                "    p = tf.reduce_sum(tf.one_hot(labels, 5) * logits, 1)\n"
                                "    return -tf.math.log(p if targeted else 1 - p)"),
        ("is clipped", "def attacker_loss(logits, labels, targeted):\n"
                       "    p = tf.reduce_sum(tf.one_hot(labels, 5) * tf.nn.softmax(logits), 1)\n"
                       "    p = tf.clip_by_value(p, 1e-4, 1 - 1e-4)\n    return -tf.math.log(p if targeted else 1 - p)"),
        ("the most likely other class alone", _loss("-log_p", "-tf.math.log(tf.reduce_max(tf.nn.softmax(logits) * "
                                                    "(1 - tf.one_hot(labels, 5)), 1))")),
        ("has no gradient", "def attacker_loss(logits, labels, targeted):\n"
                            "    e = np.exp(logits)\n    p = (e / e.sum(1, keepdims=True))[np.arange(len(e)), labels]\n"
                            "    return -np.log(p if targeted else 1 - p)"),
        ("comes from utils", "attacker_loss = attacks.attack_loss"),
        ("use the argument targeted", _loss("-log_p", "-log_p")),
        ("probabilities: set from_logits=True", "def attacker_loss(logits, labels, targeted):\n"
                                 "    loss = tf.keras.losses.sparse_categorical_crossentropy(labels, logits)\n"
                                 "    return loss if targeted else -tf.math.log(1 - tf.exp(-loss))"),
        ("softmax over the images", "def attacker_loss(logits, labels, targeted):\n"
                                    "    p = tf.reduce_sum(tf.one_hot(labels, 5) * tf.nn.softmax(logits, 0), 1)\n"
                                    "    return -tf.math.log(p if targeted else 1 - p)"),
    ],
    "gradient": [
        ("The penalty does not reach the gradient", _gradient("loss(model(x + dx))")),
        ("This is the gradient of the penalty alone", _gradient("lam * square")),
        ("training=True", _gradient("loss(model(x + dx, training=True)) + lam * square")),
        ("let the network see x + dx", _gradient("loss(model(x)) + lam * square")),
        ("The objective is averaged over the batch", _gradient("tf.reduce_mean(loss(model(x + dx)) + lam * square)")),
        ("The penalty is averaged over the batch", _gradient("loss(model(x + dx)) + lam * tf.reduce_mean(dx**2) / 3")),
        ("The loss is averaged over the batch", _gradient("tf.reduce_mean(loss(model(x + dx))) + lam * square")
            .replace("lam * square", "lam * tf.reduce_sum(square)")),
        ("take the mean", _gradient("loss(model(x + dx)) + lam * tf.reduce_sum(dx**2, [1, 2, 3])")),
        ("wrong sign", _gradient("loss(model(x + dx)) + lam * square", "-tape.gradient(total, dx)")),
        ("The penalty does not reach", _gradient("loss(model(x + dx)) + lam * np.mean(dx.numpy()**2, (1, 2, 3))")),
        ("The penalty does not reach", "def gradient(model, loss, x, dx, lam):\n    with tf.GradientTape() as tape:\n"
                                       "        tape.watch(x)\n        total = loss(model(x + dx)) + lam * tf.reduce_mean(dx**2, "
                                       "[1, 2, 3])\n"
                                       "    return tape.gradient(total, x)"),
        ("inside `with`", "def gradient(model, loss, x, dx, lam):\n    with tf.GradientTape() as tape:\n        image = x + dx\n"
                          "    total = loss(model(image)) + lam * tf.reduce_mean(dx**2, [1, 2, 3])\n    return "
                          "tape.gradient(total, dx)"),
        ("The penalty has the wrong sign", _gradient("loss(model(x + dx)) - lam * square")),
        ("The network sees dx alone", _gradient("loss(model(dx)) + lam * square")),
        ("so the penalty must be [N] too", _gradient("loss(model(x + dx)) + lam * tf.reduce_mean(dx**2, [2, 3])")),
        ("so the penalty must be [N] too", _gradient("lam * tf.reduce_mean(dx**2, [1, 3]) + loss(model(x + dx))")),
        ("[3,4,2,2] vs. [3,16]. Two shapes do not fit",
         _gradient("loss(model(x + tf.reshape(dx, [len(x), -1]))) + lam * square")),
        ("not dx.numpy()", _gradient("loss(model(x + dx.numpy())) + lam * square")),
        ("Ask for dx, not for [dx]", _gradient("loss(model(x + dx)) + lam * square", "tape.gradient(total, [dx])")),
        ("The image is clipped", _gradient("loss(model(tf.clip_by_value(x + dx, 0, 1))) + lam * square")),
        ("n is that of all values", _gradient("loss(model(x + dx)) + 2 * lam * square")),
        ("n is that of all values", _gradient("loss(model(x + dx)) + lam * tf.reduce_sum(tf.reduce_mean(dx**2, [1, 2]), -1)")),
        ("2 dx", _gradient("loss(model(x + dx))", "tape.gradient(total, dx) + lam * dx / 16")),
        ("no root", _gradient("loss(model(x + dx)) + lam * tf.sqrt(square)")),
        ("expected that of DX^2", _gradient("loss(model(x + dx)) + lam * tf.reduce_mean(tf.abs(dx), [1, 2, 3])")),
        ("predict gives an array", _gradient("loss(model.predict(x + dx)) + lam * square")),
        ("gradient changes dx", _gradient("loss(model(x + dx)) + lam * square", "tape.gradient(total, dx.assign_sub(0.1 * dx))")),
    ],
    "attack": [
        ("X + DX leaves the box", _attack()),
        ("clipped only at the end", _attack(end="np.clip(x + dx, 0, 1) - x")),
        ("clip the image x + dx to [0, 1], not dx", _attack(box="dx.assign(tf.clip_by_value(dx, 0, 1))")),
        ("the wrong way", _attack(sign="-", box=BOX)),
        ("gives the modified image", _attack(box=BOX, end="(x + dx).numpy()")),
        ("DX is still 0", _attack(box=BOX, step="tape.gradient(total, dx)")),
        ("is lam times the penalty", _attack("loss(model(x + dx))", box=BOX)),
        ("take the mean", _attack("loss(model(x + dx)) + lam * tf.reduce_sum(dx**2, [1, 2, 3])", box=BOX)),
        ("so the penalty must be [N] too", _attack("loss(model(x + dx)) + lam * dx**2", box=BOX)),
        ("so the penalty must be [N] too", _attack("loss(model(x + dx)) + lam * tf.reduce_mean(dx**2, [1, 2])", box=BOX)),
        ("[3,4,2,2] vs. [3,16]. Two shapes do not fit",
         _attack(start="tf.reshape(0 * x, [len(x), -1])").replace("[1, 2, 3]", "1")),
        ("plain gradient descent", _attack(box=BOX, adam="SGD(learning_rate)")),
        ("one step too few", _attack(box=BOX, steps="steps - 1")),
        ("after one step of 0.02", _attack(box=BOX, steps="steps + 1")),
        ("from DX = 0", _attack(box=BOX, start="tf.random.stateless_uniform(x.shape, [1, 2], 0.0, 0.01)")),
        ("make the optimizer once",
         _attack(box=BOX, step="tf.keras.optimizers.Adam(learning_rate).apply([tape.gradient(total, dx)], [dx])")),
        ("give it learning_rate", _attack(box=BOX, adam="Adam()")),
        ("x.assign(...) keeps the variable", _attack(box="dx = tf.clip_by_value(x + dx, 0, 1) - x")),
        ("An optimizer takes two lists", _attack(box=BOX, step="adam.apply(tape.gradient(total, dx), dx)")),
        ("An optimizer takes two lists", _attack(box=BOX, step="adam.apply([dx], [tape.gradient(total, dx)])")),
        ("convert it with tf.cast", _attack(box=BOX, start="np.zeros(x.shape)")),
        ("expected a NumPy array", _attack(box=BOX, end="dx")),
        ("training=True", _attack("loss(model(x + dx, training=True)) + lam * square", box=BOX)),
        ("clip dx itself",
         _attack("loss(model(tf.clip_by_value(x + dx, 0, 1))) + lam * square", end="np.clip(x + dx, 0, 1) - x")),
        ("make all steps", _attack(box=BOX + "\n        if tf.reduce_sum(total) >= old:\n            break\n"
                                   "        old = tf.reduce_sum(total)").replace("    adam =", "    old = np.inf\n    adam =")),
        ("computed again in each step", "def attack(model, loss, x, lam, steps, learning_rate):\n    dx = tf.Variable(0 * x)\n"
         "    adam = tf.keras.optimizers.Adam(learning_rate)\n    with tf.GradientTape() as tape:\n"
         "        total = loss(model(x + dx)) + lam * tf.reduce_mean(dx**2, [1, 2, 3])\n    g = tape.gradient(total, dx)\n"
         f"    for _ in range(steps):\n        adam.apply([g], [dx])\n        {BOX}\n    return dx.numpy()"),
        ("return stand inside the loop", _attack(box=BOX, end="dx.numpy()").replace("    return", "        return")),
        ("averaged over the batch", _attack("loss(model(x + dx)) + lam * tf.reduce_mean(square) / len(x)", box=BOX)),
    ],
    "tradeoff": [
        ("one number for each image", _table("fooled.mean(axis=0)")),
        ("success is one number", _table("fooled.mean()")),
        ("a number of images", _table("fooled.sum(axis=1)")),
        ("survivorship",
         _table("fooled.mean(1)", "np.array([np.median(s[f]) if f.any() else np.inf for f, s in zip(fooled, sizes)])")),
        ("size holds NaN",
         _table("fooled.mean(1)", "np.array([np.median(s[f]) if f.any() else np.nan for f, s in zip(fooled, sizes)])")),
        ("expected the median",
         _table("fooled.mean(1)", "np.array([s[f].mean() if f.any() else np.inf for f, s in zip(fooled, sizes)])")),
        ("count as 0: they must count", _table("fooled.mean(1)", "np.median(sizes * fooled, axis=1)")),
        ("not the upper one", _table("fooled.mean(1)", "np.sort(np.where(fooled, sizes, np.inf), 1)[:, sizes.shape[1] // 2]")),
        ("size holds NaN", _table("fooled.mean(1)", "np.median(np.where(fooled, sizes, np.nan), axis=1)")),
        ("changes its argument sizes in place", "def tradeoff(fooled, sizes):\n    sizes[~fooled] = np.inf\n"
                                                "    return fooled.mean(1), np.median(sizes, axis=1)"),
        ("expected 2: return success, size", "def tradeoff(fooled, sizes):\n    return fooled.mean(axis=1)"),
        ("return success first", "def tradeoff(fooled, sizes):\n"
                                 "    return np.median(np.where(fooled, sizes, np.inf), axis=1), fooled.mean(axis=1)"),
        ("Infinity times 0", _table("fooled.mean(1)", "np.quantile(np.where(fooled, sizes, np.inf), .5, axis=1)")),
        ("those that are not fooled count as infinite",
         _table("fooled.mean(1)", "np.median(np.where(fooled, np.inf, sizes), axis=1)")),
        ("not the mean", _table("fooled.mean(1)", "np.mean(np.where(fooled, sizes, np.inf), axis=1)")),
        ("which did not fool the network", _table("fooled.mean(1)", "np.median(sizes, axis=1)")),
        ("half of the images or more", _table("fooled.mean(1)", "np.array([np.median(np.where(f, s, np.inf)) if f.mean() > .5 "
                                              "else np.median(s) for f, s in zip(fooled, sizes)])")),
    ],
    "save": [
        ("not rounded", _save("(np.clip(x + t * dx, 0, 1) * 255).astype(np.uint8)")),
        ("not multiples of 1/255", _save(seen="(x + t * dx)[None]")),
        ("not multiples of 1/255", _save(seen="saved[None] / 256")),
        ("divide the saved image by 255", _save(seen="saved[None]")),
        ("This is the first image", "def save_8bit(model, x, dx, label, scales):\n"
                                    "    return np.round(np.clip(x + scales[0] * dx, 0, 1) * 255).astype(np.uint8)"),
        ("the DX of the t before", _save().replace("saved =", "dx = t * dx; saved =").replace("x + t * dx", "x + dx")),
        ("changes its argument dx in place", _save().replace("saved =", "dx *= t; saved =").replace("x + t * dx", "x + dx")),
        ("(1 + t)", _save("np.round(np.clip(x + (1 + t) * dx, 0, 1) * 255).astype(np.uint8)")),
        ("round their sum", _save("np.clip(np.round(255 * x) + np.round(255 * t * dx), 0, 255).astype(np.uint8)")),
        ("try all t in order", "def save_8bit(model, x, dx, label, scales):\n    low, high = 0, len(scales) - 1\n"
         "    image = lambda t: np.round(np.clip(x + t * dx, 0, 1) * 255).astype(np.uint8)\n    while low < high:\n"
         "        middle = (low + high) // 2\n        fooled = np.argmax(model(image(scales[middle])[None] / 255)) != label\n"
         "        low, high = (low, middle) if fooled else (middle + 1, high)\n    return image(scales[low])"),
        ("that of the last t", _save(end="return saved", result="np.round(255 * x).astype(np.uint8)")),
        ("This is the last image", _save(end="pass")),
        ("expected the grey levels", _save("np.round(np.clip(x + t * dx, 0, 1) * 255) / 255", "saved[None]")),
        ("expected [1, 3, 3, 1]", _save(seen="saved / 255")),
        ("wraps around", _save("np.round((x + t * dx) * 255).astype(np.int64).astype(np.uint8)")),
        ("expected uint8", _save("np.round(np.clip(x + t * dx, 0, 1) * 255)")),
        ("gives None", _save(end="return saved", result="None")),
        ("only the values 0 and 1", _save(seen="saved[None] // 255")),
        ("the largest logit is that of label", _save().replace("np.argmax(model(saved[None] / 255)) != label",
                                                               "tf.nn.softmax(model(saved[None] / 255))[0, label] < 0.5")),
        ("rounded up", _save("np.ceil(np.clip(x + t * dx, 0, 1) * 255).astype(np.uint8)")),
        ("multiplied by 256", _save("np.round(np.clip(x + t * dx, 0, 1) * 256).astype(np.uint8)")),
        ("model(images)", _save().replace("model(saved[None] / 255)", "model.predict(saved[None] / 255)")),
        ("take np.argmax of it", _save().replace("np.argmax(model(saved[None] / 255))", "model(saved[None] / 255).argmax()")),
    ],
    "amplified": [
        ("change the type before you subtract", _amplified("np.clip(50 * np.abs((modified - original).astype(int)), 0, 255)"
                                                           ".astype(np.uint8)")),
        ("wraps around at 256", _amplified("np.clip(50 * np.abs(modified - original), 0, 255)")),
        ("clip to 0..255 before", _amplified("(50 * np.abs(modified.astype(int) - original)).astype(np.uint8)")),
        ("must become 255", _amplified("50 * np.abs(modified.astype(int) - original)")),
        ("take the absolute value", _amplified("np.clip(50 * (modified.astype(int) - original), 0, 255).astype(np.uint8)")),
        ("multiply by 50", _amplified("np.abs(modified.astype(int) - original).astype(np.uint8)")),
        ("expected uint8", _amplified("np.clip(50 * np.abs(modified.astype(int) - original), 0, 255)")),
        ("a change of 255", _amplified("np.clip(50 * np.abs((modified.astype(np.int8) - original.astype(np.int8)).astype(int)), "
                                       "0, 255).astype(np.uint8)")),
        ("a change of 255", _amplified("np.clip(50 * np.abs((modified - original).astype(np.int8).astype(int)), 0, 255)"
                                       ".astype(np.uint8)")),
        ("a change of 255", _amplified("np.clip(50 * np.minimum((modified - original).astype(int), "
                                       "256 - (modified - original).astype(int)), 0, 255).astype(np.uint8)")),
        ("int8 ends at 127", _amplified("np.minimum(50 * np.abs(modified.astype(np.int8).astype(int) - "
                                        "original.astype(np.int8)), 255).astype(np.uint8)")),
        ("expected the grey levels", _amplified("np.clip(50 * np.abs(modified / 255 - original / 255), 0, 1)")),
    ],
}
