//! Database adapters of Lapjoint.
