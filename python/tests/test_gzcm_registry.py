"""The codec registry of `lapjoint.gzcm`, also under its published name."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from lapjoint import gzcm
from lapjoint.gzcm import compressions, registry

#: The program of the published tutorial, cell by cell as it stands there, without what is notebook's and without its remarks.
TUTORIAL = """
from pathlib import Path
import numpy as np

from gunz_cm.compressions import (
    WireFormat, get_codec, list_codecs, register_codec,
    UnknownCodecError,
    ZstdEncoder, ZstdDecoder, Lz4Encoder, Lz4Decoder,
)
rng = np.random.default_rng(42)

codecs = list_codecs()
print('Built-in codecs:', codecs)
print()
for name in codecs:
    enc_cls, dec_cls, wf = get_codec(name)
    print(f'  {name:10s}  wire_format={wf.value:18s}  '
          f'enc={enc_cls.__name__:14s}  dec={dec_cls.__name__}')

try:
    get_codec('not_a_real_codec')
except UnknownCodecError as exc:
    print(f'Unknown codec: {exc.name!r}')
    print(f'Available: {exc.available}')

class IdentityEncoder:
    def __init__(self, tile_size):
        self.tile_size = tile_size

    @property
    def wire_format(self):
        return WireFormat.OPAQUE_PAYLOAD

    def encode_tile(self, tile):
        return tile.tobytes()

    def decode_tile(self, payload, shape):
        body = payload[8:]
        return np.frombuffer(body, dtype=np.uint32).reshape(shape)


class IdentityDecoder(IdentityEncoder):
    pass


register_codec('identity', IdentityEncoder, IdentityDecoder, WireFormat.OPAQUE_PAYLOAD)
print('After registration:', list_codecs())
tile = rng.integers(0, 1000, size=(256, 256), dtype=np.uint32)
enc_cls, dec_cls, wf = get_codec('identity')
enc = enc_cls(tile_size=256)
dec = dec_cls(tile_size=256)

encoded = enc.encode_tile(tile)
if wf == WireFormat.OPAQUE_PAYLOAD:
    header = np.array([256, 256], dtype=np.int32).tobytes()
    wire = header + encoded
else:
    wire = encoded

decoded = dec.decode_tile(wire, shape=(256, 256))
assert np.array_equal(decoded, tile), 'roundtrip failed'
print(f'identity roundtrip OK ({len(wire)} bytes on the wire)')
"""

#: What the tutorial shows that it prints.
SHOWN = """\
Built-in codecs: ['bsc', 'bsc_cmc', 'cmc', 'cmc_zstd', 'lz4', 'zstd']

  bsc         wire_format=opaque              enc=BscEncoder      dec=BscDecoder
  bsc_cmc     wire_format=opaque              enc=BscCmcEncoder   dec=BscCmcDecoder
  cmc         wire_format=opaque              enc=CmcEncoder      dec=CmcDecoder
  cmc_zstd    wire_format=opaque              enc=CmcZstdEncoder  dec=CmcZstdDecoder
  lz4         wire_format=self                enc=Lz4Encoder      dec=Lz4Decoder
  zstd        wire_format=opaque              enc=ZstdEncoder     dec=ZstdDecoder
