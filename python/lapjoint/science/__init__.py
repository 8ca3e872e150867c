"""Codecs for formats of the sciences, one module each, imported when a codec is first asked for by name.

They yield their names: a class of the user's, or a plugin's, under such a name takes its place. What a codec needs beside numpy is
imported when it works.
"""

# Name of the codec: "module:class".
BUNDLED: dict[str, str] = {
    "bam": "lapjoint.science.bam:BamCodec",
    "graph": "lapjoint.science.graph:GraphCodec",
    "json-schema": "lapjoint.science.json_schema:RegisteredSchemaCodec",
    "medimg": "lapjoint.science.medimg:MedicalImageCodec",
    "parquet": "lapjoint.science.parquet:ParquetCodec",
    "sparse": "lapjoint.science.sparse:SparseCodec",
}
