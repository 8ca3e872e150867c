"""`<bam@>`: alignments of sequences, sorted and indexed.

What it does
------------
Takes the path of a BAM, SAM or CRAM file, an open `pysam.AlignmentFile`, or a pair (header, reads) of a `pysam.AlignmentHeader` (or a
dict) and `pysam.AlignedSegment`s; sorts them by coordinate unless they are, and stores BAM and index. A BAM file that is sorted is
stored byte for byte. A fetch gives a `BamRef`: `header`, `references`, `fetch(contig, start, stop)` and `count`, which read
what the index names for the region and no more, `to_file(path)`, and `open()`, a `pysam.AlignmentFile` of all of it.

Specification
-------------
SAM/BAM, BAI and CSI (https://samtools.github.io/hts-specs). A folder with `reads.bam` and `reads.bam.bai`, or `reads.bam.csi` where a
reference is longer than 2^29 bases; sorted by samtools without a @PG line. Positions count from 0, and `stop` is excluded.

From a store that is a folder, htslib reads the files where they are. From other stores the header, the index and the compressed
blocks of a region are read by ranges into a local file of the same length with holes where nothing was read, which htslib
then opens: what it does with it is what it does with the whole file, also the comparison of each block with its checksum. The file
is kept as long as the reference, so that no range is
read twice.

Names
-----
`<bam@>` and `<bam@store>`; without `@` it is refused.

Stored form
-----------
    {"path": "_schema/lab/sample/id=1/reads_Zm7rLub1", "store": "main", "size": 204800, "ext": null, "is_dir": true,
     "item_count": 2, "timestamp": "2026-01-02T03:04:05+00:00", "file": "reads.bam", "index": "reads.bam.bai",
     "bam_bytes": 200000, "header_bytes": 312, "references": 25, "mapped": 1000, "unmapped": 3,
     "codec_version": "1.0", "provenance": {"lapjoint": "0.1.0"}}

`header_bytes` is how many of the first bytes of the file hold the header.

Compatibility
-------------
The class of DataJoint's documentation is a name for `<object@>`: what it stored is read by a class of that kind, which takes this
one's place. To `<object@>` the metadata are those of a folder.
"""

import json
import os
import pathlib
import tempfile

from .. import _core
from ..codecs import SchemaCodec
from ..errors import DataJointError
from ..scratch import scratch_folder
from ._bam_index import Index
from ._shared import backend_for, checked_version, library, refused, stored_object, unreadable

_NAME = "bam"
# Compressed blocks are at most this long; the one that ends a file is 28 bytes.
_BLOCK, _END = 1 << 16, 28


class BamCodec(SchemaCodec):
    """Alignments of sequences, sorted and indexed."""

    name = _NAME
    yields = True
    codec_version = "1.0"
    reads_versions = ("1.0",)
    arrow_type = "struct<path: text, store: text, size: int64, mapped: int64, unmapped: int64>"

    def validate(self, value):
        """Refuses what holds no alignments."""
        pysam = library(self.name, "pysam")
        if isinstance(value, (str, os.PathLike)):
            if not pathlib.Path(value).is_file():
                raise refused(self.name, f"finds no file {os.fspath(value)!r}")
        elif isinstance(value, pysam.AlignmentFile):
            if not value.is_open() or value.is_write:
                raise refused(self.name, "expects an AlignmentFile that is open for reading")
        elif not (isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], (dict, pysam.AlignmentHeader))):
            raise refused(
                self.name,
                "expects the path of a BAM, SAM or CRAM file, a pysam.AlignmentFile, or a pair (header, reads), "
                f"got {type(value).__name__}",
            )

    def encode(self, value, *, key=None, store_name=None, context=None):
        """Stores the sorted alignments and their index; gives the metadata."""
        self.validate(value)
        pysam = library(self.name, "pysam")
        folder, given = scratch_folder() / "bam", scratch_folder() / "given.bam"
        folder.mkdir()
        bam = folder / "reads.bam"
        try:
            source = _as_bam(pysam, value, given)
            index = _index(pysam, source, bam)
            own = {"file": bam.name, "index": index, "bam_bytes": bam.stat().st_size, **_summary(pysam, bam)}
        except (pysam.SamtoolsError, OSError, ValueError) as error:
            raise refused(self.name, f"cannot read the alignments: {_last_line(error)}") from error
        return stored_object(str(folder), key=key, store_name=store_name, context=context) | own

    def to_arrow(self, values):
        """What is on record of each file; its reads stay where they are."""
        names = ("path", "store", "size", "mapped", "unmapped")
        return [None if ref is None else {name: getattr(ref, name) for name in names} for ref in values]

    def decode(self, stored, *, key=None, context=None):
        """A reference, which reads nothing until asked."""
        backend = backend_for(self, stored, key=key, context=context)
        checked_version(self, stored)
        for name in ("file", "index"):
            if not isinstance(stored.get(name), str) or "/" in stored[name] or stored[name].startswith("."):
                raise unreadable(self.name, f"{name!r} of its metadata names no file: {stored.get(name)!r}")
        for name in ("bam_bytes", "header_bytes"):
            if not isinstance(stored.get(name), int) or not 0 < stored[name] < 1 << 62:
                raise unreadable(self.name, f"{name!r} of its metadata is no size: {stored.get(name)!r}")
        return BamRef(stored, backend)