Unknown codec: 'not_a_real_codec'
Available: ['bsc', 'bsc_cmc', 'cmc', 'cmc_zstd', 'lz4', 'zstd']
After registration: ['bsc', 'bsc_cmc', 'cmc', 'cmc_zstd', 'identity', 'lz4', 'zstd']
identity roundtrip OK (262152 bytes on the wire)
"""


def run(folder, *arguments):
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_tutorial_prints_what_it_shows(tmp_path):
    (tmp_path / "tutorial.py").write_text(TUTORIAL)
    assert run(tmp_path, "-m", "lapjoint.gzcm.as_gunz_cm", "tutorial.py") == SHOWN
    (tmp_path / "by_call.py").write_text(f"import lapjoint.gzcm\nlapjoint.gzcm.install_as_gunz_cm()\n{TUTORIAL}")
    assert run(tmp_path, "by_call.py") == SHOWN


def test_the_published_modules_are_ours(tmp_path):
    (tmp_path / "names.py").write_text(
        "import lapjoint.gzcm\n"
        "import gunz_cm.compressions.scheme_picker, gunz_cm.converters.gzcm, gunz_cm.datasets\n"
        "from gunz_cm.datasets import GzcmDataset, GzcmTileDataset\n"
        "from gunz_cm.converters.gzcm import convert_to_gzcm\n"
        "assert GzcmDataset is lapjoint.gzcm.GzcmDataset is GzcmTileDataset\n"
        "assert convert_to_gzcm is lapjoint.gzcm.convert_to_gzcm\n"
        "assert gunz_cm.compressions.scheme_picker.DEFAULT_WEIGHTS == (0.5, 0.3, 0.2)\n"
        "try:\n    import gunz_cm.nothing\nexcept ModuleNotFoundError:\n    print('fine')\n"
    )
    assert run(tmp_path, "-m", "lapjoint.gzcm.as_gunz_cm", "names.py") == "fine\n"
    (tmp_path / "late.py").write_text(
        "import types, sys\nsys.modules['gunz_cm'] = types.ModuleType('gunz_cm')\nimport lapjoint.gzcm\n"
        "try:\n    lapjoint.gzcm.install_as_gunz_cm()\nexcept ImportError as error:\n    print(error)\n"
    )
    assert "gunz_cm is imported already" in run(tmp_path, "late.py")


@pytest.fixture
def forget():
    """Takes what a test adds out of the list that Python has."""
    before = set(registry._added)
    yield
    for name in set(registry._added) - before:
        del registry._added[name]


def opaque(adds=False, strips=True, says=None, dtypes=None):
    """Classes that store a tile as it is; whether they add a header of their own, and strip the writer's, is asked for."""

    class Encoder:
        def __init__(self, tile_size, dtype="uint32"):
            self.tile_size, self.dtype = tile_size, np.dtype(dtype)
            if says is not None:
                self.wire_format = says

        def encode_tile(self, tile):
            return (np.array(tile.shape, "<i4").tobytes() if adds else b"") + tile.tobytes()

        def decode_tile(self, payload, shape):
            body = payload[8 * (adds + strips) :]
            return np.frombuffer(body, self.dtype).reshape(shape)

    if dtypes is not None:
        Encoder.dtypes = dtypes
    return Encoder, Encoder


@pytest.mark.parametrize(
    "adds, strips, declared, told",
    [
        (True, False, "opaque", 'declared "opaque" but seems to be "self"'),
        (False, False, "opaque", 'declared "opaque" but seems to be "self"'),
        (False, True, "self", 'declared "self" but seems to be "opaque"'),
        (True, True, "self", 'declared "self" but seems to be "opaque"'),
    ],
)
def test_a_wrong_wire_format_is_refused_with_the_reason(forget, adds, strips, declared, told):
    with pytest.raises(gzcm.WireFormatError, match=told):
        gzcm.register_codec("wrong", *opaque(adds, strips), gzcm.WireFormat(declared))
    assert "wrong" not in gzcm.list_codecs()
    with pytest.raises(gzcm.UnknownCodecError):
        gzcm.get_codec("wrong")


def test_lz4_as_opaque_is_refused_the_published_bug(forget):
    class Silent(gzcm.Lz4Encoder):
        wire_format = gzcm.WireFormat.OPAQUE_PAYLOAD

    for classes in [(gzcm.Lz4Encoder, gzcm.Lz4Decoder), (Silent, Silent)]:
        with pytest.raises(gzcm.WireFormatError, match=r"\(rows, cols\) header"):
            gzcm.register_codec("mine", *classes, gzcm.WireFormat.OPAQUE_PAYLOAD)


def test_what_a_codec_says_of_itself_must_be_what_is_declared(forget):
    with pytest.raises(gzcm.WireFormatError, match="registered as 'opaque', and its encoder says 'self'"):
        gzcm.register_codec("two", *opaque(says=gzcm.WireFormat.SELF_DESCRIBING), gzcm.WireFormat.OPAQUE_PAYLOAD)


def test_right_ones_are_taken_and_replaced(forget):
    first, second = opaque(), opaque(adds=True, strips=False)
    gzcm.register_codec("mine", *first, gzcm.WireFormat.OPAQUE_PAYLOAD)
    gzcm.register_codec("mine", *second, gzcm.WireFormat.SELF_DESCRIBING)
    assert gzcm.get_codec("mine") == (*second, gzcm.WireFormat.SELF_DESCRIBING)
    assert "mine" in compressions.list_codecs() and "mine" in gzcm.list_codecs()


