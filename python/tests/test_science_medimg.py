"""`<medimg>`: images of SimpleITK, with every type of pixel and their place in space."""

import numpy as np
import pytest

import lapjoint as dj
from lapjoint.blob import pack, unpack

sitk = pytest.importorskip("SimpleITK")

SCALARS = [
    "sitkUInt8", "sitkInt8", "sitkUInt16", "sitkInt16", "sitkUInt32", "sitkInt32", "sitkUInt64", "sitkInt64", "sitkFloat32",
    "sitkFloat64",
]  # fmt: skip
ODD = 0.1 + 0.2  # no short decimal


def image_of(pixel, size=(5, 4, 3), components=0):
    image = sitk.Image(size, getattr(sitk, pixel), components) if components else sitk.Image(size, getattr(sitk, pixel))
    chance = np.random.default_rng(1)
    view = sitk.GetArrayFromImage(image)
    shape = (*size[::-1], components) if components else view.shape
    if view.dtype.kind == "c":
        filled = sitk.GetImageFromArray((chance.random(shape) + 1j * chance.random(shape)).astype(view.dtype))
    else:
        values = chance.integers(0, 100, shape) if view.dtype.kind in "iu" else chance.random(shape)
        filled = sitk.GetImageFromArray(values.astype(view.dtype), isVector=bool(components))
    assert filled.GetPixelIDTypeAsString() == image.GetPixelIDTypeAsString() and filled.GetSize() == image.GetSize()
    count = len(size)
    filled.SetSpacing([ODD, 0.5, 2.0, 1 / 3][:count])
    filled.SetOrigin([-1 / 3, 1e-7, 12345.678, ODD][:count])
    direction = np.eye(count)
    direction[:2, :2] = [[np.cos(ODD), -np.sin(ODD)], [np.sin(ODD), np.cos(ODD)]]
    filled.SetDirection(direction.ravel())
    filled.SetMetaData("patient", "m1")
    filled.SetMetaData("0010|0010", "a text: with\nlines, é and = signs")
    return filled


def assert_same(back, given):
    assert back.GetPixelID() == given.GetPixelID() and back.GetSize() == given.GetSize()
    assert back.GetNumberOfComponentsPerPixel() == given.GetNumberOfComponentsPerPixel()
    assert sitk.GetArrayViewFromImage(back).tobytes() == sitk.GetArrayViewFromImage(given).tobytes()
    for name in ("Spacing", "Origin", "Direction", "MetaDataKeys"):
        assert getattr(back, f"Get{name}")() == getattr(given, f"Get{name}")(), name
    assert all(back.GetMetaData(name) == given.GetMetaData(name) for name in given.GetMetaDataKeys())


def through(image):
    codec = dj.get_codec("medimg")
    return codec.decode(unpack(pack(codec.encode(image))))


@pytest.mark.parametrize("spec", ["<medimg>", "<medimg@>", "<medimg@cold>"])
def test_through_tables(schema, tmp_path, spec):
    (tmp_path / "cold").mkdir()
    dj.config.stores["cold"] = {"protocol": "file", "location": str(tmp_path / "cold")}
    table = schema(type("Row", (dj.Manual,), {"definition": f"id : int32\n---\nx = null : {spec}"}))
    image = image_of("sitkInt16")
    table.insert([{"id": 1, "x": image}, {"id": 2}])
    assert_same((table & "id = 1").fetch1("x"), image)
    assert (table & "id = 2").fetch1("x") is None
    assert bool(list((tmp_path / "cold").rglob("*"))) == (spec == "<medimg@cold>")


@pytest.mark.parametrize("pixel", SCALARS)
def test_every_type_of_pixel(pixel):
    assert_same(through(image_of(pixel)), image_of(pixel))
    for components in (1, 2, 3, 5):
        vector = image_of(pixel.replace("sitk", "sitkVector"), components=components)
        assert_same(through(vector), vector)


@pytest.mark.parametrize("pixel", ["sitkComplexFloat32", "sitkComplexFloat64"])
def test_complex_pixels(pixel):
    assert_same(through(image_of(pixel)), image_of(pixel))


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (5, 4, 3), (3, 1, 1), (2, 3, 4, 5)])
def test_two_to_four_axes(size):
    for pixel in ("sitkUInt8", "sitkFloat64"):
        assert_same(through(image_of(pixel, size)), image_of(pixel, size))
    vector = image_of("sitkVectorFloat32", size, 3)
    assert_same(through(vector), vector)


