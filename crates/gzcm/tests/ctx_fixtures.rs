//! The format of `ctx` stays: payloads that were written once are what is written now, and are read.

use std::error::Error;
use std::path::Path;

/// Writes the fixtures anew when set; only for a deliberate change of the format.
const REWRITE: &str = "GZCM_REWRITE_FIXTURES";

#[test]
fn payloads_are_as_they_were() -> Result<(), Box<dyn Error>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let vectors = tests.join("vectors/libbsc");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(vectors.join("manifest.json"))?)?;
    let mut compared = 0;
    for row in manifest.as_array().ok_or("a list")?.iter().filter(|row| row["coder"] == "static") {
        let tile = row["tile"].as_str().ok_or("a name")?;
        let side =
            |name: &str| row[name].as_u64().and_then(|side| usize::try_from(side).ok()).ok_or("a side");
        let (rows, cols) = (side("rows")?, side("cols")?);
        if rows * cols > 1 << 16 {
            continue;
        }
        let raw = std::fs::read(vectors.join(format!("{tile}.raw")))?;
        let cell = |cell: &[u8]| cell.first_chunk().map_or(0, |cell| u32::from_le_bytes(*cell));
        let values: Vec<u32> = raw.chunks_exact(4).map(cell).collect();
        let payload = gzcm::ctx::encode(&values, rows, cols)?;
        let fixture = tests.join("fixtures/ctx").join(format!("{tile}.ctx"));
        if std::env::var_os(REWRITE).is_some() {
            std::fs::write(&fixture, &payload)?;
        }
        assert!(std::fs::read(&fixture)? == payload, "{tile}");
        assert!(gzcm::ctx::decode(&payload, rows, cols)? == values, "{tile}");
        compared += 1;
    }
    assert_eq!(compared, 9);
    Ok(())
}
