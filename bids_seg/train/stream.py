# SPDX-License-Identifier: Apache-2.0
"""The stream of samples: what step number k sees depends on the seed and k alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Any, NamedTuple


class Sample(NamedTuple):
    """What a step needs: tensors without batch axis."""

    image: Any
    """`(I, J, K, C)`, normalised."""
    target: Any
    """`(I, J, K, R)`, 0 to 1."""
    weight: Any
    """`(I, J, K, 1)` or `(I, J, K, R)`; 0 where a voxel does not count."""


Source = Callable[[int], Sample]
"""Index of a sample to the sample; the same index always gives the same one."""


def mirror(sample: Sample) -> Sample:
    """Swap left and right.

    Parameters
    ----------
    sample
        First axis left to right.
    """
    return Sample(*(tensor[::-1] for tensor in sample))


def echoed(source: Source, *, times: int, lag: int) -> Source:
    """Let every sample be seen several times, `lag` samples apart, every other time mirrored.

    Painting costs as much as a step or more, and what is seen again some steps later teaches
    nearly as much as a new sample (data echoing, https://arxiv.org/abs/1907.05550).

    Parameters
    ----------
    source
        The samples.
    times
        How often each is seen.
    lag
        Samples between two times; `lag * (times - 1)` are kept in memory.

    Examples
    --------
    >>> import numpy as np
    >>> source = echoed(lambda index: Sample(*3 * [np.array([index, 0])]), times=2, lag=2)
    >>> [source(step).image.tolist() for step in range(8)]
    [[0, 0], [0, 0], [1, 0], [0, 0], [2, 0], [0, 0], [3, 0], [0, 1]]
    """
    kept: dict[int, Sample] = {}

    def find(index: int) -> Sample:
        """Return a sample from memory, or make it."""
        if index not in kept:
            kept[index] = source(index)
        while len(kept) > lag * (times - 1) + 1:
            del kept[min(kept)]
        return kept[index]

    def echo(step: int) -> Sample:
        """Return the sample of a step."""
        index, again = divmod(step, times)
        sample = find(max(index - again * lag, 0))
        return mirror(sample) if again % 2 else sample

    return echo


def ahead(source: Source, first: int, *, depth: int = 3) -> Generator[Sample, None, None]:
    """Make samples in a thread of their own while the caller works on earlier ones.

    Parameters
    ----------
    source
        The samples.
    first
        Index of the first one.
    depth
        How many may wait.

    Yields
    ------
    sample
        In the order of their indices, without end.
    """
    waiting: queue.Queue[Sample | BaseException] = queue.Queue(maxsize=depth)
    done = threading.Event()

    def offer(item: Sample | BaseException) -> None:
        """Put an item into the queue unless nobody waits any more."""
        while not done.is_set():
            try:
                waiting.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def produce() -> None:
        """Make one sample after the other; an error is handed to the caller."""
        index = first
        try:
            while not done.is_set():
                offer(source(index))
                index += 1
        except Exception as error:  # noqa: BLE001  # raised again on the caller's side
            offer(error)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        done.set()
        thread.join()
