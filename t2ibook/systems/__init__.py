"""The systems of the book by name: `systems.get("imagination")`; a system is imported when it is asked for."""
from importlib import import_module

from t2ibook.core import check_choice

SYSTEMS = {"imagination": "Imagination", "vae": "VAE", "draw": "Draw", "aligndraw": "AlignDraw"}   # module and class


def get(name: str) -> type:
    "The class of a system. Raises `InputError` for an unknown name."
    check_choice(name, SYSTEMS, "system")
    return getattr(import_module(f"t2ibook.systems.{name}"), SYSTEMS[name])
