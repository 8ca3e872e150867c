//! Limits from the configuration, and many calls that fail at once.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lapjoint_store::Config;
use lapjoint_types::Value;
use lapjoint_wasm::{Limits, WasmCodec, WasmError};

use crate::common::{Guest, example, options, tight};

#[test]
fn the_configuration_sets_limits() {
    let mut config = Config::default();
    assert_eq!(Limits::from_config(&config), Limits::default());
    config.set("codecs.wasm_memory_mb", 64).unwrap();
    config.set("codecs.wasm_seconds", 5).unwrap();
    let limits = Limits::from_config(&config);
    assert_eq!((limits.memory_bytes, limits.deadline), (64 << 20, Duration::from_secs(5)));
    assert!(config.set("codecs.wasm_memory_mb", 5000).is_err());
    assert!(config.set("codecs.wasm_seconds", 0).is_err());
}

#[test]
fn a_module_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("delta.wasm");
    std::fs::write(&file, example("delta")).unwrap();
    let limits = Limits { module_bytes: 1000, ..tight() };
    let error = WasmCodec::from_path_with(&file, options(limits)).unwrap_err();
    assert!(matches!(error, WasmError::TooLarge { max_bytes: 1000, .. }), "{error}");
    let error = WasmCodec::from_path(folder.path().join("none.wasm")).unwrap_err();
    assert!(matches!(&error, WasmError::Io { .. }) && error.to_string().contains("none.wasm"), "{error}");
}

#[test]
fn endless_calls_of_many_threads_all_end() {
    let endless =
        Guest { encode: "(loop (br 0)) (i64.const 0)", ..Guest::new("bad", r#", "values": "bytes""#) };
    let codec = endless.load().unwrap();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let error = codec.encode_value(&Value::Bytes(Bytes::new()), tight()).unwrap_err();
                assert!(error.to_string().contains("took longer"), "{error}");
            });
        }
    });
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    // The clock's thread ends when nothing runs, and starts again.
    std::thread::sleep(Duration::from_millis(2500));
    assert!(codec.encode_value(&Value::Bytes(Bytes::new()), tight()).is_err());
}

#[test]
fn a_deadline_does_not_stop_work_that_is_in_time() {
    let codec = WasmCodec::from_bytes(example("delta")).unwrap();
    let value = Value::Array(Box::new(lapjoint_types::NdArray::from_vec((0..200_000u32).collect())));
    let limits = Limits { deadline: Duration::from_secs(120), ..Limits::default() };
    let stored = codec.encode_value(&value, limits).unwrap();
    assert_eq!(codec.decode_value(&stored, limits).unwrap(), value);
    let little = Limits { memory_bytes: 1_200_000, ..limits };
    let error = codec.encode_value(&value, little).unwrap_err().to_string();
    assert!(error.contains("codecs.wasm_memory_mb"), "{error}");
}

#[test]
fn a_caller_that_stops_waits_no_longer() {
    let endless =
        Guest { encode: "(loop (br 0)) (i64.const 0)", ..Guest::new("bad", r#", "values": "bytes""#) };
    let codec = endless.load().unwrap();
    let limits = Limits { deadline: Duration::from_secs(600), ..tight() };
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let error = lapjoint_store::interruptible(Some(&stop), || {
            codec.encode_value(&Value::Bytes(Bytes::new()), limits).unwrap_err()
        });
        assert!(
            matches!(error, lapjoint_codec::CodecError::Store(lapjoint_store::StoreError::Cancelled { .. })),
            "{error}"
        );
    });
    assert!(started.elapsed() < Duration::from_secs(20));
}