def test_it_is_small_and_the_same_again():
    codec = dj.get_codec("medimg")
    image = sitk.Image([100, 100, 20], sitk.sitkInt32)
    first, second = codec.encode(image), codec.encode(image)
    assert len(first["data"]) < 4 * 200_000 / 100 and pack(first) == pack(second)


def test_what_the_documented_class_wrote(tmp_path):
    image = image_of("sitkInt16")
    sitk.WriteImage(image, str(tmp_path / "x.nrrd"), useCompression=True)
    stored = {"data": (tmp_path / "x.nrrd").read_bytes(), "spacing": image.GetSpacing(), "origin": image.GetOrigin()}
    back = dj.get_codec("medimg").decode(unpack(pack(stored)))
    assert sitk.GetArrayFromImage(back).tolist() == sitk.GetArrayFromImage(image).tolist()
    assert (back.GetSpacing(), back.GetOrigin()) == (image.GetSpacing(), image.GetOrigin())
    assert np.allclose(back.GetDirection(), image.GetDirection())


def test_values_that_are_no_images(schema):
    table = schema(type("Row", (dj.Manual,), {"definition": "id : int32\n---\nx : <medimg>"}))
    labels = sitk.Cast(sitk.Image([4, 4], sitk.sitkUInt8), sitk.sitkLabelUInt8)
    for value, message in [
        (np.zeros((3, 3)), "expects a SimpleITK.Image, got ndarray"),
        (labels, r"cannot store a label map; SimpleITK.LabelMapToLabel\(image\)"),
        (sitk.Image([2, 2, 2, 2, 2], sitk.sitkUInt8), "expects 2 to 4 axes, got 5"),
    ]:
        with pytest.raises(dj.DataJointError, match=message):
            table.insert1({"id": 1, "x": value})
    assert len(table()) == 0


def spoiled(**changes):
    return {**dj.get_codec("medimg").encode(image_of("sitkInt16")), **changes}


def with_header(*changes):
    stored = spoiled()
    for old, new in changes:
        assert old in stored["data"]
        stored["data"] = stored["data"].replace(old, new, 1)
    return stored


@pytest.mark.parametrize(
    "stored, message",
    [
        (lambda: 5, "expected a dict with the bytes of an NRRD file"),
        (lambda: {"data": "text"}, "expected a dict with the bytes"),
        (lambda: spoiled(data=b""), "its data are no NRRD file"),
        (lambda: spoiled(data=b"GIF89a\n\n"), "its data are no NRRD file"),
        (lambda: spoiled(codec_version="3.0"), "version '3.0'"),
        (lambda: with_header((b"encoding: gzip", b"encoding: raw\ndata file: /etc/passwd")), "refers to another file"),
        (lambda: with_header((b"encoding: gzip", b"encoding: raw\nDataFile: LIST")), "refers to another file"),
        (lambda: with_header((b"sizes: 5 4 3", b"sizes: 500000 400000 3000")), "declares .* bytes of pixels"),
        (lambda: with_header((b"sizes: 5 4 3", b"sizes: 5 4 -3")), "declares .* bytes of pixels"),
        (lambda: with_header((b"sizes: 5 4 3", b"sizes: many")), "names no known type and sizes"),
        (lambda: with_header((b"sizes: 5 4 3", b"sizes: 5 3 4")), r"has size, type and components .*, on record are"),
        (lambda: with_header((b"type: short", b"type: block")), "names no known type and sizes"),
        (lambda: spoiled(pixel_type="32-bit float"), "on record are"),
        (lambda: spoiled(spacing=(0.0, 1.0, 1.0)), "spacing"),
        (lambda: spoiled(direction=(0.0,) * 9), "direction"),
        (lambda: spoiled(origin=("a", 1, 2)), "origin"),
    ],
)
def test_damage_is_named(stored, message):
    with pytest.raises(dj.DataJointError, match=f"<medimg> cannot read its stored value: .*{message}"):
        dj.get_codec("medimg").decode(stored())


def test_a_truncated_file_is_an_error():
    stored = spoiled()
    for length in (len(stored["data"]) // 2, len(stored["data"]) - 20):
        with pytest.raises(dj.DataJointError, match="<medimg> cannot read its stored value"):
            dj.get_codec("medimg").decode({**stored, "data": stored["data"][:length]})
