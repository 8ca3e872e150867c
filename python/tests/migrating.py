"""A codec with two versions of its format, for tests of migration; run as a program, it migrates until it is killed."""

import json
import sys

import lapjoint as dj


def codec_class(current="2.0", name="twoform"):
    """Numbers in a text file: version 1.0 has a line for each, version 2.0 is JSON."""

    class Twoform(dj.SchemaCodec, register=False):
        codec_version = current
        reads_versions = ("1.0", "2.0")
        writes_versions = ("1.0", "2.0")
        deprecated_versions = {"1.0": "run lapjoint migrate"}
        package = ("twoform-codec", current)
        # What is written when nobody asks for a version.
        written = current

        def encode(self, value, *, key=None, store_name=None, context=None, codec_version=None):
            version = codec_version or self.written
            text = "".join(f"{item}\n" for item in value) if version == "1.0" else json.dumps(value)
            config = context["config"]
            path, _ = self._build_path(*self._extract_context(key, context), ".txt", store_name, config)
            self._get_backend(store_name, config=config).put_buffer(text.encode(), path)
            return {"path": path, "store": store_name, "codec_version": version}

        def decode(self, stored, *, key=None, context=None):
            text = self._get_backend(stored["store"], config=context["config"]).get_buffer(stored["path"]).decode()
            return json.loads(text) if stored["codec_version"] == "2.0" else [int(line) for line in text.split()]

    Twoform.name = name
    dj.codecs.register_instance(Twoform())
    return Twoform


def main(settings):
    """Migrates, row by row, and says how far it is."""
    codec_class()
    given = json.loads(settings)
    schema_name = given.pop("schema")
    instance = dj.Instance(**given)
    table = dj.FreeTable(instance.connection, f"{schema_name}.kept")
    print("ready", flush=True)
    print(dj.codecs.migrate(table, "numbers", batch_size=3).migrated, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
