"""Checks of nbs/07b_retrieval.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from dataclasses import dataclass
from pathlib import Path
from t2ibook.core import DataError, WeightsError, check_choice, read_json, write_json
from t2ibook.core import InputError, generator
from t2ibook.datasets import Dataset
from t2ibook.datasets import load_dataset
from t2ibook.layers import PictureEncoder, load_weights, save_weights
from t2ibook.metrics import Score, mean_score, ranks
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.records import published
from t2ibook.reports import markdown_table
from t2ibook.retrieval import (
    CAPTION_SETS,
    CaptionRetrieval,
    ENCODERS,
    FROM_TEXT_ALONE,
    PairBatches,
    RETRIEVAL_PRESETS,
    RETRIEVAL_TRAINING,
    RetrievalConfig,
    TABLE_COLUMNS,
    _TITLES,
    build_encoder,
    by_class,
    by_picture,
    class_prototypes,
    encoder_rows,
    learn_from_text,
    precision_at,
    shifted,
    task_of,
)
from t2ibook.text.charcnn import CharCNNRNN, CharConfig, draw_classes, joint_embedding_loss
from t2ibook.text.encoders import BiLSTMEncoder, LSTMEncoder, SentenceEncoder
from t2ibook.text.glove import GloveEncoder, train_glove
from t2ibook.text.skipthought import CombineSkip, SkipEncoder, train_skipthought
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig
from t2ibook.training import train
from torch import Tensor, nn
import dataclasses
import tempfile
import torch


# cell 165f9376
def test_every_encoder_is_built_and_reads():
    groups = [["a red flower", "the flower is red"], ["a blue flower", "one blue flower in the grass"]] * 3
    vocabulary = Vocabulary.build([c for g in groups for c in g])
    config = dataclasses.replace(RETRIEVAL_PRESETS["smoke"], text_steps=2)
    widths, parts = {"glove": 16, "combineskip": 64}, {"uniskip": 1, "biskip": 1, "combineskip": 2}
    for kind in ENCODERS:
        torch.manual_seed(0)
        encoder = build_encoder(dataclasses.replace(config, encoder=kind), vocabulary)
        before = encoder.encode(["a blue flower"])
        losses = learn_from_text(encoder, groups, config)
        assert len(losses) == parts.get(kind, 0) and all(loss > 0 for loss in losses)
        after = encoder.encode(["a blue flower", "the grass"])
        assert after.shape == (2, widths.get(kind, 32)) == (2, encoder.n_features)
        assert torch.allclose(before[0], after[0], atol=1e-6) == (kind not in FROM_TEXT_ALONE)
    try: build_encoder(dataclasses.replace(config, encoder="lst"), vocabulary); message = ""
    except InputError as error: message = str(error)
    assert "did you mean 'lstm'" in message



# cell d9454310
def test_pictures_move_and_nothing_else():
    images = torch.arange(2 * 3 * 6 * 5, dtype=torch.float32).reshape(2, 3, 6, 5)
    moved = shifted(images, 2, generator(3, "shift"))
    dy, dx = torch.randint(5, (2, 2, 1), generator=generator(3, "shift")) - 2
    for k in range(2):
        for y in range(6):
            for x in range(5):
                source = images[k, :, min(5, max(0, y + int(dy[k]))), min(4, max(0, x + int(dx[k])))]
                assert torch.equal(moved[k, :, y, x], source)
    assert torch.equal(shifted(images, 0, None), images) and (dy.any() or dx.any())



# cell aae96eb6
def test_batches_never_hold_a_class_against_itself():
    flowers = load_dataset("blossoms", "train", n=200, size=16)
    few = dataclasses.replace(flowers, labels=flowers.labels % 5)
    own = dataclasses.replace(flowers, labels=torch.arange(200))
    many, some, none = PairBatches(flowers, 20), PairBatches(few, 20), PairBatches(own, 20)
    for k in range(10):
        batch = many.batch(torch.arange(20), generator(k, "batch"))
        assert len(set(batch["label"].tolist())) == 20 and batch["image"].shape == (20, 3, 16, 16)
        row = next(i for i in range(200) if batch["caption"][3] in flowers.captions[i] and flowers.labels[i] == batch["label"][3])
        assert row >= 0                                                                                  # picture, caption and label belong together
    assert (many.same_class, some.same_class, none.same_class) == ("refuse", "skip", "refuse")
    assert some.batch(torch.arange(20, 40), generator(0))["label"].tolist() == few.labels[20:40].tolist()
    assert none.batch(torch.tensor([7, 3]), generator(0))["label"].tolist() == [7, 3]
    assert [task_of(d) for d in (flowers, few, own, dataclasses.replace(few, name="flickr8k"))] == ["classes", "classes", "pictures", "pictures"]



# cell cd73a94a
def test_prototypes_and_precision_against_loops():
    gen = generator(0, "measures")
    vectors, labels = torch.randn(30, 4, generator=gen), torch.randint(4, (30,), generator=gen) * 2 + 1
    classes, prototypes = class_prototypes(vectors, labels)
    assert classes.tolist() == sorted(set(labels.tolist()))
    for c, p in zip(classes, prototypes): torch.testing.assert_close(p, torch.stack([v for v, y in zip(vectors, labels) if y == c]).mean(0))
    pictures, truth = torch.randn(25, 4, generator=gen), labels[:25]
    reached, best = precision_at(prototypes @ pictures.T, classes, truth, k=6)
    for c, p, value, top in zip(classes, prototypes, reached, best):
        order = sorted(range(25), key=lambda n: -float(p @ pictures[n]))[:6]
        assert abs(float(value) - sum(int(truth[n]) == int(c) for n in order) / 6) < 1e-9
        assert abs(float(top) - min(6, sum(truth.tolist().count(x) for x in [int(c)])) / 6) < 1e-6
    assert precision_at(torch.eye(3), torch.arange(3), torch.arange(3), k=50)[1].tolist() == [1 / 3] * 3            # three pictures: the first 50 are three



# cell df1995af
def test_perfect_and_random_vectors_get_their_scores():
    class Oracle:
        "Stands in for a model: captions and pictures are one-hot by class (or noise)."
        def __init__(self, data, noise): self.data, self.noise = data, noise
        def table(self, labels): return torch.eye(102)[labels] if not self.noise else torch.randn(len(labels), 102, generator=generator(len(labels)))
        def encode_captions(self, captions): return self.table(torch.tensor([next(int(y) for cs, y in zip(self.data.captions, self.data.labels) if c in cs) for c in captions]))
        def encode_pictures(self, data): return self.table(data.labels)


    test = load_dataset("blossoms", "test", n=120, size=16)
    test = dataclasses.replace(test, captions=[[f"{c} {i}" for c in cs] for i, cs in enumerate(test.captions)])      # no caption twice
    perfect, blind = by_class(Oracle(test, False), test), by_class(Oracle(test, True), test)
    assert perfect["top1"].value == 1 and abs(perfect["ap50"].value - perfect["ap50"].protocol["best"]) < 1e-9 and perfect["top1"].n == 120
    assert blind["top1"].value < 0.2 and blind["ap50"].value < 0.1 and blind["top1"].protocol["chance"] == 1 / 20
    assert blind["top1"].protocol["largest_class"] == max(test.labels.tolist().count(c) for c in range(102)) / 120
    one_each = dataclasses.replace(test, labels=torch.arange(120) % 102)
    assert by_picture(Oracle(one_each, False), one_each)["recall_1"].value == 84 / 120                          # 36 share a class with another
    assert 30 < by_picture(Oracle(one_each, True), one_each)["median_rank"].value < 90



# cell 684afe9f
def test_saved_and_loaded_it_gives_the_same_vectors():
    flowers = load_dataset("blossoms", "train", n=60, size=64)
    vocabulary = Vocabulary.build([c for captions in flowers.captions for c in captions])
    for kind in ENCODERS:
        torch.manual_seed(0)
        model = CaptionRetrieval(dataclasses.replace(RETRIEVAL_PRESETS["smoke"], encoder=kind, same_class="skip"), vocabulary)
        with tempfile.TemporaryDirectory() as folder:
            model.save(folder, half=False)
            again = CaptionRetrieval.load(folder)
            assert again.config == model.config
            torch.testing.assert_close(again.encode_captions(["a red flower"]), model.encode_captions(["a red flower"]))
            (Path(folder) / "system.json").write_text("{}")
            try: CaptionRetrieval.load(folder); message = ""
            except WeightsError as error: message = str(error)
            assert "t2ibook train encoder" in message



# cell af1dbb23
def test_training_brings_captions_and_pictures_together():
    flowers = load_dataset("blossoms", "train", n=200, size=16)
    pairs = PairBatches(flowers, 20)
    config = dataclasses.replace(RETRIEVAL_PRESETS["smoke"], encoder="lstm", image_size=16, shift=1)
    torch.manual_seed(0)
    model = CaptionRetrieval(config, Vocabulary.build([c for captions in flowers.captions for c in captions]))
    with tempfile.TemporaryDirectory() as folder:
        log = train(model, pairs, TrainConfig(steps=60, batch_size=20, learning_rate=3e-3, log_every=10, checkpoint_every=60), folder)
    assert log[-1]["loss"] < 0.8 * log[0]["loss"] and by_class(model, flowers, k=10)["top1"].value > 2 / 82



# cell d6bffd63
def test_captions_teach_skip_thought_and_pictures_leave_it():
    flowers = load_dataset("blossoms", "train", n=60, size=16)
    pairs = PairBatches(flowers, 10)
    config = dataclasses.replace(RETRIEVAL_PRESETS["smoke"], encoder="uniskip", image_size=16)
    torch.manual_seed(0)
    model = CaptionRetrieval(config, Vocabulary.build([c for captions in flowers.captions for c in captions]))
    weight = lambda: model.text.gru.weight_ih_l0.detach().clone()
    start = weight()
    learn_from_text(model.text, flowers.captions, config)
    read = weight()
    with tempfile.TemporaryDirectory() as folder: train(model, pairs, TrainConfig(steps=3, batch_size=10, checkpoint_every=3), folder)
    assert not torch.equal(start, read) and torch.equal(read, weight())



# cell 4ad43879
def test_table_counts_seeds_and_names_what_is_missing():
    def run(encoder, data, seed, **values):
        return {"system": "encoder", "profile": "laptop", "data": data, "seed": seed, "config": {"encoder": encoder},
                "metrics": {name: {"value": v} for name, v in values.items()}}


    records = [run("lstm", "blossoms", s, top1=0.3 + 0.1 * s, ap50=0.5) for s in range(3)] + [run("glove", "flickr8k", 0, recall_10=0.2, median_rank=31.0),
               {"system": "judge", "profile": "laptop", "data": "toons"}]
    header, rows = encoder_rows(records)
    assert header == ["encoder", "learns from", "blossoms: top-1", "blossoms: AP@50", "flickr8k: R@10", "flickr8k: Med r", "seeds"]
    assert rows[0] == ["mean of GloVe vectors", "captions", "–", "–", "20.0% (20.0% to 20.0%)", "31 (31 to 31)", "0, 1"]
    assert rows[1] == ["LSTM", "captions and pictures", "40.0% (30.0% to 50.0%)", "50.0% (50.0% to 50.0%)", "–", "–", "3, 0"]
    assert encoder_rows([])[1] == []
