//! The second look, and what is done after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lapjoint_db::{DbError, TransactionMode};
use lapjoint_store::{Store, StoreError};

use super::aside::{Settled, aside_path, settle};
use super::collect::after;
use super::found::{Found, Object, Place};
use super::layout::{MANIFEST_SUFFIX, ObjectKind};
use super::marks::{self, Mark, State};
use super::report::{CollectReport, Fate};
use super::survey::Scope;
use crate::error::Error;
use crate::schema::Schema;

/// Objects on their way at once.
const PARALLELISM: usize = 8;

/// How long other writers are kept waiting at a time while objects are put aside.
const ROUND: Duration = Duration::from_secs(3);

/// Pause between rounds, so that writers get their turn.
const BREATH: Duration = Duration::from_millis(20);

/// Removal of what was marked long enough ago in one schema.
pub(super) struct Sweep<'s> {
    pub scope: &'s Scope<'s>,
    pub schema: &'s Schema,
    pub index: usize,
    pub grace: Duration,
    /// The stores, as references are to be understood.
    pub bases: Found,
    pub report: &'s mut CollectReport,
    pub fates: &'s mut BTreeMap<Place, Fate>,
    /// What lies aside.
    pub lying: BTreeSet<Place>,
}

impl Sweep<'_> {
    /// `due` is to be deleted, if a second look finds it unreferenced; of what lies `aside` since some time, what is `wanted`
    /// is to be brought back.
    pub fn run(
        &mut self,
        mut due: BTreeMap<Place, Object>,
        aside: BTreeMap<Place, Timestamp>,
        wanted: &BTreeSet<Place>,
    ) -> Result<(), Error> {
        let now = Timestamp::now();
        let mut settled: BTreeSet<Place> = BTreeSet::new();
        for (place, since) in aside {
            let until = after(since, self.grace);
            let is_obsolete = || self.store(&place).and_then(|store| store.exists(&place.1)).unwrap_or(true);
            if until <= now || wanted.contains(&place) || is_obsolete() {
                settled.insert(place);
            } else {
                self.report.wait(until);
            }
        }
        let mut moved: BTreeSet<Place> = BTreeSet::new();
        let mut single: BTreeMap<Place, Object> = BTreeMap::new();
        while !due.is_empty() || !settled.is_empty() {
            let Some(round) = self.round(&due, &settled)? else { return Ok(()) };
            settled.clear();
            due.retain(|place, _| round.left.contains(place));
            single.extend(round.single);
            moved.extend(round.moved);
            if !due.is_empty() {
                std::thread::sleep(BREATH);
            }
        }
        self.delete_own(&single)?;
        if moved.is_empty() {
            return Ok(());
        }
        // The third look: for rows that others have committed during the second.
        let wanted: BTreeSet<Place> = if self.grace.is_zero() {
            moved.clone()
        } else {
            let mut again = self.bases.emptied();
            moved.iter().for_each(|place| drop(again.objects.insert(place.clone(), Found::bare())));
            self.scope.connection.transaction_in(TransactionMode::Read, || self.look(&mut [&mut again]))?;
            moved.iter().filter(|place| !again.objects.contains_key(*place)).cloned().collect()
        };
        if !wanted.is_empty() {
            self.round(&BTreeMap::new(), &wanted)?;
        }
        for place in moved {
            if let Some(Fate::Aside(until)) = self.fates.get(&place) {
                let until = *until;
                self.report.wait(until);
            }
        }
        Ok(())
    }

    fn store(&self, place: &Place) -> Result<Store, StoreError> {
        self.scope.connection.stores().get(Some(&place.0))
    }

    fn look(&self, found: &mut [&mut Found]) -> Result<(), Error> {
        let mut problems = Vec::new();
        self.scope.strike(found, &mut problems, &mut |_| {})?;
        if problems.is_empty() { Ok(()) } else { Err(Error::NotCollectable { problems }) }
    }

    /// One look under the lock, and what has to be done before it is released. `None` when others do not let go of it.
    fn round(
        &mut self,
        due: &BTreeMap<Place, Object>,
        aside: &BTreeSet<Place>,
    ) -> Result<Option<Round>, Error> {
        let done = self.scope.connection.transaction_in(TransactionMode::Write, || {
            self.scope.connection.lock()?.adapter_mut().lock_objects(self.schema.name(), true)?;
            self.locked(due, aside)
        });
        match done {
            Ok(round) => Ok(Some(round)),
            Err(Error::Database { source, .. }) if matches!(*source, DbError::Busy(_)) => {
                self.report.errors.push(format!(
                    "schema `{}`: other sessions are at work on its shared objects ({source}); the rest is for the next run",
                    self.schema.name()
                ));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn locked(&mut self, due: &BTreeMap<Place, Object>, aside: &BTreeSet<Place>) -> Result<Round, Error> {
        let name = self.schema.name();
        let known = marks::load(self.scope.connection.lock()?.adapter_mut(), name)?;
        let known: BTreeMap<&Place, &Mark> = known.iter().map(|mark| (&mark.place, mark)).collect();
        // Another collection may have been here.
        let is_marked = |place: &Place, object: &Object| {
            known.get(place).is_some_and(|mark| mark.state == State::Marked && mark.is_of(object))
        };
        let mut still = self.bases.emptied();
        still.objects = due
            .iter()
            .filter(|(place, object)| is_marked(place, object))
            .map(|(place, object)| (place.clone(), object.clone()))
            .collect();
        let mut unwanted = self.bases.emptied();
        unwanted.objects = aside.iter().map(|place| (place.clone(), Found::bare())).collect();
        self.look(&mut [&mut still, &mut unwanted])?;

        let mut round = Round::default();
        let mut obsolete: Vec<Place> = Vec::new();
        let mut new: Vec<Mark> = Vec::new();
        let now = Timestamp::now();
        for place in aside {
            let Some(mark) = known.get(place).filter(|mark| mark.state == State::Aside) else { continue };
            let is_due = after(mark.since, self.grace) <= now;
            let is_wanted = !unwanted.objects.contains_key(place);
            let settled =
                self.store(place).and_then(|store| settle(&store, name, &place.1, is_wanted, is_due));
            match settled {
                Ok(Settled::Stays) => continue,
                Ok(Settled::Obsolete) => self.fate(place, Fate::Kept),
                Ok(Settled::Restored) => {
                    self.report.restored += 1;
                    self.fate(place, Fate::Kept);
                }
                Ok(Settled::Deleted) => {
                    self.report.deleted += 1;
                    self.report.freed_bytes += mark.size_bytes();
                    self.fate(place, Fate::Deleted);
                }
                Err(error) => {
                    self.report.errors.push(error.to_string());
                    continue;
                }
            }
            self.lying.remove(place);
            obsolete.push(place.clone());
        }
        for (place, _) in due.iter().filter(|(place, _)| !still.objects.contains_key(*place)) {
            self.fate(place, Fate::Kept);
            obsolete
                .extend(known.get(place).filter(|mark| mark.state == State::Marked).map(|_| place.clone()));
        }
        let (shared, single): (Vec<_>, Vec<_>) =
            still.objects.into_iter().partition(|(_, object)| object.kind == ObjectKind::Hash);
        round.single = single.into_iter().collect();
        // Nobody else can come to refer to an object with a random name; those that can be shared go now.
        let stores = self.scope.connection.stores();
        let until = Instant::now() + ROUND;
        let outcomes = in_parallel(&shared, until, |(place, object)| {
            let store = stores.get(Some(&place.0))?;
            if !is_unchanged(&store, &place.1, object)? {
                return Ok(false);
            }
            store.rename(&place.1, &aside_path(name, &place.1)).map(|()| true)
        });
        for ((place, object), outcome) in shared.iter().zip(outcomes) {
            match outcome {
                None => drop(round.left.insert(place.clone())),
                Some(Ok(true)) => {
                    let since = Timestamp::now();
                    obsolete.push(place.clone());
                    new.push(Mark::new(place, object, State::Aside, since));
                    self.report.put_aside.add(object.kind, 1);
                    self.fate(place, Fate::Aside(after(since, self.grace)));
                    self.lying.insert(place.clone());
                    round.moved.insert(place.clone());
                }
                Some(Ok(false)) => {
                    obsolete.push(place.clone());
                    self.fate(place, Fate::Kept);
                }
                Some(Err(error)) => {
                    self.report.errors.push(error.to_string());
                    self.fate(place, Fate::Failed);
                }
            }
        }
        let mut guard = self.scope.connection.lock()?;
        marks::remove(guard.adapter_mut(), name, &obsolete)?;
        marks::add(guard.adapter_mut(), name, &new)?;
        Ok(round)
    }

    /// What becomes of an object that this run has found.
    fn fate(&mut self, place: &Place, fate: Fate) {
        if let Some(known) = self.fates.get_mut(place) {
            *known = fate;
        }
    }

    /// Deletes objects that belong to one value each.
    fn delete_own(&mut self, objects: &BTreeMap<Place, Object>) -> Result<(), Error> {
        if objects.is_empty() {
            return Ok(());
        }
        let stores = self.scope.connection.stores();
        let objects: Vec<(&Place, &Object)> = objects.iter().collect();
        let outcomes = in_parallel(&objects, Instant::now() + FOREVER, |(place, object)| {
            let store = stores.get(Some(&place.0))?;
            delete_unchanged(&store, self.scope, self.index, &place.1, object)
        });
        let mut gone: Vec<&Place> = Vec::new();
        for ((place, object), outcome) in objects.into_iter().zip(outcomes) {
            match outcome {
                Some(Ok(true)) => {
                    self.report.deleted += 1;
                    self.report.freed_bytes += object.size_bytes;
                    self.fate(place, Fate::Deleted);
                    gone.push(place);
                }
                Some(Ok(false)) => {
                    self.fate(place, Fate::Kept);
                    gone.push(place);
                }
                Some(Err(error)) => {
                    self.report.errors.push(error.to_string());
                    self.fate(place, Fate::Failed);
                }
                None => {}
            }
        }
        self.scope.connection.transaction_in(TransactionMode::Write, || {
            marks::remove(self.scope.connection.lock()?.adapter_mut(), self.schema.name(), gone)
        })
    }
}

/// A year: longer than any deletion.
const FOREVER: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// What was done in one round.
#[derive(Default)]
struct Round {
    /// Unreferenced objects that belong to one value each.
    single: BTreeMap<Place, Object>,
    /// Shared objects that were put aside.
    moved: BTreeSet<Place>,
    /// Shared objects for which there was no time.
    left: BTreeSet<Place>,
}

/// Whether a single file is as it was.
fn is_unchanged(store: &Store, path: &str, object: &Object) -> Result<bool, StoreError> {
    let present = store.head(path)?;
    Ok(present.is_some_and(|now| now.size_bytes == object.size_bytes && now.modified == object.modified))
}

/// Deletes an object with all its files unless somebody has written to it; false when somebody has, or it is gone.
fn delete_unchanged(
    store: &Store,
    scope: &Scope<'_>,
    schema: usize,
    path: &str,
    object: &Object,
) -> Result<bool, StoreError> {
    if matches!(object.files.as_slice(), [file] if file.path == path) {
        return if is_unchanged(store, path, object)? {
            store.delete(path).map(|()| true)
        } else {
            Ok(false)
        };
    }
    let Some(sections) = scope.sections.get(store.name()).and_then(|sections| sections.get(schema)) else {
        return Ok(false);
    };
    let manifest = format!("{path}{MANIFEST_SUFFIX}");
    let mut now = Found::default();
    let alone = [path, &manifest].map(|path| store.head(path));
    for file in alone {
        file?.into_iter().for_each(|file| now.add(store.name(), sections, schema, file));
    }
    store.list_with(path, |file| {
        now.add(store.name(), sections, schema, file);
        Ok(())
    })?;
    let Some((_, now)) = now.objects.pop_first() else { return Ok(false) };
    if now.files.len() > object.files.len()
        || now.modified > object.modified
        || now.size_bytes > object.size_bytes
    {
        return Ok(false);
    }
    // The manifest first: without it nothing takes the folder for complete.
    store.delete(&manifest)?;
    store.delete_prefix(path)?;
    if now.files.iter().any(|file| file.path == path) {
        store.delete(path)?;
    }
    Ok(true)
}

/// Works on items by several threads until some time; `None` for those that were not begun.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    until: Instant,
    work: impl Fn(&T) -> Result<R, StoreError> + Sync,
) -> Vec<Option<Result<R, StoreError>>> {
    let next = AtomicUsize::new(0);
    let begun = AtomicBool::new(false);
    let done: Mutex<Vec<Option<Result<R, StoreError>>>> = Mutex::new(items.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..PARALLELISM.min(items.len()) {
            scope.spawn(|| {
                // At least one, so that there is an end.
                while !begun.swap(true, Ordering::Relaxed) || Instant::now() < until {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if let Some(place) = done.get_mut(index) {
                        *place = Some(result);
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
