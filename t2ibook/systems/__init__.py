"""The systems of the book by name: `systems.get("imagination")`; a system is imported when it is asked for."""
from importlib import import_module

from t2ibook.core import check_choice

SYSTEMS = {"imagination": "Imagination", "vae": "VAE", "draw": "Draw", "aligndraw": "AlignDraw", "gancls": "GanCLS",
           "lapgan": "LapGAN", "stackgan": "StackGAN"}   # module and class

# the straightforward version of a system that is written for speed, where one is kept
REFERENCES = {"aligndraw": ("plain", "PlainAlignDraw"), "gancls": ("plain_gancls", "PlainGanCLS")}


def get(name: str) -> type:
    "The class of a system. Raises `InputError` for an unknown name."
    check_choice(name, SYSTEMS, "system")
    return getattr(import_module(f"t2ibook.systems.{name}"), SYSTEMS[name])


def reference(name: str) -> type | None:
    "The straightforward version of a system, or None; `reference(name).of(system)` is a plain copy. Raises `InputError` for an unknown name."
    check_choice(name, SYSTEMS, "system")
    if name not in REFERENCES: return None
    module, kind = REFERENCES[name]
    return getattr(import_module(f"t2ibook.systems.{module}"), kind)
