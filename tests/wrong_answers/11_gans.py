"""Wrong answers to lab 11: {task: [(words that the check must say, code)]}."""


def game(known="p + q > 0", d="np.where(known, p / np.where(known, p + q, 1), 0.5)", log="np.log",
         v="np.sum(part(p, d) + part(q, 1 - d)) * dx"):
    return f"""
def optimal_discriminator(p, q):
    known = {known}
    return {d}

def part(density, probability):
    return density * {log}(np.where(density > 0, probability, 1))

def value(p, q, d, dx):
    return {v}
"""


def losses(each="np.logaddexp(0, u) - u * y", d="np.mean(entropy(on_real, real)) + np.mean(entropy(on_fake, fake))",
           g="np.mean(entropy(on_fake, 1))"):
    return f"""
def entropy(u, y):
    return {each}

def discriminator_loss(on_real, on_fake, real=1.0, fake=0.0):
    return {d}

def generator_loss(on_fake):
    return {g}
"""


def step(g_call="generator(z, training=True)", real="discriminator(x, training=True)",
         made="discriminator(made, training=True)", real_loss="mean(tf.nn.softplus(-on_real))",
         made_loss="mean(tf.nn.softplus(on_made))", d="real_loss + made_loss",
         g="mean(tf.nn.softplus(-on_made))",
         d_weights="discriminator.trainable_variables", g_weights="generator.trainable_variables", tapes=
         "tf.GradientTape() as one, tf.GradientTape() as two", second="two", d_opt="d_optimizer",
         g_opt="g_optimizer",
         d_sign="", g_sign="", result="d_loss, g_loss", mean="tf.reduce_mean"):
    return f"""
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    mean = {mean}
    with {tapes}:
        made = {g_call}
        on_real = {real}
        on_made = {made}
        real_loss, made_loss = {real_loss}, {made_loss}
        d_loss = {d}
        g_loss = {g}
    d_weights, g_weights = {d_weights}, {g_weights}
    d_slopes = [{d_sign}s for s in one.gradient(d_loss, d_weights)]
    g_slopes = [{g_sign}s for s in {second}.gradient(g_loss, g_weights)]
    {d_opt}.apply(d_slopes, d_weights)
    {g_opt}.apply(g_slopes, g_weights)
    return {result}
"""


ENTROPY = "def entropy(u, y):\n    return np.maximum(u, 0) - u * y + np.log1p(np.exp(-np.abs(u)))\n\n"
XENT = "mean(tf.nn.sigmoid_cross_entropy_with_logits({}))"

TOGETHER = """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    with tf.GradientTape() as one, tf.GradientTape() as two:
        both = discriminator(tf.concat([x, generator(z, training=True)], 0), training=True)
        on_real, on_made = tf.split(both, 2)
        d_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_made))
        g_loss = tf.reduce_mean(tf.nn.softplus(-on_made))
    d_weights, g_weights = discriminator.trainable_variables, generator.trainable_variables
    slopes = one.gradient(d_loss, d_weights), two.gradient(g_loss, g_weights)
    d_optimizer.apply(slopes[0], d_weights)
    g_optimizer.apply(slopes[1], g_weights)
    return d_loss, g_loss
"""

ONE_AFTER_THE_OTHER = """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    with tf.GradientTape() as tape:
        made = generator(z, training=True)
        on_real, on_made = discriminator(x, training=True), discriminator(made, training=True)
        d_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_made))
    weights = discriminator.trainable_variables
    d_optimizer.apply(tape.gradient(d_loss, weights), weights)
    with tf.GradientTape() as tape:
        on_made = discriminator(generator(z, training=True), training=True)
        g_loss = tf.reduce_mean(tf.nn.softplus(-on_made))
    g_optimizer.apply(tape.gradient(g_loss, generator.trainable_variables), generator.trainable_variables)
    return d_loss, g_loss
"""

G_FIRST = """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    with tf.GradientTape() as tape:
        made = generator(z, training=True)
        g_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(made, training=True)))
    g_optimizer.apply(tape.gradient(g_loss, generator.trainable_variables), generator.trainable_variables)
    with tf.GradientTape() as tape:
        on_real, on_made = discriminator(x, training=True), discriminator(generator(z, training=True), training=True)
        d_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_made))
    weights = discriminator.trainable_variables
    d_optimizer.apply(tape.gradient(d_loss, weights), weights)
    return d_loss, g_loss
"""

MOVES_BOTH = """
def train_step(generator, discriminator, g_optimizer, d_optimizer, x, z):
    with tf.GradientTape(persistent=True) as tape:
        made = generator(z, training=True)
        on_real, on_made = discriminator(x, training=True), discriminator(made, training=True)
        d_loss = tf.reduce_mean(tf.nn.softplus(-on_real) + tf.nn.softplus(on_made))
        g_loss = tf.reduce_mean(tf.nn.softplus(-on_made))
    d_weights, g_weights = discriminator.trainable_variables, generator.trainable_variables
    {take}
    d_optimizer.apply(d_slopes, d_weights)
    g_optimizer.apply(g_slopes, g_weights)
    return d_loss, g_loss
"""
G_MOVES_D = MOVES_BOTH.format(take="""d_slopes = tape.gradient(d_loss, d_weights)
    g_slopes = tape.gradient(g_loss, g_weights)
    for weight, slope in zip(d_weights, tape.gradient(g_loss, d_weights)):
        weight.assign_sub(g_optimizer.learning_rate * slope)""")
