//! A look at stores and rows: which objects there are, and which of them nobody refers to.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use lapjoint_codec::ObjectReference;
use lapjoint_db::TransactionMode;
use lapjoint_store::{ObjectMeta, Protocol, Store};
use lapjoint_types::Value;

use super::collect::CollectOptions;
use super::found::{Found, Place};
use super::layout::{ASIDE_FOLDER, Sections, below, kind_of};
use super::references::{Reading, Site, each_reference};
use super::report::Count;
use crate::connection::Connection;
use crate::error::Error;
use crate::schema::Schema;

/// Problems that a report names; of a damaged table, one for each row would help nobody.
const MAX_PROBLEMS: usize = 50;

/// What is to be surveyed.
pub(super) struct Scope<'s> {
    pub connection: &'s Connection,
    pub schemas: &'s [Schema],
    /// All other schemas of the database: their rows may be copies of rows with objects.
    pub others: Vec<String>,
    /// Stores whose objects are collected.
    pub stores: Vec<Store>,
    /// By store, the sections of each schema.
    pub sections: BTreeMap<String, Vec<Sections>>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Survey {
    pub stored: Count,
    pub stored_files: Count,
    pub referenced: Count,
    pub unreferenced: Found,
    /// Of each schema what lies aside, by the place where it was; size.
    pub aside: Vec<BTreeMap<Place, ObjectMeta>>,
    /// Of these, what a row refers to.
    pub wanted: BTreeSet<Place>,
    /// What could not be read.
    pub problems: Vec<String>,
}

impl<'s> Scope<'s> {
    /// Opens what is to be surveyed; what cannot be opened is a problem.
    pub fn open(schemas: &'s [Schema], options: &CollectOptions, survey: &mut Survey) -> Result<Self, Error> {
        let Some(first) = schemas.first() else {
            return Err(Error::usage("At least one schema must be provided"));
        };
        let connection = first.connection();
        if schemas.iter().any(|schema| !schema.connection().is_same(connection)) {
            return Err(Error::usage("schemas that are collected together must be of one connection"));
        }
        let given: BTreeSet<&str> = schemas.iter().map(Schema::name).collect();
        if given.len() < schemas.len() {
            return Err(Error::usage("a schema was given twice"));
        }
        let chosen = options.store.as_deref().map(|name| connection.stores().get(Some(name))).transpose()?;
        // Nothing of a store that can only be read is ours to delete.
        let is_read_only = |store: &Store| store.spec().protocol == Protocol::Http;
        if let Some(chosen) = chosen.as_ref().filter(|store| is_read_only(store)) {
            return Err(Error::usage(format!("store `{}` can only be read", chosen.name())));
        }
        let mut scope =
            Self { connection, schemas, others: Vec::new(), stores: Vec::new(), sections: BTreeMap::new() };
        for name in connection.stores().names() {
            let opened = connection.stores().get(Some(&name)).and_then(|store| {
                survey.unreferenced.know(&store)?;
                Ok(store)
            });
            match opened {
                Ok(store) if is_read_only(&store) => {}
                Ok(store) if chosen.as_ref().is_none_or(|chosen| chosen.name() == name) => {
                    let sections =
                        |schema: &Schema| Sections::new(store.spec(), schema.name(), &options.former);
                    scope.sections.insert(name, schemas.iter().map(sections).collect());
                    scope.stores.push(store);
                }
                Ok(_) => {}
                // Its objects are not collected, and a reference to it will be a problem of its own.
                Err(_) if chosen.is_some() => {}
                Err(error) => survey.problem(format!("store `{name}`: {error}")),
            }
        }
        if options.other_schemas {
            for name in connection.list_schemas()?.into_iter().filter(|name| !given.contains(name.as_str())) {
                // SQLite cannot open one inside a transaction, and has those open that the transaction uses.
                let opened = connection.lock()?.adapter_mut().open_schema(&name, false);
                match opened {
                    Ok(()) => scope.others.push(name),
                    Err(error) => survey.problem(format!("schema `{name}`: {error}")),
                }
            }
        }
        Ok(scope)
    }

    /// Lists the stores, then the intents, then the rows: whatever an insert is doing meanwhile, its objects are either not
    /// listed, or announced, or referred to.
    pub fn survey(&self, survey: &mut Survey) -> Result<(), Error> {
        for store in &self.stores {
            self.list(store, survey);
        }
        for object in survey.unreferenced.objects.values() {
            survey.stored.add(object.kind, 1);
            survey.stored_files.add(object.kind, object.files.len() as u64);
        }
        let mut aside = survey.unreferenced.emptied();
        for place in survey.aside.iter().flat_map(BTreeMap::keys) {
            aside.objects.insert(place.clone(), Found::bare());
        }
        let Survey { unreferenced, problems, referenced, .. } = survey;
        let mut seen: HashSet<(Option<String>, String)> = HashSet::new();
        let mut look = || {
            self.strike(&mut [unreferenced, &mut aside], problems, &mut |object| {
                let is_counted = object.store.as_ref().is_none_or(|name| self.sections.contains_key(name));
                if object.owned && is_counted && seen.insert((object.store.clone(), object.path.clone())) {
                    referenced.add(kind_of(&object.path), 1);
                }
            })
        };
        if self.connection.in_transaction()? {
            look()?;
        } else {
            // One snapshot: a row that moves from a table to another is seen in one of them.
            self.connection.transaction_in(TransactionMode::Read, look)?;
        }
        let all = survey.aside.iter().flat_map(BTreeMap::keys);
        survey.wanted = all.filter(|place| !aside.objects.contains_key(*place)).cloned().collect();
        Ok(())
    }

