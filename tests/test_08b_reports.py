"""Checks of nbs/08b_reports.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from pathlib import Path
from t2ibook.core import DataError, atomic_path, published_dir, read_json, write_json
from t2ibook.records import published
from t2ibook.reports import (
    TABLES,
    filled,
    main,
    markdown_table,
    note_time,
    results_table,
    times_table,
)
from t2ibook.systems import SYSTEMS
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