def test_built_in_names_are_kept(forget):
    with pytest.raises(gzcm.GzcmError, match="built-in codec"):
        gzcm.register_codec("zstd", *opaque(), gzcm.WireFormat.OPAQUE_PAYLOAD)
    with pytest.raises(gzcm.WireFormatError, match="header"):
        gzcm.register_codec("lz4", *opaque(strips=False), gzcm.WireFormat.OPAQUE_PAYLOAD)
    # What a notebook does that registers the codecs itself.
    gzcm.register_codec("zstd", gzcm.ZstdEncoder, gzcm.ZstdDecoder, gzcm.WireFormat.OPAQUE_PAYLOAD)
    assert gzcm.get_codec("zstd")[0] is gzcm.ZstdEncoder


def test_failures_of_a_codec_in_python_name_it(forget):
    class Broken:
        def __init__(self, tile_size):
            pass

        def encode_tile(self, tile):
            raise RuntimeError("no disk")

        def decode_tile(self, payload, shape):
            return None

    with pytest.raises(gzcm.GzcmError, match='encoder of "broken" raised RuntimeError: no disk'):
        gzcm.register_codec("broken", Broken, Broken, gzcm.WireFormat.OPAQUE_PAYLOAD)


def test_an_unknown_codec_is_a_key_error_that_pickles():
    with pytest.raises(KeyError) as caught:
        gzcm.get_codec("nothing")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.name, again.available) == ("nothing", gzcm.list_codecs()) and "zstd" in str(again)


TILES = {
    "counts": np.random.default_rng(1).poisson(2, (256, 256)),
    "edge": np.random.default_rng(2).poisson(0.3, (17, 231)),
    "zeros": np.zeros((5, 9), int),
    "one": np.array([[7]]),
}


@pytest.mark.parametrize("name", gzcm.list_codecs())
def test_every_codec_gives_back_what_it_got(name):
    encoder, decoder, wire_format = gzcm.get_codec(name)
    assert encoder(tile_size=256).wire_format is wire_format
    for dtype in encoder.dtypes:
        for label, counts in TILES.items():
            tile = counts.astype(dtype)
            payload = encoder(tile_size=256, dtype=dtype).encode_tile(tile)
            header = np.array(tile.shape, "<i4").tobytes() if wire_format is gzcm.WireFormat.OPAQUE_PAYLOAD else b""
            back = decoder(tile_size=256, dtype=dtype).decode_tile(header + payload, tile.shape)
            assert back.dtype == tile.dtype and np.array_equal(back, tile), (name, dtype, label)
            with pytest.raises(gzcm.GzcmError):
                decoder(tile_size=256, dtype=dtype).decode_tile((header + payload)[:-1], tile.shape)
    assert "uint32" in encoder.dtypes


def test_extras_are_found_but_not_listed_as_published():
    extras = set(gzcm.list_codecs()) - set(compressions.list_codecs())
    assert "shuffle_zstd" in extras and extras <= {"ctx", "shuffle_zstd"}
    assert compressions.get_codec("shuffle_zstd") == gzcm.get_codec("shuffle_zstd")


def test_tiles_that_do_not_fit_are_refused():
    encoder = gzcm.ZstdEncoder(tile_size=8)
    for tile in (np.zeros((9, 1), "u4"), np.zeros(4, "u4")):
        with pytest.raises(ValueError, match="a tile has up to"):
            encoder.encode_tile(tile)
    with pytest.raises(ValueError, match="does not hold"):
        encoder.encode_tile(np.full((2, 2), 0.5))
    assert encoder.encode_tile(np.ones((2, 2))) == encoder.encode_tile(np.ones((2, 2), "u4"))
    with pytest.raises(TypeError, match="not complex128"):
        gzcm.ZstdEncoder(8, dtype=complex)


def test_the_picker_follows_its_weights():
    from lapjoint.gzcm.compressions.scheme_picker import pick_codec

    tiles = [TILES["counts"].astype("u4"), TILES["edge"].astype("u4")]
    fastest = pick_codec(tiles, weights=(1, 0, 0))
    smallest = pick_codec(tiles, weights=(0, 1, 0))
    sizes = {name: about["size_bytes"] for name, about in smallest["candidates"].items()}
    assert fastest["winner"] == "lz4" and smallest["winner"] == min(sizes, key=sizes.get)
    assert sorted(sizes) == compressions.list_codecs() and pick_codec(tiles) == pick_codec(tiles)
    with pytest.raises(gzcm.UnknownCodecError):
        pick_codec(tiles, ["nothing"])
