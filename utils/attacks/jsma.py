"""JSMA, the attack through saliency maps: change few values, two at a time, those that raise the wanted logit most."""
import numpy as np

from utils.attacks.descent import each, finite
from utils.attacks.inputs import Model, check_inputs, check_numbers, chunks, warn_without_gradient
from utils.attacks.losses import margin, without_label
from utils.attacks.result import Result, judged
from utils.quiet import tf


def jsma(model: Model, x: np.ndarray, labels: np.ndarray, *, targeted: bool = False, theta: float = 1.0,
         fraction: float = 0.145) -> Result:
    """Move pairs of values by theta, the most salient pair first, until the model is fooled.

    x         images [N, H, W, C] in [0, 1]
    labels    [N]: the wanted labels. With targeted=False the true ones: each image is then driven to the wrong class with
              the highest logit at the start, and counts as soon as the model gives it any wrong class
    theta     what a step adds to both values, -1 to 1 and not 0: above 0 the attack only brightens, below it only darkens
    fraction  the largest fraction of the H * W * C values that may change

    For each pair (p, q) of values that have room to move, alpha is the sum of their two derivatives of the wanted logit, beta
    that of their derivatives of all other logits together. Brightening, the pair with the highest -alpha * beta among those with
    alpha > 0 and beta < 0 is moved; darkening, with both signs flipped. Papernot et al. 2016, algorithms 2 and 3, on the
    logits, as they do; the best pair is exact. Where no pair has both signs, as always if one logit is constant, they give
    up; here the pair that raises the wanted logit most against the mean of the others is moved. An image stops for which no
    pair raises that, or the next pair would change too many values. Raises ValueError for a theta or fraction outside its range,
    and for inputs that cannot be meant (see `inputs.check_inputs`).
    """
    x, labels = check_inputs(model, x, labels, targeted)
    check_numbers(theta=theta, fraction=fraction)
    if theta == 0 or abs(theta) > 1:
        raise ValueError(f"theta is {theta:g}, expected a number from -1 to 1 that is not 0: the step of both values of a pair.")
    budget = int(fraction * x[0].size)
    if budget < 2 or fraction > 1:
        raise ValueError(f"fraction is {fraction:g}, {budget} of the {x[0].size} values of an image: expected 2 (a pair) to all.")
    numbers = tf.constant(np.float32(theta)), tf.constant(budget)
    found = [_move_pairs(model, *map(tf.constant, (x[part], labels[part])), targeted, *numbers) for part in chunks(x)]
    modified, blind = (np.concatenate(arrays) for arrays in zip(*found))
    result = judged(model, x, modified - x, labels, targeted, {})
    warn_without_gradient(blind & ~result.success)
    return result


