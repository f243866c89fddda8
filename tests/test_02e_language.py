"""Checks of nbs/02e_language.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections import Counter, defaultdict
from hashlib import sha256
from pathlib import Path
from t2ibook.core import DataError, InputError, WeightsError, generator, published_dir, read_json, write_json
from t2ibook.core import real_data_dir
from t2ibook.layers import count_parameters
from t2ibook.layers import load_weights, save_weights
from t2ibook.stories import load_sentences, nearest_sentences
from t2ibook.text.glove import nearest_words, train_glove
from t2ibook.text.language import (
    LanguageModel,
    NGram,
    Sentences,
    _next,
    load_language,
    next_words,
    perplexity,
    sample_sentences,
    save_language,
    score,
)
from t2ibook.text.tokens import EOF, PAD, UNK, Vocabulary
from t2ibook.training import TrainConfig, train
from t2ibook.worlds import load_world
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
import json
import math
import matplotlib.pyplot as plt
import tempfile
import torch


RHYME = ["pip runs", "pip sleeps", "lulu runs", "pip runs home"]


def small_model(**switches):
    "A random model of seven words."
    torch.manual_seed(0)
    return LanguageModel(Vocabulary("pip lulu runs sleeps home the to".split()), 6, 5, **switches)


def slow_score(model, caption):
    "ln p of each word of one caption, one cell at a time, from the probabilities of all words (4)."
    weights, table = model.lstm, model.embedding.weight if model.out is None else model.out
    h = c = torch.zeros(model.config["hidden"])
    before, found = EOF, []
    for word in model.vocabulary.encode([caption])[0][0]:
        gates = weights.weight_ih_l0 @ model.embedding.weight[before] + weights.bias_ih_l0 + weights.weight_hh_l0 @ h
        i, f, g, o = gates.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        e = (table @ (model.bridge.weight @ h) + model.bias).exp()
        found.append((e[word] / e[1:].sum()).log())
        before = int(word)
    return torch.stack(found)


# cell 2b325ff8
def test_perplexity_counts_faces_of_a_die():
    assert abs(perplexity(torch.full((50,), 1 / 6).log()) - 6) < 1e-4
    slow = 1.0
    for p in (0.5, 0.25, 0.125): slow *= (1 / p) ** (1 / 3)                                     # the geometric mean of 1/p
    assert abs(perplexity(torch.tensor([0.5, 0.25, 0.125]).log()) - slow) < 1e-6
    try: perplexity(torch.zeros(0)); message = ""
    except InputError as error: message = str(error)
    assert "at least one word" in message



# cell 7d93c304
def test_counts_by_hand():
    vocabulary = Vocabulary.build(RHYME)                                    # pip, runs, home, lulu, sleeps: V = 7 with <unk> and <eof>
    pip, runs, home = (vocabulary.numbers[w] for w in ("pip", "runs", "home"))
    one, two = NGram(RHYME, vocabulary, 1), NGram(RHYME, vocabulary, 2)
    p_home = (1 + 6 * 1 / 7) / (13 + 6)                                     # 13 words with 4 <eof>, 6 kinds
    assert abs(one.probability(home) - p_home) < 1e-12
    assert abs(two.probability(home, (runs,)) - (1 + 2 * p_home) / (3 + 2)) < 1e-12      # runs: <eof> twice, home once
    assert two.probability(home, (UNK,)) == one.probability(home)           # a history never seen
    assert two.probability(pip, (EOF,)) > 0.5 > one.probability(pip)



# cell d936f26f
def test_probabilities_sum_to_one():
    vocabulary = Vocabulary.build(RHYME)
    for order in (1, 2, 3):
        model = NGram(RHYME, vocabulary, order)
        for history in [(EOF, EOF), (3, 4), (EOF, 3), (UNK, UNK), (7, 7)]:
            total = sum(model.probability(w, history) for w in range(len(vocabulary)) if w != PAD)
            assert abs(total - 1) < 1e-12, (order, history, total)
    assert len(NGram(RHYME, vocabulary, 2).score(RHYME)) == 13
    one, two, three = (perplexity(NGram(RHYME, vocabulary, order).score(RHYME)) for order in (1, 2, 3))
    assert three < two < one



# cell 6038a886
def test_fast_scores_equal_slow_ones():
    captions = ["pip runs", "lulu runs to the home", "sleeps", "pip meets the moon"]
    for tied in (True, False):
        model = small_model(tied=tied)
        slow = torch.cat([slow_score(model, c) for c in captions]).detach()
        torch.testing.assert_close(score(model, captions), slow, atol=1e-5, rtol=0)
        torch.testing.assert_close(score(model, captions, batch=1), score(model, captions), atol=1e-5, rtol=0)      # padding changes nothing
        assert len(slow) == 3 + 6 + 2 + 5
        model.eval()
        loss = model(dict(zip(("tokens", "lengths"), model.vocabulary.encode(captions))), None)["loss"]
        assert abs(math.exp(loss.item()) - perplexity(slow)) < 1e-4



# cell 43dd1591
def test_no_word_sees_its_future():
    model = small_model().eval()
    a, b = score(model, ["pip runs to the home"]), score(model, ["pip runs to lulu sleeps"])
    torch.testing.assert_close(a[:3], b[:3])                    # the words before the change are scored alike
    assert (a[3] - b[3]).abs() > 1e-6
    everything = model.log_probabilities(torch.randn(4, 5)).exp()
    torch.testing.assert_close(everything.sum(1), torch.ones(4)); assert everything[:, PAD].abs().max() == 0



# cell 1b5afc43
def test_parameters_follow_the_formula():
    for tied in (True, False):
        model, n, d, h = small_model(tied=tied), 10, 6, 5
        assert count_parameters(model) == n * d * (1 + (not tied)) + 4 * h * (d + h) + 4 * h + h * d + n         # (5)
    model = small_model()
    vectors = torch.randn(10, 6) * 3
    model.load_words(vectors)
    assert abs(model.embedding.weight[3:].std().item() - 0.1) < 1e-4 and torch.equal(model.glove, vectors) and not model.embedding.weight[PAD].any()
    try: model.load_words(torch.zeros(9, 6)); message = ""
    except InputError as error: message = str(error)
    assert "(9, 6)" in message and "(10, 6)" in message



# cell f4092975
def test_a_language_of_known_entropy_is_learned():
    firsts, seconds = ["pip", "lulu", "bruno", "zaza"], ["runs", "runs", "runs", "sleeps"]
    captions = [f"{a} {b}" for a in firsts for b in seconds]
    best = math.exp((math.log(4) - 0.75 * math.log(0.75) - 0.25 * math.log(0.25)) / 3)
    torch.manual_seed(0)
    model = LanguageModel(Vocabulary.build(captions), 8, 16, dropout=0.0)
    before = perplexity(score(model, captions))
    with tempfile.TemporaryDirectory() as folder:
        train(model, Sentences(captions), TrainConfig(steps=150, batch_size=16, learning_rate=2e-2, log_every=50, checkpoint_every=150), folder)
    after = perplexity(score(model, captions))
    assert best <= after < 1.02 * best < 2.1 < before and not model.training



# cell d04da33b
def test_sentences_follow_seed_and_probabilities():
    model = small_model()
    with torch.no_grad(): model.bias.copy_(torch.randn(10, generator=generator(1)) * 1.5)
    three = sample_sentences(model, 3, seed=5)
    assert three == sample_sentences(model, 30, seed=5)[:3] != sample_sentences(model, 3, seed=6)
    firsts = Counter((s.split() or ["<eof>"])[0] for s in sample_sentences(model, 4000, longest=1))
    for word, p in next_words(model, "", 8): assert abs(firsts[word] / 4000 - p) < 4 * (p * (1 - p) / 4000) ** 0.5 + 1e-3, word     # four standard errors
    greedy = sample_sentences(model, 20, temperature=1e-4, start="pip", longest=1)
    assert set(greedy) == {" ".join(["pip", next_words(model, "pip", 1)[0][0]]).replace(" <eof>", "")}
    assert not any("<" in s for s in sample_sentences(model, 200))
    try: sample_sentences(model, temperature=0); message = ""
    except InputError as error: message = str(error)
    assert "temperature" in message



# cell 57a01b8f
def test_a_language_model_survives_its_folder():
    with tempfile.TemporaryDirectory() as folder:
        for tied in (True, False):
            model = small_model(tied=tied)
            save_language(model, folder)
            again = load_language(folder)
            torch.testing.assert_close(score(again, ["pip runs home"]), score(model, ["pip runs home"]), atol=1e-3, rtol=0)
            assert again.vocabulary == model.vocabulary and again.config == model.config
        weights = Path(folder, "weights.safetensors"); weights.write_bytes(weights.read_bytes()[:200])
        for broken, words in ((folder, "truncated or altered"), (f"{folder}/none", "holds no language model")):
            try: load_language(broken); message = ""
            except WeightsError as error: message = str(error)
            assert words in message



# cell cce58362
def test_the_loop_teaches_the_toons():
    toons = load_world("toons")
    captions = [c for pair in toons.captions(toons.specs(300, 0), 0, 2) for c in pair]
    held = [c for pair in toons.captions(toons.specs(60, 0, "test"), 0, 2) for c in pair]
    vocabulary, vectors = train_glove(captions, dim=32, epochs=3)
    torch.manual_seed(0)
    model = LanguageModel(vocabulary, 32, 64, dropout=0.0)
    model.load_words(vectors)
    with tempfile.TemporaryDirectory() as folder:
        train(model, Sentences(captions), TrainConfig(steps=160, batch_size=32, learning_rate=1e-2, log_every=40, checkpoint_every=160), folder)
    assert perplexity(score(model, held)) < 0.5 * perplexity(NGram(captions, vocabulary, 1).score(held))



# cell 3e657b25
def test_sentences_have_the_shape_of_data():
    data = Sentences(["pip runs", "lulu sleeps", "pip sleeps"])
    assert len(data) == 3 and data.batch(torch.tensor([2, 0]))["caption"] == ["pip sleeps", "pip runs"]
    assert data.fingerprint != Sentences(["pip runs", "lulu sleeps", "pip sleep"]).fingerprint == Sentences(["pip runs", "lulu sleeps", "pip sleep"]).fingerprint



# cell ff4b2022
def test_the_published_model_is_that_of_its_record():
    record = read_json(published_dir() / "records" / "language-pororo-laptop" / "record.json")
    model = load_language("pororo")
    assert record["weights_sha256"] == read_json(published_dir() / "records" / "language-pororo-laptop" / "system.json")["weights_sha256"]
    assert len(model.vocabulary) == record["metrics"]["perplexity_test"]["protocol"]["vocabulary"] and model.config["tied"]
    value = {name: metric["value"] for name, metric in record["metrics"].items()}
    assert value["perplexity_test"] < value["perplexity_trigram_test"] < value["perplexity_bigram_test"] < value["perplexity_unigram_test"]
    assert len(set(sample_sentences(model, 5, seed=3))) == 5
    if (real_data_dir() / "pororo_qa").is_dir():                   # where the sentences are at hand, the number itself
        assert abs(perplexity(score(model, load_sentences("pororo", "valid"))) / value["perplexity_valid"] - 1) < 1e-3
