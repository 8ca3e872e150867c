//! Marks: which objects were found unreferenced, and since when. They are rows of the hidden table `~collect`.

use std::ops::ControlFlow;

use jiff::Timestamp;
use lapjoint_db::{Adapter, ColumnDef, ColumnType, InsertMode, TableDef, TableId};
use lapjoint_store::addressing::content_hash;
use lapjoint_types::{CoreType, Value};

use super::found::{Object, Place};
use super::layout::ObjectKind;
use crate::error::Error;

const MARKS: &str = "~collect";

/// Longest path that can be marked, in characters: what file systems allow.
const PATH_CHARS: u32 = 4096;

/// Marks that are removed by one statement.
const BATCH: usize = 200;

/// What became of a marked object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is where it was.
    Marked,
    /// It was put aside.
    Aside,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub place: Place,
    pub kind: ObjectKind,
    pub state: State,
    /// Since when it is in this state.
    pub since: Timestamp,
    files: i64,
    size_bytes: i64,
    modified: Timestamp,
}

impl Mark {
    pub fn new(place: &Place, object: &Object, state: State, since: Timestamp) -> Self {
        Self {
            place: place.clone(),
            kind: object.kind,
            state,
            since,
            files: i64::try_from(object.files.len()).unwrap_or(i64::MAX),
            size_bytes: i64::try_from(object.size_bytes).unwrap_or(i64::MAX),
            modified: object.modified,
        }
    }

    /// Size of the object when it was marked.
    pub fn size_bytes(&self) -> u64 {
        u64::try_from(self.size_bytes).unwrap_or_default()
    }

    /// Whether nobody has written to the object since it was marked. Files may be gone: its deletion was begun.
    pub fn is_of(&self, object: &Object) -> bool {
        let now = Self::new(&self.place, object, self.state, self.since);
        now.files <= self.files && now.size_bytes <= self.size_bytes && now.modified <= self.modified
    }

    /// Whether there is room for it.
    pub fn fits(&self) -> bool {
        self.place.1.chars().count() <= PATH_CHARS as usize && self.place.0.chars().count() <= 255
    }
}

/// A key of fixed length for a place: paths are longer than what a server can index.
fn id_of(place: &Place) -> String {
    content_hash(format!("{}\0{}", place.0, place.1).as_bytes())
}

fn columns() -> [(&'static str, CoreType); 8] {
    [
        ("object_id", CoreType::Varchar(26)),
        ("store", CoreType::Varchar(255)),
        ("path", CoreType::Varchar(PATH_CHARS)),
        ("state", CoreType::Varchar(16)),
        ("since_ms", CoreType::Int64),
        ("files", CoreType::Int64),
        ("size_bytes", CoreType::Int64),
        ("modified", CoreType::Varchar(64)),
    ]
}

fn table(schema: &str) -> TableDef {
    let column = |(name, ty): (&str, CoreType)| ColumnDef {
        name: name.to_owned(),
        comment: format!(":{ty}:"),
        ty: ColumnType::Core(ty),
        nullable: false,
        default: None,
        auto_increment: false,
    };
    TableDef {
        id: TableId::new(schema, MARKS),
        comment: "objects that no row referred to when they were last looked at, and since when".to_owned(),
        columns: columns().map(column).into(),
        primary_key: vec!["object_id".to_owned()],
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

/// Makes sure that the schema can hold marks.
pub(super) fn prepare(adapter: &mut dyn Adapter, schema: &str) -> Result<(), Error> {
    let table = table(schema);
    adapter.create_table(&table).map_err(Error::db(&table.id))
}

/// All marks of a schema; none when it has no table of marks.
pub(super) fn load(adapter: &mut dyn Adapter, schema: &str) -> Result<Vec<Mark>, Error> {
    let id = TableId::new(schema, MARKS);
    if !adapter.list_tables(schema)?.iter().any(|name| name == MARKS) {
        return Ok(Vec::new());
    }
    let result: Vec<_> =
        columns().into_iter().map(|(name, ty)| (name.to_owned(), ColumnType::Core(ty))).collect();
    let names: Vec<String> = result.iter().map(|(name, _)| adapter.quote(name)).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), adapter.quote_table(&id));
    let mut marks = Vec::new();
    let mut unread = 0;
    adapter
        .query(&sql, &[], &result, &mut |row| {
            match read(&row) {
                Some(mark) => marks.push(mark),
                None => unread += 1,
            }
            ControlFlow::Continue(())
        })
        .map_err(Error::db(&id))?;
    if unread > 0 {
        return Err(Error::usage(format!(
            "{id} has {unread} rows that are no marks; drop the table to have all objects marked anew"
        )));
    }
    Ok(marks)
}

fn read(row: &[Value]) -> Option<Mark> {
    let [
        _,
        Value::Str(store),
        Value::Str(path),
        Value::Str(state),
        Value::Int(since),
        Value::Int(files),
        Value::Int(size),
        Value::Str(modified),
    ] = row
    else {
        return None;
    };
    let (state, kind) = match state.as_str() {
        "marked-hash" => (State::Marked, ObjectKind::Hash),
        "marked-schema" => (State::Marked, ObjectKind::Schema),
        "aside-hash" => (State::Aside, ObjectKind::Hash),
        _ => return None,
    };
    Some(Mark {
        place: (store.clone(), path.clone()),
        kind,
        state,
        since: Timestamp::from_millisecond(*since).ok()?,
        files: *files,
        size_bytes: *size,
        modified: modified.parse().ok()?,
    })
}

/// Adds marks; a place that has one keeps it.
pub(super) fn add(adapter: &mut dyn Adapter, schema: &str, marks: &[Mark]) -> Result<(), Error> {
    if marks.is_empty() {
        return Ok(());
    }
    let table = table(schema);
    let names: Vec<String> = columns().into_iter().map(|(name, _)| name.to_owned()).collect();
    let mut rows = marks.iter().map(|mark| {
        let state = match (mark.state, mark.kind) {
            (State::Marked, ObjectKind::Hash) => "marked-hash",
            (State::Marked, ObjectKind::Schema) => "marked-schema",
            (State::Aside, _) => "aside-hash",
        };
        vec![
            Value::Str(id_of(&mark.place)),
            Value::from(mark.place.0.as_str()),
            Value::from(mark.place.1.as_str()),
            Value::from(state),
            Value::Int(mark.since.as_millisecond()),
            Value::Int(mark.files),
            Value::Int(mark.size_bytes),
            Value::Str(mark.modified.to_string()),
        ]
    });
    adapter.insert(&table, &names, &mut rows, InsertMode::SkipDuplicates).map_err(Error::db(&table.id))?;
    Ok(())
}

/// Removes the marks of places.
pub(super) fn remove<'p>(
    adapter: &mut dyn Adapter,
    schema: &str,
    places: impl IntoIterator<Item = &'p Place>,
) -> Result<(), Error> {
    let id = TableId::new(schema, MARKS);
    let ids: Vec<String> = places.into_iter().map(id_of).collect();
    for some in ids.chunks(BATCH) {
        let sql = format!(
            "DELETE FROM {} WHERE {} IN ({})",
            adapter.quote_table(&id),
            adapter.quote("object_id"),
            vec!["?"; some.len()].join(", ")
        );
        let text = || ColumnType::Core(CoreType::Varchar(26));
        let parameters: Vec<_> = some.iter().map(|id| (Value::from(id.as_str()), text())).collect();
        adapter.execute(&sql, &parameters).map_err(Error::db(&id))?;
    }
    Ok(())
}
