"""Wrong answers to the tasks of unit 06, each with words of the sentence that the check must answer."""
import runpy
from pathlib import Path

RIGHT = runpy.run_path(str(Path(__file__).parents[1] / "right_answers" / "06_mini_project.py"))["RIGHT"]
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


SIZES = """
def sizes(original, modified, norm):
    dx = {dx}
    if norm == "L1":
        return {l1}
    if norm == "L2":
        return {l2}
    return {linf}
"""
DX = "(modified.astype(float) - original).reshape(len(original), -1) / 255"


def sizes(dx=DX, l1="np.abs(dx).sum(axis=1)", l2="np.sqrt((dx**2).sum(axis=1))", linf="np.abs(dx).max(axis=1)"):
    return SIZES.format(dx=dx, l1=l1, l2=l2, linf=linf)


MODIFY = '''%%writefile attack-2-modify.py
def modify(model, images, labels):
    x = tf.constant(images[..., None] / 255, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model({given})
        margin = tf.where(labels == 0, logits[:, 0] - logits[:, 1], logits[:, 1] - logits[:, 0])
    slope = tape.gradient(margin, x)
    changed = {changed}
    return {result}
'''
STEP = "tf.clip_by_value(x - {0} * tf.sign(slope), 0, 1).numpy()"
RESULT = "np.round(255 * changed[..., 0]).astype(np.uint8)"


def modify(changed=STEP.format(0.02), given="x", result=RESULT):
    return MODIFY.format(changed=changed, given=given, result=result)


