"""Python runs this in every process on the stand-in: torch without cuDNN, which is not there."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType


class WithoutCudnn(SourceFileLoader):
    """Loads torch as ever, then switches cuDNN off."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.backends.cudnn.enabled = False
        module.backends.cuda.enable_cudnn_sdp(False)  # which asks cuDNN all the same


class TorchFinder(MetaPathFinder):
    """Waits for the first import of torch: one that is not wanted costs nothing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            spec.loader = WithoutCudnn(name, spec.origin)
        return spec


sys.meta_path.insert(0, TorchFinder())
