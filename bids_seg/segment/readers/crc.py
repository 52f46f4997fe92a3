# SPDX-License-Identifier: Apache-2.0
"""CRC-32C of large arrays in NumPy: many stretches side by side, then joined."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POLYNOMIAL = 0x82F63B78
"""Castagnoli's, bits reversed."""
LANES = 4096
"""Stretches that are worked on side by side."""
MASK = 0xA282EAD8
"""What TensorFlow adds, so that a checksum of checksums differs from its input."""

Words = NDArray[np.uint32]


def masked(run: bytes) -> int:
    """Return the checksum that TensorFlow stores for some bytes.

    Parameters
    ----------
    run
        Any bytes.

    Examples
    --------
    >>> hex(masked(b'123456789'))
    '0xc78ab0e5'
    """
    value = plain(run)
    return (((value >> 15) | (value << 17 & 0xFFFFFFFF)) + MASK) & 0xFFFFFFFF


def plain(run: bytes) -> int:
    """Return the CRC-32C of some bytes.

    Parameters
    ----------
    run
        Any bytes.

    Examples
    --------
    >>> hex(plain(b'123456789'))
    '0xe3069283'

    Notes
    -----
    A checksum without its first and last inversion is linear: that of two stretches is that of
    the first, moved on by as many zero bytes as the second is long, plus that of the second.
    """
    length = len(run) // LANES // 2 * 2
    head = length * LANES if length > 64 else 0
    state = 0xFFFFFFFF
    if head:
        lanes = np.frombuffer(run, '<u2', head // 2).reshape(LANES, length // 2).T
        states = _along(np.ascontiguousarray(lanes))
        moved = _zeros(length)
        for lane in states.tolist():
            state = _move(state, moved) ^ lane
    table = _table(8).tolist()
    for byte in run[head:]:
        state = table[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


@cache
def _table(bits: int) -> Words:
    """Return what each word of so many bits does to a checksum, shape (2**bits,)."""
    values = np.arange(2**bits, dtype=np.uint32)
    for _ in range(bits):
        values = np.where(values & 1, (values >> 1) ^ np.uint32(POLYNOMIAL), values >> 1)
    return values


def _along(lanes: NDArray[np.uint16]) -> Words:
    """Return the checksum of each column of words, from a state of 0."""
    table = _table(16)
    states = np.zeros(lanes.shape[1], np.uint32)
    for row in lanes:
        states = table[(states ^ row) & 0xFFFF] ^ (states >> 16)
    return states


def _zeros(length: int) -> tuple[int, ...]:
    """Return what `length` zero bytes make of each bit of a checksum, 32 numbers."""
    table = _table(8).tolist()
    step = tuple(table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(32))
    done = tuple(1 << bit for bit in range(32))
    while length:
        if length & 1:
            done = tuple(_move(word, step) for word in done)
        step = tuple(_move(word, step) for word in step)
        length >>= 1
    return done


def _move(state: int, moved: tuple[int, ...]) -> int:
    """Return a checksum after the zero bytes that a table stands for."""
    result = 0
    for bit in range(32):
        if state >> bit & 1:
            result ^= moved[bit]
    return result
