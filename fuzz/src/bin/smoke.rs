//! Runs every target on mutations of its corpus for some seconds each, on any toolchain. Usage: smoke SECONDS CORPUS
//!
//! Not guided by coverage: `fuzz/run` prefers cargo-fuzz where it is installed.

use std::path::Path;
use std::time::{Duration, Instant};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 4] = [
    ("blob_unpack", lapjoint_fuzz::blob_unpack),
    ("npy_parse", lapjoint_fuzz::npy_parse),
    ("definition_parse", lapjoint_fuzz::definition_parse),
    ("type_spec_parse", lapjoint_fuzz::type_spec_parse),
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// One of the mutations that find most bugs: flips, extreme numbers, cuts, repeats, and parts of another input.
fn mutate(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        let at = random.below(input.len());
        match random.below(8) {
            0 if !input.is_empty() => input[at] ^= 1 << random.below(8),
            1 if !input.is_empty() => input[at] = [0, 1, 0x7f, 0x80, 0xff, b'\'', b'<', b'@'][random.below(8)],
            2 if input.len() >= at + 8 => {
                let number = [0, 1, 0xff, 0xffff_ffff, u64::MAX, 1 << 63, 1 << 31, 7][random.below(8)];
                input[at..at + 8].copy_from_slice(&number.to_le_bytes());
            }
            3 => input.truncate(at),
            4 => {
                let end = (at + random.below(64)).min(input.len());
                let part = input[at.min(end)..end].to_vec();
                input.splice(at..at, part);
            }
            5 if !other.is_empty() => {
                let from = random.below(other.len());
                let to = (from + random.below(64)).min(other.len());
                let at = at.min(input.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            6 if !input.is_empty() => drop(input.remove(at)),
            _ => input.insert(at.min(input.len()), random.below(256) as u8),
        }
        input.truncate(1 << 16);
    }
}

fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable corpus").path())
        .collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).expect("a readable corpus")).collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(30);
    let folder = arguments.next().unwrap_or_else(|| "fuzz/corpus".into());
    for (name, target) in TARGETS {
        let seeds = corpus(&Path::new(&folder).join(name));
        assert!(!seeds.is_empty(), "no corpus for {name}");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let started = Instant::now();
        let mut runs = 0u64;
        for seed in &seeds {
            lapjoint_fuzz::bounded(seed, target);
        }
        while started.elapsed() < Duration::from_secs(seconds) {
            for _ in 0..64 {
                let mut input = seeds[random.below(seeds.len())].clone();
                let other = random.below(seeds.len());
                mutate(&mut random, &mut input, &seeds[other]);
                lapjoint_fuzz::bounded(&input, target);
                runs += 1;
            }
        }
        println!("{name}: {runs} inputs in {seconds} s, no panic, memory within its bound");
    }
    println!("{} passed, 0 failed", TARGETS.len());
}
