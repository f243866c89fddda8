"""Checks of nbs/00a_pictures.ipynb, extracted by t2ibook.book: edit the notebook, not this file."""
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from importlib.util import find_spec
from pathlib import Path
from t2ibook.core import DataError, InputError, atomic_path
from t2ibook.pictures import (
    MOST_PIXELS,
    label_font,
    picture_sheet,
    picture_tensor,
    read_picture,
    save_animation,
    save_picture,
    to_signed,
    to_uint8,
    to_unit,
)
import io
import math
import numpy as np
import tempfile
import textwrap
import torch
import warnings


# cell bbb30b3c
def test_ranges_round_trip():
    pictures = torch.linspace(0, 1, 3 * 4 * 4).reshape(1, 3, 4, 4)
    torch.testing.assert_close(to_unit(to_signed(pictures)), pictures)
    assert to_uint8(pictures).shape == (1, 4, 4, 3)
    assert to_uint8(pictures).min() == 0 and to_uint8(pictures).max() == 255



# cell ceab8456
def test_sheet_has_room_for_pictures_and_captions():
    plain = picture_sheet(torch.zeros(5, 3, 64, 64), columns=5)
    captioned = picture_sheet(torch.zeros(5, 3, 64, 64), ["a red flower"] * 5, columns=5)
    assert plain.size == (5 * 134 + 6, 128 + 12)
    assert captioned.size[0] == plain.size[0] and captioned.size[1] > plain.size[1]
    assert plain.getpixel((10, 10)) == (0, 0, 0) and plain.getpixel((1, 1)) == (255, 255, 255)



# cell f095659f
def test_files_hold_what_was_drawn():
    plain, captioned = picture_sheet(torch.zeros(2, 3, 64, 64)), picture_sheet(torch.ones(2, 3, 64, 64), ["a red flower"] * 2)
    with tempfile.TemporaryDirectory() as folder:
        save_picture(plain, Path(folder) / "plain.png")
        assert np.array_equal(np.asarray(Image.open(Path(folder) / "plain.png")), np.asarray(plain))
        save_animation([plain, captioned.crop((0, 0, *plain.size))] * 2, Path(folder) / "two.gif")
        assert Image.open(Path(folder) / "two.gif").n_frames >= 1
        try: save_picture(plain, Path(folder) / "plain.xyz"); message = ""
        except InputError as error: message = str(error)
        assert "ends in .png" in message



# cell 7d8bfd15
def test_palette_and_transparency_become_rgb_over_white():
    clear_red = Image.new("RGBA", (8, 8), (255, 0, 0, 0)); clear_red.putpixel((0, 0), (255, 0, 0, 255))
    for mode in ["RGBA", "P", "LA", "L", "RGB"]:
        buffer = io.BytesIO(); clear_red.convert(mode).save(buffer, "PNG")
        read = read_picture(buffer.getvalue())
        assert read.mode == "RGB" and read.size == (8, 8)
    buffer = io.BytesIO(); clear_red.save(buffer, "PNG")
    assert read_picture(buffer.getvalue()).getpixel((0, 0)) == (255, 0, 0)
    assert read_picture(buffer.getvalue()).getpixel((4, 4)) == (255, 255, 255)
    assert picture_tensor(read_picture(buffer.getvalue(), size=4)).shape == (3, 4, 4)



# cell aae3844c
def test_bad_pictures_are_named():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        buffer = io.BytesIO(); Image.effect_noise((64, 64), 80).save(buffer, "PNG")
        (folder / "cut.png").write_bytes(buffer.getvalue()[:700])
        (folder / "text.png").write_text("I am not a picture")
        Image.new("1", (60_000, 1000)).save(folder / "wide.png")
        for file, complaint in [("cut.png", "damaged"), ("text.png", "is not a picture"), ("wide.png", "make it smaller"), ("none.png", "there is no picture")]:
            try: read_picture(folder / file); message = ""
            except DataError as error: message = str(error)
            assert complaint in message and file in message