    /// Lists the objects of a store; what cannot be listed is a problem.
    pub fn list(&self, store: &Store, survey: &mut Survey) {
        let Some(sections) = self.sections.get(store.name()) else { return };
        let folders: BTreeSet<String> = sections.iter().flat_map(Sections::folders).collect();
        let mut listed: Vec<&String> = Vec::new();
        for folder in &folders {
            if listed.iter().any(|outer| below(outer, folder).is_some()) {
                continue;
            }
            listed.push(folder);
            let done = store.list_with(folder, |file| {
                for (schema, sections) in sections.iter().enumerate() {
                    survey.unreferenced.add(store.name(), sections, schema, file.clone());
                }
                Ok(())
            });
            if let Err(error) = done {
                survey.problem(format!("store `{}`: {error}", store.name()));
            }
        }
        survey.aside.resize_with(self.schemas.len(), BTreeMap::new);
        for (schema, aside) in self.schemas.iter().zip(&mut survey.aside) {
            let folder = format!("{ASIDE_FOLDER}/{}", schema.name());
            let done = store.list_with(&folder, |file| {
                if let Some(path) = below(&folder, &file.path) {
                    aside.insert((store.name().to_owned(), path.to_owned()), file);
                }
                Ok(())
            });
            if let Err(error) = done {
                survey.problems.push(format!("store `{}`: {error}", store.name()));
            }
        }
    }

    /// Strikes off what unfinished inserts have announced and what rows refer to, in this order.
    pub fn strike(
        &self,
        found: &mut [&mut Found],
        problems: &mut Vec<String>,
        own: &mut dyn FnMut(&ObjectReference),
    ) -> Result<(), Error> {
        for schema in self.schemas {
            let intents = self.connection.lock()?.adapter().intents().list(schema.name());
            match intents {
                Ok(intents) => {
                    let objects = intents.iter().flat_map(|intent| &intent.objects);
                    for object in objects {
                        found.iter_mut().for_each(|found| found.strike_path(&object.store, &object.path));
                    }
                }
                Err(error) => {
                    problem(problems, format!("unfinished inserts of `{}`: {error}", schema.name()))
                }
            }
        }
        let unknown = &mut BTreeSet::new();
        let others = self.others.iter().map(|name| (name.as_str(), false));
        let all = self.schemas.iter().map(|schema| (schema.name(), true)).chain(others);
        for (schema, is_given) in all {
            let named: Vec<String> =
                self.schemas.iter().map(|schema| format!("{}/", schema.name())).collect();
            let mut take = |site: &Site<'_>, object: ObjectReference| {
                for found in &mut *found {
                    // Stores of other schemas need not be configured here: their objects do not lie in these schemas' folders.
                    let may_be_ours =
                        is_given || named.iter().any(|name| object.path.contains(name.as_str()));
                    if let Err(store) = found.strike(&object)
                        && object.owned
                        && may_be_ours
                        && unknown.insert((site.place(), store.clone()))
                    {
                        return Err(Error::usage(format!(
                            "{} refers to store `{store}`, which is not configured or cannot be opened: nobody knows \
                             where its objects are",
                            site.place()
                        )));
                    }
                }
                if is_given {
                    own(&object);
                }
                Ok(())
            };
            // A codec of another schema may well be missing here; only its mention of these schemas matters.
            let mut unbound =
                |site: &Site<'_>, stored: &Value| match named.iter().find(|name| mentions(stored, name)) {
                    None => Ok(()),
                    Some(name) => Err(Error::usage(format!(
                        "{}: its codec is missing, and it mentions `{name}`",
                        site.place()
                    ))),
                };
            let mut failed = |error: Error| {
                problem(problems, error.to_string());
                Ok(())
            };
            let mut reading = Reading {
                take: &mut take,
                unbound: if is_given { None } else { Some(&mut unbound) },
                failed: &mut failed,
            };
            each_reference(self.connection, schema, &mut reading)?;
        }
        Ok(())
    }
}

/// Whether a stored value has a text in it.
fn mentions(stored: &Value, text: &str) -> bool {
    match stored {
        Value::Str(stored) => stored.contains(text),
        Value::Json(json) => json.to_string().contains(text),
        Value::Bytes(bytes) => bytes.windows(text.len()).any(|window| window == text.as_bytes()),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Uuid(_) => false,
        // What is of no kind that a path can be written in still may be one.
        _ => true,
    }
}

impl Survey {
    pub fn problem(&mut self, text: String) {
        problem(&mut self.problems, text);
    }
}

fn problem(problems: &mut Vec<String>, text: String) {
    if problems.len() < MAX_PROBLEMS && !problems.contains(&text) {
        problems.push(text);
    }
}
