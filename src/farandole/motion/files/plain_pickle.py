"""What pickles hold of arrays, numbers, strings and containers; nothing is run, and memory stays within what the file justifies.

A pickle is a program. Ours may call four constructors of NumPy, and what it gets under their names are stand-ins of our own: they
build arrays of plain numbers from bytes that are in the file, have no attributes that could be set, and do nothing else.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from typing import Any

import numpy as np

from farandole.errors import FileFormatError

_PLAIN = re.compile(r"[<>=|]?([bB?]1?|[iufc](1|2|4|8|16)|[SU][0-9]{1,6})")
"""Element types: booleans, integers, floats, complex numbers, short strings."""
_MEMO = ("PUT", "BINPUT", "LONG_BINPUT")


def load_plain_pickle(data: bytes, source: str) -> Any:
    """What a pickle of arrays, numbers, strings and containers of them holds.

    Raises:
        FileFormatError: If it holds anything else, is damaged, or claims arrays larger than itself.
    """
    try:
        _look_over(data)
        # latin1: NumPy arrays pickled by Python 2.
        return _built(_Unpickler(io.BytesIO(data), encoding="latin1").load())
    except Exception as error:  # a damaged pickle may raise almost anything
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise FileFormatError(f"{source} is not a pickle of plain arrays: {reason}") from error


def _look_over(data: bytes) -> None:
    """Raise UnpicklingError if the program numbers things beyond its own length, for which room would be made."""
    for code, argument, _ in pickletools.genops(data):
        if code.name in _MEMO and not 0 <= int(argument or 0) <= len(data):
            raise pickle.UnpicklingError(f"it puts aside thing number {argument}")


class _Sealed:
    """Something whose state no pickle can set."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("it sets attributes of what it may only call")


class _Named(_Sealed):
    """Stands for `numpy.ndarray`, which pickles name but do not call."""

    __slots__ = ()


class _ElementType(_Sealed):
    """A dtype; its state can only tell the order of bytes."""

    __slots__ = ("value",)

    def __init__(self, name: Any, *_: Any) -> None:
        text = name.decode("latin1") if isinstance(name, bytes) else name
        if not isinstance(text, str) or not _PLAIN.fullmatch(text):
            raise pickle.UnpicklingError(f"it asks for an array of {str(text)[:40]!r}")
        self.value = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError("it describes an element type that is not plain")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "=", "|"):
            raise pickle.UnpicklingError(f"it describes an order of bytes {str(order)[:10]!r}")
        self.value = self.value.newbyteorder(order)


class _EmptyArray(_Sealed):
    """An array before its content has come."""

    __slots__ = ("value",)

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        self.value = _array(content, kind, shape, "F" if fortran else "C")


class _Scalar(_Sealed):
    """`numpy.core.multiarray.scalar`."""

    __slots__ = ()

    def __call__(self, kind: Any, content: Any) -> Any:
        return _array(content, kind, (), "C")[()]


class _FromBuffer(_Sealed):
    """`numpy.core.numeric._frombuffer`."""

    __slots__ = ()

    def __call__(self, content: Any, kind: Any, shape: Any, order: Any) -> Any:
        made = _EmptyArray()
        made.value = _array(content, kind, shape, order)
        return made


class _Encode(_Sealed):
    """`_codecs.encode`, by which old protocols write bytes."""

    __slots__ = ()

    def __call__(self, text: Any, encoding: Any = "latin1") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise pickle.UnpicklingError(f"it encodes {type(text).__name__} as {str(encoding)[:40]}")
        return text.encode("latin1")


class _NoBytes(_Sealed):
    """`bytes()`, by which old protocols write that there are none."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


class _Maker(_Sealed):
    """Calls a class of ours; the class itself would lie open."""

    __slots__ = ("_made",)

    def __init__(self, made: type) -> None:
        self._made = made

    def __call__(self, *arguments: Any) -> Any:
        return self._made(*arguments)


def _array(content: Any, kind: Any, shape: Any, order: Any) -> np.ndarray:
    """An array of bytes that are there."""
    if isinstance(content, str):  # of Python 2
        content = content.encode("latin1")
    shape = shape if isinstance(shape, tuple) else (shape,)
    if not isinstance(kind, _ElementType) or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("it holds an array of objects")
    if len(shape) > 32 or any(type(side) is not int or side < 0 for side in shape):
        raise pickle.UnpicklingError("it holds an array of an impossible shape")
    if math.prod(shape) * kind.value.itemsize != len(content):
        raise pickle.UnpicklingError(f"it claims {math.prod(shape)} numbers in {len(content)} bytes")
    return np.frombuffer(content, kind.value).reshape(shape, order="F" if order == "F" else "C")


class _Unpickler(pickle.Unpickler):
    _KNOWN = (
        {("numpy", "ndarray"): _Named(), ("numpy", "dtype"): _Maker(_ElementType), ("_codecs", "encode"): _Encode()}
        | {(f"numpy.{core}.multiarray", "_reconstruct"): _Maker(_EmptyArray) for core in ("core", "_core")}
        | {(f"numpy.{core}.multiarray", "scalar"): _Scalar() for core in ("core", "_core")}
        | {(builtin, "bytes"): _NoBytes() for builtin in ("__builtin__", "builtins")}
        | {(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer() for core in ("core", "_core")}
    )

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in; raises UnpicklingError for anything that has none."""
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return self._KNOWN[module, name]


def _built(value: Any) -> Any:
    """Arrays in the place of what stands for them: the value itself, in a dictionary, in its lists."""
    if isinstance(value, dict):
        return {key: _built_rows(item) for key, item in value.items()}
    return _built_rows(value)


def _built_rows(value: Any) -> Any:
    return type(value)(map(_one, value)) if type(value) in (list, tuple) else _one(value)


def _one(value: Any) -> Any:
    if isinstance(value, _EmptyArray):
        if value.value is None:
            raise pickle.UnpicklingError("it holds an array without content")
        return value.value
    if isinstance(value, _Sealed):
        raise pickle.UnpicklingError("it holds what is no data")
    return value
