"""Faces are found however they are held, and covered so that they are not found again; the rest of a picture stays."""

import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.deid.engine.image.faces import find_faces
from services.deid.engine.image.operators import Method
from services.deid.engine.image.passes import passes
from services.deid.engine.image.treat import treat_image
from services.deid.engine.operator import Treated
from tests.deid.engine.image.pictures import DATA, composed, faces, pixels, saved

Box = tuple[int, int, int, int]


def seen_in(shown: np.ndarray[Any, Any], box: Box) -> int:
    """How many faces the gate's looks find whose middle lies in a box."""
    view = np.ascontiguousarray(shown.astype(np.uint8))
    x, y, width, height = box
    found = find_faces(view, passes(view.shape[1], view.shape[0], "gate"))
    return sum(x <= face.x <= x + width and y <= face.y <= y + height for face in found)


def box_of(treated: Treated) -> Box:
    """Where the first face was covered, as the finding says."""
    numbers = re.findall(r"\d+", treated.findings[0].place)
    x, y, width, height = map(int, numbers[-4:])
    return x, y, width, height


def covered(treated: Treated) -> int:
    return treated.counts.get("face", {"treated": 0})["treated"]


@pytest.mark.parametrize("method", ["fill", "pixelate", "blur"])
def test_a_face_is_covered_until_it_is_not_found_again(method: Method) -> None:
    picture, (x, y, width, height) = composed()
    before = np.asarray(picture).astype(int)
    head = (x, y, width, height)
    assert seen_in(before, head) == 1
    treated = treat_image(saved(picture), "image/png", [faces(method)])
    assert treated.counts["face"] == {"found": 1, "treated": 1}
    after = pixels(treated.content)
    assert seen_in(after, head) == 0
    changed = np.abs(after - before).max(axis=2) > 0
    face = changed[y + height // 3 : y + height * 2 // 3, x + width // 3 : x + width * 2 // 3]
    assert face.mean() > 0.9, "the middle of the face is covered"
    outside = np.ones_like(changed)
    outside[max(0, y - 20) : y + height + 20, max(0, x - 20) : x + width + 20] = False
    assert changed[outside].mean() < 0.01, "a lossless file stays as it was outside the head grown by 20 pixels"


@pytest.mark.slow
@pytest.mark.parametrize("angle", [30, 90, 180, 270, 315])
@pytest.mark.parametrize("light", [1.0, 0.35])
def test_turned_and_dark_faces_are_found(angle: int, light: float) -> None:
    picture, _ = composed(light=light)
    turned = picture.rotate(angle, expand=True, resample=Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))
    treated = treat_image(saved(turned), "image/png", [faces()])
    assert covered(treated) >= 1
    assert seen_in(pixels(treated.content), box_of(treated)) == 0


@pytest.mark.parametrize("scale", [0.12, 0.25, 1.0])
def test_small_and_large_faces_are_found(scale: float) -> None:
    picture, head = composed(scale)
    treated = treat_image(saved(picture), "image/png", [faces()])
    assert covered(treated) >= 1
    assert seen_in(pixels(treated.content), head) == 0


def test_a_picture_without_people_keeps_every_pixel() -> None:
    picture = Image.open(DATA / "coffee.jpg").convert("RGB")
    treated = treat_image(saved(picture), "image/png", [faces()])
    assert covered(treated) == 0
    assert (pixels(treated.content) == np.asarray(picture)).all()


def test_a_jpeg_changes_hardly_outside_the_face() -> None:
    picture, (x, y, width, height) = composed()
    content = saved(picture, "JPEG", quality=90)
    before = pixels(content)
    after = pixels(treat_image(content, "image/jpeg", [faces()]).content)
    outside = np.ones(before.shape[:2], dtype=bool)
    outside[max(0, y - 20) : y + height + 20, max(0, x - 20) : x + width + 20] = False
    assert np.abs(after - before)[outside].mean() < 2.0


def test_the_same_bytes_give_the_same_bytes() -> None:
    content = saved(composed()[0], "JPEG", quality=90)
    first, second = (treat_image(content, "image/jpeg", [faces()]) for _ in range(2))
    assert first.content == second.content
    assert first.places == second.places


def test_once_is_enough() -> None:
    first = treat_image(saved(composed()[0]), "image/png", [faces()])
    assert first.content is not None
    second = treat_image(first.content, "image/png", [faces()])
    assert covered(second) == 0
    assert second.content == first.content


def test_the_fast_profile_looks_once_and_finds_what_is_plain() -> None:
    assert len(passes(480, 320, "fast")) == 1
    assert len(passes(480, 320, "gate")) > 4
    treated = treat_image(saved(composed()[0]), "image/png", [faces(profile="fast")])
    assert covered(treated) == 1


def test_places_show_what_is_released_and_no_face() -> None:
    picture, _ = composed()
    treated = treat_image(saved(picture), "image/png", [faces()])
    assert treated.totals == {"treated": 1, "untreated": 1}, "the face, and the whole picture as it is released"
    place, whole = treated.places
    assert (place.sort, place.kind, whole.sort) == ("treated", "face", "untreated")
    small = pixels(place.picture)
    assert seen_in(small, (0, 0, small.shape[1], small.shape[0])) == 0
    (finding,) = treated.findings
    assert finding.treated
    assert finding.shape
    without = treat_image(saved(Image.open(DATA / "coffee.jpg").convert("RGB")), "image/png", [faces()])
    assert without.totals == {"treated": 0, "untreated": 1}
    assert [place.sort for place in without.places] == ["untreated"]


def test_every_frame_of_an_animation_and_page_of_a_tiff_is_covered() -> None:
    frames = [composed(0.6)[0], composed(0.5)[0]]
    for form, options in (("WEBP", {"duration": 100, "lossless": True}), ("TIFF", {})):
        content = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)
        treated = treat_image(content, f"image/{form.lower()}", [faces(profile="fast")])
        assert treated.withheld is None, form
        assert treated.counts["face"]["treated"] == 2, form
