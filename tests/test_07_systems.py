"""Checks of nbs/07_systems.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from dataclasses import dataclass
from pathlib import Path
from t2ibook.core import DataError, InputError, WeightsError, check_choice, generator, read_json, write_json
from t2ibook.layers import PictureDecoder
from t2ibook.layers import layer_table, load_weights, save_weights
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_unit
from t2ibook.systems.base import (
    Config,
    System,
    config_from_dict,
    load_system,
)
from t2ibook.text.tokens import Vocabulary
from torch import Tensor, nn
import dataclasses
import tempfile
import torch


class Averager(System):
    "Mean word vector, decoded; a picture's noise shifts its brightness a little."
    name = "averager"

    @dataclass(frozen=True)
    class Config(Config):
        width: int = 8

    def __init__(self, config, vocabulary):
        super().__init__(config, vocabulary)
        self.words = nn.Embedding(len(vocabulary), config.width)
        self.decoder = PictureDecoder(config.width, 16, config.image_size)

    def noise_shape(self): return (1,)

    def decode(self, tokens, lengths, noise):
        real = (tokens > 0).unsqueeze(-1)
        mean = (self.words(tokens) * real).sum(1) / lengths.unsqueeze(-1)
        return (self.decoder(mean) + 0.05 * noise.reshape(-1, 1, 1, 1)).clamp(-1, 1)

    def training_step(self, batch, gen, player="loss"):
        pictures = self.decode(batch["tokens"], batch["lengths"], torch.zeros(len(batch["tokens"]), 1))
        return {"loss": (pictures - batch["image"]).square().mean()}


captions = ["a red dot on the left", "a blue dot on the right"]
vocabulary = Vocabulary.build(captions)


# cell a95817e4
def test_layer_tables_account_for_every_parameter():
    system = Averager(Averager.Config(image_size=32), vocabulary)
    total = sum(row["parameters"] for rows in system.layer_tables().values() for row in rows)
    assert total == sum(p.numel() for p in system.parameters())



# cell 0bd6db52
def test_a_picture_depends_on_caption_and_seed_alone():
    system = Averager(Averager.Config(image_size=32), vocabulary).train()
    together, alone = system.generate(captions, n=2, seed=5), system.generate(captions[1:], n=2, seed=5)
    assert together.shape == (2, 2, 3, 32, 32) and together.min() >= 0 and together.max() <= 1
    torch.testing.assert_close(together[1:], alone, atol=1e-6, rtol=0)
    assert not torch.equal(together, system.generate(captions, n=2, seed=6))
    assert system.training       # generate leaves the mode as it found it



# cell 67060166
def test_bad_requests_are_explained():
    system = Averager(Averager.Config(image_size=32), vocabulary)
    for request, complaint in [(lambda: system.generate([]), "no caption"), (lambda: system.generate("a dot"), "takes a list"),
                               (lambda: system.generate(["  "]), "no words"), (lambda: system.generate(["a dot"], n=0), "at least one"),
                               (lambda: config_from_dict(Averager.Config, {"widht": 3}), "did you mean 'width'"),
                               (lambda: system.frames("attention", "a dot"), "averager has no attention to show"),
                               (lambda: system.stages(["a dot"]), "averager draws in one stage"),
                               (lambda: system.bound(system.example_batch(), None), "averager has no likelihood"),
                               (lambda: system.reconstruct(system.example_batch(), None), "averager has no posterior")]:
        try: request(); message = ""
        except InputError as error: message = str(error)
        assert complaint in message



# cell f8017ed3
def test_a_folder_is_all_that_drawing_needs():
    system = Averager(Averager.Config(image_size=32), vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        digest = system.save(folder)
        again = Averager.load(folder)
        assert again.config == system.config and len(digest) == 64
        torch.testing.assert_close(again.generate(captions), system.generate(captions), atol=2e-2, rtol=0)   # weights were rounded to 16 bits
        assert again.save(folder) == digest                                                                  # and rounding twice changes nothing
        weights = Path(folder) / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
        cases = [("truncated or altered", lambda: Averager.load(folder)), ("no system.json", lambda: Averager.load(Path(folder) / "none"))]
        for complaint, load in cases:
            try: load(); message = ""
            except WeightsError as error: message = str(error)
            assert complaint in message



# cell a0235f6b
def test_an_unknown_system_is_named():
    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / "system.json", {"system": "imaginaton"})
        try: load_system(folder); message = ""
        except InputError as error: message = str(error)
        assert message == "unknown system 'imaginaton'; did you mean 'imagination'?"