D_MOVES_G = MOVES_BOTH.format(take="""d_slopes = tape.gradient(d_loss, d_weights)
    g_slopes = tape.gradient(g_loss, g_weights)
    for weight, slope in zip(g_weights, tape.gradient(d_loss, g_weights)):
        weight.assign_sub(d_optimizer.learning_rate * slope)""")
BOTH_LOSSES_FOR_D = MOVES_BOTH.format(take="""d_slopes = tape.gradient(d_loss + g_loss, d_weights)
    g_slopes = tape.gradient(g_loss, g_weights)""").replace("d_loss + g_loss, d_", "[d_loss, g_loss], d_")
BOTH_LOSSES_FOR_G = MOVES_BOTH.format(take="""d_slopes = tape.gradient(d_loss, d_weights)
    g_slopes = tape.gradient([d_loss, g_loss], g_weights)""")


INITIAL = "kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.02)"


def generator(dense="49 * 2 * width", start=INITIAL, bias=", use_bias=False", reshape="layers.Reshape([7, 7, 2 * width]),", norm=
              "layers.BatchNormalization(momentum=0.9),", relu="layers.ReLU(),", second="width", k="4", more="", end="'tanh'",
              between=None):
    between = f"{norm} {relu}" if between is None else between
    return f"""
def build_generator(latent, width):
    layers = tf.keras.layers
    return tf.keras.Sequential([
        tf.keras.Input([latent]), layers.Dense({dense}{bias}, {start}), {reshape} {between}
        layers.Conv2DTranspose({second}, {k}, 2, "same"{bias}, {start}), {between}
        layers.Conv2DTranspose(1, {k}, 2, "same", activation={end}, {start}),{more}
    ])
"""


def discriminator(first="width", second="2 * width", k="4", norm="layers.BatchNormalization(momentum=0.9),", first_norm="",
                  act="layers.LeakyReLU(0.2),",
                  stride="2", pool="", flat="layers.Flatten(),", last="layers.Dense(1, INIT)", bias=", use_bias=False",
                  start=INITIAL):
    return f"""
def build_discriminator(width):
    layers = tf.keras.layers
    return tf.keras.Sequential([
        tf.keras.Input([28, 28, 1]), layers.Conv2D({first}, {k}, {stride}, "same", {start}), {first_norm} {act} {pool}
        layers.Conv2D({second}, {k}, {stride}, "same"{bias}, {start}), {norm} {act} {pool} {flat} {last.replace("INIT", start)}
    ])
"""


def modes(distance="np.sqrt(((points[:, None] - centres)**2).sum(axis=2))", near="distances < radius", modes=
          "(near.mean(axis=0) >= 0.01).sum()", share="near.any(axis=1).mean()", result="modes, share",
          **named):
    answers = dict(P=3, Q=1, R=4, S=5, T=2) | named
    return f"""
def covered(points, centres, radius):
    distances = {distance}
    near = {near}
    modes, share = {modes}, {share}
    return {result}

def diagnosis():
    return {answers}
"""


def frechet(cov="np.cov(x, rowvar=False)", means="np.sum((a.mean(0) - b.mean(0))**2)", root=
            "np.sum(np.sqrt(np.maximum(np.linalg.eigvals(A @ B).real, 0)))", last="- 2 * root", result="F"):
    return f"""
def frechet_distance(a, b):
    A, B = ({cov} for x in (a, b))
    root = {root}
    F = {means} + np.trace(A) + np.trace(B) {last}
    return {result}
"""


def inversion(watch="tape.watch(z)", call="generator(tf.reshape(z, [-1, z.shape[2]]))", error=
              "tf.reduce_sum((made - images[:, None])**2, axis=[2, 3, 4])", total="tf.reduce_sum(errors)",
              new="z - rate * slope", result="new, errors", best="tf.gather(z, tf.argmin(errors, axis=1), "
                                                                 "batch_dims=1)"):
    return f"""
def invert_step(generator, z, images, rate):
    with tf.GradientTape() as tape:
        {watch}
        made = tf.reshape({call}, [*z.shape[:2], *images.shape[1:]])
        errors = {error}
        total = {total}
    slope = tape.gradient(total, z)
    new = {new}
    return {result}

def best_restart(z, errors):
    return {best}
"""


VARIABLE = inversion(watch="v = tf.Variable(z)", new="v").replace("reshape(z,", "reshape(v,").replace(
    "(total, z)", "(total, v)\n    v.assign_sub(rate * slope)").replace(
    "new = v", "new = tf.identity(v)")
LATER = ("tf.reduce_sum((tf.reshape(generator(tf.reshape(new, [-1, z.shape[2]])), [*z.shape[:2], "
         "*images.shape[1:]]) - images[:, None])**2, axis=[2, 3, 4])")

