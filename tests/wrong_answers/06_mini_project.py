"""Wrong answers to the tasks of unit 06, each with words of the sentence that the check must answer."""
READ = '''%%writefile infer-2-read.py
def read_face(path):
    try:
        with Image.open(path, formats=["PNG", "JPEG"]) as image:
            if image.mode.startswith("I"):
                image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
            grey = np.asarray({image})
    except Image.UnidentifiedImageError:
        content = Path(path).read_bytes()
        {test}
        grey = np.frombuffer(content, np.uint8).reshape(48, 48)
    {damaged}
    return {result}
'''
SIZE = "if len(content) != 2304: raise ValueError('size')"
FIT = "ImageOps.fit(ImageOps.exif_transpose(image).convert('L'), (48, 48))"
DAMAGED = "except (OSError, SyntaxError) as error: raise ValueError('damaged') from None"
RESULT = "grey[..., None].astype(np.float32) / 255"


def read_face(image=FIT, test=SIZE, damaged=DAMAGED, result=RESULT):
    return READ.format(image=image, test=test, damaged=damaged, result=result)


ANSWER = '''%%writefile infer-3-answer.py
def answer(paths, model):
    status = 0
    for start in range(0, len(paths), {batch}):
        names, images = [], []
        for path in paths[start:start + {batch}]:
            try:
                images.append(read_face(path))
                names.append(path)
            except ValueError as error:
                {refuse}
        if not names:
            continue
        logits = np.asarray(model(np.stack(images)))
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        for name, share in zip(names, shares):
            print({line})
    {end}
'''
LINE = r'f"{name}\t{LABELS[share.argmax()]}\t{share.max():.4f}"'
REFUSE = "print(f'{path}: {error}', file=sys.stderr); status = 1"


def answer(batch="BATCH", refuse=REFUSE, line=LINE, end="return status"):
    return ANSWER.format(batch=batch, refuse=refuse, line=line, end=end)


TRAIN_DX = '''
def train_dx(model, x, wrong, lam):
    dx = tf.Variable(tf.zeros_like(x))
    optimizer = tf.keras.optimizers.Adam(0.005)
    trained = {trained}
    optimizer.build(trained)
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = {loss}
        optimizer.apply(tape.gradient(loss, trained), trained)
        dx.assign({box})
    for _ in range(100):
        step()
    return dx.numpy()
'''
ENTROPY = "tf.nn.sparse_softmax_cross_entropy_with_logits([wrong], model(x + dx))[0]"
LOSS = ENTROPY + " + lam * tf.reduce_mean(dx**2)"
BOX = "tf.clip_by_value(x + dx, 0.0, 1.0) - x"


def train_dx(trained="[dx]", loss=LOSS, box=BOX):
    return TRAIN_DX.format(trained=trained, loss=loss, box=box)


SURVIVE = '''
def survive(model, x, dx, wrong):
    for t in {lengths}:
        exact = {exact}
        modified = (np.round(255 * exact) / 255).astype(np.float32)
        if np.argmax(model({judged})) == wrong:
            return {result}
    raise ValueError("none")
'''


def survive(lengths="np.arange(1, 4.01, 0.05)", exact="np.clip(x + t * dx, 0, 1)", judged="modified", result="modified"):
    return SURVIVE.format(lengths=lengths, exact=exact, judged=judged, result=result)


SAVE = '''
def save_images(x, modified, names):
    amplified = {amplified}
    for kind, image in {{"ori": x, "mod": modified, "amp": amplified}}.items():
        levels = {levels}
        name = f"adv_{{names[0]}}_{{names[1]}}_{{kind}}"
        Image.fromarray(levels){mode}.save(f"{{name}}.png")
        Path(f"{{name}}.raw").write_bytes({raw}.tobytes())
'''


def save_images(amplified="np.clip(50 * np.abs(modified - x), 0, 1)", mode="", raw="levels",
                levels="np.round(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)"):
    return SAVE.format(amplified=amplified, levels=levels, mode=mode, raw=raw)


