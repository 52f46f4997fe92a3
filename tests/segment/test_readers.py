# SPDX-License-Identifier: Apache-2.0
"""Containers of published weights: what is read, and what is refused."""

import hashlib
import io
import struct
import zipfile

import h5py
import numpy as np
import published_files as files
import pytest
from published_files import CASES, generated, needs_cases

from bids_seg.errors import UnavailableError
from bids_seg.segment.readers import check_digest, crc, read, unpickle

TENSORS = files.draw({'a.weight': (2, 3, 4, 5, 6), 'a.bias': (2,), 'b.weight': (1, 2, 1, 1, 1)})


def same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize('whole', [True, False])
def test_hdf5_is_read_in_the_order_of_its_layers(tmp_path, whole):
    tensors = files.draw({'z_9/kernel:0': (3, 2), 'z_9/bias:0': (2,), 'a_10/kernel:0': (2, 1)})
    same(read(files.write_hdf5(tmp_path / 'w.h5', tensors, whole=whole)), tensors)


def test_a_list_of_layers_in_parts_is_read_as_one(tmp_path):
    tensors = files.draw({'z/kernel:0': (3, 2), 'a/kernel:0': (2, 1)})
    path = files.write_hdf5(tmp_path / 'w.h5', tensors)
    with h5py.File(path, 'a') as file:
        del file.attrs['layer_names']
        file.attrs['layer_names0'] = [b'z']
        file.attrs['layer_names1'] = ['a']
    same(read(path), tensors)


def test_hdf5_that_lacks_a_tensor_or_its_list_is_refused(tmp_path):
    path = files.write_hdf5(tmp_path / 'w.h5', files.draw({'z/kernel:0': (3, 2)}))
    with h5py.File(path, 'a') as file:
        del file['z/z/kernel:0']
    with pytest.raises(UnavailableError, match='z/kernel:0 is listed but missing'):
        read(path)
    with h5py.File(path, 'a') as file:
        del file.attrs['layer_names']
    with pytest.raises(UnavailableError, match='without a list of layers'):
        read(path)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(UnavailableError, match='cannot be read as HDF5'):
        read(path)


@pytest.mark.parametrize('write', [files.write_torch_zip, files.write_torch_legacy])
def test_both_containers_of_pytorch_give_the_same_tensors(tmp_path, write):
    counted = TENSORS | {'n.num_batches_tracked': np.array(12, np.int64)}
    same(read(write(tmp_path / 'model.pt', counted)), counted)


def test_a_dictionary_under_model_is_taken_in_its_place(tmp_path):
    same(read(files.write_torch_zip(tmp_path / 'm.pt', TENSORS, under='model')), TENSORS)


def test_strides_and_offsets_are_honoured():
    storage = unpickle.Storage(key='0', kind='f4', elements=8)
    inside = unpickle.Sketch(storage=storage, offset=1, shape=(2, 3), strides=(1, 2))
    unpickle.check(inside, 8)
    with pytest.raises(unpickle.RefusedError, match='storage of 6 elements'):
        unpickle.check(inside, 6)


ATTACKS = {
    'posix.system': files.called('posix', 'system', b'(' + files.text('true') + b't'),
    'builtins.eval': files.called('builtins', 'eval', b'(' + files.text('1') + b't'),
    'torch._utils._import': files.called('torch._utils', '_import_dotted_name', b'(' + b't'),
    'pickle.loads': files.called('pickle', 'loads', b'(' + files.text('x') + b't'),
}


@pytest.mark.parametrize('name', ATTACKS)
@pytest.mark.parametrize('write', [files.write_torch_zip, files.write_torch_legacy])
def test_a_pickle_that_wants_to_call_something_is_refused(tmp_path, write, name, monkeypatch):
    called = []
    monkeypatch.setattr('os.system', called.append)
    path = write(tmp_path / 'model.pt', TENSORS, extra=files.text('x') + ATTACKS[name])
    with pytest.raises(UnavailableError, match=f'it wants to use {name}'):
        read(path)
    assert called == []


