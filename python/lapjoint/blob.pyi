from typing import Any

import numpy as np

from ._core import pack as pack

class MatCell(np.ndarray[Any, Any]): ...
class MatStruct(np.recarray[Any, Any]): ...

use_32bit_dims: bool

def unpack(blob: bytes | None, squeeze: bool = False, dims_32bit: bool | None = None) -> Any: ...

__all__ = ["MatCell", "MatStruct", "pack", "unpack"]