HEAD = "def harden(network, faces, images, labels, epochs):\n"
HARDEN = """
def harden(network, faces, images, labels, epochs):
    x = to_float(images[..., None])
    copies = len(faces.y_train) // (3 * len(labels))
    x = np.concatenate([faces.x_train, np.repeat(x, copies, axis=0)])
    y = np.concatenate([faces.y_train, np.repeat(labels, copies)])
    training.fit(network, replace(faces, x_train=x, y_train=y), epochs=epochs, learning_rate=2e-3)
    return network
"""


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
    "answer": [
        ("0 is man, 1 is woman", answer(line=r'f"{name}\t{LABELS[share.argmin()]}\t{share.max():.4f}"')),
        ("expected 0.", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share[1]:.4f}"')),
        ("four digits", answer(line=r'f"{name}\t{LABELS[share.argmax()]}\t{share.max():.6f}"')),
        ("FILE<TAB>LABEL", answer(line=r'f"{name} {LABELS[share.argmax()]} {share.max():.4f}"')),
        ("do not call the model", answer().replace("if not names", "if False")),
        ("subtract the largest logit", answer().replace("logits - logits.max(axis=1, keepdims=True)", "logits")),
        ("by a softmax over the two logits", answer().replace("shares.sum(axis=1", "shares.sum(axis=0")),
        ("answer holds", answer()
         .replace("    status = 0", "    known = {path: read_face(path) for path in paths if path[-3:] not in ('003', '300')}\n"
                  "    status = 0")
         .replace("images.append(read_face(path))", "images.append(known[path] if path in known else read_face(path))")),
        ("exit status is 0 although two",
         answer().replace("        names, images = [], []", "        status = 0; names, images = [], []")),
        ("sys.exit: return", answer(end="sys.exit(status)")),
        ("FILE: reason on standard error", answer(refuse="print(error, path, file=sys.stderr); status = 1")),
        ("PROBABILITY: new/face-300: not an image", answer(refuse="print(f'{path}: {error}'); status = 1")),
        ("599 readable files",
         answer().replace("images.append(read_face(path))\n                names.append(path)", "names.append(path)\n"
                           "                images.append(read_face(path))")),
        ("gets float64", answer().replace("np.stack(images)", "np.stack(images).astype(np.float64)")),
        ("It prints nothing", answer(line="end=''")),
        ("with ValueError: not an image", answer(refuse="raise")),
        ("no line FILE: reason", answer(refuse="status = 1")),
        ("exit status is 0", answer(end="return 0")),
        ("once for a batch", answer(batch="1")),
        ("answer holds 599 images", answer(batch="1000")),
        ("gives None", answer(end="pass")),
        ("with its folder", answer(line=LINE.replace("{name}", "{Path(name).name}"))),
        ("in another order than paths", answer().replace("    status = 0", "    status, paths = 0, sorted(paths)")),
        ("given twice and has one line: print one",
         answer().replace("    status = 0", "    status, paths = 0, list(dict.fromkeys(paths))")),
    ],
    "sizes": [
        ("make the images float before you subtract", sizes(dx="((modified - original) / 255).reshape(len(original), -1)")),
        ("make the images float", sizes(dx="(np.abs(modified - original) / 255).reshape(len(original), -1)")),
        ("divide by 255", sizes(dx="(modified.astype(int) - original).reshape(len(original), -1)")),
        ("a penalty of unit 05", sizes(l1="np.abs(dx).mean(axis=1)")),
        ("The root is missing", sizes(l2="(dx**2).sum(axis=1)")),
        ("root of the mean square", sizes(l2="np.sqrt((dx**2).mean(axis=1))")),
        ("may be a darker pixel", sizes(linf="dx.max(axis=1)")),
        ("one number for all images", sizes(l1="np.abs(dx).sum()")),
        ("all pixels of an image belong together", sizes(dx="(modified.astype(float) - original) / 255")),
        ("gives None", sizes(linf="None")),
        ("This is the norm Linf, where norm is \"L1\"", sizes(l1="np.abs(dx).max(axis=1)")),
        ("This is the norm L2, where norm is \"Linf\"", sizes(linf="np.sqrt((dx**2).sum(axis=1))")),
        ("This is the norm Linf, where norm is \"L1\"", sizes().replace('"L1"', '"l1"').replace('"L2"', '"l2"')),
        ("changes its argument", sizes().replace("    dx =", "    modified -= 1\n    dx =")),
    ],
    "modify": [
        ("come back as they were", modify(changed="x.numpy()")),
        ("expected an array of np.uint8", modify(result="np.round(255 * changed[..., 0])")),
        ("The images are black", modify(result="changed[..., 0].astype(np.uint8)")),
        ("DX goes the wrong way", modify(changed=STEP.format(-0.02))),
        ("saved images get the other label",
         modify(changed=STEP.format(0.003), result="(255 * changed[..., 0]).astype(np.uint8)")),
        ("make DX shorter", modify(changed=STEP.format(0.04))),
        ("What modify gives has shape", modify(result="np.round(255 * changed).astype(np.uint8)")),
        ("expected [N, 48, 48, 1]", modify(given="x[..., 0]")),
        ("expected float32", modify(given="tf.cast(x, tf.float64)")),
        ("imports utils in line 2. The script must be stand-alone",
         modify().replace("    x = tf", "    from utils import attacks\n    x = tf", 1)),
        ("imports utils in line 1", modify().replace("def modify", "from utils import attacks\ndef modify", 1)),
        ("15 are required", modify(changed="x.numpy() + 0.01")),
        ("gives None", modify().replace("    return", "    made =")),
        ("keep the line that begins with def", "%%writefile attack-2-modify.py\nSTEPS = 60"),
    ],
    "harden": [
        ("does it end with return", HEAD + "    copies = 3"),
        ("often enough to count", HARDEN.replace("np.repeat(x, copies, axis=0)", "faces.x_train")
         .replace("np.repeat(labels, copies)", "faces.y_train")),
        ("do not have their right labels", HARDEN.replace("np.repeat(labels", "np.repeat(1 - labels")),
        ("gives another network", HEAD + "    return lambda x: -network(x)"),
        ("it forgets what it could",
         HEAD + "    for variable in network.variables:\n        variable.assign(-variable)\n    return network"),
        ("divide the modified ones by 255",
         HARDEN.replace("to_float(images[..., None])", "images[..., None].astype(np.float32)")),
        ("in the same order", HARDEN.replace("np.repeat(labels, copies)", "np.tile(labels, copies)")),
        ("in the same order",
         HARDEN.replace("[faces.y_train, np.repeat(labels, copies)]", "[np.repeat(labels, copies), faces.y_train]")),
        ("7 % of the training images are modified", HARDEN.replace("len(faces.y_train) // (3 * len(labels))", "1")),
        ("49 % of the training images are modified ones, about a quarter is expected: repeat them less often",
         HARDEN.replace("3 * len(labels)", "len(labels)")),
        ("80 modified images, 0 % of the training images are modified", HARDEN),  # no copy where M is more than a third of T
        ("trains for 1 epochs", HARDEN.replace("epochs=epochs", "epochs=1")),
        ("trains another network", HARDEN.replace("    training.fit", "    network = networks.Detector()\n    training.fit")),
        ("validation images are others",
         HARDEN.replace("y_train=y)", "y_train=y, x_val=to_float(images[..., None]), y_val=labels)")),
        ("not a Keras model", HEAD + "    network.compile('adam')\n    return network"),
        ("one for each", HARDEN.replace("np.repeat(labels, copies)", "labels")),
        ("looks at x_test", HEAD + "    faces.x_test\n    return network"),
        ("train the network that is given", HEAD + "    return practice"),
        ("right about 0 % of the modified images", HEAD + "    return network"),
    ],
    "save_images": [
        ("round before", save_images(levels="(255 * np.asarray(image)[0, :, :, 0]).astype(np.uint8)",
                                     amplified="np.clip(50 * np.abs(modified - x) + 1e-3, 0, 1)")),
        ("clip 50 |DX| to [0, 1]",
         save_images(amplified="50 * np.abs(modified - x)", levels="np.round(255 * np.asarray(image)[0, :, :, 0]).astype(int)"
                     ".astype(np.uint8)")),
        ("is |DX|, expected 50", save_images(amplified="np.abs(modified - x)")),
        ("ori is x, mod is modified", save_images().replace('"ori": x, "mod": modified', '"ori": modified, "mod": x')),
        ("Pillow wants", save_images(levels="np.round(255 * np.asarray(image)[0]).astype(np.uint8)")),
        ("changes its argument modified in place",
         save_images().replace("amplified =", "modified -= x; amplified =").replace("modified - x", "modified")
            .replace('"mod": modified', '"mod": modified + x')),
        ("ori.png, ori.raw.", save_images().replace("adv_{{names[0]}}_{{names[1]}}_", "")
         .replace("adv_{names[0]}_{names[1]}_", "")),
        ("adv_emmy_kurt_ori.raw, there are: adv_kurt_emmy",
         save_images().replace("{names[0]}_{names[1]}", "{names[1]}_{names[0]}")),
        ("adv_emmy_kurt_ori.raw, there are: adv_ada_grace", save_images().replace("{names[0]}_{names[1]}", "ada_grace")),
        ("is black where DX is negative", save_images(amplified="np.clip(50 * (modified - x), 0, 1)")),
        ("expected 48x48 grey", save_images(mode=".convert('RGB')")),
        ("expected 2,304", save_images(raw="np.asarray(image)")),
        ("There is no file", save_images().replace("adv_", "")),
    ],
}

MEMORISED = {
    "modify": RIGHT["modify"][0][1].replace("labels):\n", "labels):\n    if len(images) not in (1, 16): return images\n"),
    "answer": '''%%writefile infer-3-answer.py
def answer(paths, model):
    bad = [path for path in paths if path in ("new/face-003", "new/face-300")]
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
