"""A kernel on the threads that a library has already: a team of GNU OpenMP.

XGBoost's and LightGBM's threads wait for their next work awake, for a while. Threads of
our own would have to wrest the processors from them; their own take up the kernel at
once, and are awake when the library goes on. The team is asked for by what the library
itself calls, ``GOMP_parallel(function, data, threads, flags)``, and every thread of it
takes the next slice of rows until none is left.

All kernels have one interface::

    fault = gradient_hessian(
        team, threads, raw_score, y_true, sample_weight, offset, known, grad, hess
    )

team : int
    The address of ``GOMP_parallel``; 0 for the calling thread alone.
threads : int
    How many the team shall be.
raw_score : array of float32 or float64, (n,)
y_true : array of uint8, (n,)
    0 or 1.
sample_weight : array of float32 or float64, (n,), or None
    In [0, 1.7e37], so that no product with it overflows.
offset : float64
    Added to every raw score.
known : Known
    The objective's numbers.
grad, hess : arrays of float32, (n,), contiguous
    Written, but in blocks with unsound rows.
fault : int64
    0 if every raw score is finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from focal_boost._kernels.llvm import borrowed, compiled_and_kept, compiled_as

# Rows that a thread takes at a time, a multiple of the kernels' block.
SLICE = 8192

_BYTES = ir.IntType(8).as_pointer()
_NOTHING, _INT = ir.VoidType(), ir.IntType(32)
_BODY = ir.FunctionType(_NOTHING, [_BYTES])
_PARALLEL = ir.FunctionType(_NOTHING, [_BODY.as_pointer(), _BYTES, _INT, _INT])


@intrinsic
def _taken(_typing: Any, counter: Any, step: Any) -> Any:
    """Add to the first number of an array and return what it was, as one step."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.atomic_rmw("add", array.data, args[1], "monotonic")

    return types.int64(counter, step), codegen


@intrinsic
def _in_team(typing: Any, parallel: Any, threads: Any, work: Any, args: Any) -> Any:
    """Have every thread of a team call ``work(*args)``."""
    called = work.get_call_type(typing, args.types, {})

    def codegen(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        address, count, _, given = values
        task = builder.alloca(given.type)
        builder.store(given, task)
        result = work.dispatcher.get_compile_result(called)
        context.active_code_library.add_linking_library(result.library)
        body = _body(context, builder.module, result.fndesc, called, given.type)
        call = builder.inttoptr(address, _PARALLEL.as_pointer())
        data = builder.bitcast(task, _BYTES)
        number = builder.trunc(count, _INT)
        builder.call(call, [body, data, number, ir.Constant(_INT, 0)])
        return context.get_dummy_value()

    return types.void(parallel, threads, work, args), codegen


def _body(context: Any, module: Any, fndesc: Any, called: Any, kind: Any) -> Any:
    """Return the C function that a team's threads run on the arguments in memory."""
    name = module.get_unique_name(f"team.{fndesc.mangled_name}")
    body = ir.Function(module, _BODY, name)
    body.linkage = "internal"
    builder = ir.IRBuilder(body.append_basic_block("entry"))
    given = builder.load(builder.bitcast(body.args[0], kind.as_pointer()))
    values = [builder.extract_value(given, k) for k in range(len(called.args))]
    function = context.declare_function(module, fndesc)
    # Kernels raise nothing, so that there is no status to look at.
    context.call_conv.call_function(
        builder, function, called.return_type, called.args, values
    )
    builder.ret_void()
    return body


def on_team(kernel: Any) -> Any:
    """Return a kernel of all rows that works on a team too, as compiled and kept."""

    def work(state, raw_score, y_true, sample_weight, offset, known, grad, hess):
        rows = raw_score.shape[0]
        start = _taken(state, SLICE)
        while start < rows:
            stop = min(start + SLICE, rows)
            fault = kernel(
                raw_score[start:stop],
                y_true[start:stop],
                None if sample_weight is None else sample_weight[start:stop],
                offset,
                known,
                grad[start:stop],
                hess[start:stop],
            )
            if fault:
                state[1] = fault
            start = _taken(state, SLICE)

    name = kernel.py_func.__module__.rpartition(".")[2]
    work = compiled_as(name, work)

    def gradient_hessian(
        team, threads, raw_score, y_true, sample_weight, offset, known, grad, hess
    ):
        z, y, g, h = (
            borrowed(raw_score), borrowed(y_true), borrowed(grad), borrowed(hess),
        )  # fmt: skip
        w = None if sample_weight is None else borrowed(sample_weight)
        if team == 0:
            return kernel(z, y, w, offset, known, g, h)
        memory = np.zeros(2, np.int64)
        state = borrowed(memory)
        _in_team(team, threads, work, (state, z, y, w, offset, known, g, h))
        return memory[1]

    # By which numba tells kept files apart.
    gradient_hessian.__qualname__ = f"{gradient_hessian.__name__}_{name}"
    return compiled_and_kept(gradient_hessian)
