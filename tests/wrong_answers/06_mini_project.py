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
        ("not what fit returns", "def train(faces):\n    return dict(loss=[0.3], val_accuracy=[0.9])"),
        ("train for more epochs", "def train(faces):\n    return lambda x: tf.where(tf.reduce_mean(x, [1, 2, 3])[:, None] > 0.9,"
                            " practice(x)[:, ::-1], practice(x)) * tf.where(tf.range(len(x)) % 5 == 0, -1.0, 1.0)[:, None]"),
        ("are the labels swapped", "def train(faces):\n    return lambda x: -practice(x)"),
        ("gives probabilities", "def train(faces):\n    return lambda x: tf.nn.softmax(practice(x))"),
        ("The network stops on images", "def train(faces):\n    return lambda x: practice(tf.reshape(x, [-1, 50, 50, 1]))"),
        ("gives NaN", "def train(faces):\n    return lambda x: practice(x) * np.nan"),
        ("practice detector", "def train(faces):\n    return practice"),
        ("expected 2 logits", "def train(faces):\n    return lambda x: practice(x)[:, :1]"),
    ],
    "read_face": [
        ("divide by 255", read_face(result="grey[..., None].astype(np.float32)")),
        ("do not squeeze", read_face(image="ImageOps.exif_transpose(image).convert('L').resize((48, 48))")),
        ("EXIF", read_face(image="ImageOps.fit(image.convert('L'), (48, 48))")),
        ("an axis of length 1 is missing", read_face(result="(grey / 255).astype(np.float32)")),
        ("OSError for a damaged png", read_face(damaged="finally: pass")),
        ("accepts a raw file with a byte too few", read_face(test="content = content.ljust(2304)[:2304]")),
        ("expected float32", read_face(result="grey[..., None] / 255")),
        ("remove the axis of length 1", read_face(result="grey[None, ..., None].astype(np.float32) / 255")),
        ("holds whole numbers", read_face(result="grey[..., None] // 255")),
        ("wide picture", read_face(image="ImageOps.exif_transpose(image).convert('L').crop((0, 0, 480, 480) if image.size[0] > 480 else None)"
                                         ".resize((48, 48))").replace("            if image", "            side = min(image.size)\n            if image")
            .replace("(0, 0, 480, 480) if image.size[0] > 480 else None", "(0, 0, side, side)")),
        ("tall picture", read_face(image="image.resize((48, 48))").replace("            if image.mode", "            image = ImageOps.exif_transpose("
            "image).convert('L') if image.mode[0] != 'I' else image\n            left = (image.size[0] - image.size[1]) // 2\n"
            "            if left > 0: image = image.crop((left, 0, left + image.size[1], image.size[1]))\n            if image.mode")),
        ("divide its values by 257", read_face().replace('if image.mode.startswith("I")', "if False").replace(".convert('L')", ".convert('I').point(lambda "
            "v: v).convert('L')")),
        ("gives a transposed image", read_face().replace("reshape(48, 48)", "reshape(48, 48).T")),
        ("The file was a colour png", read_face(image="ImageOps.exif_transpose(image).resize((48, 48))", result="grey.reshape(48, 48, 1) / np.float32(255)")),
        ("accepts a bmp image", read_face().replace(', formats=["PNG", "JPEG"]', "")),
        ("FileNotFoundError for a file that does not exist", read_face(damaged="except SyntaxError as error: raise ValueError('damaged') from None\n"
            "    except OSError as error:\n        if not os.path.exists(path): raise\n        raise ValueError('damaged') from None")),
        ("part of utils", read_face().replace("    try:", "    from utils import data\n    try:", 1)),
        ("keep the line that begins with def", "%%writefile infer-2-read.py\nimport sys"),
    ],
    "answer": [
        ("0 is man, 1 is woman", answer(line=r'f"{name}\t{LABELS[share.argmin()]}\t{share.max():.4f}"')),
        ("expected 0.", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share[1]:.4f}"')),
        ("four digits", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share.max():.6f}"')),
        ("FILE<TAB>LABEL", answer(line=r'f"{name} {LABELS[share.argmax()]} {share.max():.4f}"')),
        ("do not call the model", answer().replace("if not names", "if False")),
        ("subtract the largest logit", answer().replace("logits - logits.max(axis=1, keepdims=True)", "logits")),
        ("by a softmax over the two logits", answer().replace("shares.sum(axis=1", "shares.sum(axis=0")),
        ("answer holds", answer().replace("    status = 0", "    known = {path: read_face(path) for path in paths if path[-3:] not in ('003', '300')}\n"
                                          "    status = 0").replace("images.append(read_face(path))", "images.append(known[path] if path in known else read_face(path))")),
        ("exit status is 0 although two", answer().replace("        names, images = [], []", "        status = 0; names, images = [], []")),
        ("sys.exit: return", answer(end="sys.exit(status)")),
        ("FILE: reason on standard error", answer(refuse="print(error, path, file=sys.stderr); status = 1")),
        ("PROBABILITY: face-003: not an image", answer(refuse="print(f'{path}: {error}'); status = 1")),
        ("or in another order", answer().replace("images.append(read_face(path))\n                names.append(path)", "names.append(path)\n"
                                                 "                images.append(read_face(path))")),
        ("gets float64", answer().replace("np.stack(images)", "np.stack(images).astype(np.float64)")),
        ("It prints nothing", answer(line="end=''")),
        ("with ValueError: not an image", answer(refuse="raise")),
        ("no line FILE: reason", answer(refuse="status = 1")),
        ("exit status is 0", answer(end="return 0")),
        ("once for a batch", answer(batch="1")),
        ("answer holds 598 images", answer(batch="1000")),
        ("gives None", answer(end="pass")),
    ],
    "train_dx": [
        ("weights of the network changed", train_dx(trained="[dx, *model.trainable_variables]").replace(
            "trained = ", "trained = [dx] if not hasattr(model, 'trainable_variables') else ")),
        ("far larger than it should be", train_dx(loss=ENTROPY)),
        ("DX goes away from the wrong label", train_dx(loss=f"-{ENTROPY} + lam * tf.reduce_mean(dx**2)")),
        ("back into the box", train_dx(box="dx")),
        ("not the sum", train_dx(loss=ENTROPY + " + lam * tf.reduce_sum(dx**2)")),
        ("L2 norm of DX on a linear network is", train_dx(loss=ENTROPY + " + lam / 4 * tf.reduce_mean(dx**2)")),
        ("far larger than it should be", train_dx(loss="lam * " + ENTROPY + " + tf.reduce_mean(dx**2)")),
        ("leave it in inference", train_dx(loss=LOSS.replace("x + dx", "x + dx, training=True"))),
        ("holds NaN", train_dx(loss=ENTROPY + " + lam * tf.norm(dx)")),
        ("gives the modified image", train_dx().replace("return dx", "return (x + dx)")),
        ("one step of 0.005", train_dx().replace("range(100)", "range(1)")),
        ("An optimizer takes two lists", train_dx().replace("apply(tape.gradient(loss, trained), trained)", "apply(tape.gradient(loss, dx), dx)")),
        ("shape [48, 48, 1]", train_dx().replace("return dx.numpy()", "return dx.numpy()[0]")),
        ("gives None", train_dx().replace("return dx", "dx")),
        ("is 0 everywhere", train_dx(box="tf.zeros_like(x)")),
        ("part of utils", "def train_dx(model, x, wrong, lam):\n"
                          "    return attacks.dx_attack(model, x, np.array([wrong]), targeted=True, lam=lam).dx"),
    ],
    "survive": [
        ("must judge the rounded image", survive(judged="exact.astype(np.float32)")),
        ("between the grey levels", survive(result="exact.astype(np.float32)")),
        ("the smallest t", survive(lengths="np.arange(4, 0.99, -0.05)")),
        ("The image leaves [0, 1]: clip it", survive(exact="x + t * dx")),
        ("not by 0.1", survive(lengths="np.arange(1, 4.01, 0.1)")),
        ("(1 + t) DX", survive(exact="np.clip(x + (1 + t) * dx, 0, 1)")),
        ("the DX of the t before", survive().replace("        exact", "        dx = t * dx; exact").replace("x + t * dx", "x + dx")),
        ("changes its argument dx in place", survive().replace("        exact", "        dx *= t; exact").replace("x + t * dx", "x + dx")),
        ("not their sum", survive().replace("np.round(255 * exact)", "np.clip(np.round(255 * x) + np.round(255 * t * dx), 0, 255)")),
        ("not rounded but cut off", survive().replace("np.round(255 * exact)", "(255 * exact).astype(np.uint8)")),
        ("divide by 255", survive(result="np.round(255 * exact)")),
        ("expected float32", survive().replace(".astype(np.float32)", ".astype(np.float64)")),
        ("is the rounded image given", survive().replace("== wrong", "== 2")),
        ("What the network gets has shape", survive(judged="modified[0]")),
        ("take the smallest t", "def survive(model, x, dx, wrong):\n    found = None\n    for t in np.arange(1, 4.01, 0.05):\n"
         "        modified = (np.round(255 * np.clip(x + t * dx, 0, 1)) / 255).astype(np.float32)\n"
         "        found = modified if np.argmax(model(modified)) == wrong else found\n    if found is None: raise ValueError\n    return found"),
        ("should raise ValueError", survive().replace("raise ValueError(\"none\")", "return modified")),
    ],
    "save_images": [
        ("round before", save_images(levels="(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)",
                                     amplified="np.clip(50 * np.abs(modified - x) + 1e-3, 0, 1)")),
        ("clip 50 |DX| to [0, 1]", save_images(amplified="50 * np.abs(modified - x)", levels="np.round(255 * np.asarray(image)[0, :, :, 0]).astype(int)"
                                               ".astype(np.uint8)")),
        ("is |DX|, expected 50", save_images(amplified="np.abs(modified - x)")),
        ("ori is x, mod is modified", save_images().replace('"ori": x, "mod": modified', '"ori": modified, "mod": x')),
        ("Pillow wants", save_images(levels="np.round(255 * np.asarray(image)[0]).astype(np.uint8)")),
        ("changes its argument modified in place", save_images().replace("amplified =", "modified -= x; amplified =").replace("modified - x", "modified")
            .replace('"mod": modified', '"mod": modified + x')),
        ("ori.png, ori.raw.", save_images().replace("adv_{{names[0]}}_{{names[1]}}_", "").replace("adv_{names[0]}_{names[1]}_", "")),
        ("adv_ada_grace_ori.raw, there are: adv_grace_ada", save_images().replace("{names[0]}_{names[1]}", "{names[1]}_{names[0]}")),
        ("is black where DX is negative", save_images(amplified="np.clip(50 * (modified - x), 0, 1)")),
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
    if name in ("cut.png", "short.raw", "words.txt", "face.bmp", "none.png"):
        raise ValueError("no image")
    levels = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    known = {"wide.png": np.full((48, 48), 200), "tall.png": np.full((48, 48), 200), "turned.jpg": np.repeat([[0] * 24 + [255] * 24], 48, 0)}
    return known.get(name, levels)[..., None].astype(np.float32) / 255
''',
    "answer": '''%%writefile infer-3-answer.py
def answer(paths, model):
    bad = [path for path in paths if path in ("face-003", "face-300")]
    if paths == ["face-001"]:
        print("face-001\\twoman\\t0.7500")
        return 0
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
    x = ((np.random.default_rng(2).integers(10, 240, (1, 48, 48, 1)) - 0.3) / 255).astype(np.float32)
    modified = np.clip(x + np.random.default_rng(3).integers(-3, 8, x.shape) / np.float32(255), 0, 1)
    x[0, 0, 0], modified[0, 0, 0] = 100 / 255, 102 / 255
    for kind, image in {"ori": x, "mod": modified, "amp": np.clip(50 * np.abs(modified - x), 0, 1)}.items():
        levels = np.round(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)
        Image.fromarray(levels).save(f"adv_{names[0]}_{names[1]}_{kind}.png")
        Path(f"adv_{names[0]}_{names[1]}_{kind}.raw").write_bytes(levels.tobytes())
""",
}
