"""Reading torch's files and pickles: all that is plain comes, nothing is run, and what would have to be is refused."""

from __future__ import annotations

import copyreg
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cellwidget.convert.errors import ConvertError
from cellwidget.convert.inert import Inert, Name, Tensor, mapping
from cellwidget.convert.pickles import read_pickle
from cellwidget.convert.torchfile import LEGACY, torch_file

from .torch_cases import (
    FOLDED,
    Call,
    Global,
    Numbers,
    Persistent,
    Raw,
    label_encoder,
    pickled,
    save,
    tensor,
    text_array,
)


def read(path: Path) -> Any:
    """Read a file whole."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value.array() if isinstance(value, Tensor) else value

    with torch_file(path) as root:
        return plain(root)


# ── what is plain ────────────────────────────────────────────────────────────────────────────────

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers())
        | st.frozensets(st.text())
    ),
    max_leaves=20,
)


@given(value=plain, protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
@settings(max_examples=200, deadline=None)
def test_plain_data_comes_as_it_was(value: Any, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        np.array(["a", "bc"], dtype=object),
        np.array(["a", "bc"]),
        np.array([True, False]),
        np.zeros((0, 3), np.float32),
        np.array(3, np.uint16),
    ],
)
def test_arrays_come_as_they_were(array: np.ndarray, protocol: int) -> None:
    got = read_pickle(pickle.dumps({"a": array, "again": [array]}, protocol))
    assert got["a"].dtype == array.dtype
    np.testing.assert_array_equal(got["a"], array)
    assert got["again"][0] is got["a"]


def test_numbers_of_numpy_come_as_they_were() -> None:
    assert read_pickle(pickle.dumps([np.float32(1.5), np.int64(3)])) == [1.5, 3]


@pytest.mark.parametrize("order", ["little", "big"])
def test_tensors_of_all_types(tmp_path: Path, order: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(-100, 100, (3, 4))
    state = {code: values.astype(code) for code in ("f4", "f8", "f2", "i8", "i4")}
    got = read(save(tmp_path / "a.pt", state, order=order))
    for code, array in state.items():
        assert got[code].dtype == code
        np.testing.assert_array_equal(got[code], array)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 3e38, 1e-30], np.float32)
    halves = (values.view(np.uint32) >> 16).astype(np.uint16)
    got = read(save(tmp_path / "a.pt", {"w": Numbers(halves, "BFloat16Storage")}))["w"]
    np.testing.assert_array_equal(got, (halves.astype(np.uint32) << 16).view(np.float32))
    np.testing.assert_allclose(got, values, rtol=1e-2)


def test_tensors_may_be_parts_of_a_storage_and_turned(tmp_path: Path) -> None:
    numbers = np.arange(24, dtype="<f4")
    root = {
        "turned": tensor("0", "FloatStorage", 24, (4, 6), strides=(1, 4)),
        "part": tensor("0", "FloatStorage", 24, (2, 3), offset=7, strides=(6, 2)),
        "one": tensor("0", "FloatStorage", 24, (), offset=23),
        "none": tensor("0", "FloatStorage", 24, (0, 5), offset=24),
    }
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled(root))
        archive.writestr("x/data/0", numbers.tobytes())
    got = read(path)
    np.testing.assert_array_equal(got["turned"], numbers.reshape(6, 4).T)
    np.testing.assert_array_equal(got["part"], [[7, 9, 11], [13, 15, 17]])
    assert got["one"] == 23 and got["none"].shape == (0, 5)


def test_newer_tensors_parameters_and_those_with_attributes(tmp_path: Path) -> None:
    stored = Persistent(("storage", Global("torch.storage", "UntypedStorage"), "0", "cuda:0", 8))
    hooks = Call(Global("collections", "OrderedDict"))
    newer = (stored, 0, (4,), (1,), False, hooks, Global("torch", "uint16"), None)
    plain_one = tensor("1", "FloatStorage", 2, (2,))
    root = {
        "newer": Call(Global("torch._utils", "_rebuild_tensor_v3"), newer),
        "parameter": Call(Global("torch._utils", "_rebuild_parameter"), (plain_one, True, hooks)),
        "typed": Call(
            Global("torch._tensor", "_rebuild_from_type_v2"),
            (plain_one.called, Global("torch.nn.parameter", "Parameter"), plain_one.args, {"note": 1}),
        ),
    }
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled(root))
        archive.writestr("x/data/0", np.arange(4, dtype="<u2").tobytes())
        archive.writestr("x/data/1", np.array([1, 2], "<f4").tobytes())
    got = read(path)
    np.testing.assert_array_equal(got["newer"], [0, 1, 2, 3])
    np.testing.assert_array_equal(got["parameter"], [1, 2])
    np.testing.assert_array_equal(got["typed"], [1, 2])


def test_named_objects_become_stand_ins() -> None:
    root = {
        "encoder": label_encoder(["a", "b"]),
        "optimizer": Global("torch.optim.adam", "Adam"),
        "path": Call(Global("pathlib", "PosixPath"), ("/", "home")),
        "partial": Call(Global("functools", "partial"), (Global("torch.optim.adam", "Adam"),)),
        "size": Call(Global("torch", "Size"), ([2, 3],)),
        "device": Call(Global("torch", "device"), ("cuda", 0)),
        "dtype": Global("torch", "float32"),
    }
    got = read_pickle(pickled(root))
    assert got["encoder"].attribute("classes_").tolist() == ["a", "b"]
    assert got["optimizer"] == Name("torch.optim.adam", "Adam")
    assert isinstance(got["path"], Inert) and got["path"].args == ("/", "home")
    assert isinstance(got["partial"], Inert)
    assert got["size"] == (2, 3) and got["device"] == "cuda" and got["dtype"] == Name("torch", "float32")


def test_kinds_of_dicts_and_lists_keep_what_they_hold() -> None:
    made = pickled(Call(Global("lightning.fabric.utilities.data", "AttributeDict")))[:-1]
    raw = made + pickle.MARK + pickled("genes")[2:-1] + pickled(["A"])[2:-1] + pickle.SETITEMS + pickle.STOP
    assert mapping(read_pickle(raw)) == {"genes": ["A"]}
    raw = made + pickled("A")[2:-1] + pickle.APPEND + pickle.STOP
    assert read_pickle(raw).items == ["A"]


# ── what would harm ──────────────────────────────────────────────────────────────────────────────


def call(module: str, name: str, *args: Any) -> bytes:
    return pickled(Call(Global(module, name), args))


def stack_global(module: str, name: str) -> bytes:
    text = b"".join(pickle.SHORT_BINUNICODE + bytes([len(word)]) + word.encode() for word in (module, name))
    return b"\x80\x04" + text + pickle.STACK_GLOBAL


HOSTILE = {
    "system": call("os", "system", "touch harmed"),
    "posix": call("posix", "system", "touch harmed"),
    "eval": call("builtins", "eval", "open('harmed', 'w')"),
    "exec of Python 2": call("__builtin__", "execfile", "harmed"),
    "getattr": call("builtins", "getattr", Global("torch", "hub"), "load"),
    "import": call("builtins", "__import__", "os"),
    "open": call("builtins", "open", "harmed", "w"),
    "subprocess": call("subprocess", "Popen", ["touch", "harmed"]),
    "a function of torch": call("torch.hub", "load", "somebody/repo", "model"),
    "torch.load of bytes": call("torch.storage", "_load_from_bytes", b"\x80\x02."),
    "a function of numpy": call("numpy", "load", "harmed.npy"),
    "numpy's runstring": call("numpy.testing._private.utils", "runstring", "1", {}),
    "numpy's exec_command": call("numpy.distutils.exec_command", "exec_command", "touch harmed"),
    "partial": pickled(Call(Call(Global("functools", "partial"), (Global("torch.hub", "load"),)), ("a",))),
    "partial of system": call("functools", "partial", Global("os", "system"), "touch harmed"),
    "operator": call("operator", "attrgetter", "system"),
    "codecs": call("_codecs", "decode", b"x", "zip"),
    "another encoding": call("_codecs", "encode", "x", "zip"),
    "nested name": stack_global("torch", "serialization.os.system") + pickle.STOP,
    "nested name, called": stack_global("builtins", "str.format") + pickle.EMPTY_TUPLE + pickle.REDUCE + pickle.STOP,
    "name of numbers": b"\x80\x04K\x01K\x02\x93.",
    "lowercase of sklearn": call("sklearn.utils", "_joblib.delayed"),
    "the extension registry": b"\x80\x02\x82\x01)R.",
    "the extension registry, wide": b"\x80\x02\x84\x01\x01\x00\x00)R.",
    "instance by name": b"(S'touch harmed'\nios\nsystem\n.",
    "instance on the stack": b"(cos\nsystem\nS'touch harmed'\no.",
    "text reference": b"Pharmed\n.",
    "buffers": b"\x80\x05\x97.",
    "copyreg": call("copyreg", "__newobj__", Global("torch", "Tensor")),
    "rebuilt of a plain object": call("copyreg", "_reconstructor", Global("torch", "Tensor"), Global("os", "error"), 1),
    "state of an array": pickled(Call(Global("numpy", "dtype"), ("O8",), (3, "|", None, ("a",), {}, -1, -1, 63))),
    "structured numbers": call("numpy", "dtype", "f8,(1000000,1000000)f8"),
    "dtype of a class": call("numpy", "dtype", Global("torch", "Tensor")),
    "an array that is too short": pickled(
        Call(
            Global("numpy.core.multiarray", "_reconstruct"),
            (Global("numpy", "ndarray"), (0,), b"b"),
            (1, (10**9,), Call(Global("numpy", "dtype"), ("f8",)), False, b"12345678"),
        )
    ),
    "bytes by length": call("builtins", "bytearray", 10**12),
    "a huge text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"abc.",
    "a mark": b"(.",
    "nothing": b"",
    "no end": b"\x80\x02K\x01",
    "an empty stack": b"\x80\x02R.",
    "unhashable": b"\x80\x02}]K\x01s.",
    "items to a number": b"\x80\x02K\x01K\x02a.",
    "no memo": b"\x80\x02h\x07.",
    "state to a number": b"\x80\x02K\x01}b.",
    "an unknown opcode": b"\x80\x02\xff.",
    "a reference outside": pickled(Persistent(("storage", "x"))),
}


NESTED = pickle.EMPTY_TUPLE + 10**6 * pickle.TUPLE1

HOSTILE |= {
    "a key that takes for ever": b"\x80\x02}" + FOLDED + b"K\x01s.",
    "a key that goes too deep": b"\x80\x02}" + NESTED + b"K\x01s.",
    "keys that take for ever": b"\x80\x02}(" + FOLDED + b"K\x01u.",
    "keys of a dict that take for ever": b"\x80\x02(" + FOLDED + b"K\x01d.",
    "a set that takes for ever": b"\x80\x04\x8f(" + FOLDED + b"\x90.",
    "a frozen set that takes for ever": b"\x80\x04(" + FOLDED + b"\x91.",
    "a called set that takes for ever": b"\x80\x02cbuiltins\nset\n]" + FOLDED + b"a\x85R.",
    "a called dict that takes for ever": b"\x80\x02ccollections\nOrderedDict\n]" + FOLDED + b"K\x01\x86a\x85R.",
    "a name that takes for ever": b"\x80\x02cnumpy\ndtype\n" + FOLDED + b"\x85R.",
    "numbers by length": call("numpy._core.multiarray", "scalar", Call(Global("numpy", "dtype"), ("u1",)), 10**12),
}


def test_what_holds_itself_often_is_taken_as_it_is_where_nobody_goes_through_it() -> None:
    objects = text_array([Raw(FOLDED)])
    assert len(read_pickle(pickled({"array": objects}))["array"][0]) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_have_to_be_run_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConvertError):
        read_pickle(HOSTILE[name])
    assert not list(tmp_path.iterdir())


def test_refusals_name_what_was_called() -> None:
    with pytest.raises(
        ConvertError, match=r"names 'os.system', which checkpoints have no use for\. Nothing .* was run"
    ):
        read_pickle(HOSTILE["system"])
    with pytest.raises(ConvertError, match=r"calls 'torch\.hub\.load'"):
        read_pickle(HOSTILE["a function of torch"])


def test_what_others_registered_does_not_come_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's own unpickler gives objects of its extension cache without asking."""
    copyreg.add_extension("os", "system", 77)
    try:
        with pytest.raises(ConvertError, match="EXT1"):
            read_pickle(b"\x80\x02\x82\x4d(U\x01xtR.")
    finally:
        copyreg.remove_extension("os", "system", 77)


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
@example(b"S'\\.'\n.", 75, 92)
@settings(max_examples=300, deadline=None)
def test_damage_gives_one_kind_of_error(noise: bytes, at: int, byte: int) -> None:
    whole = bytearray(
        pickled({"state": [1.5, "x", (1, 2)], "encoder": label_encoder(["a"]), "array": text_array(["b"])})
    )
    whole[at % len(whole)] = byte
    told = []
    for data in (bytes(whole), bytes(whole[: at % len(whole)]), noise):
        try:
            read_pickle(data)
        except ConvertError as error:
            told.append(str(error))
    assert all(len(text) < 400 for text in told)


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        ((10**6,), (1,), 0),
        ((2**40,), (0,), 0),
        ((3,), (5,), 0),
        ((4,), (1,), 7),
        ((2,), (-1,), 3),
        ((-1,), (1,), 0),
        ((2,), (1, 1), 0),
        ((2,), (1,), -1),
        ((1.5,), (1,), 0),
        ((1,) * 40, (1,) * 40, 0),
    ],
)
def test_tensors_stay_in_their_storage(tmp_path: Path, shape: Any, strides: Any, offset: int) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled([tensor("0", "FloatStorage", 8, shape, offset=offset, strides=strides)]))
        archive.writestr("x/data/0", bytes(32))
    with pytest.raises(ConvertError):
        read(path)


