"""What unit 08's table measures of a defence: clean accuracy, the attack as published, attackers who know it, a certificate."""
import warnings
from collections.abc import Callable

import numpy as np

from utils import attacks, defences, pretrained, training
from utils.attacks.inputs import Model
from utils.data import Dataset
from utils.defences.affine import with_activation
from utils.defences.smoothing import over_draws
from utils.defences.training import Loss
from utils.quiet import tf

COUNT = 100  # test images
# Of the attacks that measure: Linf of digits and of faces, L2 of smoothing. In training the radii are those of `defended`.
EPSILON, FACES_EPSILON, RADIUS = 0.1, 0.01, 0.5
KAPPA, FACES_KAPPA = 0.5, 0.1  # of JumpReLU
Attack = Callable[[np.ndarray, np.ndarray], np.ndarray]  # images [N, H, W, C] in [0, 1], labels [N] -> modified images
Row = dict[str, object]


def right(model: Model, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Is the model's answer for each image right? bool [N]."""
    return training.predict(model, x).argmax(1) == labels


def row(model: Model, dataset: Dataset, published: tuple[str, Attack], adaptive: dict[str, Attack], count: int = COUNT,
        judge: Callable = right, **more: object) -> Row:
    """The figures of one defence on the first `count` test images; all accuracies are counts of images.

    An adaptive attacker tries each of `adaptive`, and `published` too: an image is right if it withstands all of them.
    """
    x, labels = dataset.x_test[:count], dataset.y_test[:count]
    clean = judge(model, x, labels)
    name, attack = published
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The attack failed")  # that is what the table shows
        withstood = {name: clean & judge(model, attack(x, labels), labels)}
        for other, one in adaptive.items():
            withstood[other] = clean & judge(model, one(x, labels), labels)
    all_of_them = np.all(list(withstood.values()), axis=0)
    return {"images": count, "clean": int(clean.sum()), "published attack": name, "published": int(withstood[name].sum()),
            "adaptive": int(all_of_them.sum()), "attacks": {key: int(value.sum()) for key, value in withstood.items()}} | more


def by_pgd(through: Model, epsilon: float, norm: str = "Linf", steps: int = 40, restarts: int = 1) -> Attack:
    """PGD along the gradient of `through`, which need not be the model that is judged."""
    return lambda x, y: attacks.pgd(through, x, y, epsilon=epsilon, norm=norm, steps=steps, restarts=restarts).modified


def by_fgsm(through: Model, epsilon: float) -> Attack:
    """One step."""
    return lambda x, y: np.clip(x + attacks.gradient_step(through, x, y, epsilon=epsilon), 0, 1)


def by_minimal(through: Model, epsilon: float) -> Attack:
    """The smallest Linf perturbation where it is at most epsilon, and none where it is not."""
    def attack(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        found = attacks.minimal(through, x, y, norm="Linf")
        within = found.success & (found.norms["Linf"] <= epsilon)
        return np.where(within[:, None, None, None], found.modified, x)

    return attack


def strong(model: Model, epsilon: float) -> dict[str, Attack]:
    """What is tried on a model that hides nothing."""
    return {"PGD, 50 steps, 2 restarts": by_pgd(model, epsilon, steps=50, restarts=2), "minimal": by_minimal(model, epsilon)}


def undefended(digits: Dataset) -> Row:
    """The small network as it is."""
    model = pretrained.load("digits_small")
    return row(model, digits, ("PGD", by_pgd(model, EPSILON)), strong(model, EPSILON))


def jump_relu(digits: Dataset, name: str = "digits_small", kappa: float = KAPPA, epsilon: float = EPSILON) -> Row:
    """Retrofitted. The attacker smoothes the jump in the backward pass, averages over noise, or attacks the network before."""
    base = pretrained.load(name)
    model = defences.with_jump_relu(base, kappa)

    def smooth(width: float) -> Model:
        """A sigmoid of that width in the place of the jump, so that a unit below kappa has a gradient too."""
        return with_activation(base, defences.bpda(lambda z: defences.jump_relu(z, kappa),
                                                   lambda z: z * tf.sigmoid((z - kappa) / width)))

    tried = {f"BPDA, a sigmoid of width {width} kappa": by_pgd(smooth(width * kappa), epsilon, steps=80, restarts=3)
             for width in (0.05, 0.1, 0.2, 0.5)}
    tried |= {"transfer from before": by_pgd(base, epsilon),
              "mean gradient over noise": by_pgd(averaged(model, 0.05, 8), epsilon)}
    return row(model, digits, ("PGD", by_pgd(model, epsilon)), tried | strong(model, epsilon), kappa=kappa)


def k_winners(digits: Dataset) -> Row:
    """The attacker lets the gradient of more units pass than win, averages it over noise, or attacks another network."""
    base = pretrained.load("digits_k_winners")
    model = defences.with_k_winners(base, pretrained.WINNERS)

    def smooth(times: int) -> Model:
        """The gradient of `times` as many winners: those that nearly won count too."""
        return with_activation(base, defences.bpda(lambda z: defences.k_winners(z, pretrained.WINNERS),
                                                   lambda z: defences.k_winners(z, times * pretrained.WINNERS)))

    tried = {f"BPDA, {times} times as many winners": by_pgd(smooth(times), EPSILON, steps=60, restarts=2)
             for times in (2, 4)}
    tried |= {"mean gradient over noise": by_pgd(averaged(model, 0.03, 8), EPSILON),
              "mean over noise of BPDA": by_pgd(averaged(smooth(2), 0.03, 8), EPSILON),
              "transfer from the undefended": by_pgd(pretrained.load("digits_small"), EPSILON)}
    return row(model, digits, ("PGD", by_pgd(model, EPSILON)), tried | strong(model, EPSILON))


def distilled(digits: Dataset) -> Row:
    """The published attack follows the probabilities that the model gives out; the other one the logits / T."""
    model = pretrained.load("digits_distilled")
    cool = defences.at_temperature(model, pretrained.TEMPERATURE)
    return row(model, digits, ("PGD on the probabilities", by_pgd(defences.log_of_probabilities(model), EPSILON)),
               {"PGD on the logits / T": by_pgd(cool, EPSILON)} | strong(cool, EPSILON))


def denoised(digits: Dataset, kind: str) -> Row:
    """The published attack knows the network only; the other one goes through the denoiser."""
    base, denoiser = pretrained.load("digits_small"), pretrained.load(f"digits_denoiser_{kind}")
    model = defences.with_denoiser(base, denoiser)
    unclipped = lambda x: base(denoiser(x))  # noqa: E731
    straight = defences.bpda(lambda x: tf.clip_by_value(denoiser(x), 0.0, 1.0))
    tried = {"through the denoiser": by_pgd(model, EPSILON), "through it, not clipped": by_pgd(unclipped, EPSILON),
             "BPDA, the denoiser as the identity": by_pgd(lambda x: base(straight(x)), EPSILON, steps=60, restarts=2)}
    return row(model, digits, ("PGD on the network alone", by_pgd(base, EPSILON)), tried | strong(model, EPSILON))


def noisy(digits: Dataset) -> Row:
    """Noise is drawn at each call. The attacker follows the mean over many draws."""
    base, sigma = pretrained.load("digits_smooth"), pretrained.SIGMA
    model = lambda x: base(x + sigma * tf.random.normal(tf.shape(x)))  # noqa: E731
    return row(model, digits, ("PGD, one draw a step", by_pgd(model, EPSILON)),
               {"PGD on the mean of 16 draws (EOT)": by_pgd(averaged(base, sigma, 16), EPSILON)})


def trained(digits: Dataset, name: str, published: str) -> Row:
    """A network whose weights are the defence."""
    model = pretrained.load(name)
    weaker = {"FGSM": by_fgsm(model, EPSILON), "PGD": by_pgd(model, EPSILON),
              "FGSM on the undefended": by_fgsm(pretrained.load("digits_lenet"), EPSILON)}
    tried = {"transfer from the undefended": by_pgd(pretrained.load("digits_small"), EPSILON)} | strong(model, EPSILON)
    more = {}
    if name == "digits_interval":
        more["certified"] = int((defences.certified_radius(model, digits.x_test[:COUNT], digits.y_test[:COUNT]) >= EPSILON).sum())
    return row(model, digits, (published, weaker[published]), tried, **more)


def smoothed(digits: Dataset, name: str = "digits_smooth", count: int = COUNT, samples: int = 1000) -> Row:
    """L2. The published attack follows one noisy copy, the other one the mean of 16."""
    base, sigma = pretrained.load(name), pretrained.SIGMA

    def judge(_: Model, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return defences.sampled_counts(base, x, sigma, 100, seed=7).argmax(1) == labels

    x, labels = digits.x_test[:count], digits.y_test[:count]
    selection, estimation = (defences.sampled_counts(base, x, sigma, size, seed) for seed, size in ((1, 100), (2, samples)))
    classes, radii = defences.certify(selection, estimation, sigma)
    sure = int(((classes == labels) & (radii >= RADIUS)).sum())
    return row(base, digits, ("PGD, one draw", by_pgd(defences.soft_vote(base, sigma, 1), RADIUS, "L2")),
               {"PGD on the mean of 16 draws (EOT)": by_pgd(defences.soft_vote(base, sigma, 16), RADIUS, "L2")},
               count, judge, certified=sure, samples=samples, norm="L2", epsilon=RADIUS)


def averaged(model: Model, sigma: float, draws: int) -> Model:
    """The mean logits of `draws` copies with noise, the same noise at each call."""
    return lambda x: tf.reduce_mean(over_draws(model, x, sigma, draws, seed=3), 0)


def of_faces(faces: Dataset, name: str) -> Row:
    """A detector of three convolutions, without a defence or trained on attacked faces."""
    model = pretrained.load(name)
    return row(model, faces, ("PGD", by_pgd(model, FACES_EPSILON)), strong(model, FACES_EPSILON), epsilon=FACES_EPSILON)


def of_mnist(digits: Dataset, loss: Callable[[tf.keras.Model], Loss], steps: int, measure: Callable[[Model], dict]) -> Row:
    """Train a wider small network on real MNIST (COURSE_DATA) with loss(network), then measure(network) on 1,000 test images."""
    keras = tf.keras.layers
    convolutions = [keras.Conv2D(filters, 5, strides=2, padding="same", activation="relu") for filters in (32, 64)]
    network = tf.keras.Sequential([tf.keras.Input([28, 28, 1]), *convolutions, keras.Flatten(),
                                   keras.Dense(256, activation="relu"), keras.Dense(10)])
    defences.train(network, digits.x_train, digits.y_train, loss(network), steps=steps, learning_rate=1e-3)
    return {"accuracy": training.evaluate(network, digits.x_test, digits.y_test)} | measure(network)


# name: (data, function, seconds of `course.py weights` on one busy core, beyond the network that is defended)
ROWS: dict[str, tuple[str, Callable[[Dataset], Row], int | None]] = {
    "none": ("digits", undefended, 32),
    "JumpReLU": ("digits", jump_relu, 0),
    "k-winners": ("digits", k_winners, 38),
    "distillation": ("digits", distilled, 56),
    "denoiser, pixels": ("digits", lambda digits: denoised(digits, "pixels"), 123),
    "denoiser, logits": ("digits", lambda digits: denoised(digits, "logits"), 80),
    "noise at each call": ("digits", noisy, 29),
    "gradient penalty": ("digits", lambda digits: trained(digits, "digits_gradient_penalty", "FGSM"), 49),
    "FGSM training": ("digits", lambda digits: trained(digits, "digits_fgsm", "FGSM"), 50),
    "ensemble training": ("digits", lambda digits: trained(digits, "digits_ensemble", "FGSM on the undefended"), 56),
    "PGD training (LeNet)": ("digits", lambda digits: trained(digits, "digits_adversarial", "PGD"), None),
    "TRADES": ("digits", lambda digits: trained(digits, "digits_trades", "PGD"), 69),
    "interval bounds": ("digits", lambda digits: trained(digits, "digits_interval", "PGD"), 89),
    "smoothing (L2)": ("digits", smoothed, 29),
    "faces: none": ("faces", lambda faces: of_faces(faces, "faces_three_convolutions"), 0),
    "faces: JumpReLU": ("faces", lambda faces: jump_relu(faces, "faces_three_convolutions", FACES_KAPPA, FACES_EPSILON), 0),
    "faces: PGD training": ("faces", lambda faces: of_faces(faces, "faces_adversarial"), 163),
    "faces: smoothing (L2)": ("faces", lambda faces: smoothed(faces, "faces_smooth"), 63),
}


def mnist_pgd(network: Model, digits: Dataset) -> dict:
    """Accuracy under PGD-100 with 20 restarts, Linf .3, on 1,000 test images."""
    found = attacks.pgd(network, digits.x_test[:1000], digits.y_test[:1000], epsilon=0.3, steps=100, restarts=20)
    return {"accuracy, PGD-100, 20 restarts, Linf .3": float(1 - found.success.mean())}


def mnist_interval(network: Model, digits: Dataset) -> dict:
    """The share verified at Linf .1, of 1,000 test images.

    The network is trained at Linf .15: 3,000 steps at .15 verified 93.5 % of 1,000 validation images at .1, at .1 90.8 %
    (Gowal et al. 2018 train at a larger radius than they verify too).
    """
    radii = defences.certified_radius(network, digits.x_test[:1000], digits.y_test[:1000])
    return {"verified, Linf .1": float((radii >= 0.1).mean())}


def mnist_smooth(network: Model, digits: Dataset) -> dict:
    """Certified accuracy at L2 .5, of 1,000 test images, with 10,000 samples each."""
    x, sigma = digits.x_test[:1000], pretrained.SIGMA
    counts = [defences.sampled_counts(network, x, sigma, size, seed) for seed, size in ((1, 100), (2, 10_000))]
    classes, radii = defences.certify(*counts, sigma)
    return {"certified, L2 .5": float(((classes == digits.y_test[:1000]) & (radii >= 0.5)).mean())}


MNIST: dict[str, Callable[[Dataset], Row]] = {  # with COURSE_DATA only: trainings of 20 to 40 minutes on two cores
    "MNIST: PGD training": lambda digits: of_mnist(digits, lambda net: defences.pgd_loss(net, 0.3), 12_000,
                                                   lambda net: mnist_pgd(net, digits)),
    "MNIST: interval bounds": lambda digits: of_mnist(digits, lambda net: defences.interval_loss(net, 0.15), 20_000,
                                                      lambda net: mnist_interval(net, digits)),
    "MNIST: smoothing": lambda digits: of_mnist(digits, lambda net: defences.noise_loss(net, pretrained.SIGMA), 10_000,
                                                lambda net: mnist_smooth(net, digits)),
}