@tf.function(reduce_retracing=True)
def _move_pairs(model: Model, x: tf.Tensor, labels: tf.Tensor, targeted: bool, theta: tf.Tensor,
                budget: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The modified images [N, H, W, C], and bool [N]: was there no gradient in a step in which the model was not fooled?

    x [N, H, W, C], labels [N], theta float32 [], budget int32 []: how many values may change. alpha and beta [N, D].
    """
    n, size = tf.shape(x)[0], tf.size(x[0])
    wanted = labels if targeted else _likeliest_wrong(model(x), labels)
    modified, active, blind = x, tf.fill([n], True), tf.fill([n], False)
    while tf.reduce_any(active):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(modified)
            logits = model(modified)
            own = tf.gather(logits, wanted, batch_dims=1)
            others = tf.reduce_sum(logits, 1) - own
        alpha, beta = (_derivative(tape, logit, modified) for logit in (own, others))
        active &= ~(margin(logits, labels, targeted) < 0)
        blind |= active & tf.reduce_all((alpha == 0) & (beta == 0), 1)

        room = tf.reshape(tf.where(theta > 0, 1 - modified, modified), [n, size])
        alpha, beta = (tf.where(room > 0, tf.sign(theta) * values, -np.inf) for values in (alpha, -beta))  # to make large
        pair, is_pair = _best_pair(alpha, beta)
        balance = alpha + beta / tf.cast(tf.shape(logits)[1] - 1, tf.float32)
        second_choice = tf.math.top_k(balance, 2)
        pair = tf.where(is_pair[:, None], pair, second_choice.indices)
        active &= is_pair | (tf.reduce_sum(second_choice.values, 1) > 0)

        chosen = tf.reduce_any(tf.one_hot(pair, size, on_value=True, off_value=False, dtype=tf.bool), 1)
        moved = tf.where(tf.reshape(chosen, tf.shape(x)), tf.clip_by_value(modified + theta, 0.0, 1.0), modified)
        active &= tf.math.count_nonzero(moved != x, [1, 2, 3], dtype=tf.int32) <= budget
        active &= tf.reduce_any(moved != modified, [1, 2, 3])  # a theta below the precision of a number moves nothing
        modified = tf.ensure_shape(tf.where(each(active), moved, modified), x.shape)  # a loop keeps its shapes
        active, blind = (tf.ensure_shape(values, x.shape[:1]) for values in (active, blind))
    return modified, blind


def _likeliest_wrong(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The class with the highest logit other than the label, [N]; logits [N, classes], labels [N]."""
    return tf.argmax(without_label(logits, labels), 1)


def _derivative(tape: tf.GradientTape, logit: tf.Tensor, modified: tf.Tensor) -> tf.Tensor:
    """The derivative of a logit [N] with respect to each value of its image, [N, D], 0 where it is not finite."""
    gradient = tape.gradient(logit, modified, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reshape(finite(gradient), [tf.shape(gradient)[0], -1])


def _best_pair(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The pair (p, q) with the highest (a_p + a_q) (b_p + b_q), both sums above 0: int32 [N, 2]; bool [N]: is there one?

    a and b float32 [N, D], -inf for a value that may not be chosen. Exact, without a look at all D^2 pairs: a value can be
    left out if two others have both a higher a and a higher b, for one of them is not in its pair and could take its place.
    Few are left, and memory stays at N times their number.
    """
    order = tf.argsort(a, direction="DESCENDING", stable=True)
    a, b = (tf.gather(values, order, batch_dims=1) for values in (a, b))
    candidate = b > _second_largest_before(b)
    count = tf.reduce_max(tf.math.count_nonzero(candidate, 1, dtype=tf.int32))
    kept = tf.math.top_k(tf.cast(candidate, tf.int32), count).indices  # the candidates, then others if an image has fewer
    a, b = (tf.gather(tf.where(candidate, values, -np.inf), kept, batch_dims=1) for values in (a, b))
    pair, best = tf.zeros([tf.shape(a)[0], 2], tf.int32), tf.zeros([tf.shape(a)[0]])
    for i in tf.range(count):
        alpha, beta = a[:, i, None] + a, b[:, i, None] + b
        score = tf.where((alpha > 0) & (beta > 0) & (tf.range(count) > i), alpha * beta, 0.0)
        with_i = tf.argmax(score, 1, tf.int32)
        better = tf.reduce_max(score, 1) > best
        pair = tf.where(better[:, None], tf.stack([tf.fill(tf.shape(with_i), i), with_i], 1), pair)
        best = tf.maximum(best, tf.reduce_max(score, 1))
    found = best > 0
    pair = tf.where(found[:, None], pair, 0)
    return tf.gather(order, tf.gather(tf.pad(kept, [[0, 0], [0, 1]]), pair, batch_dims=1), batch_dims=1), found


def _second_largest_before(values: tf.Tensor) -> tf.Tensor:
    """For each of values [N, D], the second largest of those before it in its row, -inf for the first two: [N, D].

    A prefix scan (Hillis and Steele 1986): each entry knows the two largest of a window before it, and in each round takes in
    those of the window before that one, so that windows double.
    """
    def later(entries: tf.Tensor, by: tf.Tensor) -> tf.Tensor:
        return tf.pad(entries[:, :-by], [[0, 0], [by, 0]], constant_values=-np.inf)

    shift, first, second = tf.constant(1), later(values, tf.constant(1)), tf.fill(tf.shape(values), -np.inf)
    while shift < tf.shape(values)[1]:
        first_before, second_before = later(first, shift), later(second, shift)
        second = tf.maximum(tf.minimum(first, first_before), tf.maximum(second, second_before))
        first = tf.maximum(first, first_before)
        shift *= 2
    return second
