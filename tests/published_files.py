# SPDX-License-Identifier: Apache-2.0
"""Weights written in the layouts in which others published theirs, without their frameworks.

Each function takes named arrays; `draw` makes them up. What reads them is tested against
files of the original programs where these are at hand.
"""

import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from bids_seg.segment.readers import crc

SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'
CASES = Path('../shared/specs/cases')
"""Inputs and outputs of the original programs."""
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason='cases are not at hand')

STORAGES = {'float32': 'FloatStorage', 'float16': 'HalfStorage', 'int64': 'LongStorage'}
NUMBERS = {'float32': 1, 'int64': 9, 'float16': 19}


def generated(layout, seed):
    """Return the tensors of a layout table, as its generator makes them."""
    made = {}
    for line in layout.read_text().splitlines()[1:]:
        index, name, sides, kind, scale = line.split(',')[:5]
        shape = tuple(int(side) for side in sides.split('x'))
        drawn = np.random.RandomState((seed * 10007 + int(index)) % 2**32)
        r = drawn.standard_normal(shape)
        match kind:
            case 'kernel':
                values = float(scale) * r
            case 'gamma':
                values = 1 + 0.1 * r
            case 'var':
                values = 1 + 0.2 * np.abs(r)
            case _:
                values = 0.1 * r
        made[name] = values.astype(np.float32)
    return made


def seed_weights(network, seed):
    """Give a network weights that no other seed gives, whatever the version of NumPy."""
    for index, weight in enumerate(network.weights):
        shape = tuple(weight.shape)
        r = np.random.RandomState((seed * 10007 + index) % 2**32).standard_normal(shape)
        kind = weight.path.rpartition('/')[2]
        if kind == 'kernel':
            r *= (2 / np.prod(shape[:-1])) ** 0.5
        else:
            r *= 0.1
        near_one = kind in {'gamma', 'moving_variance'}
        weight.assign((np.abs(r) + 1 if near_one else r).astype(np.float32))
    return network


def draw(shapes, *, seed=0, scale=0.05):
    """Return random tensors by name; those called gamma, var... stay near 1."""
    rng = np.random.default_rng(seed)
    ones = ('gamma', 'norm1.weight', 'norm2.weight', 'var', 'variance')
    return {
        name: (scale * rng.normal(size=shape) + name.removesuffix(':0').endswith(ones)).astype(
            np.float32
        )
        for name, shape in shapes.items()
    }


def write_hdf5(path, tensors, *, whole=False, idle=('input_1', 'concatenate')):
    """Write Keras' legacy HDF5: weights alone, or under `model_weights` beside an optimiser."""
    layers = {}
    for name in tensors:
        layers.setdefault(name.split('/')[0], []).append(name)
    with h5py.File(path, 'w') as file:
        root = file.create_group('model_weights') if whole else file
        root.attrs['layer_names'] = [name.encode() for name in (*idle[:1], *layers, *idle[1:])]
        for layer in idle:
            root.create_group(layer).attrs['weight_names'] = []
        for layer, names in layers.items():
            group = root.create_group(layer)
            group.attrs['weight_names'] = [name.encode() for name in names]
            for name in names:
                group[name] = tensors[name]
        if whole:
            file.attrs['model_config'] = '{}'
            file['optimizer_weights/iterations'] = np.int64(7)
    return path


def text(word):
    """Return the opcode that pushes a word."""
    return b'X' + struct.pack('<I', len(word.encode())) + word.encode()


def number(value):
    """Return the opcode that pushes a whole number."""
    return b'\x8a\x09' + int(value).to_bytes(9, 'little', signed=True)


def numbers(values):
    """Return the opcodes that push a tuple of whole numbers."""
    return b'(' + b''.join(number(value) for value in values) + b't'


def called(module, name, given):
    """Return the opcodes that call something: all that makes a pickle dangerous."""
    return b'c' + module.encode() + b'\n' + name.encode() + b'\n' + given + b'R'


