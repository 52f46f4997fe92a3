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
from bids_seg.train.optimisers import AveragedAdam, Optimiser, State


class Told(NamedTuple):
    """What a step tells of itself: scalars."""

    loss: Any
    """Value of the loss before the update."""
    norm: Any
    """Length of the whole gradient before it was cut."""
    counted: Any
    """Whether the update was made: false where a gradient was not finite."""


def start(model: keras.Model, optimiser: Optimiser | None = None) -> State:
    """Return the state of a run that has seen nothing.

    Parameters
    ----------
    model
        The network.
    optimiser
        What will move its weights; None: that of our networks.
    """
    weights = [ops.convert_to_tensor(variable) for variable in model.trainable_variables]
    zeros = [ops.zeros_like(weight) for weight in weights]
    squares = zeros if optimiser is None or optimiser.squares else []
    others = [ops.convert_to_tensor(variable) for variable in model.non_trainable_variables]
    return State(weights, list(weights), zeros, list(squares), others)


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

        return jax.jit(function)
    import tensorflow as tf

    # Not by XLA, which is ten times slower for 3-D convolutions on a processor.
    return tf.function(function)  # type: ignore[no-any-return]


def gradients(loss: Callable[..., Any]) -> Callable[..., tuple[Any, list[Any]]]:
    """Return a function that gives a loss and its gradients by the first argument.

    Parameters
    ----------
    loss
        `(weights, ...)` to a scalar and whatever else, which is handed through.

    Raises
    ------
    UnavailableError
        If Keras' backend is neither TensorFlow nor JAX.
    """
    if _backend() == 'jax':
        import jax

        return jax.value_and_grad(loss, has_aux=True)
    import tensorflow as tf

    def both(weights: list[Any], *rest: Any) -> tuple[Any, list[Any]]:
        """Record the forward pass and walk it back."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            value, more = loss(weights, *rest)
        return (value, more), tape.gradient(value, weights)

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
    model: keras.Model, loss: Loss, *, optimiser: Optimiser | None = None, batched: bool = False
) -> Callable[..., tuple[State, Told]]:
    """Return the compiled step of a network.

    Parameters
    ----------
    model
        The network; its own variables are not touched.
    loss
        What is made small; given a list of outputs where the network has several.
    optimiser
        What moves the weights; None: that of our networks.
    batched
        Whether samples have a batch axis.

    Returns
    -------
    step
        `(state, image, target, weight, rate, count)` to `(state, told)`; rate is the learning
        rate, count the updates so far, both float32 scalars.
    """
    rule = optimiser or AveragedAdam()
    kernels = [variable.name == 'kernel' for variable in model.trainable_variables]

    def lose(
        weights: list[Any], others: list[Any], image: Any, target: Any, weight: Any
    ) -> tuple[Any, list[Any]]:
        """Run the network and return its loss, and what changed without being trained."""
        if not batched:
            image, target, weight = image[None], target[None], weight[None]
        logits, changed = model.stateless_call(weights, others, image, training=True)
        return loss(logits, target, weight), changed

    differentiate = gradients(lose)

    def step(
        state: State, image: Any, target: Any, weight: Any, rate: Any, count: Any
    ) -> tuple[State, Told]:
        """Update the state once, or leave it where a gradient is not finite."""
        (value, others), slopes = differentiate(state.weights, state.others, image, target, weight)
        norm = ops.sqrt(sum(ops.sum(ops.square(slope)) for slope in slopes))
        good = ops.logical_and(ops.isfinite(norm), ops.isfinite(value))
        cut = 1.0 if rule.clip is None else rule.clip / ops.maximum(norm, rule.clip)
        slopes = [ops.where(good, slope * cut, 0.0) for slope in slopes]
        updated = rule.update(state, slopes, kernels, rate, count)._replace(others=others)
        kept = [
            [ops.where(good, new, old) for new, old in zip(news, olds, strict=True)]
            for news, olds in zip(updated, state, strict=True)
        ]
        return State(*kept), Told(value, norm, good)

    return compiled(step)


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


def caller(model: keras.Model) -> Callable[..., Any]:
    """Return a compiled `(weights, others, batch)` to the logits of a batch.

    Parameters
    ----------
    model
        The network; its own variables are not touched. Of several outputs the first is meant.
    """

    def call(weights: list[Any], others: list[Any], batch: Any) -> Any:
        """Run the network with these weights."""
        logits, _ = model.stateless_call(weights, others, batch, training=False)
        return logits[0] if isinstance(logits, list) else logits

    return compiled(call)
