"""Checks of nbs/08b_reports.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from t2ibook.core import DataError, InputError, atomic_path, published_dir, read_json, write_json
from t2ibook.records import published
from t2ibook.reports import (
    TABLES,
    figure_values,
    filled,
    main,
    markdown_table,
    note_time,
    paired_difference,
    results_table,
    seeds_table,
    times_table,
)
from t2ibook.systems import SYSTEMS
from t2ibook.trying import complaint
import re
import tempfile


# cell 13fcfec5
def test_tables_hold_what_the_records_say():
    record = {"name": "imagination-x-laptop", "system": "imagination", "profile": "laptop", "seed": 0, "wall_seconds": 600, "hardware": {"gpu": None, "cores": 2},
              "metrics": {"mse": {"value": 0.0123}, "faithfulness": {"value": 0.9876}}}
    table = results_table([record, record | {"profile": "smoke"}, record | {"system": "judge"}, record | {"system": "language"}, record | {"seed": 1}])
    assert table.count("\n") == 2                                     # header, rule, one row
    assert "| `imagination-x-laptop` | 10 min, 2 CPU cores | 98.8% | 0.012 | – | – | – |" in table
    assert "| `make test` | 2.0 min |" in times_table({"machine": "2 CPU cores", "seconds": {"make test": 120}})



# cell 2d063419
def test_seeds_are_averaged_and_compared_in_pairs():
    run_of = lambda seed, value, floor=None: {"seed": seed, "metrics": {"share": {"value": value, "floor": floor}, "fd": {"value": 1000 * value}}}
    a, b = [run_of(0, 0.3), run_of(1, 0.5, 0.9)], [run_of(1, 0.1), run_of(0, 0.1), run_of(5, 9.0)]
    lines = seeds_table({"ours": a, "theirs": b[:1]}, {"share": ("right", ".1%"), "fd": ("FD", ",.0f"), "none": ("none", ".1f")}, {"runs": lambda runs: str(len(runs))}).splitlines()
    assert lines[0] == "|  | right | FD | none | runs |" and lines[2] == "| ours, 2 seeds | 40.0% ± 14.1% | 400 ± 141 | – | 2 |"
    assert lines[3] == "| theirs, 1 seed | 10.0% | 100 | – | 1 |" and lines[4] == "| real pictures | 90.0% | – | – |  |"
    assert "real" not in seeds_table({"ours": a}, {"fd": ("FD", ",.0f")})
    gain, error = paired_difference(a, b, "share")                             # differences 0.2 and 0.4
    assert abs(gain - 0.3) < 1e-12 and abs(error - 0.1) < 1e-12
    assert "share 1" in complaint(paired_difference, a, b[:1], "share")



# cell eda7a4d7
def test_marked_places_are_filled_and_stay_marked():
    text = "before\n<!-- begin results -->\nold\n<!-- end results -->\nafter"
    once = filled(text)
    assert "old" not in once and once.startswith("before\n<!-- begin results -->\n| record |") and once.endswith("<!-- end results -->\nafter")
    assert filled(once) == once
    try: filled("<!-- begin nothing --><!-- end nothing -->"); message = ""
    except DataError as error: message = str(error)
    assert "no table called 'nothing'" in message



# cell e2d744b2
def test_times_are_added():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "times.json"
        note_time("make test", 120.4, path); note_time("make book", 60, path)
        assert read_json(path)["seconds"] == {"make test": 120, "make book": 60}
