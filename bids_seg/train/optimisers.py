# SPDX-License-Identifier: Apache-2.0
"""How a gradient moves the weights: pure functions of a run's state, written with `keras.ops`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from keras import ops

BETAS = (0.9, 0.99)
"""Memory of the first and second moment of the gradient; short runs forget fast."""

SMOOTHING = 0.999
"""Memory of the moving average of the weights."""


class State(NamedTuple):
    """What a step changes: lists of tensors, in the order of the model's variables."""

    weights: list[Any]
    """Trained weights, float32."""
    average: list[Any]
    """What is exported: a moving average of the weights, or the weights."""
    first: list[Any]
    """Moving average of the gradients, or momentum."""
    second: list[Any]
    """Moving average of the squared gradients; empty where none is kept."""
    others: list[Any]
    """What is not trained: statistics of batch normalisation, state of chance; often empty."""


class Optimiser(Protocol):
    """A rule by which gradients move the weights."""

    @property
    def clip(self) -> float | None:
        """Longest gradient, a longer one is scaled down; None: it is left as it is."""

    @property
    def squares(self) -> bool:
        """Whether a moving average of the squared gradients is kept."""

    def update(
        self, state: State, slopes: list[Any], kernels: list[bool], rate: Any, count: Any
    ) -> State:
        """Return the state after one update.

        Parameters
        ----------
        state
            Before it.
        slopes
            Gradients.
        kernels
            Which of the weights are kernels.
        rate, count
            Learning rate and updates so far, float32 scalars.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragedAdam:
    """Adam with decoupled weight decay, and a moving average of the weights: ours.

    Notes
    -----
    https://arxiv.org/abs/1711.05101, algorithm 2.
    """

    decay: float = 1e-4
    """Weight decay of kernels; biases and gains have none."""
    clip: float | None = 1.0
    """Longest gradient."""
    squares: bool = True
    """Both moments are kept."""

    def update(
        self, state: State, slopes: list[Any], kernels: list[bool], rate: Any, count: Any
    ) -> State:
        """Return the state after one update."""
        memory, memory2 = BETAS
        bias = 1.0 - memory ** (count + 1.0)
        bias2 = 1.0 - memory2 ** (count + 1.0)
        average = ops.minimum(SMOOTHING, (1.0 + count) / (10.0 + count))
        decays = [self.decay if kernel else 0.0 for kernel in kernels]
        new = State([], [], [], [], state.others)
        for weight, mean, first, second, slope, decay in zip(
            *state[:4], slopes, decays, strict=True
        ):
            first = memory * first + (1.0 - memory) * slope
            second = memory2 * second + (1.0 - memory2) * ops.square(slope)
            change = (first / bias) / (ops.sqrt(second / bias2) + 1e-7) + decay * weight
            moved = weight - rate * change
            new.weights.append(moved)
            new.average.append(average * mean + (1.0 - average) * moved)
            new.first.append(first)
            new.second.append(second)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam as the frameworks have it, without an average of the weights.

    Notes
    -----
    https://arxiv.org/abs/1412.6980. Keras adds epsilon to the root of the second moment as it
    is, PyTorch to that of the corrected one; early steps differ by it.
    """

    epsilon: float
    """Added to the root of the second moment: 1e-7 in Keras, 1e-8 in PyTorch."""
    corrected: bool
    """Whether the root is corrected for its start first, as in PyTorch."""
    decay: float = 0.0
    """Added to the gradient, times the weight: every weight, biases too."""
    clip: float | None = None
    """Longest gradient."""
    squares: bool = True
    """Both moments are kept."""

    def update(
        self, state: State, slopes: list[Any], kernels: list[bool], rate: Any, count: Any
    ) -> State:
        """Return the state after one update."""
        memory, memory2 = 0.9, 0.999
        bias = 1.0 - memory ** (count + 1.0)
        root = ops.sqrt(1.0 - memory2 ** (count + 1.0))
        epsilon = self.epsilon * root if self.corrected else self.epsilon
        new = State([], [], [], [], state.others)
        parts = zip(state.weights, state.first, state.second, slopes, strict=True)
        for weight, first, second, slope in parts:
            pull = slope + self.decay * weight if self.decay else slope
            first = memory * first + (1.0 - memory) * pull
            second = memory2 * second + (1.0 - memory2) * ops.square(pull)
            moved = weight - rate * root / bias * first / (ops.sqrt(second) + epsilon)
            new.weights.append(moved)
            new.average.append(moved)
            new.first.append(first)
            new.second.append(second)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesterov:
    """Gradient descent with Nesterov's momentum and a weight decay that acts twice.

    Notes
    -----
    As NVIDIA's nnU-Net for TensorFlow, from which Brain-Mets-Seg descends: the decay is added
    to the gradient, and with it to the momentum, and once more to the step itself.
    """

    momentum: float
    """Memory of the momentum."""
    decay: float
    """Of every weight, biases and gains too."""
    clip: float | None
    """Longest gradient."""
    squares: bool = False
    """No second moment."""

    def update(
        self, state: State, slopes: list[Any], kernels: list[bool], rate: Any, count: Any
    ) -> State:
        """Return the state after one update."""
        new = State([], [], [], [], state.others)
        for weight, first, slope in zip(state.weights, state.first, slopes, strict=True):
            pull = slope + self.decay * weight
            first = self.momentum * first + pull
            moved = weight - rate * (pull + self.decay * weight + self.momentum * first)
            new.weights.append(moved)
            new.average.append(moved)
            new.first.append(first)
        return new
