//! Coverage-guided target; see `lapjoint_fuzz::matrices::gzcm_sparse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lapjoint_fuzz::bounded(data, lapjoint_fuzz::matrices::gzcm_sparse));
