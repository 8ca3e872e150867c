//! The command lapjoint.

fn main() {}