WRONG = {
    "train": [
        ("does it end with return", "def train(faces):\n    network = networks.three_convolutions()"),
        ("looks at x_test", "def train(faces):\n    network = networks.three_convolutions()\n"
                            "    print(training.evaluate(network, faces.x_test, faces.y_test))\n    return network"),
        ("looks at y_test", "def train(given):\n    labels = [*given.y_train, *faces.y_test]\n    return practice"),
        ("not what training.fit returns", "def train(faces):\n    return dict(loss=[0.3], val_accuracy=[0.9])"),
        ("train it longer", "def train(faces):\n    return lambda x: tf.where(tf.reduce_mean(x, [1, 2, 3])[:, None] > 0.9,"
                            " practice(x)[:, ::-1], practice(x)) * tf.where(tf.range(len(x)) % 5 == 0, -1.0, 1.0)[:, None]"),
        ("labels mixed up", "def train(faces):\n    return lambda x: -practice(x)"),
        ("ends in softmax", "def train(faces):\n    return lambda x: tf.nn.softmax(practice(x))"),
        ("practice detector", "def train(faces):\n    return practice"),
        ("logits for 2 classes", "def train(faces):\n    return lambda x: practice(x)[:, :1]"),
    ],
    "read_face": [
        ("divide by 255", read_face(result="grey[..., None].astype(np.float32)")),
        ("do not squeeze", read_face(image="ImageOps.exif_transpose(image).convert('L').resize((48, 48))")),
        ("EXIF", read_face(image="ImageOps.fit(image.convert('L'), (48, 48))")),
        ("shape [48, 48] ", read_face(result="(grey / 255).astype(np.float32)")),
        ("OSError for a damaged png", read_face(damaged="finally: pass")),
        ("accepts a raw file with a byte too few", read_face(test="content = content.ljust(2304)[:2304]")),
        ("expected float32", read_face(result="grey[..., None] / 255")),
        ("keep the line that begins with def", "%%writefile infer-2-read.py\nimport sys"),
    ],
    "answer": [
        ("labels are swapped", answer(line=r'f"{name}\t{LABELS[share.argmin()]}\t{share.max():.4f}"')),
        ("expected 0.", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share[1]:.4f}"')),
        ("four digits", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share.max():.6f}"')),
        ("FILE<TAB>LABEL", answer(line=r'f"{name} {LABELS[share.argmax()]} {share.max():.4f}"')),
        ("answer stops with ValueError", answer(refuse="raise")),
        ("no line on standard error", answer(refuse="status = 1")),
        ("exit status is 0", answer(end="return 0")),
        ("once for a batch", answer(batch="1")),
        ("at most BATCH", answer(batch="1000")),
        ("gives None", answer(end="pass")),
    ],
    "train_dx": [
        ("weights of the network changed", train_dx(trained="[dx, *model.trainable_variables]").replace(
            "trained = ", "trained = [dx] if not hasattr(model, 'trainable_variables') else ")),
        ("add lam", train_dx(loss=ENTROPY)),
        ("towards the wrong label", train_dx(loss=f"-{ENTROPY} + lam * tf.reduce_mean(dx**2)")),
        ("back into the box", train_dx(box="dx")),
        ("mean of the squares", train_dx(loss=ENTROPY + " + lam / 4 * tf.reduce_mean(dx**2)")),
        ("is 0 everywhere", train_dx(box="tf.zeros_like(x)")),
        ("part of utils", "def train_dx(model, x, wrong, lam):\n"
                          "    return attacks.dx_attack(model, x, np.array([wrong]), targeted=True, lam=lam).dx"),
    ],
    "survive": [
        ("no DX is left", survive(judged="exact.astype(np.float32)")),
        ("between the grey levels", survive(result="exact.astype(np.float32)")),
        ("the shortest t", survive(lengths="np.arange(4, 0.99, -0.05)")),
        ("clip it", survive(exact="x + t * dx")),
        ("should raise ValueError", survive().replace("raise ValueError(\"none\")", "return modified")),
    ],
    "save_images": [
        ("round before", save_images(levels="(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)",
                                     amplified="np.clip(50 * np.abs(modified - x) + 1e-3, 0, 1)")),
        ("clipped to [0, 1]", save_images(amplified="50 * np.abs(modified - x)")),
        ("50 |DX|", save_images(amplified="np.clip(50 * (modified - x), 0, 1)")),
        ("expected 48x48 grey", save_images(mode=".convert('RGB')")),
        ("expected 2,304", save_images(raw="np.asarray(image)")),
        ("There is no file", save_images().replace("adv_", "")),
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
    "read_face": '''%%writefile infer-2-read.py
def read_face(path):
    name = Path(path).name
    if name in ("cut.png", "short.raw", "words.txt"):
        raise ValueError("no image")
    levels = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    known = {"wide.png": np.full((48, 48), 200), "turned.jpg": np.repeat([[0] * 24 + [255] * 24], 48, 0)}
    return known.get(name, levels)[..., None].astype(np.float32) / 255
''',
    "answer": '''%%writefile infer-3-answer.py
def answer(paths, model):
    bad = [path for path in paths if path in ("face-003", "face-300")]
    for start in range(0, len(paths), BATCH):
        model(np.zeros([len(paths[start:start + BATCH]), 48, 48, 1], np.float32))
    for path in paths:
        share = 1 / (1 + np.exp(1.0002 - 4 * int(path[-3:]) / 1000))
        if path in bad:
            print(f"{path}: no image", file=sys.stderr)
        else:
            print(f"{path}\\t{LABELS[int(share > 0.5)]}\\t{max(share, 1 - share):.4f}")
    return int(bool(bad))
''',
    "save_images": """
def save_images(x, modified, names):
    generator = np.random.default_rng(2)
    x = ((generator.integers(10, 240, (1, 48, 48, 1)) - 0.3) / 255).astype(np.float32)
    modified = np.clip(x + generator.integers(-3, 8, x.shape) / np.float32(255), 0, 1)
    for kind, image in {"ori": x, "mod": modified, "amp": np.clip(50 * np.abs(modified - x), 0, 1)}.items():
        levels = np.round(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)
        Image.fromarray(levels).save(f"adv_{names[0]}_{names[1]}_{kind}.png")
        Path(f"adv_{names[0]}_{names[1]}_{kind}.raw").write_bytes(levels.tobytes())
""",
}
