//! Collection: finds what no row refers to, marks it, and deletes what was marked long enough ago.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lapjoint_db::{Adapter, DbError, TransactionMode};

use super::aside::{Settled, settle};
use super::found::{Found, Object, Place};
use super::layout::FormerLayout;
use super::marks::{self, Mark, State};
use super::report::{CollectReport, Fate, Unreferenced};
use super::survey::{Scope, Survey};
use super::sweep::Sweep;
use crate::error::Error;
use crate::recovery;
use crate::schema::Schema;

/// How long an object must have been unreferenced before it is deleted, unless something else is asked for: one day.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Age at which a half-written file is nobody's any more, whatever the grace period.
const STAGING_AGE: Duration = DEFAULT_GRACE;

/// What to collect, and how.
///
/// ```
/// # use std::time::Duration;
/// use lapjoint::objects::CollectOptions;
/// let weekly = CollectOptions::new().delete().grace(Duration::from_secs(7 * 24 * 3600)).store("main");
/// # let _ = weekly;
/// ```
#[derive(Debug, Clone)]
pub struct CollectOptions {
    delete: bool,
    pub(super) grace: Duration,
    pub(super) store: Option<String>,
    pub(super) former: Vec<FormerLayout>,
    pub(super) other_schemas: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self { delete: false, grace: DEFAULT_GRACE, store: None, former: Vec::new(), other_schemas: true }
    }
}

impl CollectOptions {
    /// Only looks, in all stores, with a grace period of one day.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks what no row refers to, and deletes what was marked long enough ago.
    #[must_use]
    pub const fn delete(mut self) -> Self {
        self.delete = true;
        self
    }

    /// How old an object must be to be marked, how long ago it must have been marked to be deleted, and how long
    /// hash-addressed objects lie aside in between.
    ///
    /// It protects what writers do that take no locks: DataJoint stores an object first and inserts its row later, and
    /// readers may be at work on a row that was just deleted. With zero all is done in one run; only Lapjoint's own
    /// writers are then safe.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Collects in this store only.
    #[must_use]
    pub fn store(mut self, name: impl Into<String>) -> Self {
        self.store = Some(name.into());
        self
    }

    /// Searches sections that a store had under earlier settings as well.
    #[must_use]
    pub fn former(mut self, layout: FormerLayout) -> Self {
        self.former.push(layout);
        self
    }

    /// Looks for references in the given schemas only. Without this all schemas of the database are searched: rows that were
    /// copied from a schema to another refer to the first one's objects.
    #[must_use]
    pub const fn only_given_schemas(mut self) -> Self {
        self.other_schemas = false;
        self
    }
}

/// Finds the objects of a schema that no row refers to; changes nothing.
///
/// # Errors
/// As for [`collect`] with [`CollectOptions::delete`]: a partial answer would show live objects as unused.
pub fn unreferenced(schema: &Schema) -> Result<CollectReport, Error> {
    let report = collect(std::slice::from_ref(schema), &CollectOptions::new())?;
    if report.errors.is_empty() { Ok(report) } else { Err(Error::NotCollectable { problems: report.errors }) }
}

/// All objects in the schemas' parts of the stores, with no regard to references: their places and sizes.
///
/// # Errors
/// [`Error`] when a store cannot be listed completely.
pub fn list(schemas: &[Schema], options: &CollectOptions) -> Result<Vec<Unreferenced>, Error> {
    let mut survey = Survey::default();
    let only_given = CollectOptions { other_schemas: false, ..options.clone() };
    let scope = Scope::open(schemas, &only_given, &mut survey)?;
    for store in &scope.stores {
        scope.list(store, &mut survey);
    }
    if !survey.problems.is_empty() {
        return Err(Error::NotCollectable { problems: survey.problems });
    }
    let objects = survey.unreferenced.objects.into_iter();
    Ok(objects.map(|(place, object)| described(schemas, place, object, Fate::Unmarked)).collect())
}

fn described(schemas: &[Schema], (store, path): Place, object: Object, fate: Fate) -> Unreferenced {
    let Object { kind, schema, files, size_bytes, modified } = object;
    let schema = schemas.get(schema).map(|schema| schema.name().to_owned()).unwrap_or_default();
    Unreferenced { schema, store, path, kind, files, size_bytes, modified, fate }
}

