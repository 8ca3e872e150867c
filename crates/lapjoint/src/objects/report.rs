//! What a collection found and did, for programs and for people.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::layout::ObjectKind;

/// Objects of both kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Hash-addressed objects.
    pub hash: u64,
    /// Schema-addressed objects; a folder with all its files is one.
    pub schema: u64,
}

impl Count {
    pub(super) const fn add(&mut self, kind: ObjectKind, number: u64) {
        match kind {
            ObjectKind::Hash => self.hash += number,
            ObjectKind::Schema => self.schema += number,
        }
    }

    /// Both.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.hash + self.schema
    }
}

/// What becomes of an unreferenced object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// Written a short while ago: perhaps its row is yet to come. It will be marked after this time.
    Young(Timestamp),
    /// Would be marked now.
    Unmarked,
    /// Marked; it can be deleted after this time.
    Marked(Timestamp),
    /// Marked long enough ago: would be deleted now.
    Due,
    /// Put aside, so that nothing finds it any more; it can be deleted for good after this time.
    Aside(Timestamp),
    /// Deleted.
    Deleted,
    /// Found in use, changed or gone at the second look.
    Kept,
    /// Not deleted because of an error, which the report has.
    Failed,
}

/// A file of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Path in the store.
    pub path: String,
    /// Size.
    pub size_bytes: u64,
}

/// An object that no row refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreferenced {
    /// Schema in whose part of the store it lies.
    pub schema: String,
    /// Store.
    pub store: String,
    /// Path; of a folder, that of the folder.
    pub path: String,
    /// How its path was chosen.
    pub kind: ObjectKind,
    /// Its files: of a folder all, with its manifest.
    pub files: Vec<StoredFile>,
    /// Size of all its files.
    pub size_bytes: u64,
    /// When the last of its files was written.
    pub modified: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

/// What a collection found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectReport {
    /// Whether it only looked.
    pub dry_run: bool,
    /// Grace period.
    pub grace: Duration,
    /// Different objects that rows of the schemas refer to.
    pub referenced: Count,
    /// Objects in the schemas' parts of the stores.
    pub stored: Count,
    /// Files of these objects.
    pub stored_files: Count,
    /// Those that no row refers to and no unfinished insert has announced, and what became of them.
    pub unreferenced: Vec<Unreferenced>,
    /// Objects that were marked by this run.
    pub marked: u64,
    /// Unreferenced objects whose time has not come.
    pub waiting: u64,
    /// When the first of them can be marked or deleted by another run.
    pub waiting_until: Option<Timestamp>,
    /// Objects put aside by this run; they are among those waiting, unless they were deleted by the same run.
    pub put_aside: Count,
    /// Objects that lie aside.
    pub aside: u64,
    /// Objects brought back from there because a row refers to them.
    pub restored: u64,
    /// Objects deleted for good.
    pub deleted: u64,
    /// Bytes of the objects deleted for good.
    pub freed_bytes: u64,
    /// Half-written files of dead writers that were removed.
    pub leftovers: u64,
    /// What could not be read (in a dry run), deleted or put aside.
    pub errors: Vec<String>,
}

impl CollectReport {
    /// Size of the unreferenced objects of a kind.
    #[must_use]
    pub fn unreferenced_bytes(&self, kind: ObjectKind) -> u64 {
        self.unreferenced.iter().filter(|object| object.kind == kind).map(|object| object.size_bytes).sum()
    }

    pub(super) fn wait(&mut self, until: Timestamp) {
        self.waiting += 1;
        self.waiting_until = Some(self.waiting_until.map_or(until, |first| first.min(until)));
    }
}

impl fmt::Display for CollectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: u64 = self.unreferenced.iter().map(|object| object.size_bytes).sum();
        writeln!(
            f,
            "{} objects stored, {} referenced, {} unreferenced ({bytes} bytes)",
            self.stored.all(),
            self.referenced.all(),
            self.unreferenced.len()
        )?;
        if self.dry_run {
            let due = self.unreferenced.iter().filter(|object| object.fate == Fate::Due).count();
            writeln!(f, "{due} could be deleted now; nothing was marked or deleted")?;
        } else {
            writeln!(
                f,
                "{} newly marked, {} put aside, {} deleted ({} bytes freed)",
                self.marked,
                self.put_aside.all(),
                self.deleted,
                self.freed_bytes
            )?;
        }
        if self.restored > 0 {
            writeln!(f, "{} brought back because a row refers to them", self.restored)?;
        }
        if self.leftovers > 0 {
            writeln!(f, "{} half-written files of dead writers removed", self.leftovers)?;
        }
        if let Some(until) = self.waiting_until {
            writeln!(f, "{} waiting, the first until {until:.0}", self.waiting)?;
        }
        self.errors.iter().try_for_each(|error| writeln!(f, "ERROR {error}"))
    }
}
