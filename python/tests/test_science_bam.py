"""`<bam@>`: alignments in, sorted and indexed; regions out, with no more read than the index names."""

import json
import pickle
import random

import pytest
from test_services import s3, s3_service  # noqa: F401 - fixtures

import lapjoint as dj

pysam = pytest.importorskip("pysam")

from lapjoint.science import _bam_index  # noqa: E402 - after the check for its library
from lapjoint.science.bam import BamRef, _missing  # noqa: E402

HEADER = {
    "HD": {"VN": "1.6"},
    "SQ": [{"SN": "chr1", "LN": 3_000_000}, {"SN": "chr2", "LN": 50_000}, {"SN": "empty", "LN": 1000}],
    "RG": [{"ID": "a", "SM": "sample é"}],
}


def reads_of(count, seed=1, unplaced=5):
    chance = random.Random(seed)
    header = pysam.AlignmentHeader.from_dict(HEADER)
    made = []
    for number in range(count + unplaced):
        read = pysam.AlignedSegment(header)
        length = chance.randrange(30, 150)
        read.query_name, read.query_sequence = f"read{number}", "".join(chance.choices("ACGT", k=length))
        read.query_qualities = pysam.qualitystring_to_array("".join(chance.choices("!5?I~", k=length)))
        if number < count:
            read.reference_id = chance.choice([0, 0, 0, 1])
            read.reference_start = chance.randrange(HEADER["SQ"][read.reference_id]["LN"] - 500)
            read.cigarstring = chance.choice([f"{length}M", f"10S{length - 10}M", f"{length - 9}M200N9M"])
            read.flag, read.mapping_quality = chance.choice([0, 16]), 60
        else:
            read.flag = 4
        read.set_tag("RG", "a")
        made.append(read)
    return made


def texts(reads):
    return sorted(read.to_string() for read in reads)


@pytest.fixture(params=["folder", "s3"])
def table(request, schema):
    if request.param == "s3":
        dj.config.stores["main"] = request.getfixturevalue("s3")
    return schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads = null : <bam@main>"}))


def overlapping(reads, contig, start, stop):
    return texts(
        read
        for read in reads
        if not read.is_unmapped and read.reference_name == contig and read.reference_start < stop and read.reference_end > start
    )


def test_reads_come_back_by_region(table):
    reads = reads_of(3000)
    table.insert([{"id": 1, "reads": (HEADER, reads)}, {"id": 2}])
    ref = (table & "id = 1").fetch1("reads")
    assert isinstance(ref, BamRef) and (table & "id = 2").fetch1("reads") is None
    assert (ref.mapped, ref.unmapped, ref.references) == (3000, 5, ("chr1", "chr2", "empty"))
    assert ref.header.to_dict()["RG"] == HEADER["RG"] and ref.lengths == (3_000_000, 50_000, 1000)
    assert "PG" not in ref.header.to_dict() and ref.header.to_dict()["HD"]["SO"] == "coordinate"
    chance = random.Random(2)
    for _ in range(25):
        contig = chance.choice(["chr1", "chr2"])
        length = ref.header.get_reference_length(contig)
        start = chance.randrange(length)
        stop = min(start + chance.choice([1, 100, 20_000, 10**6]), length)
        expected = overlapping(reads, contig, start, stop)
        assert texts(ref.fetch(contig, start, stop)) == expected and ref.count(contig, start, stop) == len(expected)
    assert texts(ref.fetch("chr2")) == overlapping(reads, "chr2", 0, 50_000)
    assert list(ref.fetch("empty")) == [] and texts(ref.fetch("*")) == texts(reads[3000:])
    places = [read.reference_start for read in ref.fetch("chr1")]
    assert places == sorted(places)
    with ref.open() as file:
        assert texts(file.fetch(until_eof=True)) == texts(reads)
    assert pickle.loads(pickle.dumps(ref)).count("chr2") == ref.count("chr2")
    with pytest.raises(dj.DataJointError, match="has no reference 'chrX'; it has chr1, chr2"):
        ref.count("chrX")


