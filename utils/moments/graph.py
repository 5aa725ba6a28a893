"""A network as the list of its elementary operations, whatever it is written in: Keras or `tf.Module`, with branches or without.

TensorFlow traces any callable into a graph (Conv2D, BiasAdd, Relu, MaxPool, ...). The moments go through it one operation at a
time.
"""
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from utils.quiet import tf


def traced(model: Callable, shape: tuple[int, ...]) -> Any:
    """The graph of model(x) in inference, as a concrete function, for float32 inputs x [N, *shape] with any N.

    Raises ValueError for a model that does not give one tensor.
    """
    with tf.init_scope():  # also from within a tf.function: the variables stay those of the model
        concrete = tf.function(lambda x: model(x)).get_concrete_function(tf.TensorSpec([None, *shape], tf.float32))
    if not isinstance(concrete.structured_outputs, tf.Tensor):
        raise ValueError("The model does not give one tensor: give a callable images [N, H, W, C] -> logits [N, classes].")
    return concrete


def operations(concrete: Any) -> list[Any]:
    """The operations that the output depends on, each after those that it takes its inputs from."""
    output = concrete.graph.outputs[0]
    needed, waiting = set(), [output.op]
    while waiting:
        operation = waiting.pop()
        if operation.name not in needed:
            needed.add(operation.name)
            waiting += [tensor.op for tensor in operation.inputs]
    return [operation for operation in concrete.graph.get_operations() if operation.name in needed]


def variables(concrete: Any) -> dict[str, tf.Variable]:
    """The model's variables, by the name that each has in the graph."""
    by_handle = {id(variable.handle): variable for variable in concrete.graph.variables}
    return {inner.name: by_handle.get(id(outer), outer) for outer, inner in concrete.graph.captures}


def outputs_on(operation: Any, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
    """The outputs of an operation of a graph on other tensors, of any shape that the operation takes."""
    if operation.type == "Const":
        return [tf.constant(tf.make_ndarray(operation.get_attr("value")))]
    if operation.type == "ReadVariableOp":
        return [tf.convert_to_tensor(inputs[0])]
    function = getattr(tf.raw_ops, operation.type)
    arguments, rest = {}, list(inputs)
    for argument, name in zip(operation.op_def.input_arg, _parameters(operation.type)):  # same order, not always same name
        if argument.number_attr:  # a list of tensors
            count = operation.get_attr(argument.number_attr)
            arguments[name], rest = rest[:count], rest[count:]
        else:
            arguments[name] = rest.pop(0)
    options = {attribute.name: operation.get_attr(attribute.name) for attribute in operation.op_def.attr
               if attribute.name in _parameters(operation.type)}
    outputs = function(**arguments, **options)
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


@cache
def _parameters(name: str) -> list[str]:
    return list(inspect.signature(getattr(tf.raw_ops, name)).parameters)
