"""numpy, loaded when it is first asked for something: it is a twentieth of what a web process loads before its first page."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Counts = NDArray[np.int32]
    Flags = NDArray[np.bool_]
else:

    class _Numpy:
        def __getattr__(self, name: str) -> Any:
            found = self.__dict__[name] = getattr(importlib.import_module("numpy"), name)
            return found

    np = _Numpy()
    ArrayLike = Floats = Codes = Counts = Flags = Any


def load() -> None:
    """Load numpy and its random numbers, 13 MiB and a tenth of a second. scipy's distributions, which only some intervals need,
    are as much again: a process that has shown one page stays under 180 MiB without them."""
    importlib.import_module("numpy.random")


__all__ = ["ArrayLike", "Codes", "Counts", "Flags", "Floats", "load", "np"]
