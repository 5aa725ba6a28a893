"""Right answers of lab 07 in other forms than the solution: each must pass."""
RIGHT = {
    "fast": [
        ("the gradient of the probability, NumPy after the tape", """
def fast_gradient(model, x, labels, epsilon, norm, targeted):
    with tf.GradientTape() as tape:
        tape.watch(x)
        p = tf.gather(tf.nn.softmax(model(x)), labels, batch_dims=1)
    g = tape.gradient(p, x).numpy().astype(float) * (1 if targeted else -1)
    step = np.sign(g) if norm == "Linf" else g / np.linalg.norm(g.reshape(len(g), -1), axis=1).reshape(-1, 1, 1, 1)
    return np.clip(x.numpy() + epsilon * step, 0, 1) - x.numpy()
"""), ("training=False, logits of NumPy's labels", """
def fast_gradient(model, x, labels, epsilon, norm, targeted):
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(images=x, training=False)
        loss = tf.nn.softmax_cross_entropy_with_logits(tf.one_hot(labels, logits.shape[1]), logits)
    g = tape.gradient(loss, x) * (-1 if targeted else 1)
    length = tf.norm(tf.reshape(g, [len(g), -1]), axis=1)[:, None, None, None]
    return tf.clip_by_value(x + epsilon * (tf.sign(g) if norm == "Linf" else g / length), 0, 1) - x
"""), ("one image at a time, Keras' loss, a variable", """
def fast_gradient(model, x, labels, epsilon, norm, targeted):
    images, steps = tf.Variable(x), []
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(labels, model(images))
    for g in tf.unstack(tape.gradient(value, images)):
        steps.append(tf.sign(g) if norm == "Linf" else tf.math.l2_normalize(g))
    step = tf.stack(steps) * (-epsilon if targeted else epsilon)
    return tf.minimum(tf.maximum(step, -x), 1 - x)
""")],
    "pgd": [
        ("the limits of both at once, float64", """
def pgd(gradient, x, start, epsilon, step_size, steps):
    low, high = np.maximum(-epsilon, -x.astype(float)), np.minimum(epsilon, 1 - x.astype(float))
    dx = np.clip(start, low, high)
    for _ in range(steps):
        dx = np.clip(dx + step_size * np.sign(gradient(x + dx)), low, high)
    return dx
"""), ("images, TensorFlow", """
def pgd(gradient, x, start, epsilon, step_size, steps):
    image = tf.clip_by_value(x + start, 0.0, 1.0)
    for _ in range(steps):
        image = image + step_size * tf.sign(gradient(images=image))
        image = tf.clip_by_value(tf.clip_by_value(image, x - epsilon, x + epsilon), 0.0, 1.0)
    return image - x
""")],
    "projection": [
        ("sorted limits", """
def onto_boundary(x, g, c):
    way = np.sign(g * c)
    a, u = np.abs(g), np.where(way > 0, 1 - x, np.where(way < 0, x, 0))
    order = np.argsort(np.divide(u, a, out=np.full_like(u, np.inf), where=a > 0))
    left, square = abs(c), np.sum(a**2)
    t = u.copy()
    for place, i in enumerate(order):
        if a[i] == 0 or left <= 0:
            break
        tau = left / np.sum(a[order[place:]]**2)
        if tau * a[i] <= u[i]:
            t[order[place:]] = tau * a[order[place:]]
            break
        left -= a[i] * u[i]
    return way * t
"""), ("shared again and again", """
def onto_boundary(x, g, c):
    d, free = np.zeros(len(x)), g != 0
    while free.any():
        new = np.where(free, (c - g[~free] @ d[~free]) * g / (g[free] @ g[free]), d)
        cut = np.clip(x + new, 0, 1) - x
        stopped = free & (np.abs(cut - new) > 1e-12)
        d = np.where(stopped, cut, d)
        if not stopped.any():
            return new
        free &= ~stopped
    return d
"""), ("an upper limit that is doubled, a while", """
def onto_boundary(x, g, c):
    a, way = np.abs(g), np.sign(c * g)
    u = np.where(way > 0, 1 - x, x) * (a > 0)
    reach = lambda tau: np.sum(a * np.minimum(tau * a, u))
    if reach(1e12) <= abs(c):
        return way * u
    low, high = 0.0, 1.0
    while reach(high) < abs(c):
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        tau = (low + high) / 2
        low, high = (low, tau) if reach(tau) > abs(c) else (tau, high)
    return way * np.minimum(tau * a, u)
"""), ("bisection in TensorFlow", """
def onto_boundary(x, g, c):
    a, way = tf.abs(g), tf.sign(g) * np.sign(c)
    u = tf.where(way > 0, 1 - x, x)
    low, high = tf.constant(0.0, tf.float64), tf.constant(1e6, tf.float64)
    for _ in range(90):
        tau = (low + high) / 2
        enough = tf.reduce_sum(a * tf.minimum(tau * a, u)) >= abs(c)
        low, high = tf.where(enough, low, tau), tf.where(enough, tau, high)
    return way * tf.minimum(high * a, u)
""")],
    "smallest": [
        ("all of them first", """
def smallest(margin, project, x, steps, beyond):
    tried = [np.zeros(x.shape)]
    for _ in range(steps):
        f, g = margin(image=x + tried[-1])
        tried.append(project(x=x, g=g, c=float(np.dot(g, tried[-1]) - f - beyond)))
    fooling = [d for d in tried[1:] if margin(x + d)[0] < 0]
    return sorted(fooling, key=lambda d: np.sum(d**2))[0] if fooling else tried[-1]
"""), ("a recursion on images", """
def smallest(margin, project, x, steps, beyond):
    def onwards(image, left):
        f, g = margin(image)
        found = [(np.sum((image - x)**2), image)] if f < 0 else []
        if not left:
            return found, image
        more, last = onwards(x + project(x, g, g @ (image - x) - f - beyond), left - 1)
        return found + more, last
    found, last = onwards(x, steps)
    return (min(found, key=lambda one: one[0])[1] if found else last) - x
""")],
    "evolution": [
        ("loops", """
def evolve(candidates, margins, parents, score):
    children = np.zeros(candidates.shape)
    for n in range(len(candidates)):
        for j, (one, two, three) in enumerate(parents):
            children[n, j] = np.clip(candidates[n, one] + 0.5 * (candidates[n, two] - candidates[n, three]), 0, 1)
    scores, kept, lowest = score(children=children), candidates.copy(), margins.copy()
    for place in np.ndindex(*margins.shape):
        if scores[place] < margins[place]:
            kept[place], lowest[place] = children[place], scores[place]
    return kept, lowest
"""), ("TensorFlow, a list", """
def evolve(candidates, margins, parents, score):
    given = tf.constant(candidates)
    one, two, three = (tf.gather(given, parents[:, i], axis=1) for i in range(3))
    children = tf.clip_by_value(one + (two - three) / 2, 0.0, 1.0)
    scores = tf.constant(score(children))
    return [tf.where((scores < margins)[:, :, None], children, given), tf.minimum(scores, margins)]
""")],
    "eot": [
        ("a tape for each", """
def eot_gradient(model, loss, x, transformations):
    total = np.zeros(x.shape)
    for t in transformations:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(loss(logits=model(images=t(images=x), training=False)))
        total += tape.gradient(value, x).numpy()
    return total / len(transformations)
"""), ("all copies in one batch", """
def eot_gradient(model, loss, x, transformations):
    image = tf.Variable(x)
    with tf.GradientTape() as tape:
        logits = model(tf.concat([t(image) for t in transformations], axis=0))
        losses = [loss(part) for part in tf.split(logits, len(transformations))]
        value = tf.reduce_sum(tf.reduce_mean(losses, axis=0))
    return tape.gradient(value, image)
""")],
    "reading": [("names first", """
def reading():
    broken = {letter: set() for letter in "ABC"}
    broken["B"] |= {2, 4, 5}
    broken["C"].add(1)
    return [broken, "B"]
""")],
}
