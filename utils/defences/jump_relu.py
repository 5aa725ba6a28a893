"""JumpReLU: weak positive signals are set to 0, in a network that is trained already."""
from utils.attacks.inputs import Model
from utils.defences.affine import with_activation
from utils.quiet import tf


def jump_relu(z: tf.Tensor, kappa: float) -> tf.Tensor:
    """z where z > kappa, else 0, for z of any shape and kappa >= 0 (Erichson, Yao and Mahoney 2019, equation 3).

    With kappa = 0 it is ReLU. The gradient is 1 above kappa and 0 below; the jump itself has none.
    """
    return tf.where(z > kappa, z, 0.0)


def with_jump_relu(model: Model, kappa: float) -> Model:
    """`model`, a Keras Sequential or a `networks.Chain`, with JumpReLU in the place of each ReLU; it is not trained again."""
    return with_activation(model, lambda z: jump_relu(z, kappa))
