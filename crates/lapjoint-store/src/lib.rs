//! Object stores of Lapjoint: configuration, addressing, staged writes, range reads, listing.
