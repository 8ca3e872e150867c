//! Modules that lie, loop, grow and crash: each gives an error within its limits, and harms no later call.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lapjoint_types::Value;
use lapjoint_wasm::{Limits, WasmCodec};

use crate::common::{Guest, options, tight};

/// A deadline of 0.3 s on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a module that cannot be loaded gives.
fn refused(guest: &Guest) -> String {
    let started = Instant::now();
    let error = guest.load().unwrap_err().to_string();
    assert!(started.elapsed() < PATIENCE, "{error} after {:?}", started.elapsed());
    error
}

/// What a module that can be loaded gives for a value; the same again, and a good module still works.
fn fails(guest: &Guest) -> String {
    let codec = guest.load().unwrap();
    let limits = tight();
    let call = || {
        let started = Instant::now();
        let error = codec.encode_value(&Value::Bytes(Bytes::from_static(b"abc")), limits).unwrap_err();
        assert!(started.elapsed() < PATIENCE, "{error} after {:?}", started.elapsed());
        let decoded = codec.decode_value(b"abc", limits).unwrap();
        assert_eq!(decoded, Value::Bytes(Bytes::from_static(b"abc")), "a failed call spoiled the next");
        error.to_string()
    };
    let first = call();
    assert_eq!(call(), first);
    assert!(first.contains("<bad>"), "{first}");
    first
}