class BamRef:
    """Sorted alignments in a store: reads what the index names for a region."""

    def __init__(self, metadata, backend):
        self._about, self._backend, self._local, self._header, self._read = metadata, backend, None, None, 0

    path = property(lambda self: self._about["path"], doc="Path of the folder in the store.")
    store = property(lambda self: self._about.get("store"), doc="Name of the store.")
    size = property(lambda self: self._about["bam_bytes"], doc="Size of the BAM file in bytes.")
    mapped = property(lambda self: self._about.get("mapped"), doc="Number of mapped reads.")
    unmapped = property(lambda self: self._about.get("unmapped"), doc="Number of unmapped reads.")
    metadata = property(lambda self: dict(self._about), doc="What is on record.")
    bytes_read = property(lambda self: self._read, doc="Bytes that were read from a store that is no folder.")

    @property
    def header(self):
        """The header, a `pysam.AlignmentHeader`."""
        if self._header is None:
            with self._opened([]) as file:
                self._header = file.header
        return self._header

    @property
    def references(self):
        """Names of the reference sequences."""
        return self.header.references

    @property
    def lengths(self):
        """Lengths of the reference sequences."""
        return self.header.lengths

    def fetch(self, contig, start=None, stop=None):
        """The reads that overlap a region, one after the other; `contig` `"*"` gives those that are not placed."""
        with self._region(contig, start, stop) as file:
            yield from file.fetch(contig, start, stop)

    def count(self, contig, start=None, stop=None):
        """Number of the reads that overlap a region."""
        with self._region(contig, start, stop) as file:
            return file.count(contig, start, stop)

    def open(self):
        """All of it as a `pysam.AlignmentFile`; from a store that is no folder all is read first."""
        return self._opened([(0, self.size)])

    def to_file(self, path):
        """Copies the BAM file to a path, and its index beside it; returns the path. Both are compared with their checksums."""
        path = pathlib.Path(path)
        stored = _core.ObjectRef(json.dumps(self._about), self._backend._store)
        stored.verify()
        with tempfile.TemporaryDirectory(prefix="lapjoint-", dir=path.parent) as folder:
            for name, target in ((self._about["file"], path), (self._about["index"], self._index_beside(path))):
                os.replace(stored.download(pathlib.Path(folder), name), target)
        return path

    def _index_beside(self, path):
        return path.with_name(path.name + pathlib.PurePath(self._about["index"]).suffix)

    def _region(self, contig, start, stop):
        if contig != "*" and contig not in self.references:
            raise DataJointError(f"{self.path} has no reference {contig!r}; it has {', '.join(self.references[:10])} …")
        if self._place() is not None:
            return self._opened([])
        index = Index.parse(self._files()[1].read_bytes())
        if contig == "*":
            return self._opened([(index.unplaced_from() >> 16, self.size)])
        number, length = self.header.get_tid(contig), self.header.get_reference_length(contig)
        chunks = index.chunks(number, max(start or 0, 0), min(length if stop is None else stop, length))
        # A chunk ends within the block that its end names, if not at its beginning.
        return self._opened([(begin >> 16, (end >> 16) + (_BLOCK if end & 0xFFFF else 0)) for begin, end in chunks])

    def _place(self):
        """The BAM file, where the store is a folder of this machine."""
        if self._backend.protocol != "file":
            return None
        return pathlib.Path(self._backend._full_path(self.path), self._about["file"])

    def _files(self):
        """Local files: the BAM with holes, and its index; header and end are there."""
        if self._local is None:
            folder = tempfile.TemporaryDirectory(prefix="lapjoint-bam-")
            bam = pathlib.Path(folder.name, "reads.bam")
            index = self._index_beside(bam)
            content = self._backend.get_buffer(f"{self.path}/{self._about['index']}")
            self._read += len(content)
            index.write_bytes(content)
            with open(bam, "wb") as file:
                file.truncate(self.size)
            self._local = (folder, bam, index, [])
            self._fill([(0, self._about["header_bytes"]), (self.size - _END, self.size)])
        return self._local[1], self._local[2]

    def _fill(self, ranges):
        """Reads ranges that are not there yet into the local file."""
        _, bam, _, there = self._local
        with open(bam, "r+b") as file:
            for begin, end in _missing(ranges, there, self.size):
                content = self._backend._store.get_range(f"{self.path}/{self._about['file']}", begin, end)
                self._read += len(content)
                file.seek(begin)
                file.write(content)
                there.append((begin, end))

    def _opened(self, ranges):
        pysam = library(_NAME, "pysam")
        bam = self._place()
        index = None if bam is None else bam.with_name(self._about["index"])
        if bam is None:
            bam, index = self._files()
            self._fill(ranges)
        try:
            return pysam.AlignmentFile(bam, "rb", index_filename=str(index), check_sq=False)
        except (OSError, ValueError) as error:
            raise unreadable(_NAME, f"{self.path}: {_last_line(error)}") from error

    def __reduce__(self):
        return BamRef, (self._about, self._backend)

    def __repr__(self):
        return f"BamRef({self.mapped} mapped reads, {self._about.get('references')} references, {self.path})"