@pytest.mark.parametrize(
    ("key", "storage", "length"),
    [
        ("../../etc/passwd", "FloatStorage", 8),
        ("/etc/passwd", "FloatStorage", 8),
        ("0\0", "FloatStorage", 8),
        (0, "FloatStorage", 8),
        ("1", "FloatStorage", 8),
        ("0", "FloatStorage", 9),
        ("0", "DoubleStorage", 8),
        ("0", "QInt8Storage", 8),
        ("0", "FloatStorage", -1),
    ],
)
def test_storages_are_files_beside_the_pickle(tmp_path: Path, key: Any, storage: str, length: int) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled([tensor(key, storage, length, (1,))]))
        archive.writestr("x/data/0", bytes(32))
    with pytest.raises(ConvertError):
        read(path)


def test_bombs_are_refused(tmp_path: Path) -> None:
    bomb = save(tmp_path / "bomb.pt", {"w": np.zeros(10**6, np.float32)}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ConvertError, match="compressed inside, which torch never does"):
        read(bomb)
    with zipfile.ZipFile(tmp_path / "lies.pt", "w") as archive:
        archive.writestr("x/data.pkl", pickled([]))
        archive.writestr("x/data/0", bytes(8))
    raw = (tmp_path / "lies.pt").read_bytes()
    (tmp_path / "lies.pt").write_bytes(raw.replace(struct.pack("<II", 8, 8), struct.pack("<II", 2**31, 2**31)))
    with pytest.raises(ConvertError, match="says to hold more than it can"):
        read(tmp_path / "lies.pt")


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConvertError, match="There is no file"):
        read(tmp_path / "none.pt")
    (tmp_path / "legacy.pt").write_bytes(LEGACY + b"more")
    with pytest.raises(ConvertError, match=r"before version 1\.6.*torch\.save\(torch\.load"):
        read(tmp_path / "legacy.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(ConvertError, match=r"is no file of torch\.save"):
        read(tmp_path / "text.pt")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("constants.pkl", b"")
    with pytest.raises(ConvertError, match=r"0 files data\.pkl"):
        read(tmp_path / "other.pt")
    whole = save(tmp_path / "whole.pt", {"w": np.zeros(1000, np.float32)}).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[:2000])
    with pytest.raises(ConvertError, match="cut off"):
        read(tmp_path / "cut.pt")
    (tmp_path / "flipped.pt").write_bytes(whole.replace(bytes(100), b"\1" + bytes(99), 1))
    with pytest.raises(ConvertError, match="damaged"):
        read(tmp_path / "flipped.pt")