fn bad() -> Guest {
    Guest::new("bad", r#", "values": "bytes""#)
}

fn encode(body: &'static str) -> Guest {
    Guest { encode: body, ..bad() }
}

#[test]
fn regions_outside_of_memory_are_not_read() {
    for (region, shown) in [
        ("(i64.const 0x0002000000000001)", "1 bytes at 131072"),
        ("(i64.const 0x00000000_00020001)", "131073 bytes at 0"),
        ("(i64.const 0x0001ffff_00000002)", "2 bytes at 131071"),
        ("(i64.const 0x00000000_ffffffff)", "4294967295 bytes at 0"),
        ("(i64.const 0xffffffff_fffffffe)", "4294967294 bytes at 4294967295"),
        ("(i64.const 0x80000000_80000000)", "2147483648 bytes at 2147483648"),
        ("(i64.const -2)", "4294967294 bytes at 4294967295"),
    ] {
        let error = fails(&encode(region));
        assert!(error.contains("dj_encode of sha256:") && error.contains(shown), "{region}: {error}");
        assert!(error.contains("outside of its memory of 131072 bytes"), "{error}");
    }
}

#[test]
fn a_region_may_be_anywhere_within_memory() {
    // Its own input, the data segment, all of the memory: bytes are bytes.
    let whole = encode("(i64.const 0x00000000_00020000)").load().unwrap();
    assert_eq!(
        whole.encode_value(&Value::Bytes(Bytes::from_static(b"abc")), tight()).unwrap().len(),
        131_072
    );
    let nothing = encode("(i64.const 0)").load().unwrap();
    assert!(nothing.encode_value(&Value::Bytes(Bytes::from_static(b"abc")), tight()).unwrap().is_empty());
    // The end of memory, with no bytes.
    let end = encode("(i64.const 0x0002000000000000)").load().unwrap();
    assert!(end.encode_value(&Value::Bytes(Bytes::new()), tight()).unwrap().is_empty());
}

#[test]
fn input_is_written_only_where_there_is_memory() {
    for alloc in ["(i32.const 0)", "(i32.const -1)", "(i32.const 131070)", "(i32.const 0x7fffffff)"] {
        let codec = Guest { alloc, ..bad() }.load().unwrap();
        let error = codec.encode_value(&Value::Bytes(Bytes::from_static(b"abc")), tight()).unwrap_err();
        assert!(error.to_string().contains("has no room for a value of 3 bytes"), "{alloc}: {error}");
    }
    let codec = Guest { alloc: "unreachable", ..bad() }.load().unwrap();
    let error = codec.decode_value(b"abc", tight()).unwrap_err().to_string();
    assert!(error.contains("dj_alloc of sha256:") && error.contains("unreachable"), "{error}");
}

#[test]
fn traps_and_endless_loops_are_stopped() {
    for (body, shown) in [
        ("unreachable", "`unreachable` instruction"),
        ("(loop (br 0)) (i64.const 0)", "took longer than 0.3 s"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) (i64.const 0)", "divide by zero"),
        ("(drop (i32.load (i32.const -4))) (i64.const 0)", "out of bounds memory access"),
        ("(i64.store (i32.const 131069) (i64.const 1)) (i64.const 0)", "out of bounds memory access"),
        (
            "(memory.fill (i32.const 0) (i32.const 7) (i32.const -1)) (i64.const 0)",
            "out of bounds memory access",
        ),
        (
            "(memory.copy (i32.const -9) (i32.const 0) (i32.const 99)) (i64.const 0)",
            "out of bounds memory access",
        ),
    ] {
        let error = fails(&encode(body));
        assert!(error.contains(shown), "{body}: {error}");
    }
}

#[test]
fn recursion_ends() {
    let deep = Guest {
        encode: "(call $deep (i64.const 0))",
        extra: "(func $deep (param i64) (result i64) (i64.add (i64.const 1) (call $deep (local.get 0))))"
            .into(),
        ..bad()
    };
    let error = fails(&deep);
    assert!(error.contains("call stack exhausted"), "{error}");
    let indirect = Guest {
        encode: "(call_indirect (type $f) (i32.const 7)) (i64.const 0)",
        extra: "(type $f (func)) (table 8 funcref)".into(),
        ..bad()
    };
    assert!(fails(&indirect).contains("uninitialized element"));
}

#[test]
fn memory_grows_to_its_limit_and_no_further() {
    let endless = encode("(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable");
    let error = fails(&endless);
    assert!(error.contains("may have 16777216") && error.contains("codecs.wasm_memory_mb"), "{error}");
    // One that goes on without the memory has its result.
    let modest = encode("(drop (memory.grow (i32.const 60000))) (i64.const 0)").load().unwrap();
    assert!(modest.encode_value(&Value::Bytes(Bytes::new()), tight()).unwrap().is_empty());
    let tables = Guest {
        encode: "(drop (table.grow 0 (ref.null func) (i32.const 1000000))) unreachable",
        extra: "(table 1 funcref)".into(),
        ..bad()
    };
    assert!(fails(&tables).contains("unreachable"));
}

#[test]
fn modules_that_start_too_large_are_not_started() {
    let large = Guest { memory: r#"(memory (export "memory") 60000)"#, ..bad() };
    let error = refused(&large);
    assert!(error.contains("asked for 3932160000 bytes of memory and may have 16777216"), "{error}");
    let table = Guest { extra: "(table 90000000 funcref)".into(), ..bad() };
    assert!(refused(&table).contains("cannot be started"), "{}", refused(&table));
    let segment = Guest { extra: r#"(data (i32.const 131071) "abc")"#.into(), ..bad() };
    assert!(refused(&segment).contains("out of bounds memory access"));
    // A section of the user's with five megabytes.
    let mut bytes = bad().bytes();
    bytes.extend([0, 0x80, 0x80, 0xc0, 0x02]);
    bytes.resize(bytes.len() + (5 << 20), 0);
    let error = WasmCodec::from_bytes_with(bytes, options(tight())).unwrap_err().to_string();
    assert!(error.contains("a module may have 4194304"), "{error}");
}

#[test]
fn start_functions_have_the_same_limits() {
    for (body, shown) in [
        ("unreachable", "the start of sha256:"),
        ("(loop (br 0))", "took longer than 0.3 s"),
        ("(loop (drop (memory.grow (i32.const 999))) (br 0))", "took longer than 0.3 s"),
        ("(call $start)", "call stack exhausted"),
    ] {
        let guest = Guest { extra: format!("(func $start {body}) (start $start)"), ..bad() };
        let error = refused(&guest);
        assert!(error.contains(shown), "{body}: {error}");
    }
}

#[test]
fn descriptions_that_are_none_are_refused() {
    let say = |describe| refused(&Guest { describe: Some(describe), ..bad() });
    assert!(say("(i64.const 0)").contains("is not JSON"));
    assert!(say("(i64.const -1)").contains("outside of its memory"));
    assert!(say("(i64.const 0x00000000_00020000)").contains("has 131072 bytes, and may have 65536"));
    assert!(say("(loop (br 0)) (i64.const 0)").contains("dj_describe"));
    assert!(say("unreachable").contains("unreachable"));
    for text in ["{", "[]", r#"{"name": "Bad name", "version": "1"}"#, "\u{0}", r#"{"name": "bad"}"#] {
        let error = refused(&Guest { description: text.into(), ..bad() });
        assert!(error.contains("its description"), "{text:?}: {error}");
    }
    let error = refused(&Guest { version: "(i32.const 2)", ..bad() });
    assert!(error.contains("follows version 2 of the ABI, and this Lapjoint version 1"), "{error}");
}

#[test]
fn modules_have_no_imports_and_all_exports() {
    let load = |text: &str| {
        WasmCodec::from_bytes_with(wat::parse_str(text).unwrap(), options(tight())).unwrap_err().to_string()
    };
    let error = load(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#,
    );
    assert!(error.contains("imports `fd_write` of `wasi_snapshot_preview1`"), "{error}");
    assert!(load(r#"(module (import "env" "memory" (memory 1)))"#).contains("imports `memory` of `env`"));
    assert!(load("(module)").contains("must export a memory named `memory`"));
    assert!(
        load(r#"(module (memory (export "memory") 1))"#)
            .contains("must export a function dj_abi_version() -> i32")
    );
    let text = encode("(i64.const 0)").text();
    for (from, to, shown) in [
        ("(param i32 i32) (result i64)", "(param i32 i64) (result i64)", "dj_encode(i32, i32) -> i64"),
        (r#""dj_error""#, r#""dj_errors""#, "dj_error() -> i64"),
        (
            r#"(memory (export "memory") 2)"#,
            r#"(memory 2) (global (export "memory") i32 (i32.const 0))"#,
            "a memory",
        ),
    ] {
        let error = load(&text.replacen(from, to, 1));
        assert!(error.contains(shown), "{error}");
    }
}

#[test]
fn features_beyond_the_specification_are_refused() {
    for text in [
        r#"(module (memory (export "memory") i64 1))"#,
        r#"(module (memory (export "memory") 1) (memory 1))"#,
        r#"(module (memory (export "memory") 1 2 shared))"#,
        r#"(module (memory (export "memory") 1) (func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0)))))"#,
        "(component)",
    ] {
        let bytes = wat::parse_str(text).unwrap();
        let error = WasmCodec::from_bytes_with(bytes, options(tight())).unwrap_err().to_string();
        assert!(error.contains("is no WebAssembly module that can run here"), "{text}: {error}");
    }
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0\x01", b"(module)", b"\x7fELF\x02\x01\x01"] {
        let error = WasmCodec::from_bytes(bytes).unwrap_err().to_string();
        assert!(
            error.contains("is no WebAssembly module") || error.contains("must export"),
            "{bytes:?}: {error}"
        );
    }
}

#[test]
fn a_refusal_is_told_in_the_modules_words_and_no_more() {
    let says = |error, more: &str| Guest {
        encode: "(i64.const -1)",
        error,
        extra: format!(r#"(data (i32.const 4096) "{more}")"#),
        ..bad()
    };
    let error = fails(&says("(i64.const 0x00001000_00000007)", "too big"));
    assert_eq!(error, "<bad> too big");
    assert_eq!(fails(&says("(i64.const 0x00001000_00000005)", "a\\00b\\0ac")), "<bad> a b c");
    assert_eq!(fails(&says("(i64.const 0x00001000_00000002)", "\\ff\\fe")), "<bad> \u{fffd}\u{fffd}");
    assert_eq!(fails(&says("(i64.const 0)", "")), "<bad> dj_encode refused the value and gave no reason");
    assert!(fails(&says("(i64.const -1)", "")).contains("dj_error"));
    assert!(fails(&says("unreachable", "")).contains("dj_error of sha256:"));
    assert!(fails(&says("(loop (br 0)) (i64.const 0)", "")).contains("took longer"));
    let long = fails(&says("(i64.const 0x00001000_00010000)", &"x".repeat(65_536)));
    assert!(long.len() < 5000, "{} bytes", long.len());
}

#[test]
fn fuel_stops_at_the_same_instruction_every_time() {
    let guest = encode(
        "(local $i i32) (loop (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000)))) (i64.const 0)",
    );
    let run = |fuel| {
        let limits = Limits { fuel: Some(fuel), ..tight() };
        let codec = WasmCodec::from_bytes_with(guest.bytes(), options(limits)).unwrap();
        codec.encode_value(&Value::Bytes(Bytes::new()), limits).map_err(|error| error.to_string())
    };
    let needed = (1..).map(|n| n * 500).find(|fuel| run(*fuel).is_ok()).unwrap();
    assert!(needed > 2000, "{needed}");
    let error = run(needed - 500).unwrap_err();
    assert!(error.contains("used up its fuel of"), "{error}");
    for _ in 0..10 {
        assert!(run(needed).is_ok());
        assert_eq!(run(needed - 500).unwrap_err(), error);
    }
    // Endless work ends with the fuel, long before the deadline.
    let limits = Limits { fuel: Some(1_000_000), deadline: Duration::from_secs(600), ..tight() };
    let endless = encode("(loop (br 0)) (i64.const 0)");
    let codec = WasmCodec::from_bytes_with(endless.bytes(), options(limits)).unwrap();
    let started = Instant::now();
    assert!(codec.encode_value(&Value::Bytes(Bytes::new()), limits).is_err());
    assert!(started.elapsed() < PATIENCE);
}
