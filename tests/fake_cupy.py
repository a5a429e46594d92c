"""A stand-in for CuPy on machines without a GPU: as strict as CuPy where that shows.

Its arrays refuse to become NumPy arrays unasked, know their device, and are counted on
their way there; ``RawModule`` runs the kernel's text compiled for the host.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import cuda_host
import numpy as np
import pytest
import xgboost as xgb

from focal_boost._kernels import cuda


class ndarray:  # noqa: N801 (CuPy's name)
    """Numbers on a device, with what this package needs of ``cupy.ndarray``."""

    def __init__(self, values, device):
        self.values = values
        self.device = device

    def __getattr__(self, name):
        if name in {"dtype", "flags", "itemsize", "ndim", "shape", "size"}:
            return getattr(self.values, name)
        raise AttributeError(f"the stand-in for cupy.ndarray has no {name}")

    @property
    def __cuda_array_interface__(self):
        return {**self.values.__array_interface__, "version": 3}

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def _like(self, values):
        return ndarray(np.asarray(values), self.device)

    def __getitem__(self, key):
        return self._like(self.values[key])

    def _computed(self, operation, *others):
        """Return what NumPy computes, where CuPy would compute it."""
        assert self.device.is_current
        values = [
            other.values if isinstance(other, ndarray) else other for other in others
        ]
        return self._like(operation(self.values, *values))

    def __eq__(self, other):
        return self._computed(np.equal, other)

    def __ge__(self, other):
        return self._computed(np.greater_equal, other)

    def __gt__(self, other):
        return self._computed(np.greater, other)

    def __le__(self, other):
        return self._computed(np.less_equal, other)

    __hash__ = None

    def __add__(self, other):
        return self._computed(np.add, other)

    def __mul__(self, other):
        return self._computed(np.multiply, other)

    def __and__(self, other):
        return self._computed(np.bitwise_and, other)

    def __or__(self, other):
        return self._computed(np.bitwise_or, other)

    def __len__(self):
        return len(self.values)

    def __int__(self):
        return int(self.values)

    def __float__(self):
        return float(self.values)

    def __bool__(self):
        return bool(self.values)

    def all(self):
        return self._computed(np.all)

    def any(self):
        return self._computed(np.any)

    def sum(self, *, dtype):
        return self._computed(lambda values: np.sum(values, dtype=dtype))

    def astype(self, dtype, *, copy=True):
        return self._computed(lambda values: values.astype(dtype, copy=copy))

    def fill(self, value):
        self.values.fill(value)


class FakeCuPy:
    """The module."""

    ndarray = ndarray

    def __init__(self, devices):
        self.current = 0
        self.uploads = []  # sizes of arrays that went from the host to a device
        self.downloads = []
        self.copies = []  # and from one device to another
        self.compiled = []
        self.launches = []  # the device of each
        fake = self

        class Device:
            def __init__(self, ordinal):
                self.id = ordinal

            def __enter__(self):
                self.before, fake.current = fake.current, self.id

            def __exit__(self, *error):
                fake.current = self.before

            @property
            def is_current(self):
                return fake.current == self.id

        runtime = SimpleNamespace(getDeviceCount=lambda: devices)
        self.cuda = SimpleNamespace(Device=Device, runtime=runtime)

    def array(self, values):
        """Return an array of the current device, uncounted, in the memory given."""
        return ndarray(values, self.cuda.Device(self.current))

    def asarray(self, values, dtype=None):
        if not isinstance(values, ndarray):
            self.uploads.append(np.size(values))
            return self.array(np.array(values, dtype=dtype))
        if values.device.id != self.current:
            self.copies.append(values.size)
            return self.array(values.values.astype(dtype or values.dtype))
        if dtype in {None, values.dtype.type}:
            return values
        return values.astype(dtype)

    @staticmethod
    def ascontiguousarray(values):
        if not isinstance(values, ndarray):
            raise TypeError("Argument 'a' has incorrect type")
        contiguous = np.ascontiguousarray(values.values)
        return values if contiguous is values.values else values._like(contiguous)

    def asnumpy(self, values):
        if not isinstance(values, ndarray):
            return np.asarray(values)
        self.downloads.append(values.size)
        return values.values.copy()

    def zeros(self, shape, dtype):
        return self.array(np.zeros(shape, dtype))

    def empty(self, shape, dtype):
        return self.array(np.full(shape, 7, dtype))

    def RawModule(self, *, code, options):  # noqa: N802 (CuPy's name)
        defined = tuple(option for option in options if option.startswith("-D"))
        self.compiled.append(tuple(option.split("=")[1] for option in defined))
        return SimpleNamespace(
            get_function=lambda name: self._function(name, code, defined)
        )

    def _function(self, name, code, defined):
        assert name == "focal_gradient_hessian"
        kernel, home = cuda_host.kernel(code, defined), self.current

        def launch(grid, block, arguments):
            assert home == self.current
            self.launches.append(self.current)
            sizes = map(ctypes.c_uint, (*grid, *block))
            kernel(*sizes, *map(self._argument, arguments))

        return launch

    def _argument(self, value):
        """Return an argument of the size that CuPy would hand over."""
        if isinstance(value, ndarray):
            assert value.device.id == self.current
            assert value.values.flags.c_contiguous
            return cuda_host.pointer(value.values)
        types = {
            np.int64: ctypes.c_longlong,
            np.float64: ctypes.c_double,
            np.uintp: ctypes.c_void_p,
        }
        return types[type(value)](value.item())


@contextmanager
def installed(monkeypatch, devices=1):
    """Yield the stand-in, which ``import cupy`` gives for so long."""
    cuda_host.compiler()
    fake = FakeCuPy(devices)
    monkeypatch.setitem(sys.modules, "cupy", fake)
    cuda._kernel.cache_clear()
    yield fake
    cuda._kernel.cache_clear()


class NoCuPy:
    """An import hook under which CuPy raises the given error."""

    def __init__(self, error):
        self.error = error

    def find_spec(self, name, path=None, target=None):
        if name == "cupy":
            raise self.error


def without_cupy(monkeypatch, error):
    """Make ``import cupy`` raise the error."""
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoCuPy(error), *sys.meta_path])


def take_gradients_home(monkeypatch):
    """Let XGBoost, which trains on the CPU here, have device gradients as NumPy's.

    Returns the types of all gradients it was given.
    """
    types, update_itself = [], xgb.Booster.update

    def update(self, dtrain, iteration, fobj=None):
        if fobj is None:
            update_itself(self, dtrain, iteration)
            return
        margin = self.predict(dtrain, output_margin=True, training=True)
        given = fobj(margin, dtrain)
        types.extend(type(values) for values in given)
        grad, hess = (
            values.values if isinstance(values, ndarray) else values for values in given
        )
        self.boost(dtrain, iteration, grad=grad, hess=hess)

    monkeypatch.setattr(xgb.Booster, "update", update)
    return types


# XGBoost says so twice where there is no GPU, in words that depend on its build.
falls_back_to_the_cpu = pytest.mark.filterwarnings(
    "ignore:.*No visible GPU is found",
    "ignore:.*Device is changed from GPU to CPU",
    "ignore:.*XGBoost is not compiled with CUDA support",
)


def sample(n=700):
    rng = np.random.default_rng(11)
    labels = (rng.random(n) < 0.3).astype(np.float32)
    raw_score = rng.normal(0, 3, n).astype(np.float32)
    return labels, raw_score, rng.exponential(size=n).astype(np.float32)


def on_device(cupy, *arrays, ordinal=0):
    with cupy.cuda.Device(ordinal):
        return [cupy.asarray(values) for values in arrays]


def equal(pair, other):
    return all((a.values == b.values).all() for a, b in zip(pair, other, strict=True))
