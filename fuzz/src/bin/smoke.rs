//! Runs targets on mutations of their corpus for some seconds each, on any toolchain. Usage: smoke SECONDS CORPUS [TARGET]
//!
//! Without a target, all of them (those of contact matrices, which are many, for a third of the time): each in a process of its own, because a process's memory is what is bounded, as many at a time as the
//! machine has processors.
//!
//! Not guided by coverage: `fuzz/run` prefers cargo-fuzz where it is installed.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lapjoint_fuzz::matrices;

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 13] = [
    ("blob_unpack", lapjoint_fuzz::blob_unpack),
    ("npy_parse", lapjoint_fuzz::npy_parse),
    ("spikes_decode", lapjoint_fuzz::spikes_decode),
    ("definition_parse", lapjoint_fuzz::definition_parse),
    ("type_spec_parse", lapjoint_fuzz::type_spec_parse),
    ("gzcm_lz4", matrices::gzcm_lz4),
    ("gzcm_zstd", matrices::gzcm_zstd),
    ("gzcm_bsc", matrices::gzcm_bsc),
    ("gzcm_jbig", matrices::gzcm_jbig),
    ("gzcm_cmc", matrices::gzcm_cmc),
    ("gzcm_ctx", matrices::gzcm_ctx),
    ("gzcm_sparse", matrices::gzcm_sparse),
    ("gzcm_container", matrices::gzcm_container),
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

fn run(name: &str, target: fn(&[u8]), seconds: u64, folder: &Path) {
    let seeds = corpus(&folder.join(name));
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
            if std::panic::catch_unwind(|| lapjoint_fuzz::bounded(&input, target)).is_err() {
                let file = std::env::temp_dir().join(format!("{name}.{}.failed", std::process::id()));
                let saved = std::fs::write(&file, &input);
                panic!("the input is {} ({saved:?})", file.display());
            }
            runs += 1;
        }
    }
    println!("{name}: {runs} inputs in {seconds} s, no panic, memory within its bound");
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(30);
    let folder = arguments.next().unwrap_or_else(|| "fuzz/corpus".into());
    if let Some(wanted) = arguments.next() {
        let (name, target) = TARGETS.into_iter().find(|(name, _)| *name == wanted).expect("a target's name");
        run(name, target, seconds, Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    let program = std::env::current_exe().expect("this program's path");
    let next = Mutex::new(TARGETS.iter());
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((name, _)) = { next.lock().expect("no thread panics").next() } {
                    let seconds = if name.starts_with("gzcm_") { seconds.div_ceil(3) } else { seconds };
                    let status = Command::new(&program).args([&seconds.to_string(), &folder, *name]).status();
                    if !status.is_ok_and(|status| status.success()) {
                        println!("{name}: FAILED");
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("{} passed, {failed} failed", TARGETS.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
