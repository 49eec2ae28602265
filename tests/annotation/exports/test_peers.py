"""Files that are written are read by the programs they are for."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from pycocotools.coco import COCO

from services.annotation.campaigns.shapes import CampaignDocument, Item, ItemAnnotation, Label, LabelSchema, Mark, Title
from services.annotation.exports.coco import area
from services.annotation.exports.formats import FORMATS

LABELS = (Label("cat", Title("katt", "cat")), Label("=dog", Title("hund", "dog")))
A, B = Item("a/å,b.png", "image/png", 60, 40), Item("c.png", "image/png", 60, 40)


def document(schema: LabelSchema, *said: ItemAnnotation) -> CampaignDocument:
    return CampaignDocument("c", "t", "g", schema, (A, B), said)


def loaded(content: bytes, tmp_path: Path) -> COCO:
    path = tmp_path / "coco.json"
    path.write_bytes(content)
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def test_pycocotools_reads_boxes(tmp_path: Path) -> None:
    schema = LabelSchema("boxes", LABELS, multiple=True)
    said = ItemAnnotation(A.path, (Mark("cat", box=(1, 2, 30, 20)), Mark("=dog", box=(0.5, 0, 5, 5))))
    read = loaded(FORMATS["coco"].write(document(schema, said)), tmp_path)
    (image,) = read.loadImgs(read.getImgIds(catIds=read.getCatIds(catNms=["cat"])))
    assert (image["file_name"], image["width"], image["height"]) == (A.path, 60, 40)
    (mark,) = read.loadAnns(read.getAnnIds(imgIds=[image["id"]], areaRng=[0, 100]))
    assert mark["bbox"] == [0.5, 0, 5, 5]
    assert len(read.getImgIds()) == 2


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # its own, of NumPy 2
def test_pycocotools_reads_polygons(tmp_path: Path) -> None:
    schema = LabelSchema("polygons", LABELS, multiple=True)
    square = ((10, 10), (30, 10), (30, 20), (10, 20))
    read = loaded(
        FORMATS["coco"].write(document(schema, ItemAnnotation(A.path, (Mark("cat", polygon=square),)))), tmp_path
    )
    (mark,) = read.loadAnns(read.getAnnIds())
    mask = read.annToMask(mark)
    assert mask.shape == (40, 60)
    assert int(mask.sum()) == mark["area"] == 200
    assert bool(np.all(mask[10:20, 10:30]))


def test_pycocotools_reads_classes(tmp_path: Path) -> None:
    schema = LabelSchema("image-class", LABELS, multiple=True)
    said = ItemAnnotation(A.path, (Mark("cat"), Mark("=dog")))
    read = loaded(FORMATS["coco"].write(document(schema, said)), tmp_path)
    assert len(read.getAnnIds(catIds=read.getCatIds(catNms=["=dog"]))) == 1


@pytest.mark.parametrize("ring", [((0, 0), (4, 0), (0, 3)), ((1.5, 1), (9, 2), (7, 8), (4, 4), (2, 9))])
def test_areas_are_as_shapely_has_them(ring: tuple[tuple[float, float], ...]) -> None:
    assert area(ring) == pytest.approx(shapely.Polygon(ring).area)
    assert area(ring[::-1]) == area(ring)


def test_pandas_reads_csv() -> None:
    schema = LabelSchema("polygons", LABELS, multiple=True)
    said = ItemAnnotation(A.path, (Mark("=dog", polygon=((0, 0), (4, 0), (0, 3))),), 'a "b";\n=c')
    frame = pd.read_csv(io.BytesIO(FORMATS["csv"].write(document(schema, said))))
    assert frame["path"].tolist() == [A.path, B.path]
    assert frame["label"].tolist()[0] == "'=dog"
    assert frame["comment"].tolist()[0] == 'a "b";\n\'=c'
    assert float(shapely.area(shapely.from_wkt(frame["polygon"].tolist()[0]))) == 6


def test_pandas_reads_lines() -> None:
    schema = LabelSchema("text-class", LABELS)
    content = FORMATS["jsonl"].write(document(schema, ItemAnnotation(B.path, (Mark("cat"),), "\u2028")))
    frame = pd.read_json(io.BytesIO(content), lines=True)
    assert frame["path"].tolist() == [A.path, B.path]
    assert [json.loads(line)["path"] for line in content.decode().splitlines()] == [A.path, B.path]
