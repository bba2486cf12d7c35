"""srbench: does this block help, by how much, and at what cost?

    import srbench
    study = srbench.read("ablations/quickstart.yaml", set={"train.epochs": 5})
    srbench.run(study)
    srbench.results("quickstart").effects

`__all__` is the public surface (docs/python.md describes it). Each name is imported when it is
first used: `import srbench` alone takes no torch.
"""

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"
HOMES = {
    "srbench.run.api": ("read", "new", "plan", "run", "results", "report", "compare"),
    "srbench.apply.api": ("scores", "upscale"),
    "srbench.report.findings": ("Findings",),
    "srbench.run.request": ("RunProgress",),
    "srbench.run.estimate": ("Forecast",),
    "srbench.study.read": ("Study",),
    "srbench.analysis.compare": ("StudyComparison",),
    "srbench.apply.scored": ("Scored",),
    "srbench.core.errors": ("UserError",),
    "srbench.core.fused": ("equal_convolution",),
    "srbench.core.part_facts": ("MetricFacts", "LearnerFacts"),
    "srbench.core.registry": ("Positive", "Range"),
    "srbench.core.slots": (
        "activation", "attention", "augmentation", "convolution", "dataset", "degradation",
        "discriminator", "features", "fuse", "initialisation", "learner", "loss", "metric", "model",
        "normalisation", "optimizer", "schedule", "skip", "unit", "upsampler",
    ),
}  # fmt: skip
"""Module -> the public names that it defines; `__init__.pyi` says the same to type checkers."""
HOME_OF = {name: home for home, names in HOMES.items() for name in names}
__all__ = ["document", "slots", *HOME_OF]


def __getattr__(name: str) -> object:
    if name in ("slots", "document"):
        return import_module(f"srbench.core.{name}")
    if name not in HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(HOME_OF[name])
    if HOME_OF[name] == "srbench.core.slots":
        module.load()  # srbench's own parts first, so that a name that is taken is refused
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    """`srbench.run` and `srbench.report` are functions, although rooms have these names.

    Importing a room sets an attribute of its package, which would hide the function.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name not in HOME_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
