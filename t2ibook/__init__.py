"""How machines first learned to draw from words: six papers rebuilt in notebooks that prove themselves.

    import t2ibook
    t2ibook.draw("pip is running on the beach").save("pip.png")

Nothing heavy is imported until it is used."""
from importlib import import_module

__version__ = "0.1.0"

_PUBLIC = {"load": "drawing", "draw": "drawing", "load_dataset": "datasets", "load_world": "worlds", "train": "training"}
_MODULES = ("systems", "datasets", "metrics", "worlds", "text", "training", "evaluation", "records")
__all__ = [*_PUBLIC, *_MODULES]


def __getattr__(name: str):
    "Import a public function or module when it is first asked for."
    if name in _PUBLIC: return getattr(import_module(f"t2ibook.{_PUBLIC[name]}"), name)
    if name in _MODULES: return import_module(f"t2ibook.{name}")
    raise AttributeError(f"module 't2ibook' has no attribute {name!r}")


def __dir__() -> list[str]: return sorted([*globals(), *__all__])