def test_a_pickle_cannot_change_what_reads_it(tmp_path):
    extra = files.text('x') + b'ctorch._utils\n_rebuild_tensor_v2\n}' + files.text('y') + b'Nsb'
    path = files.write_torch_zip(tmp_path / 'model.pt', TENSORS, extra=extra)
    with pytest.raises(UnavailableError, match='wants to change what reads it'):
        read(path)


def changed_sketch():
    """Return opcodes of a tensor that asks for other elements after it was looked at."""
    storage = b'(' + files.text('storage') + b'ctorch\nFloatStorage\n' + files.text('1')
    storage += files.text('cpu') + files.number(2) + b'tQ'
    given = b'(' + storage + files.number(0) + files.numbers((2,)) + files.numbers((1,))
    given += b'\x89' + files.called('collections', 'OrderedDict', b')') + b't'
    state = b'](' + storage + files.number(999_999) + files.numbers((2,)) + files.numbers((1,))
    return files.called('torch._utils', '_rebuild_tensor_v2', given) + state + b'eb'


def test_a_tensor_outside_its_storage_is_refused_even_if_it_moved_there_later(tmp_path):
    path = files.write_torch_zip(
        tmp_path / 'model.pt', TENSORS, extra=files.text('x') + changed_sketch()
    )
    with pytest.raises(UnavailableError, match='in a storage of 2 elements'):
        read(path)


def test_what_is_no_dictionary_of_tensors_is_refused(tmp_path):
    path = files.write_torch_zip(
        tmp_path / 'model.pt', TENSORS, extra=files.text('epoch') + files.number(3)
    )
    with pytest.raises(UnavailableError, match="'epoch' is no tensor but int"):
        read(path)


def test_a_torchscript_program_and_a_compressed_record_are_refused(tmp_path):
    path = files.write_torch_zip(tmp_path / 'model.pt', TENSORS)
    whole = path.read_bytes()
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('archive/code/__torch__.py', 'x')
    with pytest.raises(UnavailableError, match='TorchScript'):
        read(path)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as old,
        zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    path.write_bytes(packed.getvalue())
    with pytest.raises(UnavailableError, match='is compressed'):
        read(path)


def test_files_cut_short_are_refused_as_such(tmp_path):
    for write in (files.write_torch_zip, files.write_torch_legacy):
        path = write(tmp_path / 'model.pt', TENSORS)
        whole = path.read_bytes()
        for length in (3, 30, len(whole) // 2, len(whole) - 3):
            path.write_bytes(whole[:length])
            with pytest.raises(UnavailableError):
                read(path)


def test_a_checkpoint_is_read_by_key_from_its_folder_index_or_name(tmp_path):
    rng = np.random.default_rng(3)
    tensors = {f'layers/{n}/kernel': rng.normal(size=(n + 1, 2)).astype('f4') for n in range(90)}
    folder = files.write_checkpoint(tmp_path / 'Model_0', tensors)
    for path in (folder, folder / 'ckpt-best-7.index', folder / 'ckpt-best-7.data-00000-of-00001'):
        found = read(path)
        assert found.pop(f'save_counter{files.SUFFIX}') == 7
        assert len(found) == 90
        for name, values in tensors.items():
            np.testing.assert_array_equal(found[f'model/model/{name}{files.SUFFIX}'], values)


def test_variables_of_a_saved_model_are_found_below_it(tmp_path):
    key = f'layer_with_weights-0/kernel{files.SUFFIX}'
    tensors = {key: np.ones((3, 2), np.float32)}
    same(read(files.write_saved_model(tmp_path / 'saved', tensors)), tensors)


def test_the_note_of_a_training_run_says_which_checkpoint_counts(tmp_path):
    folder = files.write_checkpoint(tmp_path, {'a': np.ones(2, np.float32)})
    files.write_bundle(folder / 'ckpt-best-6', {'b': np.ones(2, np.float32)})
    assert f'model/model/a{files.SUFFIX}' in read(folder)
    (folder / 'checkpoint').unlink()
    with pytest.raises(UnavailableError, match='2 checkpoints'):
        read(folder)


@pytest.mark.parametrize('suffix', ['.index', '.data-00000-of-00001'])
def test_one_wrong_bit_in_a_checkpoint_is_noticed(tmp_path, suffix):
    folder = files.write_checkpoint(tmp_path, {'a': np.ones(99, np.float32)})
    path = folder / f'ckpt-best-7{suffix}'
    damaged = bytearray(path.read_bytes())
    damaged[60] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(UnavailableError, match='damaged'):
        read(folder)
    path.unlink()
    with pytest.raises(UnavailableError):
        read(folder)


def test_checksums_of_long_runs_agree_with_one_byte_after_the_other():
    run = np.random.default_rng(0).bytes(2 * 4096 * 50 + 77)
    state = 0xFFFFFFFF
    for byte in run:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x82F63B78 if state & 1 else 0)
    assert crc.plain(run) == state ^ 0xFFFFFFFF


