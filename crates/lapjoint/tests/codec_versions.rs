//! A codec of two versions in Rust: what data need, migration, and locks.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use lapjoint::codec::lock::Lock;
use lapjoint::codec::types::{CoreType, TypeSpec};
use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Package, Place, Registry};
use lapjoint::codecs::{self, MigrateOptions, State};
use lapjoint::store::{Config, LoadOptions};
use lapjoint::{Connection, Table, Value, row};
use serde_json::json;

/// Text in json: version 1 as it is, version 2 backwards. `broken` is lost by version 2.
#[derive(Debug)]
struct Text {
    writes: &'static str,
}

impl Codec for Text {
    fn name(&self) -> &str {
        "text"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::Core(CoreType::Json))
    }
    fn format_version(&self) -> Option<String> {
        Some(self.writes.into())
    }
    fn reads_versions(&self) -> Vec<String> {
        vec!["1".into(), "2".into()]
    }
    fn writes_versions(&self) -> Vec<String> {
        self.reads_versions()
    }
    fn provenance(&self) -> Option<Package> {
        Some(Package { name: "text-codec".into(), version: "2.5".into() })
    }
    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let Value::Str(text) = value else { return Err(CodecError::value("text", "takes text")) };
        let version = context.version.unwrap_or(self.writes);
        let stored = match (version, text.as_str()) {
            ("2", "broken") => "lost".to_owned(),
            ("2", text) => text.chars().rev().collect(),
            _ => text,
        };
        Ok(json!({"text": stored, "codec_version": version}).into())
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let Value::Json(json) = &stored else { return Err(CodecError::stored("text", "expected json")) };
        let text = json.get("text").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok(match self.version_of(&stored).as_deref() {
            Some("2") => Value::from(text.chars().rev().collect::<String>()),
            _ => Value::from(text),
        })
    }
}

fn connection(writes: &'static str, folder: &std::path::Path) -> Connection {
    let registry = Arc::new(Registry::with_builtins());
    registry.register(Arc::new(Text { writes })).unwrap();
    let config = Config::load(&LoadOptions::isolated()).unwrap();
    Connection::options().config(config).registry(registry).directory(folder).open().unwrap()
}

fn filled(folder: &std::path::Path, texts: &[&str]) -> Table {
    let old = connection("1", folder);
    let note = old.schema("lab").unwrap().manual("Note", "id : int32\n---\nnote = null : <text>").unwrap();
    let rows = (0i64..).zip(texts).map(|(id, text)| row! { "id" => id, "note" => *text });
    note.insert(rows).unwrap();
    note.insert1(row! { "id" => -1, "note" => Value::Null }).unwrap();
    connection("2", folder).existing_schema("lab").unwrap().table("Note").unwrap()
}

fn counted(table: &Table) -> Vec<(String, u64, State)> {
    let report = codecs::check(&[table.schema().clone()]).unwrap();
    let [need] = report.needs.as_slice() else { panic!("{report}") };
    let count = |c: &codecs::VersionCount| (c.version.clone().unwrap_or_default(), c.rows, c.state.clone());
    need.versions.iter().map(count).collect()
}

#[test]
fn values_are_counted_and_migrated_and_a_lost_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let note = filled(folder.path(), &["ab", "broken", "cd"]);
    assert_eq!(counted(&note), [("1".into(), 3, State::Old)]);
    let planned = codecs::migrate(&note, "note", &MigrateOptions::new().dry_run()).unwrap();
    assert_eq!((planned.migrated, planned.rows), (3, 3));
    let done = codecs::migrate(&note, "note", &MigrateOptions::new().batch_rows(2)).unwrap();
    assert_eq!((done.migrated, done.failed.len(), done.to.as_str()), (2, 1, "2"));
    assert_eq!(done.failed[0].key, "id=1");
    assert!(done.failed[0].reason.contains("another one than the old"), "{:?}", done.failed);
    assert_eq!(counted(&note), [("1".into(), 1, State::Old), ("2".into(), 2, State::Current)]);
    let present = (&note & "id >= 0").order_by(["id"]);
    assert_eq!(present.column::<String>("note").unwrap(), ["ab", "broken", "cd"]);
    let back = codecs::migrate(&note, "note", &MigrateOptions::new().to("1")).unwrap();
    assert_eq!((back.migrated, back.current), (2, 1));
    assert_eq!(present.column::<String>("note").unwrap(), ["ab", "broken", "cd"]);
}

#[test]
fn a_watch_stops_between_batches_and_what_is_done_stays() {
    use std::ops::ControlFlow;

    let folder = tempfile::tempdir().unwrap();
    let note = filled(folder.path(), &["a", "b", "c", "d", "e", "f"]);
    let stop = lapjoint::Watch::new(|at| {
        if at.rows_done >= 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let stopped = codecs::migrate(&note, "note", &MigrateOptions::new().batch_rows(2).watch(stop));
    assert!(matches!(stopped, Err(lapjoint::Error::Interrupted)));
    assert_eq!(counted(&note), [("1".into(), 2, State::Old), ("2".into(), 4, State::Current)]);
    assert_eq!(codecs::migrate(&note, "note", &MigrateOptions::new()).unwrap().migrated, 2);
}

#[test]
fn a_version_that_is_not_read_is_reported_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let note = filled(folder.path(), &["a"]);
    let newer =
        json!({"text": "a", "codec_version": "9", "provenance": {"lapjoint": "9", "text-codec": "9.0"}});
    let sql = format!("UPDATE \"lab\".\"note\" SET \"note\" = '{newer}' WHERE \"id\" = 0");
    note.schema().connection().run_sql(&sql, &[]).unwrap();
    let found = counted(&note);
    let [(version, 1, State::Unreadable(message))] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(version, "9");
    assert!(message.contains("Upgrade text-codec (installed: 2.5) to 9.0 or later"), "{message}");
    let failed = codecs::migrate(&note, "note", &MigrateOptions::new()).unwrap().failed;
    assert!(failed[0].reason.contains("cannot read version 9"), "{failed:?}");
}

#[test]
fn a_lock_in_the_settings_keeps_other_codecs_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.lock");
    let registry = Arc::new(Registry::with_builtins());
    registry.register(Arc::new(Text { writes: "1" })).unwrap();
    Lock::of(&registry).write(&file).unwrap();
    let open = |writes: &'static str| {
        let registry = Arc::new(Registry::with_builtins());
        registry.register(Arc::new(Text { writes })).unwrap();
        let mut config = Config::load(&LoadOptions::isolated()).unwrap();
        config.set("codecs.lock", file.to_str()).unwrap();
        Connection::options().config(config).registry(registry).directory(":memory:").open().unwrap()
    };
    let declare =
        |writes| open(writes).schema("lab").unwrap().manual("Note", "id : int32\n---\nnote : <text>");
    declare("1").unwrap();
    let error = declare("2").unwrap_err().to_string();
    assert!(error.contains("format version is 2, locked is 1") && error.contains("a.lock"), "{error}");
}
