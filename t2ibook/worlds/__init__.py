"""Four worlds of pictures and captions that ship as code: `load_world("toons")`."""
from functools import cache
from importlib import import_module

from t2ibook.core import check_choice

WORLDS = {"blossoms": "Blossoms", "scenes": "Scenes", "toons": "Toons", "bouncers": "Bouncers"}   # module and class


@cache
def load_world(name: str):
    "The world called `name`. Raises `InputError` for an unknown name."
    check_choice(name, WORLDS, "world")
    return getattr(import_module(f"t2ibook.worlds.{name}"), WORLDS[name])()
