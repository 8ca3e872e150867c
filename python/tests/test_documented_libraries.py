"""The documentation's codecs that use other libraries, with the real libraries: parquet, jsonschema, zarr, BAM, medical images.

Where a published example is wrong, the docstring says how, and what is shown is corrected.
"""

import io
import pathlib
import tempfile

import numpy as np
import pytest

import lapjoint as dj

pandas = pytest.importorskip("pandas")
jsonschema = pytest.importorskip("jsonschema")
zarr = pytest.importorskip("zarr")
pysam = pytest.importorskip("pysam")
sitk = pytest.importorskip("SimpleITK")


@pytest.fixture
def stores(schema, tmp_path):
    (tmp_path / "cold").mkdir()
    dj.config.stores["cold"] = {"protocol": "file", "location": str(tmp_path / "cold")}
    return tmp_path


def through(schema, spec, value, name="Row"):
    """The value after an insert and a fetch, and its table."""
    table = schema(type(name, (dj.Manual,), {"definition": f"id : int32\n---\nx = null : {spec}"}))
    table.insert([{"id": 1, "x": value}, {"id": 2}])
    assert (table & "id = 2").fetch1("x") is None
    return (table & "id = 1").fetch1("x"), table


# A SchemaCodec with a reference of its own.


class ParquetRef:
    def __init__(self, about, backend):
        self.shape, self._about, self._backend = tuple(about["shape"]), about, backend

    def load(self):
        return pandas.read_parquet(io.BytesIO(self._backend.get_buffer(self._about["path"])))


class Parquet(dj.SchemaCodec):
    """Frames as Parquet files. (The published example forgets the store's name when it makes the path.)"""

    name = "frame"

    def encode(self, frame, *, key=None, store_name=None):
        path, _ = self._build_path(*self._extract_context(key), ext=".parquet", store_name=store_name)
        buffer = io.BytesIO()
        frame.to_parquet(buffer)
        self._get_backend(store_name).put_buffer(buffer.getvalue(), path)
        return {"path": path, "store": store_name, "shape": list(frame.shape)}

    def decode(self, stored, *, key=None):
        return ParquetRef(stored, self._get_backend(stored["store"]))


@pytest.mark.parametrize("spec", ["<frame@>", "<frame@cold>"])
def test_parquet(schema, stores, spec):
    frame = pandas.DataFrame({"t": [0.0, 0.5], "unit": ["a", "b"]})
    reference, _ = through(schema, spec, frame)
    assert reference.shape == (2, 2) and reference.load().equals(frame)
    with pytest.raises(dj.DataJointError, match=r"<frame> requires @ \(store only\)"):
        through(schema, "<frame>", frame, "Other")


# JSON that a schema describes.


class Configuration(dj.Codec):
    name = "configuration"
    SCHEMA = {
        "type": "object",
        "properties": {"version": {"type": "integer", "minimum": 1}, "settings": {"type": "object"}},
        "required": ["version", "settings"],
    }

    def get_dtype(self, is_store):
        return "json"

    def validate(self, value):
        jsonschema.validate(value, self.SCHEMA)

    def encode(self, value, *, key=None, store_name=None):
        return value

    def decode(self, stored, *, key=None):
        return stored


def test_json_by_schema(schema):
    good = {"version": 2, "settings": {"rate": 30000.0, "names": ["a"]}}
    back, table = through(schema, "<configuration>", good)
    assert back == good
    with pytest.raises(jsonschema.ValidationError, match="0 is less than the minimum of 1"):
        table.insert1({"id": 3, "x": {"version": 0, "settings": {}}})
    assert len(table()) == 2


# Zarr, as a folder under <object>.


class ZarrFolder(dj.Codec):
    """Arrays as Zarr folders; paths pass through. (`zarr.save` of the example is deprecated in zarr 3.)"""

    name = "zarrfolder"

    def get_dtype(self, is_store):
        if not is_store:
            raise dj.DataJointError("<zarrfolder> requires @ (in-store only)")
        return "<object>"

    def encode(self, value, *, key=None, store_name=None):
        if isinstance(value, (str, pathlib.Path)):
            return str(value)
        path = pathlib.Path(tempfile.mkdtemp()) / "data.zarr"
        array = zarr.create_array(str(path), shape=value.shape, dtype=value.dtype, chunks=(5, 4))
        array[...] = value[...]
        array.attrs["codec_version"] = "2.0"
        return str(path)

    def decode(self, stored, *, key=None):
        array = zarr.open_array(stored.fsmap, mode="r")
        if array.attrs.get("codec_version", "1.0") not in ("1.0", "2.0"):
            raise dj.DataJointError(f"unsupported version {array.attrs['codec_version']}")
        return array


