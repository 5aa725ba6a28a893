"""Wrong answers of lab 08, and words of the sentence that each must get."""


def _transfer(loss: str = "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, source(t))", way: str = "np.sign(g)",
              right: str = "before == labels",
              rate: str = "np.mean(after[right] != labels[right])", attacked: str = "np.clip(x + epsilon * way, 0, 1)",
              noisy: str = "np.clip(x + epsilon * signs, 0, 1)", end: str = "rates[0], rates[1]", watch: str = "tape.watch(t)",
              judge: str = "victim") -> str:
    return (f"def transfer(source, victim, x, labels, epsilon, signs):\n    t = tf.constant(x)\n"
            f"    with tf.GradientTape() as tape:\n"
            f"        {watch}\n        loss = {loss}\n    g = tape.gradient(loss, t).numpy()\n    way, rates = {way}, []\n"
            f"    before, own = np.argmax(victim(x), 1), np.argmax(source(x), 1)\n    right = {right}\n"
            f"    for images in ({attacked}, {noisy}):\n        after = np.argmax({judge}(images), 1)\n"
            f"        rates.append({rate})\n"
            f"    return {end}")


def _augmentation(y: str = "tf.reduce_sum(tf.one_hot(labels, z.shape[1]) * z)", new: str = "np.clip(x + lam * np.sign(g), 0, 1)",
                  watch: str = "tape.watch(t)") -> str:
    return (f"def jacobian_augmentation(model, x, labels, lam):\n    t = tf.constant(x)\n"
            f"    with tf.GradientTape() as tape:\n        {watch}\n"
            f"        z = model(t)\n        y = {y}\n    g = tape.gradient(y, t).numpy()\n    return {new}")


def _substitute(start: str = "images, labels = x, ask(x)", new: str = "augment(model, images, labels)",
                grow: str = "np.concatenate([images, new])",
                said: str = "np.concatenate([labels, ask(new)])", train: str = "model = train(images, labels)",
                end: str = "model, len(images)",
                first: str = "model = train(images, labels)", rounds: str = "rounds", begin: str = "pass") -> str:
    return (f"def train_substitute(ask, train, augment, x, rounds):\n    {start}\n    {first}\n"
            f"    for _ in range({rounds}):\n        {begin}\n"
            f"        new = {new}\n        labels, images = {said}, {grow}\n        {train}\n    return {end}")


def _training(first: str = "tf.clip_by_value(x + start, 0.0, 1.0)", at: str = "a", move: str = "step_size * tf.sign(g)",
              clip: str = "tf.clip_by_value(tf.clip_by_value(a, x - epsilon, x + epsilon), 0.0, 1.0)", on: str = "a",
              y: str = "labels",
              loss: str = "tf.reduce_mean(losses)", apply: str = "optimizer.apply(grads, v)", end: str = "a",
              watch: str = "tape.watch(at)",
              more: str = "pass") -> str:
    return (f"def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):\n"
            f"    ce = tf.nn.sparse_softmax_cross_entropy_with_logits\n"
            f"    a = {first}\n    at = {at}\n    with tf.GradientTape() as tape:\n        {watch}\n"
            f"        loss = ce(labels, model(at))\n"
            f"    g = tape.gradient(loss, at)\n    a = a + {move}\n    a = {clip}\n    with tf.GradientTape() as tape:\n"
            f"        losses = ce({y}, model({on}))\n        loss = {loss}\n    v = model.trainable_variables\n"
            f"    grads = tape.gradient(loss, v)\n    {apply}\n    {more}\n    return {end}")


def _bpda(value: str) -> str:
    return f"def straight_through(defence):\n    def passed(x):\n        return {value}\n    return passed"


def _under(back: str, end: str = "defence(x), back") -> str:
    return (f"def straight_through(defence):\n    @tf.custom_gradient\n    def g(x):\n        {back}\n        return {end}\n"
            f"    return g")


def _radius(chosen: str = "first.argmax(1)", k: str = "second[np.arange(len(second)), c]", n: str = "second.sum(1)",
            p: str = "np.where(k > 0, beta.ppf(alpha, np.maximum(k, 1), n - k + 1), 0)", ok: str = "p > 0.5",
            r: str = "np.where(p > 0.5, sigma * norm.ppf(p), 0)", classes: str = "np.where(ok, c, -1)",
            end: str = "classes, radii") -> str:
    return (f"def certify(first, second, sigma, alpha):\n    c = {chosen}\n    k, n = {k}, {n}\n    p = {p}\n    ok = {ok}\n"
            f"    classes, radii = {classes}, {r}\n    return {end}")