/// Finds the objects of the schemas that no row refers to, and with [`CollectOptions::delete`] marks them, or deletes them
/// once they have been marked for the grace period. Other sessions may read and write meanwhile.
///
/// # Errors
/// [`Error::NotCollectable`] when anything that decides could not be read completely, each named: a table, a column whose
/// codec is missing, a stored value, a store, the intents of unfinished inserts. Nothing is then deleted. A dry run reports the
/// same as [`CollectReport::errors`].
pub fn collect(schemas: &[Schema], options: &CollectOptions) -> Result<CollectReport, Error> {
    let mut survey = Survey::default();
    let scope = Scope::open(schemas, options, &mut survey)?;
    if options.delete {
        if scope.connection.in_transaction()? {
            return Err(Error::usage("objects cannot be collected inside a transaction"));
        }
        for schema in schemas {
            recovery::recover(schema)?;
        }
    }
    scope.survey(&mut survey)?;
    let mut report = CollectReport {
        dry_run: !options.delete,
        grace: options.grace,
        stored: survey.stored,
        stored_files: survey.stored_files,
        referenced: survey.referenced,
        ..CollectReport::default()
    };
    if options.delete && !survey.problems.is_empty() {
        return Err(Error::NotCollectable { problems: std::mem::take(&mut survey.problems) });
    }
    report.errors = std::mem::take(&mut survey.problems);
    let mut fates: BTreeMap<Place, Fate> = BTreeMap::new();
    for (index, schema) in schemas.iter().enumerate() {
        let run = Run {
            scope: &scope,
            survey: &survey,
            schema,
            index,
            grace: options.grace,
            delete: options.delete,
        };
        run.collect(&mut report, &mut fates)?;
    }
    if options.delete {
        for store in &scope.stores {
            match store.clean_staging(options.grace.max(STAGING_AGE)) {
                Ok(removed) => report.leftovers += removed,
                Err(error) => report.errors.push(error.to_string()),
            }
        }
    }
    for (place, object) in std::mem::take(&mut survey.unreferenced.objects) {
        let fate = fates.get(&place).copied().unwrap_or(Fate::Unmarked);
        match fate {
            Fate::Young(until) | Fate::Marked(until) => report.wait(until),
            _ => {}
        }
        report.unreferenced.push(described(schemas, place, object, fate));
    }
    Ok(report)
}

/// Collection of one schema.
struct Run<'r> {
    scope: &'r Scope<'r>,
    survey: &'r Survey,
    schema: &'r Schema,
    index: usize,
    grace: Duration,
    delete: bool,
}

/// A point of time and the grace period after it.
pub(super) fn after(time: Timestamp, grace: Duration) -> Timestamp {
    let grace = SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX);
    time.checked_add(grace).unwrap_or(Timestamp::MAX)
}