def pickled_state(tensors, *, legacy=False, extra=b'', under=None):
    """Return the pickle of a state dictionary that refers to storages 0, 1, ..."""
    out = called('collections', 'OrderedDict', b')') + b'('
    for key, (name, values) in enumerate(tensors.items()):
        storage = b'(' + text('storage') + b'ctorch\n' + STORAGES[values.dtype.name].encode()
        storage += b'\n' + text(str(key)) + text('cuda:0') + number(values.size)
        storage += (b'N' if legacy else b'') + b'tQ'
        steps = [step // values.itemsize for step in np.zeros(values.shape, values.dtype).strides]
        given = b'(' + storage + number(0) + numbers(values.shape) + numbers(steps)
        given += b'\x89' + called('collections', 'OrderedDict', b')') + b't'
        out += text(name) + called('torch._utils', '_rebuild_tensor_v2', given)
    out += extra + b'u'
    # What a module's own dictionary carries: the versions of its parts, as an attribute.
    out += b'}' + text('_metadata') + called('collections', 'OrderedDict', b')') + b'sb'
    if under:
        out = b'}(' + text(under) + out + text('epoch') + number(3) + b'u'
    return b'\x80\x02' + out + b'.'


def write_torch_zip(path, tensors, *, extra=b'', under=None, prefix='archive'):
    """Write the zip of PyTorch since 1.6; `extra` opcodes go into its pickle."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as archive:
        archive.writestr(f'{prefix}/data.pkl', pickled_state(tensors, extra=extra, under=under))
        archive.writestr(f'{prefix}/byteorder', 'little')
        for key, values in enumerate(tensors.values()):
            archive.writestr(f'{prefix}/data/{key}', np.ascontiguousarray(values).tobytes())
        archive.writestr(f'{prefix}/version', '3\n')
    return path


def write_torch_legacy(path, tensors, *, extra=b''):
    """Write the sequence of pickles and storages of PyTorch before 1.6."""
    start = b'\x80\x02\x8a\x0a' + (0x1950A86A20F9469CFC6C).to_bytes(10, 'little') + b'.'
    start += b'\x80\x02' + number(1001) + b'.'
    start += b'\x80\x02}' + text('little_endian') + b'\x88s.'
    keys = b'\x80\x02](' + b''.join(text(str(key)) for key in range(len(tensors))) + b'e.'
    runs = b''.join(
        struct.pack('<q', values.size) + np.ascontiguousarray(values).tobytes()
        for values in tensors.values()
    )
    path.write_bytes(start + pickled_state(tensors, legacy=True, extra=extra) + keys + runs)
    return path


def varint(value):
    """Return a number in groups of seven bits."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(tag, value):
    """Return one field of a protobuf message."""
    if isinstance(value, bytes):
        return varint(tag << 3 | 2) + varint(len(value)) + value
    return varint(tag << 3) + varint(value)


def block(items):
    """Return a block of a sorted table; every key tells only where it differs."""
    out = b''
    before = b''
    for key, value in items:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        rest = key[shared:]
        out += varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value
        before = key
    out += struct.pack('<II', 0, 1)
    return out + b'\x00' + struct.pack('<I', crc.masked(out + b'\x00'))


def write_bundle(prefix, tensors, *, per_block=40):
    """Write a checkpoint of TensorFlow 2: `prefix.index` and its data file."""
    runs = b'graph'
    graph = field(1, 7) + field(5, 5) + varint(6 << 3 | 5) + struct.pack('<I', 0)
    entries = {
        b'': field(1, 1) + field(3, field(1, 1)),
        b'_CHECKPOINTABLE_OBJECT_GRAPH': graph,
    }
    for key, values in tensors.items():
        run = np.ascontiguousarray(values).tobytes()
        shape = b''.join(field(2, field(1, side)) for side in values.shape)
        entries[key.encode()] = (
            field(1, NUMBERS[values.dtype.name])
            + field(2, shape)
            + field(4, len(runs))
            + field(5, len(run))
            + varint(6 << 3 | 5)
            + struct.pack('<I', crc.masked(run))
        )
        runs += run
    items = sorted(entries.items())
    index = b''
    handles = []
    for first in range(0, len(items), per_block):
        part = block(items[first : first + per_block])
        handles.append((items[first : first + per_block][-1][0], (len(index), len(part) - 5)))
        index += part
    meta, top = block([]), block([(key, b''.join(map(varint, at))) for key, at in handles])
    places = (len(index), len(meta) - 5, len(index) + len(meta), len(top) - 5)
    footer = b''.join(map(varint, places)).ljust(40, b'\x00')
    footer += struct.pack('<Q', 0xDB4775248B80FB57)
    prefix.with_name(f'{prefix.name}.index').write_bytes(index + meta + top + footer)
    prefix.with_name(f'{prefix.name}.data-00000-of-00001').write_bytes(runs)
    return prefix


def write_checkpoint(folder, tensors, *, name='ckpt-best-7', keys='model/model/{}' + SUFFIX):
    """Write a folder as a training run leaves it, counters beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    held = {keys.format(path): values for path, values in tensors.items()}
    held[f'save_counter{SUFFIX}'] = np.array(7, np.int64)
    write_bundle(folder / name, held)
    (folder / 'checkpoint').write_text(f'model_checkpoint_path: "{name}"\n')
    return folder


def write_saved_model(folder, tensors):
    """Write a SavedModel's folder with its variables, by key."""
    (folder / 'variables').mkdir(parents=True)
    (folder / 'saved_model.pb').write_bytes(b'')
    write_bundle(folder / 'variables' / 'variables', tensors)
    return folder