def test_zarr_under_object(schema, stores):
    data = np.arange(80.0).reshape(20, 4)
    array, _ = through(schema, "<zarrfolder@>", data)
    assert isinstance(array, zarr.Array) and array.chunks == (5, 4) and np.array_equal(array[5:8], data[5:8])
    assert array.attrs["codec_version"] == "2.0"
    folder = stores / "elsewhere.zarr"
    zarr.save_array(str(folder), data)
    again, _ = through(schema, "<zarrfolder@cold>", folder, "FromPath")
    assert np.array_equal(again[...], data)
    with pytest.raises(dj.DataJointError, match="in-store only"):
        through(schema, "<zarrfolder>", data, "Inline")


# Files of their own kinds.


class Bam(dj.Codec):
    """Alignments as BAM files. (The published codec passes its value on, so it only takes paths; this one takes reads too.)"""

    name = "bam"

    def get_dtype(self, is_store):
        if not is_store:
            raise dj.DataJointError("<bam> requires in-store storage: use <bam@>")
        return "<object@>"

    def encode(self, alignments, *, key=None, store_name=None):
        if isinstance(alignments, (str, pathlib.Path)):
            return str(alignments)
        header, reads = alignments
        path = pathlib.Path(tempfile.mkdtemp()) / "reads.bam"
        with pysam.AlignmentFile(path, "wb", header=header) as file:
            for read in reads:
                file.write(read)
        return str(path)

    def decode(self, stored, *, key=None):
        return stored


@pytest.mark.parametrize("spec", ["<bam@>", "<bam@cold>"])
def test_bam(schema, stores, spec):
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "chr1", "LN": 10_000}]})
    reads = []
    for number in range(50):
        read = pysam.AlignedSegment(header)
        read.query_name, read.query_sequence = f"read{number}", "ACGTACGTAC"
        read.reference_id, read.reference_start, read.cigarstring = 0, 10 * number, "10M"
        read.query_qualities = pysam.qualitystring_to_array("IIIIIIIIII")
        reads.append(read)
    reference, _ = through(schema, spec, (header, reads))
    assert reference.ext == ".bam" and spec.removeprefix("<bam@").rstrip(">") in ("", reference.store)
    local = reference.download(stores / "downloads")
    with pysam.AlignmentFile(local, "rb", check_sq=False) as file:
        back = list(file.fetch(until_eof=True))
    assert [(r.query_name, r.reference_start, r.query_sequence) for r in back] == [
        (r.query_name, r.reference_start, r.query_sequence) for r in reads
    ]
    with reference.open() as stream:
        assert stream.read(2) == b"\x1f\x8b"
    with pytest.raises(dj.DataJointError, match="use <bam@>"):
        through(schema, "<bam>", (header, reads), "Inline")


class MedicalImage(dj.Codec):
    """Images with spacing, origin and direction, as NRRD. (SimpleITK writes to files only, not to the example's buffer.)"""

    name = "medimg"

    def get_dtype(self, is_store):
        return "<blob@>" if is_store else "<blob>"

    def encode(self, image, *, key=None, store_name=None):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "image.nrrd")
            sitk.WriteImage(image, str(file), useCompression=True)
            return {"data": file.read_bytes(), "spacing": image.GetSpacing(), "origin": image.GetOrigin()}

    def decode(self, stored, *, key=None):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "image.nrrd")
            file.write_bytes(stored["data"])
            return sitk.ReadImage(str(file))


@pytest.mark.parametrize("spec", ["<medimg>", "<medimg@>", "<medimg@cold>"])
def test_medical_image(schema, stores, spec):
    image = sitk.GetImageFromArray(np.arange(60, dtype="i2").reshape(3, 4, 5))
    image.SetSpacing((0.5, 0.5, 2.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    back, _ = through(schema, spec, image)
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    assert (back.GetSpacing(), back.GetOrigin()) == (image.GetSpacing(), image.GetOrigin())
