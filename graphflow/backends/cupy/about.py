"""The GPU that there is, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """The name of a GPU, its bytes of memory, and the versions of its driver's CUDA and of CuPy."""

    name: str
    memory: int
    cuda: str
    cupy: str


def about() -> About:
    """Of the GPU that CuPy computes on; see :func:`graphflow.backends.cupy.device`."""
    import cupy

    runtime = cupy.cuda.runtime
    found, version = runtime.getDeviceProperties(cupy.cuda.Device().id), runtime.driverGetVersion()
    return About(
        found["name"].decode(), int(found["totalGlobalMem"]),
        f"{version // 1000}.{version % 1000 // 10}", cupy.__version__,
    )  # fmt: skip