def _missing(ranges, there, size):
    """Parts of ranges that are not there, those that touch joined."""
    joined = []
    for begin, end in sorted((max(begin, 0), min(end, size)) for begin, end in ranges):
        if joined and begin <= joined[-1][1]:
            joined[-1][1] = max(end, joined[-1][1])
        elif begin < end:
            joined.append([begin, end])
    for begin, end in joined:
        for known, known_end in sorted(there):
            if known_end <= begin or known >= end:
                continue
            if known > begin:
                yield begin, known
            begin = max(begin, known_end)
        if begin < end:
            yield begin, end


def _as_bam(pysam, value, target):
    """The path of a BAM file with the alignments: the one given, or one that is written to `target`."""
    if isinstance(value, (str, os.PathLike)):
        with pysam.AlignmentFile(os.fspath(value), check_sq=False) as file:
            if file.is_bam:
                return pathlib.Path(value)
            return _written(pysam, file.header, file.fetch(until_eof=True), target)
    if isinstance(value, pysam.AlignmentFile):
        return _written(pysam, value.header, value.fetch(until_eof=True), target)
    header, reads = value
    return _written(pysam, header, reads, target)


def _written(pysam, header, reads, target):
    header = pysam.AlignmentHeader.from_dict(header) if isinstance(header, dict) else header
    with pysam.AlignmentFile(target, "wb", header=header) as file:
        for place, read in enumerate(reads):
            if not isinstance(read, pysam.AlignedSegment):
                raise refused(_NAME, f"expects reads, got {type(read).__name__} at place {place}")
            file.write(read)
    return target


def _index(pysam, source, bam):
    """Puts sorted alignments to a path, and their index beside it, whose name is returned."""
    with pysam.AlignmentFile(source, "rb", check_sq=False) as file:
        longest = max(file.lengths, default=0)
        is_said_sorted = file.header.to_dict().get("HD", {}).get("SO") == "coordinate"
    options = ["-c"] if longest > 1 << 29 else ["-b"]
    name = f"{bam.name}.{'csi' if options == ['-c'] else 'bai'}"
    if is_said_sorted:
        bam.write_bytes(pathlib.Path(source).read_bytes())
        try:
            pysam.index(*options, str(bam), str(bam.with_name(name)))
            return name
        except pysam.SamtoolsError:
            # What the header says is not so.
            bam.with_name(name).unlink(missing_ok=True)
    pysam.sort("--no-PG", "-T", str(bam.parent.parent / "sort"), "-o", str(bam), str(source))
    pysam.index(*options, str(bam), str(bam.with_name(name)))
    return name


def _summary(pysam, bam):
    with pysam.AlignmentFile(bam, "rb", check_sq=False) as file:
        first = file.tell()
        mapped, unmapped, references = file.mapped, file.unmapped, file.nreferences
    end = (first >> 16) + (_BLOCK if first & 0xFFFF else 0)
    return {
        "header_bytes": min(end, bam.stat().st_size), "references": references, "mapped": mapped, "unmapped": unmapped
    }  # fmt: skip


def _last_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
