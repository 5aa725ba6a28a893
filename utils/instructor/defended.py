"""How each stored network of unit 08 was trained: one function of the data for each, called by `weights`."""
from collections.abc import Callable

from utils import augment, defences, networks, pretrained
from utils.attacks.inputs import Model
from utils.data import Dataset
from utils.defences.distillation import teacher_loss
from utils.quiet import tf

EPSILON = 0.2  # Linf of the adversarial images in training, as for digits_adversarial; `defence_rows` measures with half of it
FACES_EPSILON = 0.02


def small(digits: Dataset, loss: Callable[[tf.keras.Model], defences.training.Loss], steps: int = 1500,
          moved: bool = True) -> tf.keras.Model:
    """The small network of digits, trained from its first weights on loss(network); augmented images if `moved`."""
    network = pretrained.digits_small()
    defences.train(network, digits.x_train, digits.y_train, loss(network), steps=steps, augment=augment.digits if moved else None)
    return network


def distilled(digits: Dataset) -> tf.keras.Model:
    """Teacher and student are both small networks, at the same temperature.

    softmax(5 z / T) = softmax(z / (T / 5)): both are trained at a fifth of the temperature, since Adam reaches large logits
    slowly, and the student's last layer is then multiplied by 5.
    """
    fifth = pretrained.TEMPERATURE / 5
    teacher = small(digits, lambda network: teacher_loss(network, fifth), 1000)
    network = small(digits, lambda network: defences.distillation_loss(network, teacher, fifth))
    for variable in network.layers[-1].weights:
        variable.assign(5 * variable)
    return network


def ensemble(digits: Dataset) -> tf.keras.Model:
    """Its sources: the small network without a defence, and the dense net on images of half the size."""
    dense = pretrained.load("digits_dense")
    sources: list[Model] = [pretrained.load("digits_small"), lambda x: dense(tf.nn.avg_pool2d(x, 2, 2, "VALID"))]
    return small(digits, lambda network: defences.ensemble_loss(network, sources, EPSILON))


def denoiser(digits: Dataset, loss: Callable) -> tf.keras.Model:
    """In front of the small network, from images that are attacked on it."""
    network = pretrained.digits_denoiser_pixels()
    of_pair = loss(network, pretrained.load("digits_small"), EPSILON / 2)
    defences.train(network, digits.x_train, digits.y_train, of_pair, steps=800, augment=augment.digits)
    return network


def detector(faces: Dataset, loss: Callable) -> networks.Chain:
    """The stored detector of three convolutions, trained on with another loss."""
    network = pretrained.load("faces_three_convolutions")
    defences.train(network, faces.x_train, faces.y_train, loss(network), steps=600)
    return network


TRAINED: dict[str, Callable[[Dataset], tf.Module]] = {
    "digits_small": lambda digits: small(digits, defences.clean_loss),
    "digits_smooth": lambda digits: small(digits, lambda network: defences.noise_loss(network, pretrained.SIGMA), 2000),
    "digits_interval": lambda digits: small(digits, lambda network: defences.interval_loss(network, 0.1), 3000, moved=False),
    "digits_distilled": distilled,
    "digits_k_winners": lambda digits: small(digits, lambda network: defences.clean_loss(
        defences.with_k_winners(network, pretrained.WINNERS))),
    "digits_fgsm": lambda digits: small(digits, lambda network: defences.fgsm_loss(network, EPSILON), 1200),
    "digits_trades": lambda digits: small(digits, lambda network: defences.trades_loss(network, EPSILON), 1000),
    "digits_ensemble": ensemble,
    "digits_gradient_penalty": lambda digits: small(digits, lambda network: defences.gradient_penalty_loss(network, 1.0)),
    "digits_denoiser_pixels": lambda digits: denoiser(digits, defences.pixel_loss),
    "digits_denoiser_logits": lambda digits: denoiser(digits, defences.logit_loss),
    "faces_adversarial": lambda faces: detector(faces, lambda network: defences.pgd_loss(network, FACES_EPSILON)),
    "faces_smooth": lambda faces: detector(faces, lambda network: defences.noise_loss(network, pretrained.SIGMA)),
}
