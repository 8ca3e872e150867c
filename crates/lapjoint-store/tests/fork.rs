//! A process that has used a store forks; the child must be able to use it too.
#![cfg(unix)]

use std::time::{Duration, Instant};

use lapjoint_store::{PutMode, Store, StoreSpec};

// SAFETY: the signatures are those of POSIX on the systems this test runs on.
unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn kill(process: i32, signal: i32) -> i32;
    fn _exit(status: i32) -> !;
}

const WNOHANG: i32 = 1;
const SIGKILL: i32 = 9;

#[test]
fn a_forked_child_reads_and_writes() {
    let store = Store::open(StoreSpec::memory("mem")).unwrap();
    store.put("a", "from the parent", PutMode::Create).unwrap();
    store.put("large", vec![0; 40 << 20], PutMode::Overwrite).unwrap();

    // SAFETY: the child only uses the store and leaves with `_exit`.
    let child = unsafe { fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let seen = store.get("a").is_ok_and(|bytes| bytes == "from the parent");
        // Large content goes in parts, each of which is the work of one of the runtime's own threads.
        let wrote = store.put("b", vec![1; 40 << 20], PutMode::Overwrite).is_ok();
        // SAFETY: ends the child without running the test harness in it.
        unsafe { _exit(if seen && wrote { 0 } else { 1 }) }
    }

    let (begun, mut status) = (Instant::now(), -1);
    // SAFETY: `status` outlives the calls; `child` is the process made above.
    while unsafe { waitpid(child, &raw mut status, WNOHANG) } == 0 {
        if begun.elapsed() > Duration::from_secs(20) {
            // SAFETY: as above.
            unsafe { kill(child, SIGKILL) };
            panic!("the child hangs: it waits for threads that a fork does not copy");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(status, 0, "the child failed");
    assert!(!store.exists("b").unwrap(), "memory is not shared with a child");
    store.put("c", "the parent goes on", PutMode::Create).unwrap();
}