WRONG = {
    "game": [
        ("that is 0/0", game(d="p / (p + q)")),
        ("expected 1/2", game(d="p / (p + q + 1e-12)")),
        ("expected 1/2", game(d="np.where(known, p / np.where(known, p + q, 1), 0)")),
        ("add no small number to p and q", game(d="(p + 1e-12) / (p + q + 2e-12)")),
        ("add no small number to p and q", game(known="p + q > 1e-10")),
        ("p and q are swapped", game(v="np.sum(p * np.log(1 - d) + q * np.log(d)) * dx")),
        ("D* is swapped", game(d="np.where(known, q / np.where(known, p + q, 1), 0.5)")),
        ("expected a probability", game(d="np.where(p == q, 0.5, p > q)")),
        ("logarithm to the base 2", game(log="np.log2")),
        ("logarithm to the base 10", game(log="np.log10")),
        ("has the wrong sign", game(v="-np.sum(part(p, d) + part(q, 1 - d)) * dx")),
        ("dx is missing", game(v="np.sum(part(p, d) + part(q, 1 - d))")),
        ("mean over the grid", game(v="np.mean(part(p, d) + part(q, 1 - d))")),
        ("0 log 0 counts as 0", game(v="np.sum(p * np.log(d) + q * np.log(1 - d)) * dx")),
        ("a small number in the logarithm", game(
            v="np.sum(p * np.log(d + 1e-8) + q * np.log(1 - d + 1e-8)) * dx")),
        ("p and q are swapped", game(v="np.sum(part(np.where(d > 0, q, 0), d) + part(np.where(d < 1, p, 0), "
                                       "1 - d)) * dx")),
        ("generated points is missing", game(v="np.sum(part(p, d)) * dx")),
        ("real points is missing", game(v="np.sum(part(q, 1 - d)) * dx")),
        ("subtracted", game(v="np.sum(part(p, d) - part(q, 1 - d)) * dx")),
        ("q is multiplied by log D", game(v="np.sum(part(p, d) + part(np.where(d > 0, q, 0), d)) * dx")),
        ("weighted with p", game(v="np.sum(part(p, d) + part(np.where(d < 1, p, 0), 1 - d)) * dx")),
        ("sum over axis 0 is missing", game(v="(part(p, d) + part(q, 1 - d)) * dx")),
        ("part of utils", "def optimal_discriminator(p, q):\n    return minimax.optimal_discriminator(p, q)\ndef "
                          "value(p, q, d, dx):\n    return 0"),
        ("mean times dx", game(v="np.mean(part(p, d) + part(q, 1 - d)) * dx")),
        ("d is not used", game(v="np.sum(part(p, optimal_discriminator(p, q)) + part(q, 1 - "
                                 "optimal_discriminator(p, q))) * dx")),
        ("changes its argument p in place", game(v="(p.__imul__(dx), np.sum(part(p, d) + dx * part(q, 1 - d)))[1]")),
        ("np.trapezoid counts both ends half", game(v="np.trapezoid(part(p, d) + part(q, 1 - d), dx=dx)")),
        ("a small number in the logarithm", game(v="np.sum(p * np.log(d + 1e-12) + q * np.log(1 - d + 1e-12)) * dx")),
        ("a small number in the logarithm",
         game(v="np.sum(part(p, np.clip(d, 1e-7, 1 - 1e-7)) + part(q, 1 - np.clip(d, 1e-7, 1 - 1e-7))) * dx")),
        ("mask each of the two parts by itself", game(v="np.sum((part(p, d) + part(q, 1 - d))[(p > 0) & (q > 0)]) * dx")),
        ("D* is 0 where p is 0", game(known="p > 0")),
        ("D* is 1 where q is 0", game(known="q > 0")),
        ("it is 1/2 only where both are 0", game(known="(p > 0) & (q > 0)")),
        ("D* has shape", game(d="np.sum(p) / np.sum(p + q)")),
        ("comes from utils", game() + "\nvalue = minimax.value\n"),
        ("gives a list", game(d="list(np.where(known, p / np.where(known, p + q, 1), 0.5))")),
        ("leaves the work to xlogy", game(v="np.sum(xlogy(p, d) + xlog1py(q, -d)) * dx")
         + "\nfrom scipy.special import xlogy, xlog1py\n"),
        ("leaves the work to special", game(v="np.sum(special.xlogy(p, d) + special.xlog1py(q, -d)) * dx")
         + "\nfrom scipy import special\n"),
    ],
    "losses": [
        ("sum over the images", losses(d="np.sum(entropy(on_real, real) + entropy(on_fake, fake))")),
        ("is half of what is expected", losses(d="(np.mean(entropy(on_real, real)) + np.mean(entropy(on_fake, fake))) / 2")),
        ("generated images is missing", losses(d="np.mean(entropy(on_real, real))")),
        ("real images is missing", losses(d="np.mean(entropy(on_fake, fake))")),
        ("labels are swapped", losses(d="np.mean(entropy(on_real, fake)) + np.mean(entropy(on_fake, real))")),
        ("has the wrong sign", losses(each="u * y - np.logaddexp(0, u)")),
        ("logarithm to the base 2", losses(each="(np.logaddexp(0, u) - u * y) / np.log(2)")),
        ("The labels are not used", losses(d="np.mean(entropy(on_real, 1)) + np.mean(entropy(on_fake, 0))")),
        ("The |u| in log", losses(each="np.maximum(u, 0) - u * y + np.log1p(np.exp(-u))")),
        ("The term u y is added", losses(each="np.logaddexp(0, u) + u * y")),
        ("These are squared differences", losses(each="(u - y)**2")),
        ("A second sigmoid", losses(d="np.mean(entropy(1 / (1 + np.exp(-on_real)), real)) + "
                                      "np.mean(entropy(1 / (1 + np.exp(-on_fake)), fake))")),
        ("The part of the generated images is missing", losses(each="y * np.logaddexp(0, -u)")),
        ("a logit may be negative and has no logarithm", losses(g="-np.mean(np.log(on_fake))")),
        ("a logit may be negative and has no logarithm", losses(each="-y * np.log(u) - (1 - y) * np.log(1 - u)")),
        ("max(u, 0) is missing", losses(each="np.log1p(np.exp(-np.abs(u))) - u * y")),
        ("The 1 in log(1 + e^-|u|) is missing", losses(each="np.maximum(u, 0) - u * y + np.log(np.exp(-np.abs(u)))")),
        ("the term with 1 - y",
         losses(each="y * np.logaddexp(0, -u)", d="np.mean(entropy(on_real, real)) + np.mean(entropy(on_fake, fake))")),
        ("is half of what is expected",
         losses(d="np.mean(entropy(np.concatenate([on_real, on_fake]), np.concatenate([real + 0 * on_real, fake + 0 * "
                  "on_fake])))")),
        ("the mean of the logarithms", losses(g="-np.log(np.mean(1 / (1 + np.exp(-on_fake))))")),
        ("This is the mean of the logits", losses(g="-np.mean(on_fake)")),
        ("This is 1 - D", losses(g="np.mean(1 - 1 / (1 + np.exp(-on_fake)))")),
        ("This is the saturating loss", losses(g="-np.mean(entropy(on_fake, 0))")),
        ("images that D recognises", losses(g="np.mean(entropy(on_fake, 0))")),
        ("minimising log D, G would", losses(g="-np.mean(entropy(on_fake, 1))")),
        ("generator_loss has shape [6, 1], expected one number", losses(g="entropy(on_fake, 1)")),
        ("e^1000 is infinite", losses(each="-y * np.log(1 / (1 + np.exp(-u))) - (1 - y) * np.log(1 - 1 / "
                                              "(1 + np.exp(-u)))")),
        ("a clipped probability", """
def entropy(u, y):
    d = np.clip(1 / (1 + np.exp(-u)), 1e-12, 1 - 1e-12)
    return -y * np.log(d) - (1 - y) * np.log(1 - d)
""" + losses().split("\n\n", 1)[1]),
        ("give N x N numbers", losses(each="np.logaddexp(0, u) - u * np.ravel(y)")),
        ("in place: work on a copy", losses(each="np.logaddexp(0, u) - u.__imul__(y)")),
        ("keep real=1.0, fake=0.0", losses().replace("real=1.0, fake=0.0", "real, fake")),
        ("keep real=1.0, fake=0.0", losses().replace("real=1.0, fake=0.0", "real=0.9, fake=0.0")),
        ("leaves the work to log_expit", losses(each="-y * log_expit(u) - (1 - y) * log_expit(-u)")
         + "\nfrom scipy.special import log_expit\n"),
        ("leaves the work to tf", losses(each="tf.nn.sigmoid_cross_entropy_with_logits(y + 0 * u, "
                                              "u).numpy()")),
    ],
    "step": [
        ("G's update moves the weights of D", G_MOVES_D),
        ("D's update moves the weights of G", D_MOVES_G),
        ("D gets the gradient of G's loss on top", BOTH_LOSSES_FOR_D),
        ("G gets the gradient of D's loss on top", BOTH_LOSSES_FOR_G),
        ("This is the saturating loss", step(g="-mean(tf.nn.softplus(on_made))")),
        ("G gets the gradient of D's loss", step(g="mean(tf.nn.softplus(on_made))")),
        ("D's labels are swapped", step(real_loss="mean(tf.nn.softplus(on_real))",
                                        made_loss="mean(tf.nn.softplus(-on_made))")),
        ("both have label 1 here", step(made_loss="mean(tf.nn.softplus(-on_made))")),
        ("takes the logits for probabilities", step(d="BARE(tf.ones_like(on_real), on_real) + "
                                                      "BARE(tf.zeros_like(on_made), on_made)")
         + "\nBARE = tf.keras.losses.BinaryCrossentropy()\n"),
        ("use TensorFlow's functions, not NumPy's",
         step(real_loss="np.mean(np.logaddexp(0, -on_real))", made_loss="np.mean(np.logaddexp(0, on_made))",
              g="np.mean(np.logaddexp(0, -on_made))")),
        ("A second sigmoid", step(d="mean(tf.nn.softplus(-tf.sigmoid(on_real)) + tf.nn.softplus(tf.sigmoid(on_made)))")),
        ("D climbs its loss", step(d_sign="-")),
        ("G climbs its loss", step(g_sign="-")),
        ("from the real points only", step(d="real_loss")),
        ("from the generated points only", step(d="made_loss")),
        ("D's loss is half", step(d="(real_loss + made_loss) / 2")),
        ("sum over the batch", step(mean="tf.reduce_sum")),
        ("G runs without training=True", step(g_call="generator(z)")),
        ("D runs without training=True", step(real="discriminator(x)", made="discriminator(made)")),
        ("G and D run without", step(g_call="generator(z)", real="discriminator(x)",
                                     made="discriminator(made)")),
        ("The optimizers are swapped", step(d_opt="d_optimizer", g_opt="g_optimizer").replace(
            "    d_optimizer.apply", """
    g_rate, d_rate = float(g_optimizer.learning_rate), float(d_optimizer.learning_rate)
    g_optimizer.learning_rate, d_optimizer.learning_rate = d_rate, g_rate
    d_optimizer.apply""")),
        ("weights that are not its own", step(d_opt="g_optimizer", g_opt="d_optimizer")),
        ("A tape gives its gradients once", step(tapes="tf.GradientTape() as one", second="one")),
        ("A gradient is None", step(g_call="tf.constant(generator(z, training=True).numpy())")),
        ("The two losses are swapped", step(result="g_loss, d_loss")),
        ("in one batch", TOGETHER),
        ("G moves after D's update", ONE_AFTER_THE_OTHER),
        ("cannot be compiled", step(result="d_loss.numpy(), g_loss.numpy()")),
        ("return d_loss, g_loss", step(result="d_loss")),
        ("let the optimizer move the weights", step().replace(
            "    d_optimizer.apply(d_slopes, d_weights)", """
    for weight, slope in zip(d_weights, d_slopes):
        weight.assign_sub(d_optimizer.learning_rate * slope)""")),
        ("runs more than once", step(made="discriminator(generator(z, training=True), training=True)")),
        ("Take trainable_variables", step(d_weights="discriminator.variables")),
        ("Take trainable_variables", step(g_weights="generator.weights")),
        ("D judges the generated points without", step(made="discriminator(made)")),
        ("D judges the real points without", step(real="discriminator(x)")),
        ("swapped in the cross-entropy of D", step(
            real_loss=XENT.format("on_real, tf.ones_like(on_real)"),
            made_loss=XENT.format("on_made, tf.zeros_like(on_made)"))),
        ("swapped in the cross-entropy of G", step(g=XENT.format("on_made, tf.ones_like(on_made)"))),
        ("use TensorFlow's functions, not NumPy's", step(real_loss="np.mean(np.logaddexp(0, -on_real))",
                                                          made_loss="np.mean(np.logaddexp(0, on_made))",
                                                         g="np.mean(np.logaddexp(0, -on_made))")),
        ("D moves after G's update", G_FIRST),
        ("G's loss is half", step(g="mean(tf.nn.softplus(-on_made)) / 2")),
        ("D gets the gradient of G's loss, and", step(d="mean(tf.nn.softplus(-on_made))")),
        ("An optimizer takes two lists",
         step().replace("d_optimizer.apply(d_slopes, d_weights)", "d_optimizer.apply(d_weights, d_slopes)")),
        ("A second sigmoid", step(g="mean(tf.nn.softplus(-tf.sigmoid(on_made)))")),
        ("g_optimizer makes 2 steps", step().replace("    return", """    for weight, old in zip(
            g_weights, [w.numpy() for w in g_weights]):
        g_optimizer.apply([tf.zeros_like(w) for w in g_weights], g_weights)
        break
    return""")),
        ("The weights of D do not move", step().replace("    d_optimizer.apply(d_slopes, d_weights)\n", "")),
        ("The tape sees only a part", ENTROPY + step(real_loss="mean(entropy(on_real, tf.ones_like(on_real)))", g=(
            "mean(entropy(on_made, tf.ones_like(on_made)))"), made_loss="mean(entropy(on_made, tf.zeros_like(on_made)))")),
        ("a sigmoid is rounded to 0 or 1", step(real_loss="-mean(tf.math.log(tf.sigmoid(on_real)))")),
        ("a sigmoid is rounded to 0 or 1", step(made_loss="-mean(tf.math.log(1 - tf.sigmoid(on_made)))")),
        ("a sigmoid is rounded to 0 or 1", step(g="-mean(tf.math.log(tf.sigmoid(on_made)))")),
        ("The weights of G do not move", step().replace("    g_optimizer.apply(g_slopes, g_weights)\n", "")),
    ],
    "modes": [
        ("root is missing", modes(distance="((points[:, None] - centres)**2).sum(axis=2)")),
        ("points in a square", modes(distance="np.abs(points[:, None] - centres).max(axis=2)")),
        ("points in a diamond", modes(distance="np.abs(points[:, None] - centres).sum(axis=2)")),
        ("here one point is enough", modes(modes="near.any(axis=0).sum()")),
        ("count the centres", modes(modes="near.any(axis=1).sum()")),
        ("lie near no centre", modes(share="1 - near.any(axis=1).mean()")),
        ("divide by how many", modes(share="near.any(axis=1).sum()")),
        ("a percentage", modes(share="100 * near.any(axis=1).mean()")),
        ("a point counts once, where", modes(share="near.mean()")),
        ("share is that of the points", modes(share="near.any(axis=0).mean()")),
        ("here 0.1 was taken", modes(modes="(near.mean(axis=0) >= 0.1).sum()")),
        ("here 1 was taken", modes(modes="(near.mean(axis=0) >= 1).sum()")),
        ("points[:, None] - centres", modes(distance="np.linalg.norm(points - centres, axis=1)")),
        ("modes has shape [8], expected one number", modes(modes="near.mean(axis=0) >= 0.01")),
        ("it counts once in share", modes(share="near.mean(axis=0).sum()")),
        ("less than (<) is required", modes(near="distances <= radius")),
        ("at least (>=) is required", modes(modes="(near.mean(axis=0) > 0.01).sum()")),
        ("expected 1 % of all points", modes(
            modes="(near.sum(axis=0) >= 0.01 * near.any(axis=1).sum()).sum()")),
        ("not only for the nearest", modes(
            near="(distances < radius) & (np.arange(len(centres)) == distances.argmin(axis=1)[:, None])")),
        ("Take the number of centres", modes(modes="sum(near[:, k].mean() >= 0.01 for k in range(8))")),
        ("changes its argument points in place", modes(near="(points.__isub__(1), distances < radius)[1]")),
        ("return modes, share", modes(result="modes")),
        ("not only for the nearest",
         modes(modes="sum(near.any(axis=1)[distances.argmin(axis=1) == k].sum() >= 0.01 * len(points) "
                     "for k in range(len(centres)))")),
        ("not only for the nearest", """
def covered(points, centres, radius):
    counts = [0] * len(centres)
    for point in points:
        for k, centre in sorted(enumerate(centres), key=lambda pair: np.linalg.norm(point - pair[1])):
            if np.linalg.norm(point - centre) < radius:
                counts[k] += 1
                break
    return sum(count >= 0.01 * len(points) for count in counts), sum(counts) / len(points)
"""),
        ("The order is modes, share", modes(result="share, modes")),
        ("This is the share of the centres, expected their number", modes(modes="(near.mean(axis=0) >= 0.01).mean()")),
        *(("threshold is that of the lecture", modes(modes=f"(near.mean(axis=0) >= {least}).sum()"))
          for least in ("0.03", "0.03125", "0.25 / len(centres)")),
        ("is rounded down", modes(modes="(near.sum(axis=0) >= len(points) // 100).sum()")),
        ("use the argument `radius`", modes(near="distances < 0.4")),
        ("This is the number of all centres", modes(modes="8")),
        ("how many centres are not covered", modes(modes="(near.mean(axis=0) < 0.01).sum()")),
        ("Panel P does not show cause 4", modes(P=4)),
        ("Panel Q does not show cause 5", modes(Q=5)),
        ("Panel R does not show cause 3", modes(R=3)),
        ("Panel S does not show cause 1", modes(S=1)),
        ("Panel T does not show cause 1", modes(T=1)),
        ("is not the number of a cause", modes(T="collapse")),
        ("dictionary with the keys", modes() + "\ndef diagnosis():\n    return [3, 1, 4, 5, 2]"),
        ("part of utils", "def covered(points, centres, radius):\n    return minimax.modes_covered(points)"),
    ],
    "generator": [
        ("no activation at the end", generator(end="None")),
        ("go through a sigmoid", generator(end="'sigmoid'")),
        ("There is no batch norm", generator(norm="")),
        ("has a bias", generator(norm="", bias="")),
        ("use_bias=False", generator(bias="")),
        ("Batch norm is also at the images",
         generator(more=" layers.BatchNormalization(momentum=0.9), layers.Activation('tanh')", end="None")),
        ("before the reshape",
         generator(reshape="layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.Reshape([7, 7, 2 * width]),").replace(
            "2 * width]), layers.BatchNormalization(momentum=0.9), layers.ReLU(),", "2 * width]),", 1)),
        ("first batch norm, then ReLU", generator(between="layers.ReLU(), layers.BatchNormalization(momentum=0.9),")),
        ("wrong order: 2 * width", generator(dense="49 * width", reshape="layers.Reshape([7, 7, width]),", second="2 * width")),
        ("There are width maps of 7x7", generator(dense="49 * width", reshape="layers.Reshape([7, 7, width]),")),
        ("There are 2 * width maps of 14x14", generator(second="2 * width")),
        ("The kernels are 3x3", generator(k="3")),
        ("The kernels are 5x5", generator(k="5")),
        ("the leaky one is for D", generator(relu="layers.LeakyReLU(0.2),")),
        ("has no ReLU", generator(relu="")),
        ("another momentum", generator(norm="layers.BatchNormalization(),")),
        ("expected 0.02", generator(start="name=None")),
        ("as many as Reshape takes", generator(dense="2 * width")),
        ("the kernels have the shapes",
         generator(dense="49 * 2 * width, name='wide'", more=" layers.Conv2D(1, 3, padding='same', use_bias=False)")),
        ("has shape [5, 30, 30, 1]", generator(more=" layers.ZeroPadding2D(1)")),
        ("return a Keras model", "def build_generator(latent, width):\n    return [tf.keras.layers.Dense(49 * 2 * width)]"),
        ("part of utils", "def build_generator(latent, width):\n    return gans.generator(latent, width)"),
    ],
    "discriminator": [
        ("There is a sigmoid at the end", discriminator(last="layers.Dense(1, 'sigmoid', INIT)")),
        ("There is a tanh at the end", discriminator(last="layers.Dense(1, 'tanh', INIT)")),
        ("There is no batch norm", discriminator(norm="")),
        ("There is no batch norm", discriminator(norm="", bias="")),
        ("after the first convolution too", discriminator(first_norm="layers.BatchNormalization(momentum=0.9),")
         .replace('2, "same", kernel', '2, "same", use_bias=False, kernel', 1)),
        ("use_bias=False", discriminator(bias="")),
        ("The first convolution has no bias",
         discriminator().replace('2, "same", kernel', '2, "same", use_bias=False, kernel', 1)),
        ("The activation is ReLU", discriminator(act="layers.ReLU(),")),
        ("slope of leaky ReLU is 0.3", discriminator(act="layers.LeakyReLU(),")),
        ("slope of leaky ReLU is 0.01", discriminator(act="layers.LeakyReLU(0.01),")),
        ("no activation after the convolutions", discriminator(act="")),
        ("Max pooling halves", discriminator(stride="1", pool="layers.MaxPooling2D(),")),
        ("Flatten is required", discriminator(flat="layers.GlobalAveragePooling2D(),")),
        ("wrong order: width maps", discriminator(first="2 * width", second="width")),
        ("There are width maps of 7x7", discriminator(second="width")),
        ("The kernels are 3x3", discriminator(k="3")),
        ("The kernels are 5x5", discriminator(k="5")),
        ("another momentum", discriminator(norm="layers.BatchNormalization(),")),
        ("expected 0.02", discriminator(start="name=None")),
        ("has shape [5, 2], expected [5, 1]", discriminator(last="layers.Dense(2, INIT)")),
        ("has shape [5, 7, 7, 1]", discriminator(flat="")),
        ("part of utils", "def build_discriminator(width):\n    return gans.discriminator(1, width)"),
    ],
    "frechet": [
        ("divided by N", frechet(cov="np.cov(x, rowvar=False, ddof=0)")),
        ("its trace is not that of the product", frechet(root="np.trace(A @ B)")),
        ("root of the trace", frechet(root="np.sqrt(np.trace(A @ B))")),
        ("takes the root of each entry", frechet(root="np.trace(np.sqrt(np.maximum(A @ B, 0)))")),
        ("takes the root of each entry", frechet(root="np.trace(np.sqrt(A @ B))")),
        ("takes the root of each entry", frechet(root="np.sqrt(A @ B).sum()")),
        ("Sums over all entries", frechet(last="- 2 * root + A.sum() - np.trace(A) + B.sum() - np.trace(B)")),
        ("each feature has its own mean", frechet(means="np.sum((a.mean(1) - b.mean(1))**2)")),
        ("The 2 before the root", frechet(last="- root")),
        ("The root is added", frechet(last="+ 2 * root")),
        ("distance of the means is missing", frechet(means="0")),
        ("means is not squared", frechet(means="np.linalg.norm(a.mean(0) - b.mean(0))")),
        ("averaged: add them up", frechet(means="np.mean((a.mean(0) - b.mean(0))**2)")),
        ("One mean was taken", frechet(means="(a.mean() - b.mean())**2")),
        ("These are correlations", frechet(cov="np.corrcoef(x, rowvar=False)")),
        ("not subtracted before", frechet(cov="x.T @ x / (len(x) - 1)")),
        ("expected the root of A B", "from scipy.linalg import sqrtm\n"
         + frechet(root="np.trace(sqrtm(A).real @ sqrtm(B).real)")),
        ("means alone", frechet(result="np.sum((a.mean(0) - b.mean(0))**2)")),
        ("is the root of what is expected", frechet(result="np.sqrt(F)")),
        ("variances only", frechet(cov="np.diag(x.var(axis=0, ddof=1))")),
        ("rowvar=False", frechet(cov="np.cov(x)")),
        ("A B is not symmetric", frechet(root="np.sum(np.sqrt(np.maximum(np.linalg.eigvalsh(A @ B), 0)))")),
        ("eigvalsh", frechet(root="np.sum(np.sqrt(np.linalg.eigvalsh(A @ B)))")),
        ("A @ B", frechet(root="np.sum(np.sqrt(np.maximum(np.linalg.eigvals(A * B).real, 0)))")),
        ("changes its argument a in place", """
def frechet_distance(a, b):
    means = np.sum((a.mean(0) - b.mean(0))**2)
    a -= a.mean(0)
    b -= b.mean(0)
    A, B = a.T @ a / (len(a) - 1), b.T @ b / (len(b) - 1)
    root = np.sum(np.sqrt(np.maximum(np.linalg.eigvals(A @ B).real, 0)))
    return means + np.trace(A) + np.trace(B) - 2 * root
"""),
        ("expected numbers", frechet(result="f'F = {F:.2f}'")),
        ("complex number", frechet(root="np.sum(np.sqrt(np.linalg.eigvals(A @ B).astype(complex)))")),
        ("part of utils", "def frechet_distance(a, b):\n    return quality.frechet_distance(a, b)"),
        ("0 for what is below 0", frechet(root="np.sum(np.sqrt(np.linalg.eigvalsh((A @ B + B @ A) / 2 - 1e-9 * "
                                    "np.eye(len(A)))))",
                               result="F if len(A) > 5 else float(generative_copy(a, b))") + """
def generative_copy(a, b):
    A, B = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = np.sqrt(np.maximum(np.linalg.eigvals(A @ B).real, 0)).sum()
    return np.sum((a.mean(0) - b.mean(0))**2) + np.trace(A) + np.trace(B) - 2 * root
"""),
    ],
    "inversion": [
        ("z goes up the slope", inversion(new="z + rate * slope")),
        ("The gradient alone", inversion(new="slope")),
        ("without the rate", inversion(new="z - slope")),
        *(("use the argument `rate`", inversion(new=f"z - {rate} * slope")) for rate in (0.005, 0.01)),
        ("mean over all restarts and images", inversion(total="tf.reduce_mean(errors)")),
        ("mean over the images", inversion(total="tf.reduce_sum(tf.reduce_mean(errors, axis=0))")),
        ("mean over the restarts", inversion(total="tf.reduce_sum(tf.reduce_mean(errors, axis=1))")),
        ("errors is 1/16 of what is expected", inversion(error="tf.reduce_mean((made - images[:, None])**2, "
                                                             "axis=[2, 3, 4])")),
        ("errors is 1/2 of what is expected", inversion(error="tf.reduce_sum((made - images[:, None])**2, axis=[2, 3, 4]) / 2")),
        ("compared with images of others", inversion(
            error="tf.reduce_sum((made - tf.reshape(tf.tile(images, [z.shape[1], 1, 1, 1]), made.shape))**2, axis=[2, 3, 4])")),
        ("errors holds absolute differences", inversion(error="tf.reduce_sum(tf.abs(made - images[:, None]), axis=[2, 3, 4])")),
        ("expected 2: return z, errors", inversion(result="new")),
        ("use TensorFlow's functions, not NumPy's", inversion(error="np.sum((made - images[:, None])**2, axis=(2, 3, 4))",
                                                              total="np.sum(errors)")),
        ("another dtype", inversion(new="z - np.float64(rate) * tf.cast(slope, tf.float64)")),
        ("errors is the root of what is expected", inversion(error="tf.sqrt(tf.reduce_sum((made - images[:, None])**2, "
                                                   "axis=[2, 3, 4]))")),
        ("without training=True", inversion(
            call="generator(tf.reshape(z, [-1, z.shape[2]]), training=True)")),
        ("call the tape's watch", inversion(watch="pass")),
        ("The order is z, errors", inversion(result="errors, new")),
        ("errors has shape [], expected [5, 2]", inversion(result="new, total")),
        ("sign of the gradient", inversion(new="z - rate * tf.sign(slope)")),
        ("takes [N * R, latent]", inversion(call="generator(z)")),
        ("z did not move", inversion(new="z")),
        ("cannot be compiled", inversion(new="z.numpy() - rate * slope.numpy()")),
        ("cannot be compiled", VARIABLE),
        ("cannot be compiled", VARIABLE.replace("v.assign_sub(rate * slope)",
                                                "tf.keras.optimizers.SGD(rate).apply([slope], [v])")),
        ("Take the sizes from images and z", inversion().replace("*z.shape[:2], *images.shape[1:]",
                                                                 "*z.shape[:2], 28, 28, 1")),
        ("Take the sizes from images and z", inversion(call="generator(tf.reshape(z, [-1, 32]))")),
        ("errors belongs to the new z", inversion(result="new, " + LATER)),
        ("Only the best restart of each image moves", inversion(
            total="tf.reduce_sum(tf.reduce_min(errors, axis=1))")),
        ("the smallest of each image", inversion(result="new, tf.reduce_min(errors, axis=1)")),
        ("best_restart gives a list", inversion(
            best="list(tf.gather(z, tf.argmin(errors, axis=1), batch_dims=1))")),
        ("worst restarts", inversion(best="tf.gather(z, tf.argmax(errors, axis=1), batch_dims=1)")),
        ("whole batch, for all images", inversion(
            best="tf.repeat(tf.reshape(z, [-1, z.shape[2]])[tf.argmin(tf.reshape(errors, [-1]))][None], "
                 "len(z), axis=0)")),
        ("one row, the best of the whole batch", inversion(
            best="tf.reshape(z, [-1, z.shape[2]])[tf.argmin(tf.reshape(errors, [-1]))]")),
        ("restart of the best one in the batch", inversion(
            best="z[:, tf.argmin(tf.reshape(errors, [-1])) % errors.shape[1]]")),
        ("the same restart, number by number", inversion(best="z[:, tf.argmin(tf.reduce_mean(errors, "
                                                              "axis=0))]")),
        ("number by number", inversion(best="z[:, 0]")),
        ("as argmin does by itself", inversion(best="tf.gather(z, tf.argmin(errors), batch_dims=1)")),
        ("These are the smallest errors", inversion(best="tf.reduce_min(errors, axis=1)")),
        ("numbers of the restarts", inversion(best="tf.argmin(errors, axis=1)")),
        ("restarts are axis 1", inversion(best="tf.gather(tf.transpose(z, [1, 0, 2]), tf.argmin(errors, "
                                               "axis=0), batch_dims=1)")),
        ("for every image", inversion(best="tf.gather(z, tf.argmin(errors, axis=1), axis=1)")),
        ("part of utils", inversion(best="gans.sample(None, z)")),
    ],
}