def test_a_region_reads_its_blocks_only(schema, s3):
    dj.config.stores["main"] = s3
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@main>"}))
    reads = reads_of(30_000)
    table.insert1({"id": 1, "reads": (HEADER, reads)})
    ref = table.fetch1("reads")
    assert ref.size > 1_500_000 and ref.bytes_read == 0
    assert texts(ref.fetch("chr1", 1_000_000, 1_010_000)) == overlapping(reads, "chr1", 1_000_000, 1_010_000)
    first = ref.bytes_read
    # Header, index and at most a few blocks of 64 kB.
    assert first < ref.size / 4, (first, ref.size)
    assert ref.count("chr1", 1_000_000, 1_010_000) > 0 and ref.bytes_read == first
    assert texts(ref.fetch("chr1", 2_500_000, 2_500_100)) == overlapping(reads, "chr1", 2_500_000, 2_500_100)
    assert ref.bytes_read < ref.size / 2
    assert ref.count("chr1") == sum(read.reference_name == "chr1" for read in reads)
    with ref.open() as file:
        assert texts(file.fetch(until_eof=True)) == texts(reads)
    assert ref.bytes_read < ref.size + 100_000


@pytest.mark.parametrize("form", ["bam", "sam", "cram", "open", "text"])
def test_files_of_every_kind(schema, tmp_path, form):
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@>"}))
    reads = reads_of(200)
    extension = form if form in ("sam", "cram") else "bam"
    file = tmp_path / f"given.{extension}"
    options = {"format_options": [b"no_ref=1"]} if form == "cram" else {}
    mode = {"sam": "w", "cram": "wc"}.get(form, "wb")
    with pysam.AlignmentFile(file, mode, header=HEADER, **options) as out:
        for read in reads:
            out.write(read)
    value = pysam.AlignmentFile(file, "rb") if form == "open" else str(file) if form == "text" else file
    table.insert1({"id": 1, "reads": value})
    ref = table.fetch1("reads")
    with ref.open() as back:
        assert texts(back.fetch(until_eof=True)) == texts(reads)
    assert ref.count("chr1") == sum(read.reference_name == "chr1" for read in reads)


def test_sorted_files_are_kept_byte_for_byte(schema, tmp_path):
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@>"}))
    raw, ready = tmp_path / "raw.bam", tmp_path / "ready.bam"
    with pysam.AlignmentFile(raw, "wb", header=HEADER) as out:
        for read in reads_of(500):
            out.write(read)
    pysam.sort("-o", str(ready), str(raw))
    lying = tmp_path / "lying.bam"
    with pysam.AlignmentFile(lying, "wb", header={**HEADER, "HD": {"VN": "1.6", "SO": "coordinate"}}) as out:
        for read in reads_of(500):
            out.write(read)
    table.insert([{"id": 1, "reads": ready}, {"id": 2, "reads": lying}])
    copy = (table & "id = 1").fetch1("reads").to_file(tmp_path / "copy.bam")
    assert copy.read_bytes() == ready.read_bytes()
    with pysam.AlignmentFile(copy) as file:
        assert file.count("chr2") == (table & "id = 2").fetch1("reads").count("chr2") > 0
    # The files given are left alone.
    assert not (tmp_path / "ready.bam.bai").exists()


def test_long_references_have_another_index(schema, s3):
    dj.config.stores["main"] = s3
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@main>"}))
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6"}, "SQ": [{"SN": "long", "LN": 1_500_000_000}]})
    reads = []
    for number in range(5000):
        read = pysam.AlignedSegment(header)
        read.query_name, read.query_sequence, read.cigarstring = f"r{number}", "ACGT" * 20, "80M"
        read.reference_id, read.reference_start = 0, number * 299_000
        reads.append(read)
    table.insert1({"id": 1, "reads": (header, reads)})
    ref = table.fetch1("reads")
    assert ref.metadata["index"] == "reads.bam.csi"
    for start in (0, 600_000_000, 1_490_000_000):
        assert texts(ref.fetch("long", start, start + 3_000_000)) == overlapping(reads, "long", start, start + 3_000_000)


def test_nothing_in_it(table):
    table.insert1({"id": 1, "reads": (HEADER, [])})
    table.insert1({"id": 2, "reads": ({"HD": {"VN": "1.6"}}, [])})
    ref = (table & "id = 1").fetch1("reads")
    assert list(ref.fetch("chr1")) == list(ref.fetch("*")) == [] and ref.mapped == 0
    assert (table & "id = 2").fetch1("reads").references == ()


