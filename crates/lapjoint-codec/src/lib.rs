//! The codec trait, registry and chains of Lapjoint, and its built-in codecs.
