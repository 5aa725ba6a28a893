"""Backward pass differentiable approximation: how an attacker goes through a defence that has no useful gradient."""
from collections.abc import Callable

from utils.quiet import tf

Function = Callable[[tf.Tensor], tf.Tensor]


def bpda(forward: Function, backward: Function | None = None) -> Function:
    """A function with the values of `forward` and the gradient of `backward` (Athalye, Carlini and Wagner 2018, section 4.1).

    forward   tensor -> tensor: the part of the defence whose gradient is 0, missing or of no use
    backward  a smooth function that is close to it; None is the identity, for a `forward` that gives about what it gets

    The gradient of `backward` is taken where `forward` was evaluated. No gradient reaches the variables of either.
    """
    @tf.custom_gradient
    def through(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor, variables: list | None = None) -> tf.Tensor | tuple:
            along = upstream
            if backward is not None:
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(x)
                    close = backward(x)
                along = tape.gradient(close, x, output_gradients=upstream)
            return along if variables is None else (along, [None] * len(variables))

        return forward(x), gradient

    return through
