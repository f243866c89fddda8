"""Checks of nbs/03_layers.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from collections.abc import Callable
from pathlib import Path
from t2ibook.core import InputError, WeightsError, atomic_path, sha256
from t2ibook.core import generator
from t2ibook.layers import (
    DownBlock,
    LSTMStep,
    PictureDecoder,
    PictureEncoder,
    UpBlock,
    count_parameters,
    gaussian_kl,
    init_dcgan_,
    layer_table,
    load_weights,
    lstm_update,
    sample_gaussian,
    save_weights,
    up_convolution,
)
from t2ibook.pictures import picture_sheet
from torch import Tensor, nn
import math
import tempfile
import torch
import torch.nn.functional as F


# cell c4f136b1
def test_both_kernels_double_the_side():
    for kernel in (4, 5):
        for side in (1, 4, 7): assert up_convolution(2, 3, kernel)(torch.zeros(1, 2, side, side)).shape == (1, 3, 2 * side, 2 * side)



# cell 6de8dcd4
def test_kernel_four_is_even_and_five_is_not():
    def inner_taps(kernel):
        layer = up_convolution(1, 1, kernel, bias=False)
        nn.init.ones_(layer.weight)
        return layer(torch.ones(1, 1, 8, 8))[0, 0, 4:-4, 4:-4].unique().tolist()
    assert inner_taps(4) == [4.0]
    assert inner_taps(5) == [4.0, 6.0, 9.0]



# cell 55d1fc59
def test_decoder_has_the_sizes_of_the_fact_sheet():
    sizes = {(256, 256, 4): 1_739_203, (512, 512, 4): 6_951_811, (512, 1024, 5): 25_605_251, (1024, 1024, 4): 27_797_251}
    for (hidden, start, kernel), expected in sizes.items():
        assert count_parameters(PictureDecoder(hidden, start, 64, kernel)) == expected



# cell cce3c692
def test_decoder_draws_every_size_in_range():
    for size in (8, 32, 64, 128):
        pictures = PictureDecoder(16, 32, size)(torch.randn(2, 16, generator=generator(0, "z")))
        assert pictures.shape == (2, 3, size, size) and pictures.abs().max() <= 1
    for size in (4, 48):
        try: PictureDecoder(16, 32, size); message = ""
        except InputError as error: message = str(error)
        assert "cannot be reached" in message



# cell 1aeecfd5
def test_encoder_undoes_the_sides_of_the_decoder():
    for size in (32, 64, 128): assert PictureEncoder(7, 32, size)(torch.zeros(2, 3, size, size)).shape == (2, 7)



# cell 38d00b5c
def test_kl_agrees_with_sampling_and_with_torch():
    gen = generator(0, "kl")
    mean, log_variance, m, v = torch.randn(4, 3, 5, generator=gen, dtype=torch.float64) * 0.5
    q = torch.distributions.Normal(mean, (log_variance / 2).exp())
    p = torch.distributions.Normal(m, (v / 2).exp())
    torch.testing.assert_close(gaussian_kl(mean, log_variance, m, v), torch.distributions.kl_divergence(q, p).sum(-1))
    z = sample_gaussian(mean.expand(40_000, 3, 5), log_variance.expand(40_000, 3, 5), gen)
    estimate = (q.log_prob(z) - p.log_prob(z)).sum(-1).mean(0)
    torch.testing.assert_close(estimate, gaussian_kl(mean, log_variance, m, v), rtol=0.05, atol=0.05)
    assert gaussian_kl(torch.zeros(1, 5), torch.zeros(1, 5)).item() == 0



# cell b185a87e
def test_a_step_is_that_of_torch():
    torch.manual_seed(0)
    step, cell = LSTMStep(5, 4), nn.LSTMCell(5, 4)
    order = [0, 1, 3, 2]                                       # torch sorts its gates i, f, candidate, o
    sort = lambda w: torch.cat([w.chunk(4)[k] for k in order])
    with torch.no_grad():
        step.gates.weight.copy_(torch.cat([sort(cell.weight_ih), sort(cell.weight_hh)], 1))
        step.gates.bias.copy_(sort(cell.bias_ih) + sort(cell.bias_hh))
    x, h, c = torch.randn(3, 5), torch.randn(3, 4), torch.randn(3, 4)
    for ours, theirs in zip(step(x, h, c), cell(x, (h, c))): torch.testing.assert_close(ours, theirs)
    assert count_parameters(step) == 4 * 4 * (5 + 4 + 1)



# cell abc3b233
def test_layer_table_accounts_for_every_parameter():
    decoder = PictureDecoder(32, 64).train()
    table = layer_table(decoder, lambda: decoder(torch.zeros(1, 32)))
    assert sum(row["parameters"] for row in table) == count_parameters(decoder)
    assert table[-1]["output"] == [3, 64, 64] and decoder.training



# cell 6e9688c5
def test_weights_are_whole_or_refused():
    with tempfile.TemporaryDirectory() as folder:
        path, net, other = Path(folder) / "w.safetensors", nn.Linear(3, 2), nn.Linear(3, 2)
        digest = save_weights(net, path)
        load_weights(other, path, digest)
        assert torch.equal(net.weight, other.weight)
        whole = path.read_bytes()
        cases = {"truncated or altered": (whole[:-4], digest), "not a whole safetensors": (whole[:20], None)}
        for complaint, (content, expected) in cases.items():
            path.write_bytes(content)
            try: load_weights(other, path, expected); message = ""
            except WeightsError as error: message = str(error)
            assert complaint in message
        path.write_bytes(whole)
        part = nn.Linear(3, 2)
        save_weights(net, path, without=("bias",))
        load_weights(part, path, without=("bias",))                              # what was left out stays as it is
        assert torch.equal(part.weight, net.weight) and not torch.equal(part.bias, net.bias)
        try: load_weights(part, path); message = ""
        except WeightsError as error: message = str(error)
        assert "does not fit this network" in message
        path.write_bytes(whole)
        try: load_weights(nn.Linear(4, 2), path); message = ""
        except WeightsError as error: message = str(error)
        assert "does not fit this network" in message
