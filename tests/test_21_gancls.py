"""Checks of nbs/21_gancls.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from PIL import Image
from dataclasses import dataclass
from dataclasses import replace
from matplotlib import pyplot as plt
from pathlib import Path
from safetensors.torch import load_file
from t2ibook.adversarial import (Residual, bare, discriminator_loss, generator_loss, gradient_penalty, init_gan_, mean_outputs, quicken_,
                                 resize_convolution)
from t2ibook.contrast import Matcher, Onlooker, contrast_loss
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import faithfulness, load_samples, real_samples
from t2ibook.judge import load_judge
from t2ibook.layers import DownBlock, layer_table, up_convolution
from t2ibook.layers import count_parameters
from t2ibook.metrics import diversity
from t2ibook.pictures import picture_sheet, to_unit
from t2ibook.records import find_record
from t2ibook.reports import markdown_table
from t2ibook.systems import sentences
from t2ibook.systems.gancls import (
    CHOICES,
    GanCLS,
    GanCLSConfig,
    READINGS,
    TextDiscriminator,
    TextGenerator,
    doublings,
    interpolate,
    ladder,
    learn_onlooker,
    standing_for,
)
from t2ibook.systems.sentences import ClassPairs, encode_captions, learn_captions, other_class
from t2ibook.text.tokens import Vocabulary
from t2ibook.training import TrainConfig, train
from t2ibook.training import read_log
from t2ibook.trying import complaint
from t2ibook.witnesses import Panel, Witnesses
from t2ibook.worlds import load_world
from torch import Tensor, nn
from typing import ClassVar
import math
import tempfile
import torch


WORDS = ["a", "red", "blue", "yellow", "flower", "with", "five", "petals", "on", "grass"]


def small(image_size=16, **switches):
    "A tiny system with random weights; letters unless `text` says otherwise."
    torch.manual_seed(0)
    config = GanCLSConfig(image_size=image_size, latent=6, generator_channels=4, discriminator_channels=4, code=5, letters=(6, 6, 6),
                          word_dim=5, hidden=8, wrong_from="batch")
    return GanCLS(replace(config, **switches), Vocabulary(WORDS))


def small_batch(system, n=8, seed=0):
    "Noise as pictures and sentences, two pictures of each class."
    batch = system.example_batch(n)
    noise = lambda name, t: torch.randn(t.shape, generator=generator(seed, name)).clamp(-1, 1)
    return {k: noise(k, t) if torch.is_tensor(t) and t.is_floating_point() else t for k, t in batch.items()} | {"label": torch.arange(n) // 2}


def overheard(D):
    "A list that will fill with all scores that D gives."
    seen, compare = [], D.compare
    D.compare = lambda f, t: seen.append(compare(f, t)) or seen[-1]
    return seen


def losses_of(system, player, batch=None, seed=0):
    "The numbers of a training step, without its graph, weights and running averages untouched."
    state = {k: t.clone() for k, t in system.state_dict().items()}
    with torch.no_grad(): found = system.training_step(batch or small_batch(system), generator(seed, "step"), player)
    system.load_state_dict(state)
    return {k: v.item() for k, v in found.items()}


# cell 348f06e8
def test_sizes_are_those_of_the_code():
    torch.manual_seed(0)
    G, D = TextGenerator(64, 128, 1024, 128, 100), TextDiscriminator(64, 64, 1024, 128)
    assert (count_parameters(G), count_parameters(D)) == (18_905_472, 4_030_080)
    h = torch.randn(2, 1024, generator=generator(0, "h"))
    shapes, layers = [], [*G.start, *G.blocks, G.picture]
    x = torch.cat([torch.zeros(2, 100), G.code(h)], 1)[:, :, None, None]
    for layer in layers:
        x = layer(x); shapes.append(tuple(x.shape[1:]))
    assert shapes == [(1024, 4, 4), (1024, 4, 4), (1024, 4, 4), (512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)] and x.abs().max() <= 1
    shapes = []
    for layer in D.features:
        x = layer(x); shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 4, 4)] and D(torch.zeros(2, 3, 64, 64), h).shape == (2,)
    without = TextDiscriminator(64, 64, 1024, 128, text_norm=False)
    assert count_parameters(D) - count_parameters(without) == 2 * 128



# cell 5fab5a6a
def test_where_the_activations_are():
    def negative(block, x): return (block(x) < -1.5).any().item()         # a leaky ReLU after batch norm leaves nothing there
    x = 3 * torch.randn(4, 3, 64, 64, generator=generator(0, "x"))
    for third in (False, True):
        D = TextDiscriminator(64, 8, 16, 4, third_activation=third)
        maps = [x]
        for block in D.features: maps.append(block(maps[-1]))
        assert [negative(block, m) for block, m in zip(D.features[1:], maps[1:])] == [False, not third, True, False]
    G = TextGenerator(64, 8, 16, 4, 8)
    m = G.start[:2](torch.randn(8, 12, 1, 1, generator=generator(0, "z")))
    assert (m < 0).any() and (G.start[2](m) >= 0).all() and (G.blocks[0][0](G.start[2](m)) < 0).any() and (G.blocks[0](G.start[2](m)) >= 0).all()
    for upsampling in ("transposed", "resized"): assert TextGenerator(32, 8, 16, 4, 8, upsampling)(torch.zeros(2, 8), torch.zeros(2, 16)).shape == (2, 3, 32, 32)
    assert "doubling 4" in complaint(TextGenerator, 60, 8, 16, 4, 8)



# cell 2206227c
def test_interpolation_is_the_formula():
    h = torch.randn(7, 3, generator=generator(0, "h"), dtype=torch.float64)
    for beta in (0.5, 0.2):
        between = interpolate(h, beta)
        assert between.shape == (3, 3)
        for i in range(3):
            for d in range(3): assert abs(between[i, d] - (beta * h[i, d] + (1 - beta) * h[i + 3, d])) < 1e-12      # (2); the seventh has no partner
    far = interpolate(h[:1].repeat(400, 1) + torch.cat([torch.zeros(200, 3), torch.ones(200, 3)]), kind="random", gen=generator(0, "alpha")) - h[0]
    assert far.min() < -0.9 and far.max() > 0.9 and far.abs().max() <= 1 and torch.allclose(far[:, 0], far[:, 1])     # one α a sentence, in both directions
    assert "at least two" in complaint(interpolate, h[:1])



# cell 4b0a0db6
def test_one_pass_can_stand_for_three():
    torch.manual_seed(0)
    a, b = (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)) for _ in range(2))
    b.load_state_dict(a.state_dict())
    x = torch.randn(6, 4)
    for _ in range(3): a(x)
    with standing_for(b, 3): b(x)
    for (name, s), (_, t) in zip(a.state_dict().items(), b.state_dict().items()): torch.testing.assert_close(s, t, msg=name)
    assert b[1].momentum == 0.1 and b[1].num_batches_tracked == 3



# cell cfa68aab
def test_losses_are_the_formulas():
    for fields in ({}, {"wrong_weight": 0.2, "real_target": 0.9}, {"matching": False}):
        system = small(**fields)
        c, batch = system.config, small_batch(system)
        seen = overheard(system.discriminator)
        loss = system.training_step(batch, generator(0, "step"), "discriminator")
        probability = [torch.sigmoid(s.double()) for s in seen]                                  # real, wrong if there is one, fake
        w = c.wrong_weight if c.matching else 0.0
        slow = -(c.real_target * probability[0].log() + (1 - c.real_target) * (1 - probability[0]).log()).mean()
        slow = slow - (1 - w) * (1 - probability[-1]).log().mean()
        if c.matching: slow = slow - w * (1 - probability[1]).log().mean()
        assert abs(loss["discriminator"].item() - slow.item()) < 1e-5 and not loss["discriminator"].isnan()              # (1)
        assert set(loss) == {"discriminator", "d_real", "d_fake"} | ({"d_wrong"} if c.matching else set())
        assert abs(loss["d_fake"].item() - probability[-1].mean().item()) < 1e-6 and len(seen) == 2 + c.matching



# cell 661fab4d
def test_the_generators_loss_is_the_formula():
    for fields, average in (({}, None), ({"interp_weight": 0.3}, None), ({"average": "terms", "interp_weight": 0.3}, "terms"), ({"interpolated": False}, None)):
        system = small(**fields)
        batch, seen = small_batch(system), overheard(system.discriminator)
        loss = system.training_step(batch, generator(0, "step"), "generator")["generator"]
        values, v = -torch.sigmoid(seen[0].double()).log(), system.config.interp_weight
        assert len(values) == (12 if system.config.interpolated else 8)
        plain, between = values[:8], values[8:]
        if average == "terms": slow = plain.mean() + v * between.mean()
        else: slow = (plain.sum() + v * between.sum()) / len(values)                              # (3)
        assert abs(loss.item() - slow.item()) < 1e-5



# cell faef6ac8
def test_the_own_sentence_is_found_among_many():
    system, plain = small(contrast=0.7, crowd=6), small()
    batch, D = small_batch(system), system.discriminator
    assert batch["crowd"].shape == (6, system.text.n_features) and set(batch) - {"crowd"} == set(small_batch(plain))
    loss, without = (losses_of(one, "discriminator", batch) for one in (system, plain))
    with torch.no_grad(): similarity = system.matcher(D.features(batch["image"]), torch.cat([batch["sentence"], batch["crowd"]]))
    by_hand = contrast_loss(similarity).mean().item()
    assert abs(loss["match_real"] - by_hand) < 1e-5 and abs(loss["discriminator"] - without["discriminator"] - 0.7 * by_hand) < 1e-5          # (5)
    loss, without = (losses_of(one, "generator", batch) for one in (system, plain))
    drawn, _ = system.fresh(batch["sentence"], True, generator(0, "step"))
    by_hand = contrast_loss(system.matcher(D.features(drawn), torch.cat([batch["sentence"], batch["crowd"]]))[:8]).mean().item()
    assert abs(loss["match_fake"] - by_hand) < 1e-5 and abs(loss["generator"] - without["generator"] - 0.7 * by_hand) < 1e-5                  # (6)
    with tempfile.TemporaryDirectory() as folder:
        system.save(folder)
        assert not any(name.startswith("matcher") for name in load_file(Path(folder) / "weights.safetensors")) and GanCLS.load(folder).config == system.config
    assert "contrast is -1" in complaint(small, contrast=-1.0) and "onlooker is -0.1" in complaint(small, onlooker=-0.1)
    heard = {ears: small(contrast=1.0, ears=ears).matcher.hear for ears in (0, 7)}
    assert heard[0].out_features == heard[7][2].out_features and heard[7][0].out_features == 7 and "cannot hear" in complaint(small, ears=-1)



# cell 6f5089b6
def test_the_onlooker_learns_before_the_game():
    flowers = load_dataset("blossoms", "train", size=32, n=60, seed=0)
    torch.manual_seed(0)
    watched = GanCLS(GanCLSConfig(image_size=32, latent=6, generator_channels=4, discriminator_channels=4, code=5, letters=(6, 6, 6), hidden=8, wrong_from="batch",
                                  interpolated=False, onlooker=0.4, crowd=6), Vocabulary(WORDS))
    pairs = ClassPairs(flowers, watched)
    assert "learned nothing yet" in complaint(watched.training_step, pairs.batch(torch.arange(8), generator(0, "batch")), generator(0, "step"), "generator")
    before = {k: t.clone() for k, t in watched.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        log = learn_onlooker(watched, pairs, TrainConfig(steps=8, batch_size=16, learning_rate=5e-3, log_every=1), folder)
        again = learn_onlooker(watched, pairs, TrainConfig(steps=8, batch_size=16, learning_rate=5e-3, log_every=1), folder, resume=True)
    assert len(log) == len(again) == 8 and log[-1]["loss"] < log[0]["loss"]
    after = watched.state_dict()
    assert {k for k, t in before.items() if not torch.equal(t, after[k])} == {k for k in before if k.startswith("onlooker.")}
    assert not watched.train().onlooker.training and not any(p.requires_grad for p in watched.onlooker.parameters())
    batch = pairs.batch(torch.arange(16), generator(0, "batch"))
    with torch.no_grad():
        told, (drawn, _) = watched.training_step(batch, generator(0, "step"), "generator"), watched.fresh(batch["sentence"], False, generator(0, "step"))
        scores = watched.discriminator(drawn, batch["sentence"])
        by_hand = watched.onlooker.costs(drawn, torch.cat([batch["sentence"], batch["crowd"]]))[0].mean()
    assert abs(told["onlooker"] - by_hand) < 1e-4 and abs(told["generator"] - generator_loss(scores) - 0.4 * by_hand) < 1e-4                     # (7)
    teller = GanCLS(replace(watched.config, onlooker=0.0, telling=0.5, captions=1), Vocabulary(WORDS))
    with tempfile.TemporaryDirectory() as folder: learn_onlooker(teller, ClassPairs(flowers, teller), TrainConfig(steps=2, batch_size=16, log_every=1), folder)
    batch = ClassPairs(flowers, teller).batch(torch.arange(16), generator(0, "batch"))
    with torch.no_grad():
        told, (drawn, _) = teller.training_step(batch, generator(0, "step"), "generator"), teller.fresh(batch["sentence"], False, generator(0, "step"))
        scores, said = teller.discriminator(drawn, batch["sentence"]), teller.onlooker.teller(teller.onlooker.eyes(drawn), *teller.onlooker.known.encode(batch["caption"])).mean()
    assert abs(told["told"] - said) < 1e-3 and said > 10                                                                                        # a dozen words, and it knows none yet
    assert abs(told["generator"] - generator_loss(scores) - 0.5 * said) < 1e-3                                                                 # (8), and (7) counts nothing
    assert "one caption" in complaint(small, telling=0.5, captions=4) and "telling is -1" in complaint(small, telling=-1.0)
    assert learn_onlooker(small(), None, None, "") == []                                                                                      # nobody looks on



# cell 69f33f80
def test_witnesses_say_what_nobody_wrote():
    flowers = load_dataset("blossoms", "train", size=32, n=90, seed=0)
    torch.manual_seed(0)
    seen = GanCLS(GanCLSConfig(image_size=32, latent=6, generator_channels=4, discriminator_channels=4, code=5, letters=(6, 6, 6), hidden=8, wrong_from="batch", captions=1,
                               interpolated=False, telling=0.5, witnesses=True, contrast=0.7, crowd=6, recombined=0.25), Vocabulary(WORDS))
    pairs = ClassPairs(flowers, seen)
    with tempfile.TemporaryDirectory() as folder: log = learn_onlooker(seen, pairs, TrainConfig(steps=6, batch_size=16, learning_rate=5e-3, log_every=1), folder)
    two = seen.onlooker
    assert len(log) == 12 and two.learned and torch.equal(two.grey.veiled, two.colour.asked) and not (two.grey.asked & two.colour.asked).any()
    assert not any(p.requires_grad for p in two.parameters()) and not seen.train().onlooker.colour.training
    two.colour.asked.fill_(True)                                                                           # after six steps hardly a word would be asked
    batch = pairs.batch(torch.arange(16), generator(0, "batch"))
    assert len(batch["made"]) == len(batch["made_caption"]) == 4
    with torch.no_grad():
        found, gen = seen.training_step(batch, generator(0, "step"), "generator"), generator(0, "step")
        sentence, said = torch.cat([batch["made"], batch["sentence"][4:]]), batch["made_caption"] + batch["caption"][4:]
        drawn, _ = seen.fresh(sentence, False, gen)
        told = two.costs(drawn, None, said, gen)[1].mean()                                                 # all are told, …
        features, known = seen.discriminator.features(drawn), torch.cat([sentence[4:], batch["crowd"]])
        match = contrast_loss(seen.matcher(features[4:], known)).mean()                                    # … and those that somebody wrote are found
        by_hand = generator_loss(seen.discriminator(drawn, sentence)) + 0.5 * told + 0.7 * 0.75 * match
    assert told > 10 and abs(found["told"] - told) < 1e-3 and abs(found["match_fake"] - match) < 1e-4 and "onlooker" not in found
    assert abs(found["generator"] - by_hand) < 2e-3
    first = seen.training_step(batch, generator(0, "step"), "discriminator")["discriminator"].item()
    assert abs(first - seen.training_step({k: v for k, v in batch.items() if k[:4] != "made"}, generator(0, "step"), "discriminator")["discriminator"].item()) < 1e-5
    divided = GanCLS(replace(seen.config, divided=True, onlooker=0.3), Vocabulary(WORDS))
    with tempfile.TemporaryDirectory() as folder: log = learn_onlooker(divided, pairs, TrainConfig(steps=2, batch_size=16, log_every=1), folder)
    panel = divided.onlooker
    assert len(log) == 6 and panel.learned and not any(p.requires_grad for p in panel.parameters()) and not divided.train().onlooker.witnesses.grey.training
    panel.witnesses.colour.asked.fill_(True)
    with torch.no_grad():
        found, gen = divided.training_step(batch, generator(0, "step"), "generator"), generator(0, "step")
        drawn, _ = divided.fresh(sentence, False, gen)
        nobody = panel.witnesses.costs(drawn[:4], None, said[:4], gen)[1]                                       # what nobody wrote is told by witnesses, …
        looked, written = panel.onlooker.costs(drawn[4:], known, said[4:])                                      # … and the rest is found and told by the onlooker
    assert abs(found["told"] - torch.cat([nobody, written]).mean()) < 1e-3 and abs(found["onlooker"] - looked.mean()) < 1e-4
    rest = found["generator"] - 0.5 * found["told"] - 0.3 * 0.75 * found["onlooker"] - 0.7 * 0.75 * found["match_fake"]
    with torch.no_grad(): assert abs(rest - generator_loss(divided.discriminator(drawn, sentence))) < 2e-3
    made = small_batch(small(recombined=0.25))
    assert "caption" not in made and len(made["made"]) == 2                                                  # who only looks at vectors needs no captions
    assert torch.equal(small(recombined=0.25).practised(made)["sentence"], torch.cat([made["made"], made["sentence"][2:]]))
    assert "set telling above 0" in complaint(small, witnesses=True) and "or divided" in complaint(small, witnesses=True, telling=0.5, onlooker=0.1, captions=1)
    for fields in ({}, {"witnesses": True, "telling": 0.5}): assert "set witnesses and recombined" in complaint(small, divided=True, captions=1, **fields)



# cell 8ac5a5d0
def test_every_field_changes_what_it_says():
    base_loss = {player: losses_of(small(), player)[player] for player in ("discriminator", "generator")}
    only = {"discriminator": [{"matching": False}, {"wrong_weight": 0.4}, {"real_target": 0.9}, {"discriminator_interpolated": True},
                              {"gradient_penalty": 1.0, "penalty_every": 1}],
            "generator": [{"interpolated": False}, {"generator_loss": "minimax"}, {"interpolation": "random"}, {"beta": 0.3}, {"interp_weight": 0.5},
                          {"average": "terms"}],
            "both": [{"noise": "uniform"}, {"upsampling": "resized"}, {"third_activation": True}, {"text_norm": False}]}
    for kind, cases in only.items():
        for fields in cases:
            system = small(image_size=32, **fields) if "third_activation" in fields else small(**fields)
            compared = {p: losses_of(small(image_size=32), p)[p] for p in base_loss} if "third_activation" in fields else base_loss
            for player, before in compared.items():
                assert (abs(losses_of(system, player)[player] - before) > 1e-6) == (kind in (player, "both")), (fields, player)
    wrong_text, wrong_image = (losses_of(small(wrong_from="set", mismatch=kind), "discriminator") for kind in ("text", "image"))
    assert wrong_text["d_real"] == wrong_image["d_real"] and wrong_text["d_wrong"] != wrong_image["d_wrong"]
    assert losses_of(small(wrong_from="set"), "discriminator")["d_wrong"] != losses_of(small(), "discriminator")["d_wrong"]
    assert set(READINGS["paper"]) | set(READINGS["coco"]) <= set(GanCLSConfig.__dataclass_fields__)
    for reading in READINGS.values(): assert GanCLSConfig(**reading).text == "charcnn"



# cell a200e87e
def test_wrong_pictures_and_wrong_texts_of_a_permutation_are_one_set():
    order = other_class(torch.arange(8) // 2, generator(0, "order"))
    found = []
    for kind, turned in (("image", order), ("text", order.argsort())):
        system = small(mismatch=kind)
        system.wrong_pairs = lambda batch, gen, turned=turned: (None, None, turned)
        found.append(losses_of(system, "discriminator"))
    for name, value in found[0].items(): assert abs(found[1][name] - value) < 1e-6, name



# cell 89f9bd72
def test_gradients_reach_only_their_player():
    for fields in ({"text": "charcnn"}, {"text": "lstm"}, {"contrast": 1.0, "crowd": 3}, {"onlooker": 1.0, "crowd": 3}):
        system = small(**fields)
        if system.onlooker: system.onlooker.freeze()
        players = system.players()
        assert list(players) == ["discriminator", "generator"]
        assert {id(p) for group in players.values() for p in group} == {id(p) for p in system.parameters() if p.requires_grad}
        for player, mine in players.items():
            system.zero_grad(set_to_none=True)
            other = [p for name, group in players.items() for p in group if name != player]
            for p in other: p.requires_grad_(False)                             # as the shared loop does
            system.training_step(small_batch(system), generator(0, "step"), player)[player].backward()
            assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in mine) and all(p.grad is None for p in other), player
            assert all(p.grad is None for p in system.text.parameters())
            for p in other: p.requires_grad_(True)



# cell d6587556
def test_the_penalty_is_paid_in_one_step_of_k():
    plain, steep = small(), small(gradient_penalty=2.0, penalty_every=4)
    batch = small_batch(steep)
    bare_loss, paid = ([losses_of(system, "discriminator", batch, seed)["discriminator"] for seed in range(60)] for system in (plain, steep))
    norms = {name: t.clone() for name, t in steep.state_dict().items() if "running" in name or "batches" in name}
    penalty = steep.penalty(batch["image"], batch["sentence"]).item()
    assert all(torch.equal(t, norms[name]) for name, t in steep.state_dict().items() if name in norms) and penalty > 0
    extra = [b - a for a, b in zip(bare_loss, paid)]
    assert 5 <= sum(e > 1e-6 for e in extra) <= 28                                             # about one of four
    steps = [e for e in extra if e > 1e-6]
    assert max(abs(e - 4 * 2.0 * penalty) for e in steps) < 1e-4 * max(1, penalty)
    loss = small(gradient_penalty=2.0, penalty_every=1).training_step(batch, generator(0, "step"), "discriminator")["discriminator"]
    loss.backward()                                                                            # a derivative of a derivative, through the quick layers



# cell 3b27324d
def test_a_few_steps_teach_the_discriminator():
    system = small(image_size=32).train()
    batch = small_batch(system, 16)
    optimiser = torch.optim.Adam(system.players()["discriminator"], lr=1e-3, betas=(0.5, 0.999))
    log = []
    for step in range(40):
        found = system.training_step(batch, generator(0, "step", step), "discriminator")
        optimiser.zero_grad(); found["discriminator"].backward(); optimiser.step()
        log.append({k: v.item() for k, v in found.items()})
    assert log[-1]["discriminator"] < 0.5 * log[0]["discriminator"]
    assert log[-1]["d_real"] > 0.7 and log[-1]["d_wrong"] < 0.4 and log[-1]["d_fake"] < 0.3



# cell a9adbdcb
def test_equal_seeds_equal_pictures_and_a_folder_is_enough():
    for fields in ({}, {"text": "bilstm"}, {"text": "glove"}, {"text": "combineskip", "word_dim": 4}, {"noise": "uniform"}, {"whiten": True}):
        system = small(**fields).eval()
        captions = ["a red flower", "a blue flower with five petals"]
        if system.config.whiten: system.text.whiten(encode_captions(system, [f"{w} {v}" for w in WORDS for v in WORDS]))
        together, alone = system.generate(captions, n=2, seed=3), system.generate(captions[1:], n=2, seed=3)
        assert together.shape == (2, 2, 3, 16, 16) and 0 <= together.min() and together.max() <= 1
        torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)
        assert not torch.equal(together, system.generate(captions, n=2, seed=4)) and not torch.equal(together[0, 0], together[0, 1])
        with tempfile.TemporaryDirectory() as folder:
            digest = system.save(folder)
            again = GanCLS.load(folder)
            assert again.config == system.config and again.vocabulary == system.vocabulary and again.save(folder) == digest
            assert not any(name.startswith("discriminator") for name in load_file(Path(folder) / "weights.safetensors"))
            torch.testing.assert_close(again.generate(captions, n=2, seed=3), together, atol=2e-2, rtol=0)
    cold, plain, warm = (small(temperature=t).eval() for t in (0.0, 1.0, 1.5))
    torch.testing.assert_close(warm.noise(WORDS[:2], 3, 4), 1.5 * plain.noise(WORDS[:2], 3, 4))                                  # (9)
    assert losses_of(warm, "generator") == losses_of(plain, "generator") and not torch.equal(warm.generate(["a red flower"]), plain.generate(["a red flower"]))
    same = cold.generate(["a red flower"], n=2, seed=1)[0]
    assert torch.equal(same[0], same[1]) and "temperature is -1" in complaint(small, temperature=-1.0)
    without = {k: v for k, v in small_batch(small()).items() if k != "wrong_image"}
    requests = {"no caption": lambda: system.generate([]), "no letter": lambda: system.generate([""]), "mismatch": lambda: small(mismatch="picture"),
                "beta is 2.0": lambda: small(beta=2.0), "is none": lambda: small(gradient_penalty=1.0, penalty_every=0), "at least one": lambda: small(captions=0), "did you mean": lambda: small(letters="bird"),
                "ClassPairs": lambda: losses_of(small(wrong_from="set"), "discriminator", without)}
    for wanted, request in requests.items(): assert wanted in complaint(request), wanted



# cell 5583eafc
def test_info_shows_the_published_sizes():
    example = GanCLS.example("paper")
    assert {name: count_parameters(net) for name, net in example.networks().items()} == {"generator": 18_905_472, "discriminator": 4_030_080, "text": 0}
    assert sum(p.numel() for p in example.text.parameters()) == 4_045_184
    for name, rows in example.layer_tables().items(): assert sum(row["parameters"] for row in rows) == count_parameters(example.networks()[name])
