"""Every training notebook runs at the smoke profile through papermill, and what it leaves is whole and can be verified."""
import pytest

from t2ibook.core import InputError, read_json
from t2ibook.records import check_record, execute_training, publish, training_notebooks, verify
from t2ibook.systems.base import load_system


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {name: execute_training(name, profile="smoke", out=folder / name) for name in training_notebooks()}


@pytest.mark.parametrize("name", list(training_notebooks()))
def test_smoke_run_is_whole(runs, name, tmp_path):
    record = check_record(read_json(runs[name] / "record.json"))
    assert record["profile"] == "smoke" and record["system"] == name
    assert (publish(runs[name], tmp_path) / "sheet.png").stat().st_size > 1000
    assert record["wall_seconds"] < 90


def test_a_run_folder_draws(runs):
    assert load_system(runs["imagination"]).generate(["pip is running"]).shape == (1, 1, 3, 64, 64)


def test_a_finished_run_is_not_overwritten(runs):
    with pytest.raises(InputError, match="already holds a finished run"):
        execute_training("imagination", profile="smoke", out=runs["imagination"])


def test_the_published_smoke_record_is_reproduced():
    rows = verify("imagination-toons-smoke")
    assert len(rows) > 10 and all(row["ok"] for row in rows), [row for row in rows if not row["ok"]]
