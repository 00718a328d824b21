"""An accelerator for machines that have none: tensors that lie 'there', refuse to be mixed with the CPU's, and count what is computed.

Every tensor there wraps one of the CPU that nobody else sees. As with a real device: an operation on tensors of both places raises,
`.numpy()` raises, `.cpu()` and `.to()` copy and are noted with their size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

ACCELERATOR = torch.device("meta")  # the one kind beside the CPU that every build of torch can index on
CPU = torch.device("cpu")
SMALL = 4096  # elements: tables, matrices and numbers may be made on the CPU and sent
aten = torch.ops.aten


class There(torch.Tensor):
    """A tensor on the accelerator."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> There:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype, device=ACCELERATOR
        )
        made.inner = inner
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError("a tensor of the accelerator is used outside of `Accelerator.at_work`")

    def tolist(self) -> list:
        """Numbers are read from any device."""
        return self.cpu().tolist()

    def __repr__(self, *, tensor_contents=None) -> str:
        return f"There({tuple(self.shape)}, {self.dtype})"


@dataclass
class Accelerator(TorchDispatchMode):
    """What was computed where.

    Attributes:
        float64: whether the device knows it; Apple's does not.
        computed: elements that operations gave there.
        on_cpu: operations of the CPU on more than a few floating-point numbers, with their elements.
    """

    float64: bool = True
    computed: int = 0
    on_cpu: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        tensors = [value for value in tree_iter((args, kwargs)) if isinstance(value, torch.Tensor)]
        there = [value for value in tensors if isinstance(value, There)]
        target = kwargs.get("device")
        copies = func.overloadpacket in (aten._to_copy, aten.copy_)
        if copies:
            return self._copied(func, args, kwargs, bool(there))
        if not there and (target is None or torch.device(target) == CPU):
            found = func(*args, **kwargs)
            self._note(func, found)
            return found
        mixed = [value for value in tensors if not isinstance(value, There) and value.ndim]
        if mixed and there:
            raise RuntimeError(f"Expected all tensors to be on the same device ({func}, {[tuple(m.shape) for m in mixed]})")
        if func.overloadpacket == aten._local_scalar_dense:
            return func(args[0].inner)
        if target is not None:
            kwargs["device"] = CPU
        found = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
        return self._wrapped(func, found, args, kwargs)

    def _copied(self, func, args, kwargs, from_there: bool):
        if func.overloadpacket == aten.copy_:
            args[0].inner.copy_(_inner(args[1])) if isinstance(args[0], There) else args[0].copy_(_inner(args[1]))
            return args[0]
        target = torch.device(kwargs.pop("device", None) or (ACCELERATOR if from_there else CPU))
        found = func(_inner(args[0]), *args[1:], **kwargs)
        if target == CPU:
            return found
        return self._wrapped(func, found, args, kwargs)

    def _wrapped(self, func, found, args, kwargs):
        given = {id(value.inner): value for value in tree_iter((args, kwargs)) if isinstance(value, There)}

        def wrap(value):
            if not isinstance(value, torch.Tensor):
                return value
            if value.dtype == torch.float64 and not self.float64:
                raise TypeError(f"this device has no float64 ({func})")
            self.computed += value.numel()
            return given[id(value)] if id(value) in given else There(value)

        return tree_map(wrap, found)

    def _note(self, func, found) -> None:
        if func.is_view or func.overloadpacket in (aten.detach, aten.empty, aten.zeros, aten.empty_strided, aten.clone, aten.lift_fresh):
            return
        for value in tree_iter(found):
            if isinstance(value, torch.Tensor) and value.device == CPU and value.is_floating_point() and value.numel() > SMALL:
                self.on_cpu.append((str(func), value.numel()))


def _inner(value):
    return value.inner if isinstance(value, There) else value


@contextmanager
def at_work(float64: bool = True) -> Iterator[Accelerator]:
    """Within: there is an accelerator."""
    with Accelerator(float64) as accelerator:
        yield accelerator
