"""What the fork server imports once, so that its children need not: all of srbench, and more."""

from importlib import import_module
from pkgutil import walk_packages

import srbench
from srbench.core import slots

LATE = (  # imported by srbench or its libraries at first use
    "PIL.PngImagePlugin", "alembic.autogenerate", "alembic.command", "alembic.migration",
    "multiprocessing.popen_forkserver", "optuna.storages._rdb.storage", "optuna_dashboard",
    "pandas", "plotly.graph_objs._figure", "plotly.graph_objs._layout",
    "plotly.graph_objs._scatter", "plotly.io._json", "plotly.offline", "pydantic.json_schema",
    "scipy.stats", "skimage.metrics", "sqlalchemy.dialects.sqlite", "torch._dynamo",
)  # fmt: skip

for name in (*LATE, *(m.name for m in walk_packages(srbench.__path__, "srbench."))):
    if "migrations" not in name and name != "srbench.__main__":
        import_module(name)
slots.load()