def test_files_of_another_kind_are_told_apart(tmp_path):
    path = tmp_path / 'weights.h5'
    with pytest.raises(UnavailableError, match='weights are missing'):
        read(path)
    path.write_text('/annex/objects/SHA256E-s19169888--17d9.h5\n')
    with pytest.raises(UnavailableError, match='a pointer'):
        read(path)
    path.write_text('<html>quota exceeded</html>')
    with pytest.raises(UnavailableError, match='no container of weights'):
        read(path)
    path.write_bytes(b'\x80\x02' + files.number(5) + b'.')
    with pytest.raises(UnavailableError, match='a pickle, but not of PyTorch'):
        read(path)
    path.write_bytes(struct.pack('<48x'))
    path = path.rename(tmp_path / 'a.index')
    with pytest.raises(UnavailableError, match='no sorted table'):
        read(path)


def test_a_digest_is_compared_where_one_was_published(tmp_path):
    path = tmp_path / 'w.h5'
    path.write_bytes(b'weights')
    check_digest(path)
    check_digest(path, sha256=hashlib.sha256(b'weights').hexdigest())
    check_digest(path, md5=hashlib.md5(b'weights', usedforsecurity=False).hexdigest())
    with pytest.raises(UnavailableError, match=r'not the published weights \(MD5'):
        check_digest(path, md5='0' * 32)
    with pytest.raises(UnavailableError, match=r'not the published weights \(SHA-256'):
        check_digest(path, sha256='0' * 64)
    with pytest.raises(UnavailableError, match='cannot be read'):
        check_digest(tmp_path / 'none.h5', md5='0' * 32)


@needs_cases
@pytest.mark.parametrize(
    ('file', 'layout', 'seed', 'pattern'),
    [
        ('segresnet/segresnet8_model.pt', 'segresnet/segresnet8_layout.csv', 202, '{}'),
        ('budatorch/unet4_zip.pt', 'budatorch/unet4_layout.csv', 502, '{}'),
        ('budatorch/unet4_legacy.pt', 'budatorch/unet4_layout.csv', 502, '{}'),
        (
            'brainmets/narrow_ckpt',
            'brainmets/narrow_layout.csv',
            602,
            'model/model/{}/.ATTRIBUTES/VARIABLE_VALUE',
        ),
        ('budakeras/unet_narrow_weights.h5', 'budakeras/unet_layout.csv', 402, None),
    ],
)
def test_files_of_the_original_programs_are_read_to_the_last_bit(file, layout, seed, pattern):
    found = read(CASES / file)
    if pattern is None:
        assert len(found) == len((CASES / layout).read_text().splitlines()) - 1
        return
    for name, values in generated(CASES / layout, seed).items():
        if 'num_batches_tracked' not in name:
            np.testing.assert_array_equal(found[pattern.format(name)], values)


@needs_cases
def test_a_whole_model_of_the_original_holds_the_same_as_its_weights_alone():
    whole = read(CASES / 'nobrainer/unet_small_model.h5')
    same(read(CASES / 'nobrainer/unet_small_weights.h5'), whole)
    assert len(whole) == 36
    assert next(iter(whole)) == 'conv3d/kernel:0'
