"""How kernels are compiled and kept, and what numba has no word for to tell LLVM."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.extending import intrinsic

try:
    from numba.core.caching import FunctionCache
except ImportError:
    FunctionCache = object

# Kernels call them, and not Python: what would is a quarter of the time to compile.
_helper = partial(
    njit,
    nogil=True,
    error_model="numpy",
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
)
# Fused multiply-add is the one liberty taken: sums keep their order.
compiled = _helper(fastmath={"contract"})
# For sums of which only a vector loop may choose the order.
in_any_order = _helper(fastmath={"contract", "reassoc"})


@cache
def _digest() -> str:
    """Return what changes with the text of any kernel or helper."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    texts = [hashlib.sha256(file.read_bytes()).digest() for file in files]
    return hashlib.sha256(b"".join(texts)).hexdigest()


class _Cache(FunctionCache):
    """numba's cache on disk, which by itself sees changes of a kernel's own file only.

    A kernel is compiled with its helpers inside, which stand in other files.
    """

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        # Not of what a closure holds: a compiled helper looks new in every process.
        return sig, codegen.magic_tuple(), _digest()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what is kept for these types, or None.

        Processes that compile at the same time number their files alike, and the index
        of one may lead to the machine code of the other: for other types, which would
        read memory that is none of theirs. Such an index is begun anew, and so is one
        of files that are not whole or of another LLVM, whatever reading them raises.
        """
        with suppress(Exception):
            found = super().load_overload(sig, target_context)
            if found is None or tuple(found.signature.args) == tuple(sig):
                return found
        with suppress(OSError):
            self.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, unless the disk is full."""
        with suppress(OSError):
            super().save_overload(sig, data)


def compiled_as(name: str, function: Any) -> Any:
    """Compile one of several functions that one text makes.

    numba tells them apart by a number that every process counts by itself: what one
    has kept on disk would be linked with another's function of the same number.
    """
    function.__qualname__ = f"{function.__qualname__} {name}"
    return compiled(function)


def compiled_and_kept(function: Any) -> Any:
    """Compile with a cache on disk, beside the file or in the user's cache folder."""
    kernel = njit(nogil=True, error_model="numpy")(function)
    # Where neither can be written, compile once in every process; so too where another
    # numba has no such key, for then the cache would not see the helpers.
    if hasattr(FunctionCache, "_index_key"):
        with suppress(RuntimeError):
            kernel._cache = _Cache(function)
    return kernel


def _bitcast(name: str, source: Any, target: Any) -> Any:
    """Return an intrinsic that reads the bits of `source` as `target`."""

    def typed(_typing: Any, _value: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], context.get_value_type(target))

        return target(source), codegen

    typed.__name__ = name
    return intrinsic(typed)


bits = _bitcast("bits", types.float64, types.int64)
from_bits = _bitcast("from_bits", types.int64, types.float64)


@intrinsic
def prefer_wide_vectors(_typing: Any) -> Any:
    """Have LLVM use whole registers in the function that calls this.

    Where the processor has AVX-512, LLVM takes half of each register unless it is
    asked; whole ones are a third faster here. Elsewhere the wish has no effect.
    """

    def codegen(context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        attributes = builder.function.attributes
        # llvmlite's own add() accepts only attributes without a value.
        if isinstance(attributes, set):
            set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def borrowed(_typing: Any, array: Any) -> Any:
    """Return the array without a share in its memory, which must outlive it.

    numba counts the references to an array's memory with atomic instructions, a few
    for every slice: a sixth of the kernel's time.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.return_type)(context, builder, args[0])
        view.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        view.parent = context.get_constant_null(types.pyobject)
        return view._getvalue()

    return array(array), codegen
