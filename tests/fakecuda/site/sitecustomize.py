"""Python runs this in every process on the stand-in: what cannot work there is switched off."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType


def without_cudnn(torch: ModuleType) -> None:
    """The stand-in does not answer for cuDNN."""
    torch.backends.cudnn.enabled = False
    torch.backends.cuda.enable_cudnn_sdp(False)  # which asks cuDNN all the same


def without_check(common: ModuleType) -> None:
    """What piq is given is refused where a kernel does not say that it is within its range."""
    common._validate_input = lambda *given, **settings: None


AFTER = {"torch": without_cudnn, "piq.utils.common": without_check}


class Loader(SourceFileLoader):
    """Loads a module as ever, then does what is to be done after."""

    after: Callable[[ModuleType], None]

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        self.after(module)


class Finder(MetaPathFinder):
    """Waits for the imports of these modules: those that are not wanted cost nothing."""

    def __init__(self) -> None:
        self.waiting = dict(AFTER)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        after = self.waiting.pop(name, None)
        if after is None:
            return None
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(name, spec.origin)
            spec.loader.after = after
        return spec


sys.meta_path.insert(0, Finder())
