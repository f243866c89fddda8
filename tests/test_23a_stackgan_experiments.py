"""Checks of nbs/23a_stackgan_experiments.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from IPython.display import Markdown
from PIL import Image
from dataclasses import replace
from t2ibook.bench import budget_table
from t2ibook.core import InputError, check_choice
from t2ibook.core import generator, published_dir, read_json
from t2ibook.datasets import load_dataset
from t2ibook.drawing import load
from t2ibook.evaluation import faithfulness, load_samples
from t2ibook.feature_scores import feature_scores
from t2ibook.judge import load_judge
from t2ibook.metrics import diversity
from t2ibook.pictures import picture_sheet
from t2ibook.pictures import to_unit
from t2ibook.records import find_record
from t2ibook.refinement import (
    NOISES,
    nearest_pictures,
    refine,
    stage_changes,
    vary,
)
from t2ibook.reports import markdown_table, paired_difference, seeds_table
from t2ibook.style import interpolate_captions, value_changes
from t2ibook.style import paint_from
from t2ibook.systems.sentences import encode_captions
from t2ibook.systems.stackgan import StackGAN
from t2ibook.systems.stackgan import StackGANConfig
from t2ibook.text.tokens import Vocabulary
from t2ibook.trying import complaint
from torch import Tensor
from torch.nn import functional as F
import torch


SAID = ["a red flower", "a blue flower with five petals"]


def small(**fields):
    "A tiny two-stage system with random weights and running averages that fit, so that its pictures are not all grey."
    torch.manual_seed(0)
    config = StackGANConfig(image_size=32, first_size=16, latent=6, generator_channels=4, discriminator_channels=4, refining_channels=4,
                            refining_discriminator_channels=4, residual_blocks=1, shortcut=True, code=5, letters=(6, 6, 6), word_dim=5, hidden=8, captions=1, wrong_from="batch")
    system, gen = StackGAN(replace(config, **fields), Vocabulary("a red blue flower with five petals".split())).train(), generator(0, "warm")
    with torch.no_grad():
        for _ in range(30): system.paint(torch.randn(16, *system.noise_shape(), generator=gen), torch.randn(16, system.text.n_features, generator=gen))
    return system.eval()


# cell cee03303
def test_changes_are_counted_one_by_one():
    values = {"colour": ("red", "blue", "white"), "place": ("grass", "sand")}
    gen = generator(0, "changes")
    draw = lambda n: torch.randint(n, (60,), generator=gen)
    before, after = ({name: draw(len(words)) for name, words in values.items()} for _ in range(2))
    stated = [{"colour": values["colour"][int(k)]} | ({"place": "sand"} if u else {}) for k, u in zip(draw(3), draw(2))]
    found = stage_changes(before, after, stated, values)
    for name, words in values.items():
        tally = {"wrong": 0, "mended": 0, "right": 0, "spoiled": 0}
        for i, s in enumerate(stated):
            if name not in s: continue
            was, now = (words[int(read[name][i])] == s[name] for read in (before, after))
            tally["right" if was else "wrong"] += 1
            if was != now: tally["spoiled" if was else "mended"] += 1
        assert found[name]["n"] == tally["right"] + tally["wrong"] and min(tally.values()) > 0
        assert abs(found[name]["mended"] - tally["mended"] / tally["wrong"]) < 1e-9 and abs(found[name]["spoiled"] - tally["spoiled"] / tally["right"]) < 1e-9
        assert abs(found[name]["before"] - tally["right"] / found[name]["n"]) < 1e-9
        after_by_parts = found[name]["before"] * (1 - found[name]["spoiled"]) + (1 - found[name]["before"]) * found[name]["mended"]
        assert abs(found[name]["after"] - after_by_parts) < 1e-9
    nothing = stage_changes(before, after, [{}] * 60, values)["colour"]
    assert nothing["n"] == 0 and nothing["mended"] != nothing["mended"]



# cell 211f7ff0
def test_only_the_named_noise_varies():
    tiny = small()
    plain = tiny.generate(SAID, n=3, seed=2)
    for part in NOISES:
        drawn = vary(tiny, SAID, part, 3, 2)
        torch.testing.assert_close(drawn[:, 0], plain[:, 0], atol=1e-5, rtol=0)
        assert (drawn[:, 1] - drawn[:, 0]).abs().max() > 1e-4, part
    torch.testing.assert_close(vary(tiny, SAID, "all", 3, 2), plain, atol=1e-5, rtol=0)
    deaf = vary(small(augmentation=False), SAID, "first")                       # without augmentation the codes have no noise
    torch.testing.assert_close(deaf[:, 1], deaf[:, 0])
    assert "no second code" in complaint(vary, small(first_size=0, image_size=16), SAID, "second") and "did you mean" in complaint(vary, tiny, SAID, "frist")



# cell bbc7a874
def test_the_nearest_is_found():
    gen = generator(0, "nearest")
    kept_ones = torch.rand(23, 3, 16, 16, generator=gen)
    asked = (kept_ones[[7, 20, 0]] + 0.05 * torch.randn(3, 3, 16, 16, generator=gen)).clamp(0, 1)
    distance, place = nearest_pictures(asked, kept_ones, 16, batch=5)
    assert place.tolist() == [7, 20, 0]
    torch.testing.assert_close(distance, (asked - kept_ones[place]).square().flatten(1).mean(1).sqrt(), atol=1e-4, rtol=0)
    stored = (kept_ones * 255).round().byte()
    assert nearest_pictures(kept_ones[4:6], stored, 8)[1].tolist() == [4, 5] and nearest_pictures(kept_ones[4:6], kept_ones, 16)[0].max() < 1e-3



# cell 049bff7e
def test_the_second_stage_hears_its_own_caption():
    tiny = small()
    torch.testing.assert_close(refine(tiny, SAID, SAID, 3), tiny.generate(SAID, seed=3)[:, 0], atol=1e-5, rtol=0)
    swapped = refine(tiny, SAID, SAID[::-1], 3)
    assert (swapped - refine(tiny, SAID, SAID, 3)).abs().amax((1, 2, 3)).min() > 1e-5
    deaf = small(text_twice=False)
    torch.testing.assert_close(refine(deaf, SAID, SAID[::-1], 3), deaf.generate(SAID, seed=3)[:, 0], atol=1e-5, rtol=0)
    assert "one of each" in complaint(refine, tiny, SAID, SAID[:1]) and "no second stage" in complaint(refine, small(first_size=0, image_size=16), SAID, SAID)
