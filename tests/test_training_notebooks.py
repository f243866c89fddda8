"""Every training notebook runs at the smoke profile through papermill, and what it leaves is whole and can be verified."""
import pytest
from PIL import Image

from t2ibook.core import BookError, InputError, read_json
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


def test_a_painter_is_measured_behind_a_sharpener(runs, tmp_path):
    run = execute_training("aligndraw", profile="smoke", steps=2, out=tmp_path / "run", sharpener=str(runs["lapgan"]))
    metrics = read_json(run / "record.json")["metrics"]
    assert {"bound_test", "bound_after", "bound_after_control"} <= set(metrics) and metrics["bound_after"]["protocol"]["part"] == "after sharpening"


def test_any_field_of_a_system_can_be_set(runs, tmp_path):
    run = execute_training("gancls", steps=2, out=tmp_path / "run", sentences=str(runs["gancls"]), more="code=8,text_norm=false")
    record, usual = (read_json(folder / "record.json") for folder in (run, runs["gancls"]))
    assert {k for k in usual["config"] if record["config"][k] != usual["config"][k]} == {"code", "text_norm", "training", "encoder_training", "text_seconds"}
    assert record["config"]["code"] == 8 and record["config"]["text_norm"] is False and "code8-text_normfalse" in record["name"]
    with pytest.raises(BookError, match="unknown field 'cod'; did you mean 'code'"):
        execute_training("gancls", out=tmp_path / "other", more="cod=8")
    with pytest.raises(BookError, match="code is a parameter of its own"):
        execute_training("stackgan", out=tmp_path / "twice", more="code=8")


def test_a_finished_run_is_not_overwritten(runs):
    with pytest.raises(InputError, match="already holds a finished run"):
        execute_training("imagination", profile="smoke", out=runs["imagination"])


def test_the_published_smoke_record_is_reproduced():
    rows = verify("imagination-toons-smoke")
    assert len(rows) > 10 and all(row["ok"] for row in rows), [row for row in rows if not row["ok"]]


def test_a_handful_of_own_pictures_is_enough(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for k in range(12):
        Image.new("RGB", (40 + k, 30), (20 * k, 99, 200 - 9 * k)).save(folder / f"{k}.png")
        (folder / f"{k}.txt").write_text(f"a picture of number {k}\n")
    run = execute_training("imagination", data=str(folder), steps=3, out=tmp_path / "run")
    assert check_record(read_json(run / "record.json"))["steps"] == 3
