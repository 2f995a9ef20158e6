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
    """Load what a report is worked out by, which takes a fifth of a second: numpy, its random numbers, scipy's distributions."""
    for name in ("numpy.random", "scipy.special"):
        importlib.import_module(name)


__all__ = ["ArrayLike", "Codes", "Counts", "Flags", "Floats", "load", "np"]
