"""`<medimg>`: images of SimpleITK.

What it does
------------
Takes a `SimpleITK.Image` of two to four axes and gives an equal one back: pixels, pixel type (also vectors and complex numbers),
spacing, origin, direction and the dictionary of metadata. Label maps, which are no pixels, are refused with what to call instead.

Specification
-------------
A dict, packed by `<blob>`. `data` is an NRRD file (https://teem.sourceforge.net/nrrd/format.html), gzip-compressed, as ITK writes
it; what NRRD's text might round stands beside it. A file whose header refers to another file, or declares more pixels than its
bytes can hold, is refused before ITK sees it. Files of the pixels are made in a temporary folder, since ITK reads and writes no
memory; they are removed at once.

Names
-----
`<medimg>` is `<blob>`; `<medimg@>` and `<medimg@store>` are `<blob@…>` in the same store.

Stored form
-----------
    {"codec_version": "1.0", "data": b"NRRD0004...", "size": [5, 4, 3], "pixel_type": "16-bit signed integer", "components": 1,
     "spacing": (0.5, 0.5, 2.0), "origin": (0.0, 0.0, 0.0), "direction": (1.0, 0.0, ...), "metadata": {"patient": "m1"}}

`size` counts pixels along x, y, z, …; `pixel_type` is SimpleITK's name.

Compatibility
-------------
Reads what the class of DataJoint's documentation describes (`data`, `spacing`, `origin`), and that class reads ours.
"""

import pathlib
import tempfile

from ..codecs import Codec
from ._shared import checked_version, library, refused, unreadable

# Bytes of a pixel by NRRD's name of its type.
_SIZES = {
    1: ("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"),
    2: ("short", "short int", "signed short", "signed short int", "int16", "int16_t",
        "ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    4: ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"),
    8: ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t",
        "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t", "double"),
}  # fmt: skip
# No stream of deflate yields more than 1,032 bytes for one of its own; bzip2 is not written.
_EXPANSION = 1100


class MedicalImageCodec(Codec):
    """An image of SimpleITK, with its place in space."""

    name = "medimg"
    yields = True
    codec_version = "1.0"
    reads_versions = ("1.0",)

    def get_dtype(self, is_store):
        """A blob, in the store that was named."""
        return "<blob>"

    def validate(self, value):
        """Refuses what is no image of pixels."""
        sitk = library(self.name, "SimpleITK")
        if not isinstance(value, sitk.Image):
            raise refused(self.name, f"expects a SimpleITK.Image, got {type(value).__name__}")
        if "label" in value.GetPixelIDTypeAsString():
            raise refused(self.name, "cannot store a label map; SimpleITK.LabelMapToLabel(image) makes an image of it")
        if not 2 <= value.GetDimension() <= 4:
            raise refused(self.name, f"expects 2 to 4 axes, got {value.GetDimension()}")
        if 0 in value.GetSize():
            raise refused(self.name, f"cannot store an image without pixels (size {value.GetSize()})")

    def encode(self, value, *, key=None, store_name=None):
        """The image as a dict with an NRRD file."""
        self.validate(value)
        sitk = library(self.name, "SimpleITK")
        metadata = {name: value.GetMetaData(name) for name in value.GetMetaDataKeys()}
        with tempfile.TemporaryDirectory(prefix="lapjoint-") as folder:
            file = pathlib.Path(folder, "image.nrrd")
            # The dictionary is kept beside the file, which would hold only part of it.
            plain = sitk.Image(value)
            # A copy shares its dictionary with the original until it is told to have its own.
            plain.MakeUnique()
            for name in metadata:
                plain.EraseMetaData(name)
            sitk.WriteImage(plain, str(file), imageIO="NrrdImageIO", useCompression=True)
            data = file.read_bytes()
        return {
            "codec_version": "1.0",
            "data": data,
            "size": list(value.GetSize()),
            "pixel_type": value.GetPixelIDTypeAsString(),
            "components": value.GetNumberOfComponentsPerPixel(),
            "spacing": value.GetSpacing(),
            "origin": value.GetOrigin(),
            "direction": value.GetDirection(),
            "metadata": metadata,
        }

    def decode(self, stored, *, key=None):
        """The image of a dict."""
        sitk = library(self.name, "SimpleITK")
        if not isinstance(stored, dict) or not isinstance(stored.get("data"), bytes):
            raise unreadable(self.name, "expected a dict with the bytes of an NRRD file as data")
        checked_version(self, stored)
        _check_header(stored["data"])
        with tempfile.TemporaryDirectory(prefix="lapjoint-") as folder:
            file = pathlib.Path(folder, "image.nrrd")
            file.write_bytes(stored["data"])
            try:
                image = sitk.ReadImage(str(file), imageIO="NrrdImageIO")
            except RuntimeError as error:
                raise unreadable(self.name, str(error).strip().splitlines()[-1]) from error
        return self._restored(sitk, image, stored)

    def _restored(self, sitk, image, stored):
        """The image with all that stands beside the file."""
        if "pixel_type" in stored:
            known = (list(image.GetSize()), image.GetPixelIDTypeAsString(), image.GetNumberOfComponentsPerPixel())
            said = (list(stored.get("size") or ()), stored["pixel_type"], stored.get("components"))
            if known[1] != said[1] and said[1] == f"vector of {known[1]}" and said[2] == 1:
                # NRRD has no vectors of one component.
                image = sitk.Compose([image])
                known = (known[0], image.GetPixelIDTypeAsString(), 1)
            if known != said:
                raise unreadable(self.name, f"its file has size, type and components {known}, on record are {said}")
        if "metadata" in stored:
            for name in image.GetMetaDataKeys():
                image.EraseMetaData(name)
            for name, text in stored["metadata"].items():
                image.SetMetaData(name, text)
        try:
            for name in ("Spacing", "Origin", "Direction"):
                if name.lower() in stored:
                    getattr(image, f"Set{name}")([float(number) for number in stored[name.lower()]])
        except (RuntimeError, TypeError, ValueError) as error:
            raise unreadable(self.name, f"{name.lower()} {stored[name.lower()]!r}: {str(error).splitlines()[-1]}") from error
        return image


def _check_header(data):
    """Refuses a file that leads ITK elsewhere, or to memory that its bytes do not need."""
    head, found, body = data.partition(b"\n\n")
    lines = head.decode("latin-1").replace("\r", "").split("\n")
    if not found or not lines[0].startswith("NRRD000"):
        raise unreadable("medimg", "its data are no NRRD file")
    fields = {}
    for line in lines[1:]:
        name, colon, text = line.partition(":")
        if colon and not line.startswith("#") and not text.startswith("="):
            fields[name.strip().lower().replace(" ", "")] = text.strip()
    if "datafile" in fields:
        raise unreadable("medimg", f"its NRRD header refers to another file ({fields['datafile']!r})")
    width = next((size for size, names in _SIZES.items() if fields.get("type", "").lower() in names), None)
    try:
        needed = width
        for size in fields["sizes"].split():
            needed *= int(size)
    except (KeyError, TypeError, ValueError):
        raise unreadable("medimg", "its NRRD header names no known type and sizes") from None
    if not 0 < needed <= len(body) * _EXPANSION:
        raise unreadable("medimg", f"its NRRD header declares {needed} bytes of pixels, too many for a file of {len(data)} bytes")