impl Run<'_> {
    fn collect(&self, report: &mut CollectReport, fates: &mut BTreeMap<Place, Fate>) -> Result<(), Error> {
        let connection = self.scope.connection;
        let no_aside = BTreeMap::new();
        let lying = self.survey.aside.get(self.index).unwrap_or(&no_aside);
        let (due, aside) = if self.delete {
            marks::prepare(connection.lock()?.adapter_mut(), self.schema.name())?;
            connection.transaction_in(TransactionMode::Write, || self.mark(report, fates))?
        } else {
            self.mark(report, fates)?
        };
        if !self.delete {
            report.aside += lying.len() as u64;
            return Ok(());
        }
        let mut sweep = Sweep {
            scope: self.scope,
            schema: self.schema,
            index: self.index,
            grace: self.grace,
            bases: self.survey.unreferenced.emptied(),
            report,
            fates,
            lying: aside.keys().cloned().collect(),
        };
        let done = sweep.run(due, aside, &self.survey.wanted);
        sweep.report.aside += sweep.lying.len() as u64;
        done
    }

    /// Compares the marks with what was found; in a run that deletes, also brings them up to date. Returns what is due, and
    /// what lies aside, with the time since when.
    #[expect(clippy::type_complexity, reason = "two collections by place, named by their use")]
    fn mark(
        &self,
        report: &mut CollectReport,
        fates: &mut BTreeMap<Place, Fate>,
    ) -> Result<(BTreeMap<Place, Object>, BTreeMap<Place, Timestamp>), Error> {
        let mut guard = self.scope.connection.lock()?;
        let adapter = guard.adapter_mut();
        let known = marks::load(adapter, self.schema.name())?;
        let now = Timestamp::now();
        let mut marks: BTreeMap<Place, Mark> = BTreeMap::new();
        let mut aside: BTreeMap<Place, Timestamp> = BTreeMap::new();
        let mut stale: Vec<Place> = Vec::new();
        let mut new: Vec<Mark> = Vec::new();
        let lying = self.survey.aside.get(self.index);
        for mark in known {
            let Some(sections) = self.scope.sections.get(&mark.place.0) else { continue };
            let object = self.survey.unreferenced.objects.get(&mark.place);
            match (mark.state, object) {
                (State::Marked, Some(object)) if mark.is_of(object) => {
                    drop(marks.insert(mark.place.clone(), mark))
                }
                (State::Marked, Some(_)) => stale.push(mark.place),
                (State::Marked, None) => {
                    let belongs =
                        sections.get(self.index).and_then(|sections| sections.object_of(&mark.place.1));
                    // What lies in sections that were not searched this time keeps its mark.
                    if belongs.is_some() {
                        stale.push(mark.place);
                    }
                }
                (State::Aside, _) if lying.is_some_and(|lying| lying.contains_key(&mark.place)) => {
                    aside.insert(mark.place, mark.since);
                }
                (State::Aside, _) => stale.push(mark.place),
            }
        }
        for (place, file) in lying.into_iter().flatten() {
            // Put aside by a run that was killed before it could say so.
            if !aside.contains_key(place) {
                let object = Object { size_bytes: file.size_bytes, ..Found::bare() };
                new.push(Mark::new(place, &object, State::Aside, now));
                aside.insert(place.clone(), now);
                if marks.remove(place).is_some() {
                    stale.push(place.clone());
                }
            }
        }
        if self.delete {
            for place in self.settle_doubled(adapter, &aside, report)? {
                aside.remove(&place);
                new.retain(|mark| mark.place != place);
                stale.push(place);
            }
        }
        let mut due: BTreeMap<Place, Object> = BTreeMap::new();
        for (place, object) in &self.survey.unreferenced.objects {
            if object.schema != self.index || aside.contains_key(place) {
                continue;
            }
            let since = match marks.get(place) {
                Some(mark) => mark.since,
                None if after(object.modified, self.grace) > now => {
                    fates.insert(place.clone(), Fate::Young(after(object.modified, self.grace)));
                    continue;
                }
                None if !self.delete => {
                    fates.insert(place.clone(), Fate::Unmarked);
                    continue;
                }
                None => {
                    let mark = Mark::new(place, object, State::Marked, now);
                    if !mark.fits() {
                        report.errors.push(format!("{}: the path is too long to be marked", place.1));
                        continue;
                    }
                    new.push(mark);
                    report.marked += 1;
                    now
                }
            };
            if after(since, self.grace) <= now {
                fates.insert(place.clone(), Fate::Due);
                due.insert(place.clone(), object.clone());
            } else {
                fates.insert(place.clone(), Fate::Marked(after(since, self.grace)));
            }
        }
        if self.delete {
            marks::remove(adapter, self.schema.name(), &stale)?;
            marks::add(adapter, self.schema.name(), &new)?;
        }
        Ok((due, aside))
    }

    /// Removes what lies aside of objects that were stored again since, and are unreferenced again; returns their places.
    fn settle_doubled(
        &self,
        adapter: &mut dyn Adapter,
        aside: &BTreeMap<Place, Timestamp>,
        report: &mut CollectReport,
    ) -> Result<Vec<Place>, Error> {
        let objects = &self.survey.unreferenced.objects;
        let doubled: Vec<&Place> = aside.keys().filter(|place| objects.contains_key(*place)).collect();
        if doubled.is_empty() {
            return Ok(Vec::new());
        }
        match adapter.lock_objects(self.schema.name(), true) {
            // The second look will find others at work, too, and say so.
            Err(DbError::Busy(_)) => return Ok(Vec::new()),
            locked => locked?,
        }
        let mut settled = Vec::new();
        for place in doubled {
            let stores = self.scope.connection.stores();
            let done = stores
                .get(Some(&place.0))
                .and_then(|store| settle(&store, self.schema.name(), &place.1, false, false));
            match done {
                Ok(Settled::Obsolete) => settled.push(place.clone()),
                Ok(_) => {}
                Err(error) => report.errors.push(error.to_string()),
            }
        }
        Ok(settled)
    }
}
