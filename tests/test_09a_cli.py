"""Checks of nbs/09a_cli.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from pathlib import Path
from t2ibook.cli import (
    Json,
    MOST_PICTURES,
    MOST_WORDS,
    Seed,
    _bar,
    _captions,
    _clone,
    _say,
    _show,
    _writable,
    app,
    bench,
    budget,
    data_app,
    data_check,
    data_get,
    data_list,
    data_sample,
    draw,
    evaluate,
    info,
    lab,
    list_systems,
    main,
    publish,
    records,
    site,
    train,
    verify,
)
from t2ibook.core import BookError, InputError, check_choice, clone_dir, typed_settings
from t2ibook.records import find_record
from t2ibook.systems import SYSTEMS
from t2ibook.trying import data_folder, picture_bytes, write_tree
from typing import Annotated
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import typer


def run(*arguments, stdin=""):
    "Exit code, standard output and error stream of a command."
    out, err, kept = io.StringIO(), io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err): code = main(list(arguments))
    finally: sys.stdin = kept
    return code, out.getvalue(), err.getvalue()


# cell 0fdb5802
def test_mistakes_get_one_line_and_exit_code_two():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "file").write_text("x")
        cases = [(["draw", ""], "is empty"), (["draw", " \t\n "], "is empty"), (["draw", "word " * 10_000], "10,000 words is too long"), (["draw", "🦄🦄"], "knows none"),
                 (["draw", "нет слов"], "knows none"), (["draw", "\x07"], "is empty"), (["draw", "pip", "--system", "imaginaton"], "did you mean 'imagination'"),
                 (["draw", "pip", "--data", "moons"], "unknown data"), (["draw", "pip", "-n", "0"], "-n"), (["draw", "pip", "-n", "100000"], "too many"),
                 (["draw", "pip", "--seed", "-1"], "--seed"), (["draw", "pip", "-o", str(folder)], "it is a folder"), (["draw", "pip", "-o", str(folder / "file" / "x.png")], "cannot write"),
                 (["draw", "pip", "-o", str(folder / "x.doc")], "ends in .png"), (["draw", "-"], "no caption"), (["draw"], "Missing argument"), (["draw", "pip", "--what"], "No such option"),
                 (["info", "imagination", "--profile", "papr"], "did you mean 'paper'"), (["train", "imaginatio"], "did you mean"), (["train", "imagination", "--data", "nowhere"], "unknown data"),
                 (["evaluate", str(folder / "none")], "unknown system, record or folder"), (["publish", str(folder)], "no finished run"), (["verify", "nothing"], "unknown record"),
                 (["data", "sample", "moons", "-o", str(folder / "m")], "did you mean"), (["data", "sample", "toons", "-o", str(folder)], "there already"),
                 (["data", "check", str(folder / "none")], "unknown data"), (["bench", "nothing"], "unknown system"), (["bench", "gancls", "--precision", "bf61"], "did you mean 'bf16'")]
        for arguments, complaint in cases:
            code, out, err = run(*arguments)
            assert code == 2, (arguments, code, err)
            assert err.count("\n") == 1 and complaint in err and "Traceback" not in err and not out, (arguments, err)
        assert [p.name for p in folder.iterdir()] == ["file"]                # nothing half-written



# cell 7d62b59c
def test_what_draws_nothing_is_not_offered():
    other = find_record("language-pororo-laptop")
    for name in ("language", other["name"], other["folder"]):
        code, out, err = run("draw", "pip", "--system", name)
        assert code == 2 and "unknown system" in err and not out, (name, err)
    assert {row["system"] for row in json.loads(run("list", "--json")[1])} <= {*SYSTEMS}
    code, out, err = run("records")
    assert code == 0 and f"`{other['name']}`" not in out and other["name"] in out.splitlines()[-1] and out.splitlines()[-1].startswith("draw nothing")
    assert other["name"] in {record["name"] for record in json.loads(run("records", "--json")[1])}
    for setting, complaint in [("beta", "takes NAME=VALUE"), ("beta=much", "of type float"), ("bta=1", "did you mean 'beta'"), ("seed=1", "option of its own")]:
        code, out, err = run("train", "imagination", "--set", setting)
        assert code == 2 and complaint in err and err.count("\n") == 1, setting
    assert run("train", "imagination", "--data", "pororoo")[0] == 2 and "did you mean 'pororo'" in run("train", "language", "--data", "porroro")[2]



# cell 1a2337fe
def test_altered_weights_and_strangers_files_are_refused():
    record = Path(find_record("imagination-toons-laptop")["folder"])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, spoil in {"truncated": lambda b: b[:-100], "altered": lambda b: b[:-1] + bytes([b[-1] ^ 1]), "empty": lambda b: b""}.items():
            shutil.copytree(record, folder / name)
            weights = folder / name / "weights.safetensors"
            weights.write_bytes(spoil(weights.read_bytes()))
            code, out, err = run("draw", "pip", "--system", str(folder / name), "-o", str(folder / "x.png"))
            assert code == 2 and "truncated or altered" in err and err.count("\n") == 1
        (folder / "mine").mkdir()
        (folder / "mine" / "cat.png").write_text("I am not a picture")
        (folder / "mine" / "cat.txt").write_text("pip is running")
        code, out, err = run("evaluate", str(folder / "mine"))
        assert code == 2 and "cat.png" in err and err.count("\n") == 1
        assert not (folder / "x.png").exists() and not (folder / "x.json").exists()



# cell f7de3e1e
def test_anybodys_pictures_can_be_evaluated():
    with tempfile.TemporaryDirectory() as folder:
        assert run("data", "sample", "toons", "--n", "20", "-o", str(Path(folder) / "toons"))[0] == 0
        code, out, err = run("evaluate", str(Path(folder) / "toons"), "--data", "toons", "--json")
        assert code == 0 and json.loads(out)["scores"]["faithfulness"]["value"] > 0.98        # the world itself is faithful



# cell 0e89ef9a
def test_json_is_one_document():
    for arguments in [["list"], ["records"], ["info", "imagination", "--profile", "smoke"], ["data", "list"]]:
        code, out, err = run(*arguments, "--json")
        assert code == 0 and json.loads(out) and not err
    networks = json.loads(run("info", "imagination", "--profile", "paper", "--json")[1])["networks"]
    assert networks["decoder"] == 27_797_251 - 512 * 16 * 1024 and networks["heads"] == 525_312



# cell 6de10039
def test_a_bench_says_its_precision_and_whether_losses_agree():
    code, out, err = run("bench", "gancls", "--profile", "smoke", "--steps", "2", "--precision", "bf16")
    assert code == 0 and out.startswith("gancls smoke, batch 16, bf16\n") and "PlainGanCLS in the plain loop, fp32" in out and "losses agree" in out, err
    document = json.loads(run("bench", "gancls", "--profile", "smoke", "--steps", "2", "--json")[1])
    assert document["precision"] == "fp32" and document["loss_difference"] < 1e-5 and "--precision" in run("bench", "--help")[1]



# cell a2572f19
def test_a_budget_has_a_row_for_each_stage():
    code, out, err = run("budget", "imagination", "--profile", "smoke", "--steps", "2", "--json")
    (row,) = json.loads(out)
    assert code == 0 and row["stage"] == "" and row["seconds_per_step"] > 0 and "unknown system" in run("budget", "nothing")[2]



# cell 12f63342
def test_drawing_writes_a_sheet_and_its_proof():
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "pip.png"
        code, out, err = run("draw", "-", "--seed", "3", "-o", str(target), "--json", stdin="pip is running\n\nlulu sleeps on friday\n")
        document = json.loads(out)
        assert code == 0 and document["captions"] == ["pip is running", "lulu sleeps on friday"] and document["unknown"] == {"friday": 1}
        assert err.count("\n") == 1 and "does not know the word 'friday'" in err
        assert sorted(p.name for p in Path(folder).iterdir()) == ["pip.json", "pip.png"]
        code, out, err = run("draw", "a white flower", "--system", "gancls", "-o", str(target), "--json")
        assert code == 0 and json.loads(out)["drawn_as"] == ["a flower in white"] and "drawn as 'a flower in white'" in err and err.count("\n") == 1
        code, out, err = run("draw", "a white flower", "--system", "gancls", "--as-written", "-o", str(target), "--json")
        assert code == 0 and json.loads(out)["drawn_as"] == ["a white flower"] and not err



# cell dd3dd89e
def test_a_sampled_world_is_a_folder_of_ones_own():
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "toons"
        assert run("data", "sample", "toons", "--n", "6", "--size", "32", "-o", str(target))[0] == 0
        lines = [json.loads(line) for line in (target / "captions.jsonl").read_text().splitlines()]
        assert len(lines) == 6 and {"file", "label", "attributes"} <= set(lines[0]) and (target / lines[0]["file"]).is_file()
        assert json.loads(run("data", "check", str(target), "--json")[1])["splits"]["train"]["pictures"] > 0
        (target / lines[0]["file"]).write_bytes(b"no picture")
        code, out, err = run("data", "check", str(target))
        assert code == 2 and lines[0]["file"].split("/")[-1] in err
        assert [p.name for p in Path(folder).iterdir()] == ["toons"]



# cell 4fcfee8f
def test_data_is_got_and_checked_or_the_steps_are_told():
    with data_folder() as folder:
        code, out, err = run("data", "get", "flickr8k")
        assert code == 2 and "By hand:" in out and f"Expected in {folder}/flickr8k" in out and err.count("\n") == 1 and "follow the steps above" in err
        for name in ["emojione", "flickr8k", "cub200"]:
            code, out, err = run("data", "check", name)
            assert code == 2 and err.count("\n") == 1 and "Traceback" not in err and str(folder) in err and not out
        assert run("data", "get", "toons")[1] == "toons is ready; it ships with the book\n"
        pictures = {f"Images/{i:02d}.jpg": picture_bytes((9 * i, 0, 0), (20, 16)) for i in range(20)}
        rows = "".join(f"{i:02d}.jpg,a dog {k}\n" for i in range(20) for k in range(5))
        small = write_tree(folder / "flickr8k/small", pictures | {"captions.txt": "image,caption\n" + rows})
        assert run("data", "get", "flickr8k")[1] == f"flickr8k is ready in {folder}/flickr8k\n"
        assert "20 pictures here" in run("data", "check", "flickr8k")[2]               # neither the whole set nor the known part
        write_tree(small, {"Images/07.jpg": b"no picture"})
        code, out, err = run("data", "check", "flickr8k")
        assert code == 2 and "07.jpg" in err and err.count("\n") == 1
        assert "unknown data set 'flickr'" in run("data", "get", "flickr")[2]