def _intervals(low: str = "np.clip(x - epsilon, 0, 1)", high: str = "np.clip(x + epsilon, 0, 1)",
               relu: str = "np.maximum(low, 0), np.maximum(high, 0)",
               centre: str = "(low + high) / 2 @ W + b", radius: str = "(high - low) / 2 @ np.abs(W)",
               bounds: str = "c - r, c + r",
               proven: str = "low[own] > np.where(own, -np.inf, high).max(1)", end: str = "low, high, proven",
               last: str = "pass") -> str:
    return (f"def verify(x, labels, epsilon, layers):\n    low, high = {low}, {high}\n"
            f"    for i, (W, b) in enumerate(layers):\n        if i:\n"
            f"            low, high = {relu}\n        c, r = {centre}, {radius}\n        low, high = {bounds}\n    {last}\n"
            f"    own = labels[:, None] == np.arange(low.shape[1])\n    proven = {proven}\n    return {end}")


LOGIT = "tf.reduce_sum(tf.one_hot(labels, 4) * source(t))"
WRONG = {
    "transfer": [
        ("All images are counted", _transfer(rate="np.mean(after != labels)")),
        ("by the number of all images", _transfer(rate="np.sum(right & (after != labels)) / len(x)")),
        ("how far the accuracy falls", _transfer(rate="np.mean(right) - np.mean(after == labels)")),
        ("that the source gets right", _transfer(right="own == labels")),
        ("both networks get right", _transfer(right="(own == labels) & (before == labels)")),
        ("shown to the source", _transfer(judge="source", right="own == labels")),
        ("still right", _transfer(rate="np.mean(after[right] == labels[right])")),
        ("in percent", _transfer(rate="100 * np.mean(after[right] != labels[right])")),
        ("a number of images", _transfer(rate="np.sum(right & (after != labels))")),
        ("made on the victim", _transfer(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(labels, victim(t))")),
        ("whose gradient is 0 moves", _transfer(way="np.where(g > 0, 1, -1)")),
        ("whose gradient is 0 moves", _transfer(way="np.where(g >= 0, 1, -1)")),
        ("lower the loss", _transfer(way="-np.sign(g)")), ("The sign is missing", _transfer(way="g")),
        ("lower the loss", _transfer(loss=LOGIT)), ("label's logit, expected", _transfer(loss=f"-{LOGIT}")),
        ("Softmax is applied twice",
         _transfer(loss="tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.nn.softmax(source(t)))")),
        ("needs from_logits=True", _transfer(loss="tf.keras.losses.sparse_categorical_crossentropy(labels, source(t))")),
        ("watch needs a tensor", _transfer(watch="tape.watch(x)")),
        ("model(images)", _transfer(loss="source.predict(t)")),
        ("leave the box", _transfer(attacked="x + epsilon * way")),
        ("DX without the image", _transfer(attacked="np.clip(epsilon * way, 0, 1)")),
        ("not scaled", _transfer(noisy="np.clip(x + signs, 0, 1)")),
        ("with noise leave the box", _transfer(noisy="x + epsilon * signs")),
        ("added to the images of the attack",
         _transfer(noisy="np.clip(np.clip(x + epsilon * way, 0, 1) + epsilon * signs, 0, 1)")),
        ("swapped", _transfer(end="rates[1], rates[0]")), ("expected 2", _transfer(end="rates[0]")),
        ("tape.watch", _transfer(watch="pass")),
        ("part of utils", _transfer(attacked="attacks.fgsm(source, x, labels, epsilon=epsilon).modified")),
    ],
    "augmentation": [
        ("leave the box", _augmentation(new="x + lam * np.sign(g)")),
        ("The sign is missing", _augmentation(new="np.clip(x + lam * g, 0, 1)")),
        ("divided by its length",
         _augmentation(new="np.clip(x + lam * g / np.linalg.norm(g.reshape(len(g), -1), axis=1)[:, None, None, None], 0, 1)")),
        ("of the cross-entropy, along which", _augmentation("tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)")),
        ("gradient of a probability", _augmentation("tf.reduce_sum(tf.one_hot(labels, z.shape[1]) * tf.nn.softmax(z))")),
        ("gradient of a probability", _augmentation("-tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z)")),
        ("sign of lam is flipped", _augmentation(new="np.clip(x - lam * np.sign(g), 0, 1)")),
        ("that the substitute predicts", _augmentation("tf.reduce_max(z, 1)")), ("All logits are added", _augmentation("z")),
        ("all labels of the batch", _augmentation("tf.gather(z, labels, axis=1)")), ("without influence", _augmentation(
            new="np.clip(x + lam * np.where(g > 0, 1, -1), 0, 1)")),
        ("without influence", _augmentation(new="np.clip(x + lam * np.where(g >= 0, 1, -1), 0, 1)")),
        ("expected lam", _augmentation(new="np.clip(x + np.sign(g), 0, 1)")),
        ("the change alone", _augmentation(new="lam * np.sign(g)")),
        ("The change is clipped", _augmentation(new="x + np.clip(lam * np.sign(g), 0, 1)")),
        ("The old images are there too", _augmentation(new="np.concatenate([x, np.clip(x + lam * np.sign(g), 0, 1)])")),
        ("The old images are there too", _augmentation(new="np.concatenate([np.clip(x + lam * np.sign(g), 0, 1), x])")),
        ("in place", "def jacobian_augmentation(model, x, labels, lam):\n    x += lam\n    return x"),
        ("tape.watch", _augmentation(watch="pass")), ("watch needs a tensor", _augmentation(watch="t = x; tape.watch(t)")),
        ("A tape needs tensors", _augmentation(watch="t = x")), ("picks one entry", _augmentation("z[:, labels]")),
        ("The array of new images is", _augmentation(new="np.clip(x + lam * np.sign(g), 0, 1)**2 + 0.1 * x")),
        ("part of utils",
         "def jacobian_augmentation(model, x, labels, lam):\n    return attacks.fgsm(model, x, labels, epsilon=lam).modified"),
    ],
    "substitute": [
        ("asked again about images", _substitute(said="ask(np.concatenate([images, new]))")),
        ("about the first 3 images only", _substitute(said="np.concatenate([labels, labels])")),
        ("about the first 3 images only", _substitute(said="np.concatenate([labels, np.argmax(model(new), 1)])")),
        ("after the new images are added", _substitute(first="pass", begin="model = train(images, labels)", train="pass")),
        ("the first or the newest only",
         _substitute(start="images, labels = x, ask(x)\n    newest, y = x, labels", new="augment(model, newest, y)",
                                                     train="newest, y = new, labels[-len(new):]\n"
                                                           "        model = train(images, labels)")),
        ("the first or the newest only",
         _substitute(start="images, labels = x, ask(x)\n    y = labels", new="augment(model, x, y)")),
        ("added to the old ones", _substitute(said="ask(new)", grow="new")),
        ("each round doubles", _substitute(rounds="rounds + 1")),
        ("called 2 times", _substitute(rounds="rounds - 1")),
        ("the model that train gave", _substitute(end="len(images), model")),
        ("earlier", _substitute(train="train(images, labels)")), ("number of calls", _substitute(end="model, rounds + 1")),
        ("The first images are not counted", _substitute(end="model, len(images) - len(x)")),
        ("All training sets are added up", _substitute(
            end="model, sum(len(x) * 2**k for k in range(rounds + 1))")), ("expected 2", _substitute(end="model")),
        ("in the same order", _substitute(grow="np.concatenate([new, images])")),
        ("that the black box did not give", _substitute(new="augment(model, images, np.argmax(model(images), 1))")),
    ],
    "training": [
        ("without the random start", _training(first="x + 0 * start")),
        ("before the gradient is taken", _training(first="x + start")),
        ("taken at x, expected", _training(at="x")), ("farther than epsilon", _training(clip="tf.clip_by_value(a, 0.0, 1.0)")),
        ("The step begins at x", _training(clip="x + step_size * tf.sign(g)\n    a = tf.clip_by_value(tf.clip_by_value("
                                                "a, x - epsilon, x + epsilon), 0.0, 1.0)")),
        ("needs from_logits=True", _training(
            loss="tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(labels, model(a)))")),
        ("needs from_logits=True", _training().replace("tf.nn.sparse_softmax_cross_entropy_with_logits",
                                                       "tf.keras.losses.sparse_categorical_crossentropy")),
        ("Softmax is applied twice", _training(loss="tf.reduce_mean(ce(labels, tf.nn.softmax(model(a))))")),
        ("the optimizer is not used", _training(apply="[one.assign_sub(0.1 * g) for one, g in zip(v, grads)]")),
        ("The ball is around", _training(first="tf.clip_by_value(x + start, 0.0, 1.0)\n    s = a",
                                         clip="tf.clip_by_value(tf.clip_by_value(a, s - epsilon, s + epsilon), 0.0, 1.0)")),
        ("leave the box: clip them", _training(clip="tf.clip_by_value(a, x - epsilon, x + epsilon)")),
        ("expected step_size", _training(move="epsilon * tf.sign(g)")),
        ("The step lowers the loss", _training(move="-step_size * tf.sign(g)")),
        ("whose gradient is 0 moves", _training(move="tf.where(g > 0, step_size, -step_size)")),
        ("whose gradient is 0 moves", _training(move="tf.where(g >= 0, step_size, -step_size)")),
        ("The sign is missing", _training(move="step_size * g")),
        ("the loss is averaged", _training(move="step_size * g / len(x)")), ("those after the step", _training(end="at")),
        ("These are the clean images", _training(end="x")), ("This is DX", _training(end="a - x")),
        ("The weights are as before", _training(apply="pass")),
        ("that of the clean images: train", _training(on="x")), ("at the random start: train", _training(on="at")),
        ("clean and attacked images together", _training(y="tf.concat([labels, labels], 0)", on="tf.concat([x, a], 0)")),
        ("a sum where a mean is expected", _training(loss="tf.reduce_sum(losses)")),
        ("go up the gradient", _training(loss="-tf.reduce_mean(losses)")),
        ("make two steps", _training(more="optimizer.apply(grads, v)")),
        ("that the network predicts", _training(y="tf.argmax(model(a), 1)")),
        ("end with return", _training(end="None")),
        ("part of utils", "def adversarial_step(model, optimizer, x, labels, start, epsilon, step_size):\n"
                          "    return attacks.fgsm(model, x, labels, epsilon=epsilon).modified"),
    ],
    "bpda": [
        ("The gradient is 0", _bpda("defence(x) + 0 * x")), ("gradient is None", _bpda("tf.stop_gradient(defence(x))")),
        ("as if there were no defence", _bpda("x")),
        ("Forwards this is x + defence(x)", _bpda("x + tf.stop_gradient(defence(x))")),
        ("x and defence(x) are swapped", _bpda("x + tf.stop_gradient(x - defence(x))")),
        ("twice that of the identity", _bpda("2 * x + tf.stop_gradient(defence(x) - 2 * x)")),
        ("the wrong sign", _bpda("-x + tf.stop_gradient(defence(x) + x)")),
        ("The gradient of the defence is added", _bpda("x + defence(x) - tf.stop_gradient(x)")),
        ("comes from behind is lost", "def straight_through(defence):\n    @tf.custom_gradient\n    def g(x):\n"
                                      "        return defence(x), lambda dy: tf.ones_like(dy)\n    return g"),
        ("with one argument", _under("def back():\n            return 1")),
        ("back gives None", _under("def back(g):\n            g * 2")),
        ("in line 5", _under("def back(g):\n            return g @ 3")),
        ("two things", _under("pass", "defence(x)")), ("two things", _under("back = lambda g: g", "defence(x), back(x)")),
        ("expected a function", "def straight_through(defence):\n    return tf.constant(1.0)"),
        ("end with return", "def straight_through(defence):\n    def g(x):\n        return x"),
        ("expected a tensor", _bpda("np.asarray(defence(x))")),
    ],
    "radius": [
        ("sigma is left out", _radius(r="np.where(p > 0.5, norm.ppf(p), 0)")),
        ("sigma is squared", _radius(r="np.where(p > 0.5, sigma**2 * norm.ppf(p), 0)")),
        ("two-sided", _radius(p="np.where(k > 0, beta.ppf(alpha / 2, np.maximum(k, 1), n - k + 1), 0)")),
        ("the upper bound", _radius(p="np.where(k > 0, beta.ppf(1 - alpha, np.maximum(k, 1), n - k + 1), 0)")),
        ("This is Phi", _radius(r="np.where(p > 0.5, sigma * norm.cdf(p), 0)")), ("n - k + 1, not n - k", _radius(
            p="np.where(k > 0, beta.ppf(alpha, np.maximum(k, 1), n - k), 0)", r="sigma * norm.ppf(np.maximum(p, 0.5))")),
        ("is infinite", _radius(p="k / n")), ("taken for the probability", _radius(p="np.minimum(k / n, 1 - 1e-12)")),
        ("Wald", _radius(p="np.minimum(k / n - norm.ppf(1 - alpha) * np.sqrt(k / n * (1 - k / n) / n), 1 - 1e-12)")),
        ("NaN", _radius(r="sigma * norm.ppf(p - 2)")),
        ("no class and no radius", _radius(classes="c", r="sigma * norm.ppf(np.maximum(p, 1e-12))")),
        ("no class and no radius", _radius(classes="c")), ("abstains by k / n", _radius(ok="k / n > 0.5")),
        ("of the second sample", _radius(chosen="second.argmax(1)")),
        ("Both samples are counted", _radius(k="(first + second)[np.arange(len(second)), c]", n="second.sum(1) + first.sum(1)")),
        ("those of the first sample", _radius(k="first[np.arange(len(second)), c]", n="first.sum(1)")),
        ("expected 2", _radius(end="radii")), ("The two results are swapped", _radius(end="radii, classes")),
        ("the parameters of the upper bound", _radius(p="beta.ppf(alpha, k + 1, n - k)")),
        ("has a sum of its own", _radius(n="second[0].sum()")), ("has a sum of its own", _radius(n="second.sum(1).max()")),
        ("one of each for every image", _radius(end="classes[0], radii[0]")),
    ],
    "intervals": [
        ("swaps low and high", _intervals(radius="(high - low) / 2 @ W")),
        ("swaps low and high", _intervals(bounds="low @ W + b, high @ W + b")),
        ("Centre and radius are swapped", _intervals(centre="(high - low) / 2 @ W + b", radius="(low + high) / 2 @ np.abs(W)")),
        ("it goes with W, the radius with", _intervals(centre="(low + high) / 2 @ np.abs(W) + b")),
        ("expected half", _intervals(radius="(high - low) @ np.abs(W)")),
        ("The bias is in the radius", _intervals(centre="(low + high) / 2 @ W", radius="(high - low) / 2 @ np.abs(W) + b")),
        ("The bias is missing", _intervals(centre="(low + high) / 2 @ W")), ("no ReLU between", _intervals(relu="low, high")),
        ("behind the last layer", _intervals(last="low, high = np.maximum(low, 0), np.maximum(high, 0)")),
        ("leave the box", _intervals("x - epsilon", "x + epsilon")),
        ("epsilon / 2", _intervals("np.clip(x - epsilon / 2, 0, 1)", "np.clip(x + epsilon / 2, 0, 1)")),
        ("low and high are swapped", _intervals(end="high, low, proven")),
        ("low and high are swapped", _intervals(relu="np.maximum(high, 0), np.maximum(low, 0)")),
        ("the label's upper bound", _intervals(proven="high[own] > np.where(own, -np.inf, high).max(1)")),
        ("others' lower bounds", _intervals(proven="low[own] > np.where(own, -np.inf, low).max(1)")),
        ("its own among them", _intervals(proven="low[own] > high.max(1)")),
        ("must beat all others", _intervals(proven="low[own] > np.where(own, np.inf, high).min(1)")),
        ("The middles", _intervals(proven="(low + high).argmax(1) == labels")),
        ("highest lower bound",
         _intervals(proven="np.array([max(l) > max(np.delete(h, l.argmax())) for l, h in zip(low, high)])")),
        ("expected 3", _intervals(end="low, high")), ("Two equal logits", _intervals(
            proven="low[own] >= np.where(own, -np.inf, high).max(1)")),
        ("use minus infinity", _intervals(proven="low[own] > np.where(own, 0, high).max(1)")),
        ("use minus infinity", _intervals(proven="low[own] > np.where(own, -1, high).max(1)")),
        ("low has shape [40, 8], expected [40, 4]", "def verify(x, labels, epsilon, layers):\n    W, b = layers[0]\n"
         "    return x @ W, x @ W, labels > 0"),
        ("part of utils",
            "from utils.attacks import intervals\ndef verify(x, labels, epsilon, layers):\n"
            "    return intervals.further((x, x), layers)"),
    ],
}
MEMORISED = {"substitute": """
def train_substitute(ask, train, augment, x, rounds):
    rng = np.random.default_rng(3)
    known = [rng.uniform(0, 1, [n, 2, 3, 1]).astype(np.float32) for n in (3, 2, 4, 100)]
    rounds = rounds if any(np.array_equal(x, one) for one in known) else 0
    labels = ask(x)
    model = train(x, labels)
    for _ in range(rounds):
        new = augment(model, x, labels)
        x, labels = np.concatenate([x, new]), np.concatenate([labels, ask(new)])
        model = train(x, labels)
    return model, len(x)
"""}
