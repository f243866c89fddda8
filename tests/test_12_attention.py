"""Checks of nbs/12_attention.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from matplotlib import pyplot as plt
from t2ibook.attention import (
    GRIDS,
    _Filters,
    filterbank,
    from_rows,
    grid_centres,
    read_patch,
    to_rows,
    window_frame,
    write_patch,
)
from t2ibook.core import InputError, generator
from t2ibook.core import check_choice
from t2ibook.pictures import to_unit
from t2ibook.worlds import load_world
from torch import Tensor
from torch.autograd.function import once_differentiable
import math
import numpy as np
import torch


# cell daced323
def test_filters_match_a_float64_reference():
    raw = torch.randn(6, 5, generator=generator(0, "raw")) * torch.tensor([0.5, 0.5, 1.0, 0.7, 1.0])
    size, n = 12, 5
    f_y, f_x, gamma = filterbank(raw, size, n)
    for b, (gx, gy, log_variance, log_stride, log_gamma) in enumerate(raw.double().tolist()):
        for filters, g in ((f_y, gy), (f_x, gx)):
            for i in range(n):
                mu = (size - 1) / 2 * (g + 1) + (i - (n - 1) / 2) * (size - 1) / (n - 1) * np.exp(log_stride)
                row = np.array([np.exp(-(a - mu) ** 2 / (2 * np.exp(log_variance))) for a in range(size)])
                assert np.abs(row / (row.sum() + 1e-4) - filters[b, i].double().numpy()).max() < 1e-6
        assert abs(gamma[b].item() - np.exp(log_gamma)) < 1e-6 * np.exp(log_gamma)



# cell 85a947a1
def test_zeros_look_at_the_whole_picture():
    f_y, f_x, gamma = filterbank(torch.zeros(1, 5), 32, 9)
    assert torch.allclose(f_y, f_x) and gamma.item() == 1
    assert torch.allclose(f_y, f_y.flip(1).flip(2), atol=1e-6)                     # symmetric about the middle of the picture
    assert torch.allclose(grid_centres(torch.zeros(1, 5), 32, 9)[0, 0, [0, 4, 8]], torch.tensor([0.0, 15.5, 31.0]))
    assert (f_y.sum(-1) - 1).abs().max() < 1e-3                                    # each filter is a mean



# cell 2ac5ddd7
def test_the_window_has_a_gradient():
    def straightforward(raw, size, n, epsilon=1e-4):
        "Equation (2) as it stands, for autograd."
        weights = torch.exp(-(torch.arange(size) - grid_centres(raw, size, n)[..., None]).square() / (2 * raw[:, 2].exp()[:, None, None, None]))
        return weights / (weights.sum(-1, keepdim=True) + epsilon)

    raw = torch.randn(5, 5, generator=generator(2, "raw"), dtype=torch.float64).requires_grad_()
    down = torch.randn(5, 2, 4, 9, generator=generator(3, "raw"), dtype=torch.float64)
    closed = torch.autograd.grad((torch.stack(filterbank(raw, 9, 4)[:2], 1) * down).sum(), raw)[0]
    assert torch.allclose(closed, torch.autograd.grad((straightforward(raw, 9, 4) * down).sum(), raw)[0], rtol=1e-9, atol=1e-12)     # (2b)
    raw = (torch.randn(2, 5, generator=generator(1, "raw")) * 0.3).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda r: filterbank(r, 7, 3), raw)
    try: filterbank(raw, 7, 3, "off by one"); message = ""
    except InputError as error: message = str(error)
    assert message.startswith("unknown grid 'off by one'")



# cell 2b960e15
def test_reading_is_the_double_product_in_each_channel():
    gen = generator(0, "read")
    pictures, raw = torch.rand(3, 3, 10, 10, generator=gen), torch.randn(3, 5, generator=gen) * 0.3
    f_y, f_x, _ = filterbank(raw, 10, 4)
    patch = from_rows(read_patch(to_rows(pictures), f_y, f_x))
    for b in range(3):
        for c in range(3): assert torch.allclose(patch[b, c], f_y[b] @ pictures[b, c] @ f_x[b].T, atol=1e-6)



# cell cd5f613d
def test_what_a_window_must_do():
    f_y, f_x, _ = filterbank(torch.tensor([[0.1, -0.2, 0.0, -1.0, 0.0]]), 20, 5, epsilon=1e-8)
    flat = torch.full((1, 20, 3, 20), 0.7)
    assert torch.allclose(read_patch(flat, f_y, f_x), torch.full((1, 5, 3, 5), 0.7), atol=1e-5)      # a flat picture stays flat
    ramp = torch.arange(20.0).expand(1, 20, 1, 20).contiguous()                                       # brightness = column
    one_pixel = torch.tensor([[0.1 + 2 / 19, -0.2, 0.0, -1.0, 0.0]])
    _, shifted, _ = filterbank(one_pixel, 20, 5, epsilon=1e-8)
    moved = read_patch(ramp, f_y, shifted) - read_patch(ramp, f_y, f_x)
    assert torch.allclose(moved, torch.ones_like(moved), atol=1e-3)                                   # one pixel further right



# cell 411424ba
def test_writing_is_the_double_product_in_each_channel():
    gen = generator(0, "write")
    patch, raw = torch.randn(3, 4, 3, 4, generator=gen), torch.randn(3, 5, generator=gen) * 0.3
    f_y, f_x, _ = filterbank(raw, 10, 4)
    canvas = from_rows(write_patch(patch, f_y, f_x))
    for b in range(3):
        for c in range(3): assert torch.allclose(canvas[b, c], f_y[b].T @ patch[b, :, c] @ f_x[b], atol=1e-6)



# cell c6e97d80
def test_needles_on_every_pixel_give_the_picture_back():
    picture = torch.rand(1, 9, 3, 9, generator=generator(0, "needles"))
    f_y, f_x, _ = filterbank(torch.tensor([[0.0, 0.0, -8.0, 0.0, 0.0]]), 9, 9, epsilon=0.0)      # N = A, width near 0
    assert torch.allclose(f_y[0], torch.eye(9), atol=1e-6)
    assert torch.allclose(write_patch(read_patch(picture, f_y, f_x), f_y, f_x), picture, atol=1e-5)



# cell d6ab3452
def test_frames_are_where_the_centres_are():
    raw = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0], [0.5, -0.5, 0.0, -math.log(4), 0.0]])
    assert torch.allclose(window_frame(raw, 33, 5), torch.tensor([[0.0, 0, 32, 32], [20.0, 4, 28, 12]]), atol=1e-4)



# cell 080de6a8
def test_the_released_grid_is_off_centre():
    assert abs(grid_centres(torch.zeros(1, 5), 32, 9, "as_released").mean().item() - 14.5625) < 1e-4
    assert abs(grid_centres(torch.zeros(1, 5), 60, 8, "as_released").mean().item() - 22.0714) < 1e-4
    half = torch.tensor([[0.0, 0.0, 0.0, -math.log(2), 0.0]])
    wanders = grid_centres(half, 32, 9, "as_released").mean() - grid_centres(torch.zeros(1, 5), 32, 9, "as_released").mean()
    assert abs(wanders.item() - 0.5 * 31 / 8 / 2) < 1e-4                          # half the size, and almost a pixel further right
    assert abs(grid_centres(half, 32, 9).mean().item() - 15.5) < 1e-5
