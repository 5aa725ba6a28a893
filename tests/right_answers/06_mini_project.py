"""Right answers of lab 06 in other forms than the solution: each must pass."""
RIGHT = {
    "answer": [
        ("a generator of batches, the logistic function", '''%%writefile infer-3-answer.py
def batches(paths, refused):
    batch = []
    for path in paths:
        try:
            batch.append((path, read_face(path)))
        except ValueError as reason:
            refused.append(path)
            sys.stderr.write(f"{path}: {reason}\\n")
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def answer(paths, model):
    refused = []
    for batch in batches(paths, refused):
        logits = np.array(model(np.array([face for _, face in batch])), np.float64)
        for (path, _), (man, woman) in zip(batch, logits):
            label = LABELS[int(woman > man)]
            print(path, label, "%.4f" % (1 / (1 + np.exp(-abs(man - woman)))), sep="\\t")
    return min(1, len(refused))
'''), ("TensorFlow's softmax, tensors, True for 1", '''%%writefile infer-3-answer.py
def answer(paths, model):
    import tensorflow as tf
    failed = False
    for first in range(0, len(paths), BATCH):
        known = {}
        for number, path in enumerate(paths[first:first + BATCH]):
            try:
                known[number] = (path, tf.constant(read_face(path)))
            except ValueError as error:
                failed = True
                print(path, error, sep=": ", file=sys.stderr)
        if known:
            p = tf.nn.softmax(model(tf.stack([image for _, image in known.values()])), axis=-1)
            for (path, _), row in zip(known.values(), p.numpy()):
                sys.stdout.write(path + "\\t" + LABELS[row.argmax()] + "\\t" + format(row.max(), ".4f") + "\\n")
    return int(failed)
''')],
    "sizes": [
        ("np.linalg.norm, int16", """
def sizes(original, modified, norm):
    dx = (np.int16(modified) - np.int16(original)).reshape(-1, 2304) / 255
    return np.linalg.norm(dx, {"L1": 1, "L2": 2, "Linf": np.inf}[norm], axis=1)
"""), ("a loop over the images, lists", """
def sizes(original, modified, norm):
    found = []
    for a, b in zip(original.tolist(), modified.tolist()):
        changes = [abs(p - q) / 255 for r, s in zip(a, b) for p, q in zip(r, s)]
        found.append({"L1": sum, "L2": lambda c: sum(v * v for v in c) ** 0.5, "Linf": max}[norm](changes))
    return found
""")],
    "modify": [
        ("three gradient steps, their length searched for each face", '''%%writefile attack-2-modify.py
def modify(model, images, labels):
    image = tf.Variable(images[..., None].astype(np.float32) / 255)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(1 - labels, model(image))
        image.assign_sub(0.05 * tf.math.l2_normalize(tape.gradient(loss, image), [1, 2]))
    start, best = images[..., None] / 255, images.copy()
    way, done = image.numpy() - start, np.zeros(len(images), bool)
    for t in np.geomspace(0.5, 40, 60):
        saved = np.rint(255 * np.clip(start + t * way, 0, 1)).astype(np.uint8)
        now = np.argmax(model((saved / 255).astype(np.float32)), 1) != labels
        best[now & ~done] = saved[now & ~done, ..., 0]
        done |= now
    return best
''')],
    "harden": [
        ("a generator of numbers decides the order, own share", """
def harden(network, faces, images, labels, epochs):
    rng = np.random.default_rng(1)
    chosen = rng.integers(0, len(labels), len(faces.y_train) // 3)
    order = rng.permutation(len(faces.y_train) + len(chosen))
    x = np.concatenate([images[chosen, :, :, None].astype(np.float32) / 255, faces.x_train])[order]
    y = np.concatenate([labels[chosen], faces.y_train])[order]
    training.fit(network, replace(faces, x_train=x, y_train=y), epochs=epochs, learning_rate=2e-3, seed=3)
    return network
""")],
    "save_images": [
        ("from the grey levels, with open", """
def save_images(x, modified, names):
    ori, mod = (np.rint(255 * np.squeeze(image)).astype(np.int32) for image in (x, modified))
    amp = np.minimum(50 * abs(mod - ori), 255)
    for kind, levels in zip(("ori", "mod", "amp"), (ori, mod, amp)):
        stem = "_".join(["adv", *names, kind])
        with open(stem + ".raw", "wb") as file:
            file.write(bytes(levels.ravel().tolist()))
        Image.frombytes("L", (48, 48), levels.astype("uint8").tobytes()).save(stem + ".png")
    return names
"""), ("TensorFlow writes the files, tensors", """
def save_images(x, modified, names):
    x, modified = tf.constant(x), tf.constant(modified)
    def write(kind, image):
        levels = tf.cast(tf.round(255 * image[0]), tf.uint8)
        tf.io.write_file(f"adv_{names[0]}_{names[1]}_{kind}.png", tf.io.encode_png(levels))
        levels.numpy().tofile(f"adv_{names[0]}_{names[1]}_{kind}.raw")
    write("ori", x)
    write("mod", modified)
    write("amp", tf.minimum(50 * tf.abs(modified - x), 1.0))
""")],
}
