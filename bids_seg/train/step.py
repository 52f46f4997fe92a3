# SPDX-License-Identifier: Apache-2.0
"""One optimiser update, as a pure function of its state.

All but `compiled` and `gradients` is written with `keras.ops`; these two know TensorFlow and JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from bids_seg.errors import UnavailableError
from bids_seg.train.losses import Loss

BETAS = (0.9, 0.99)
"""Memory of the first and second moment of the gradient; short runs forget fast."""

SMOOTHING = 0.999
"""Memory of the moving average of the weights."""


class State(NamedTuple):
    """What a step changes: lists of tensors, in the order of the model's variables."""

    weights: list[Any]
    """Trained weights, float32."""
    average: list[Any]
    """Moving average of the weights; this is what is exported."""
    first: list[Any]
    """Moving average of the gradients."""
    second: list[Any]
    """Moving average of the squared gradients."""


class Told(NamedTuple):
    """What a step tells of itself: scalars."""

    loss: Any
    """Value of the loss before the update."""
    norm: Any
    """Length of the whole gradient before it was cut."""
    counted: Any
    """Whether the update was made: false where a gradient was not finite."""


def start(model: keras.Model) -> State:
    """Return the state of a run that has seen nothing.

    Parameters
    ----------
    model
        The network; all its variables are trained.
    """
    weights = [ops.convert_to_tensor(variable) for variable in model.trainable_variables]
    zeros = [ops.zeros_like(weight) for weight in weights]
    return State(weights, list(weights), zeros, list(zeros))


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors.

    Parameters
    ----------
    function
        Fixed shapes in, fixed shapes out.

    Raises
    ------
    UnavailableError
        If Keras' backend is neither TensorFlow nor JAX.
    """
    if _backend() == 'jax':
        import jax

        return jax.jit(function)  # type: ignore[no-any-return]
    import tensorflow as tf

    # Not by XLA, which is ten times slower for 3-D convolutions on a processor.
    return tf.function(function)  # type: ignore[no-any-return]


def gradients(loss: Callable[..., Any]) -> Callable[..., tuple[Any, list[Any]]]:
    """Return a function that gives a loss and its gradients by the first argument.

    Parameters
    ----------
    loss
        `(weights, ...)` to a scalar.

    Raises
    ------
    UnavailableError
        If Keras' backend is neither TensorFlow nor JAX.
    """
    if _backend() == 'jax':
        import jax

        return jax.value_and_grad(loss)  # type: ignore[no-any-return]
    import tensorflow as tf

    def both(weights: list[Any], *rest: Any) -> tuple[Any, list[Any]]:
        """Record the forward pass and walk it back."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value = loss(weights, *rest)
        return value, tape.gradient(value, weights)

    return both


def _backend() -> str:
    """Return the library that differentiates and compiles."""
    name: str = keras.backend.backend()
    if name not in ('tensorflow', 'jax'):
        raise UnavailableError(
            f'training runs on TensorFlow or JAX, the backend is {name}',
            where='KERAS_BACKEND',
            do='unset it, or set it to tensorflow or jax',
        )
    return name


def make(
    model: keras.Model, loss: Loss, *, decay: float = 1e-4, clip: float = 1.0
) -> Callable[..., tuple[State, Told]]:
    """Return the compiled step of a network.

    Parameters
    ----------
    model
        The network; its own variables are not touched.
    loss
        What is made small.
    decay
        Weight decay of kernels; biases and gains have none.
    clip
        Longest gradient; a longer one is scaled down.

    Returns
    -------
    step
        `(state, image, target, weight, rate, count)` to `(state, told)`; image, target and
        weight without batch axis, rate the learning rate, count the updates so far, both
        float32 scalars.

    Notes
    -----
    Adam with decoupled weight decay, https://arxiv.org/abs/1711.05101, algorithm 2.
    """
    decays = [decay if variable.name == 'kernel' else 0.0 for variable in model.variables]

    def lose(weights: list[Any], image: Any, target: Any, weight: Any) -> Any:
        """Run the network and return its loss."""
        logits, _ = model.stateless_call(weights, [], image[None], training=True)
        return loss(logits, target[None], weight[None])

    differentiate = gradients(lose)

    def step(
        state: State, image: Any, target: Any, weight: Any, rate: Any, count: Any
    ) -> tuple[State, Told]:
        """Update the state once, or leave it where a gradient is not finite."""
        value, slopes = differentiate(state.weights, image, target, weight)
        norm = ops.sqrt(sum(ops.sum(ops.square(slope)) for slope in slopes))
        good = ops.logical_and(ops.isfinite(norm), ops.isfinite(value))
        cut = clip / ops.maximum(norm, clip)
        slopes = [ops.where(good, slope * cut, 0.0) for slope in slopes]
        updated = _adam(state, slopes, decays, rate, count)
        kept = [
            [ops.where(good, new, old) for new, old in zip(news, olds, strict=True)]
            for news, olds in zip(updated, state, strict=True)
        ]
        return State(*kept), Told(value, norm, good)

    return compiled(step)


def _adam(state: State, slopes: list[Any], decays: list[float], rate: Any, count: Any) -> State:
    """Return the state after one update of Adam with decoupled decay."""
    memory, memory2 = BETAS
    bias = 1.0 - memory ** (count + 1.0)
    bias2 = 1.0 - memory2 ** (count + 1.0)
    average = ops.minimum(SMOOTHING, (1.0 + count) / (10.0 + count))
    new = State([], [], [], [])
    for weight, mean, first, second, slope, decay in zip(*state, slopes, decays, strict=True):
        first = memory * first + (1.0 - memory) * slope
        second = memory2 * second + (1.0 - memory2) * ops.square(slope)
        change = (first / bias) / (ops.sqrt(second / bias2) + 1e-7) + decay * weight
        moved = weight - rate * change
        new.weights.append(moved)
        new.average.append(average * mean + (1.0 - average) * moved)
        new.first.append(first)
        new.second.append(second)
    return new


def predictor(model: keras.Model) -> Callable[..., Any]:
    """Return a compiled `(weights, image)` to probabilities, without batch axes.

    Parameters
    ----------
    model
        The network; its own variables are not touched.
    """

    def predict(weights: list[Any], image: Any) -> Any:
        """Run the network with these weights."""
        logits, _ = model.stateless_call(weights, [], image[None], training=False)
        return ops.sigmoid(logits[0])

    return compiled(predict)