def test_metadata(table):
    table.insert1({"id": 1, "reads": (HEADER, reads_of(20))})
    about = table.fetch1("reads").metadata
    assert about["is_dir"] and about["item_count"] == 2 and about["file"] == "reads.bam" and about["index"] == "reads.bam.bai"
    assert about["codec_version"] == "1.0" and about["provenance"] == {"lapjoint": dj.__version__} and about["mapped"] == 20
    assert json.loads(json.dumps(about)) == about


def test_values_without_alignments(schema, tmp_path):
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@>"}))
    (tmp_path / "no.bam").write_bytes(b"GIF89a")
    (tmp_path / "empty.bam").write_bytes(b"")
    with pysam.AlignmentFile(tmp_path / "whole.bam", "wb", header=HEADER) as out:
        for read in reads_of(5000):
            out.write(read)
    (tmp_path / "cut.bam").write_bytes((tmp_path / "whole.bam").read_bytes()[:100_000])
    for value, message in [
        (5, "expects the path of a BAM, SAM or CRAM file, .*, got int"),
        (tmp_path / "nowhere.bam", "finds no file"),
        (tmp_path / "no.bam", "cannot read the alignments"),
        (tmp_path / "empty.bam", "cannot read the alignments"),
        (tmp_path / "cut.bam", "cannot read the alignments"),
        ((HEADER, ["x"]), "expects reads, got str at place 0"),
        (("x", []), "expects the path"),
    ]:
        with pytest.raises(dj.DataJointError, match=f"<bam> {message}"):
            table.insert1({"id": 1, "reads": value})
    assert len(table()) == 0


def test_damage_is_named(schema, tmp_path):
    table = schema(type("Sample", (dj.Manual,), {"definition": "id : int32\n---\nreads : <bam@>"}))
    table.insert1({"id": 1, "reads": (HEADER, reads_of(3000))})
    ref = table.fetch1("reads")
    about = ref.metadata
    codec = dj.get_codec("bam")
    for change, message in [
        ({"file": "../../etc/passwd"}, "'file' of its metadata names no file"),
        ({"index": None}, "'index' of its metadata names no file"),
        ({"bam_bytes": -5}, "'bam_bytes' of its metadata is no size"),
        ({"header_bytes": "x"}, "'header_bytes' of its metadata is no size"),
        ({"codec_version": "9"}, "its format is version '9'"),
        ({"path": 5}, "expected metadata with a path"),
    ]:
        with pytest.raises(dj.DataJointError, match=f"<bam> cannot read its stored value: {message}"):
            codec.decode({**about, **change})
    bam = tmp_path / "store" / ref.path / "reads.bam"
    bam.write_bytes(bam.read_bytes()[:-1000])
    with pytest.raises(dj.DataJointError, match="reads.bam"):
        ref.to_file(tmp_path / "copy.bam")
    assert not (tmp_path / "copy.bam").exists()


def test_hostile_indexes_end(tmp_path):
    chance = random.Random(3)
    with pysam.AlignmentFile(tmp_path / "a.bam", "wb", header={**HEADER, "HD": {"VN": "1.6", "SO": "coordinate"}}) as out:
        for read in sorted(reads_of(500, unplaced=0), key=lambda read: (read.reference_id, read.reference_start)):
            out.write(read)
    pysam.index(str(tmp_path / "a.bam"))
    pysam.index("-c", str(tmp_path / "a.bam"), str(tmp_path / "a.csi"))
    for name in ("a.bam.bai", "a.csi"):
        good = (tmp_path / name).read_bytes()
        assert _bam_index.Index.parse(good).chunks(0, 0, 3_000_000)
        for _ in range(500):
            bad = bytearray(good[: chance.randrange(len(good) + 1)])
            for _ in range(chance.randrange(4)):
                if bad:
                    bad[chance.randrange(len(bad))] = chance.randrange(256)
            try:
                _bam_index.Index.parse(bytes(bad)).chunks(0, 0, 3_000_000)
            except dj.DataJointError as error:
                assert "index" in str(error)


def test_ranges_are_read_once():
    assert list(_missing([(0, 10), (5, 20), (30, 40)], [], 35)) == [(0, 20), (30, 35)]
    assert list(_missing([(0, 100)], [(10, 20), (50, 200)], 1000)) == [(0, 10), (20, 50)]
    assert list(_missing([(10, 20)], [(0, 50)], 1000)) == [] and list(_missing([(-5, -1)], [], 10)) == []
