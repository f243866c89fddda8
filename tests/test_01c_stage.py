"""Checks of nbs/01c_stage.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from t2ibook.core import generator
from t2ibook.pictures import picture_sheet
from t2ibook.worlds.base import Canvas, coverage
from t2ibook.worlds.base import box, capsule, disc, ellipse, union
from t2ibook.worlds.stage import (
    Easel,
    HOUSES,
    INK,
    PLACES,
    PROPS,
    PROP_REACH,
    Window,
    cloud,
    column,
    dots,
    fir,
    oval,
    paint_ball,
    paint_balloon,
    paint_beach,
    paint_cake,
    paint_forest,
    paint_house,
    paint_night,
    paint_prop,
    paint_sled,
    paint_snow,
    paint_town,
    roof,
    sky,
    smile,
    triangle,
)
from torch import Tensor
import math
import torch


# cell 627cfe75
def test_easel_and_canvas_agree():
    slow, fast = Canvas(2, 32).fill(None, (0.0, 0.0, 0.0)), Easel.blank(2, 32)
    for r, x0, colour in [(0.5, -0.2, (1.0, 0.2, 0.1)), (0.3, 0.3, (0.1, 0.9, 0.4))]:
        slow.fill(disc(slow.x - x0, slow.y, r), colour, opacity=0.7)
        fast.fill(disc(fast.x - x0, fast.y, r), colour, opacity=0.7, foreground=True)
    torch.testing.assert_close(fast.image[:, :3], slow.image)



# cell 33523f27
def test_the_mask_is_the_union():
    easel = Easel.blank(1, 32)
    first, second = disc(easel.x, easel.y, 0.5), disc(easel.x - 0.3, easel.y, 0.4)
    easel.fill(first, (1.0, 0, 0), foreground=True).fill(second, (0, 1.0, 0), foreground=True)
    one, two = coverage(first, 32), coverage(second, 32)
    torch.testing.assert_close(easel.image[:, 3], 1 - (1 - one) * (1 - two))        # (2)



# cell 276213ac
def test_a_part_is_the_same_memory():
    easel = Easel.blank(1, 32)
    corner = easel.part(0.0, 0.0, 1.0, 1.0)
    corner.fill(disc(corner.x - 0.5, corner.y - 0.5, 0.3), (1.0, 1.0, 1.0))
    assert corner.image.shape == (1, 4, 16, 16)
    assert easel.image[0, 0, 24, 24] == 1 and easel.image[0, 0, :16].sum() == 0



# cell bb4c3ea2
def test_cheap_shapes_have_the_right_area():
    easel = Easel.blank(1, 128)
    area = lambda d: float(coverage(d, 128).mean() * 4)
    assert abs(area(oval(easel.x, easel.y, 0.5, 0.6)) - math.pi * 0.3) < 0.01
    corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5)]
    assert abs(area(triangle(easel.x, easel.y, *corners)) - 0.5) < 0.01
    assert abs(area(roof(easel.x, easel.y, 0.4, 0.5, -0.5)) - 0.4) < 0.01
    assert abs(area(smile(easel.x, easel.y, 0.5, 0.1)) - math.pi * 0.1) < 0.01



# cell 23ac0f5f
def test_oval_is_close_to_the_ellipse_near_its_border():
    easel = Easel.blank(1, 64)
    exact, cheap = ellipse(easel.x, easel.y, 0.5, 0.6), oval(easel.x, easel.y, 0.5, 0.6)
    near = exact.abs() < 0.06
    assert (exact - cheap)[near].abs().max() < 0.06 * (0.1 / 1.1) * 1.2



# cell 3cf7a203
def test_places_are_far_apart_and_vary_a_little():
    for k, paint in enumerate(PLACES.values()):
        easel = Easel.blank(8, 32)
        paint(easel, *(torch.rand(8, 1, 1, generator=generator(0, k, j)) for j in range(3)))
        assert easel.image.min() >= 0 and easel.image.max() <= 1 and easel.image[:, 3].max() == 0     # nothing of a place is foreground
        rows = easel.image[:, :3].mean(-1)                                 # (8, 3, 32): colour by height
        means = torch.cat([means, rows.mean(0)[None]]) if k else rows.mean(0)[None]
        spread = (rows - rows.mean(0)).pow(2).mean()
        assert 0 < spread < 0.004
    apart = torch.cdist(means.flatten(1), means.flatten(1)).pow(2) / means[0].numel() + torch.eye(6)
    assert apart.min() > 0.015



# cell c66faebc
def test_a_window_paints_what_the_whole_would():
    image, whole = torch.zeros(3, 4, 48, 48), Easel.blank(3, 48)
    x, y, s = torch.tensor([-0.4, 0.0, 0.9]), torch.tensor([0.2, 0.8, 0.5]), torch.tensor([0.3, 0.4, 0.35])
    with Window(image, torch.tensor([0, 1, 2]), x, y, s) as w: w.fill(oval(w.x, w.y - 0.5, 0.5, 0.5), (1.0, 0.5, 0.2), foreground=True)
    u, v = (whole.x - column(x)) / column(s), (whole.y - column(y)) / column(s) + 1
    whole.fill(oval(u, v - 0.5, 0.5, 0.5) * column(s), (1.0, 0.5, 0.2), foreground=True)
    torch.testing.assert_close(image, whole.image, atol=1e-4, rtol=0)
    assert w.image.shape[-1] < 36



# cell 5e35046f
def test_props_are_foreground_and_differ():
    for k, name in enumerate(PROPS):
        image = torch.zeros(1, 4, 64, 64)
        paint_prop(image, name, torch.tensor([0]), torch.zeros(1), torch.full((1,), 0.7), torch.full((1,), 0.6), torch.zeros(1))
        seen = torch.cat([seen, image]) if k else image
    assert ((seen[:, 3] > 0.5).float().mean((1, 2)) > 0.02).all()          # each covers at least 80 of 4,096 pixels
    colours = (seen[:, :3] * seen[:, 3:]).sum((2, 3)) / seen[:, 3:].sum((2, 3))
    assert (torch.cdist(colours, colours) + torch.eye(4)).min() > 0.1
