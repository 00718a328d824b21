"""Several processes that train one network (torchrun): which of them this is, sums over all, and what they agree on.

One process alone needs nothing of it: every function then gives back what it got. Only torch enters here.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def joined(device: str) -> Iterator[str]:
    """While open, the processes that torchrun started form one group: nccl on CUDA, else gloo.

    Yields:
        The device of this process: with CUDA, the one of its number on this machine.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    on_cuda = torch.device(device).type == "cuda"
    own = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if on_cuda else device
    if on_cuda:
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if on_cuda else "gloo")
    try:
        yield own
        gc.collect()  # DistributedDataParallel's threads end before the group does
        dist.barrier()  # nobody leaves while another still writes the checkpoint
    finally:
        dist.destroy_process_group()


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0; number 0 alone writes files and reports."""
    return dist.get_rank() if dist.is_initialized() else 0


def share(items: list[Any]) -> list[Any]:
    """This process's part of a list that all of them hold."""
    return items[rank() :: count()]


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        summed = x.clone()
        dist.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * dist.get_world_size()


def total(x: Tensor) -> Tensor:
    """Sum of a tensor over the processes, with its gradient.

    A loss that is made of such sums is the same number in every process, and its gradient, averaged over the processes as
    DistributedDataParallel does, is that of one process with the whole batch: hence the backward pass multiplies by their count.
    """
    return _Total.apply(x) if count() > 1 else x


def agreed(stop: bool, seconds: float, device: str) -> tuple[bool, float]:
    """Whether any process was told to stop, and the latest of their clocks, so that all of them take the same decisions."""
    if count() == 1:
        return stop, seconds
    both = torch.tensor([float(stop), seconds], dtype=torch.float64, device=device)
    dist.all_reduce(both, op=dist.ReduceOp.MAX)
    return bool(both[0] > 0), float(both[1])


def wrapped(module: nn.Module) -> nn.Module:
    """The module with gradients averaged over the processes."""
    return DistributedDataParallel(module) if count() > 1 else module
