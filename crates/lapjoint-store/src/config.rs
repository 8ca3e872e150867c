//! Settings, in DataJoint's files, variables and order of precedence.
//!
//! Highest first: assignment at run time, environment, configuration file, secrets directory, default. Every value
//! remembers where it came from, so that `lapjoint config show` can say it.
//!
//! - **File**: `lapjoint.json` or `datajoint.json`, in the start directory or the nearest directory above it; the
//!   search ends after a directory with `.git` or `.hg`. In one directory `lapjoint.json` wins. Settings may be
//!   nested (`{"database": {"host": …}}`) or dotted (`"database.host"`); unknown ones are ignored with a note.
//! - **Secrets**: `.secrets/` beside that file, else `/run/secrets/datajoint`: files named `database.user`,
//!   `database.password` and `stores.<name>.<setting>`.
//! - **Environment**: DataJoint's `DJ_*` variables; each may be written with `LAPJOINT_` instead of `DJ_`, which
//!   then wins. An empty variable counts as not set. `DJ_STORES` (JSON) replaces all stores.
//!
//! What differs from DataJoint: `database.backend` may be `sqlite`, and is by default unless `database.host` is set
//! (a configuration that names a host was written for a server, so the default is then DataJoint's, `mysql`);
//! `database.name` is for sqlite the directory or file of the database, by default `.`. `database.url` names a server with all
//! that belongs to it (`postgresql://user:password@host:port/database`) and goes before the single settings;
//! `database.tls_ca` is a PEM file with the certificates that a server's must be signed by.

mod environment;
mod files;
mod place;
mod registry;
mod stores;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::error::{Result, StoreError};
use crate::spec::{StoreSpec, is_secret};
pub use environment::Environment;
pub use place::Source;
use place::{Layers, Setting};
use stores::StoreSection;

/// Where [`Config::load`] looks.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Directory in which the search for a file starts; `None` reads no file.
    pub start_dir: Option<PathBuf>,
    /// This file instead of a search.
    pub file: Option<PathBuf>,
    /// Variables to read.
    pub environment: Environment,
    /// Secrets directory to use when there is none beside the file.
    pub system_secrets: Option<PathBuf>,
}

impl LoadOptions {
    /// The current directory and environment of this process.
    ///
    /// # Errors
    ///
    /// [`StoreError::LocalFile`] when the current directory is gone.
    pub fn from_process() -> Result<Self> {
        let start = std::env::current_dir()
            .map_err(|source| StoreError::local("find the current directory", ".", source))?;
        Ok(Self::from_dir(start))
    }

    /// A start directory, and the environment of this process.
    #[must_use]
    pub fn from_dir(start_dir: impl Into<PathBuf>) -> Self {
        Self {
            start_dir: Some(start_dir.into()),
            file: None,
            environment: Environment::of_process(),
            system_secrets: Some(PathBuf::from("/run/secrets/datajoint")),
        }
    }

    /// No file, no variables, no secrets: defaults only.
    #[must_use]
    pub fn isolated() -> Self {
        Self { start_dir: None, file: None, environment: Environment::default(), system_secrets: None }
    }
}

/// One setting as [`Config::entries`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Dotted name, such as `stores.main.location`.
    pub key: String,
    /// Value as JSON, or `********` for a credential.
    pub shown: String,
    /// Where the value came from.
    pub source: Source,
}

/// All settings of a session.
///
/// A clone is independent: changing it leaves the original alone, which is how a setting is overridden for a while.
#[derive(Clone)]
pub struct Config {
    settings: BTreeMap<&'static str, Layers>,
    stores: StoreSection,
    notes: Vec<String>,
    file: Option<PathBuf>,
    secrets_dir: Option<PathBuf>,
}

impl Default for Config {
    /// Defaults only; reads nothing.
    fn default() -> Self {
        Self {
            settings: registry::SETTINGS.iter().map(|def| (def.key, Layers::new(def.initial()))).collect(),
            stores: StoreSection::default(),
            notes: Vec::new(),
            file: None,
            secrets_dir: None,
        }
    }
}

impl Config {
    /// Reads file, environment and secrets.
    ///
    /// # Errors
    ///
    /// [`StoreError::ConfigFile`], [`StoreError::InvalidEnvironment`] or [`StoreError::InvalidSetting`], naming
    /// the file or variable.
    pub fn load(options: &LoadOptions) -> Result<Self> {
        let mut config = Self::default();
        config.read_environment(&options.environment)?;
        if config.flag("ignore_config_file") {
            config.notes.push("configuration file and secrets are ignored (ignore_config_file)".into());
            config.read_stores_variable(&options.environment)?;
            return Ok(config);
        }
        let found = match (&options.file, &options.start_dir) {
            (Some(file), _) => Some(file.clone()),
            (None, Some(start)) => files::find(start),
            (None, None) => None,
        };
        match found {
            Some(file) => config.merge_file(&file)?,
            None => config
                .notes
                .push("no lapjoint.json or datajoint.json found; defaults and environment apply".into()),
        }
        config.read_stores_variable(&options.environment)?;
        if let Some(dir) = files::secrets_dir(config.file.as_deref(), options.system_secrets.as_deref()) {
            config.read_secrets(&dir)?;
        }
        Ok(config)
    }

    /// Reads the environment of this process and the file nearest to `start_dir`.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn discover(start_dir: impl Into<PathBuf>) -> Result<Self> {
        Self::load(&LoadOptions::from_dir(start_dir))
    }

    /// A setting's value, credentials included: do not print it, print [`Config::entries`].
    ///
    /// `get("stores")`, `get("stores.main")` and other groups give JSON objects.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Json> {
        if let Some(layers) = self.settings.get(key) {
            return Some(self.derived_default(key, layers).unwrap_or_else(|| layers.top().value.clone()));
        }
        if key == "stores" || key.starts_with("stores.") {
            return self.stores.get(key);
        }
        let prefix = format!("{key}.");
        let group: serde_json::Map<String, Json> = self
            .settings
            .keys()
            .filter_map(|name| Some((name.strip_prefix(&prefix)?.to_owned(), self.get(name)?)))
            .collect();
        (!group.is_empty()).then_some(Json::Object(group))
    }

    /// A text setting; `None` when it is unset or not text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.as_str().map(str::to_owned)
    }

    /// A yes-or-no setting; unset counts as no.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.as_bool()).unwrap_or(false)
    }

    /// A whole number; `None` when it is unset or not a number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.get(key)?.as_i64()
    }

    /// Where a setting's value came from.
    #[must_use]
    pub fn source(&self, key: &str) -> Option<Source> {
        match self.settings.get(key) {
            Some(layers) => Some(layers.top().source.clone()),
            None => self.stores.source(key),
        }
    }

    /// Assigns a setting for this session. `set("stores", …)` replaces all stores, `set("stores.main", …)` one of
    /// them, `set("stores.main.location", …)` one of its settings.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownSetting`] with the nearest name, or [`StoreError::InvalidSetting`].
    pub fn set(&mut self, key: &str, value: impl Into<Json>) -> Result<()> {
        let value = value.into();
        if key == "stores" || key.starts_with("stores.") {
            return self.stores.set(key, value, &Source::Runtime);
        }
        if !self.settings.contains_key(key)
            && let Json::Object(members) = &value
            && self
                .settings
                .keys()
                .any(|name| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
        {
            for (name, member) in members {
                self.set(&format!("{key}.{name}"), member.clone())?;
            }
            return Ok(());
        }
        self.assign(key, value, Source::Runtime)
    }

    /// Takes an assignment of this session back, so that the next lower source counts again. A store is removed.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownSetting`].
    pub fn reset(&mut self, key: &str) -> Result<()> {
        match self.settings.get_mut(key) {
            Some(layers) => layers.remove(&Source::Runtime),
            None if self.stores.remove(key) => {}
            None => return Err(self.unknown(key)),
        }
        Ok(())
    }

    /// Reads one more file, as DataJoint's `config.load(file)`: it ranks below environment and run time.
    ///
    /// # Errors
    ///
    /// [`StoreError::ConfigFile`] or [`StoreError::InvalidSetting`].
    pub fn merge_file(&mut self, file: &Path) -> Result<()> {
        let document = files::read_json(file)?;
        let source = Source::File(file.to_path_buf());
        for (key, value) in document {
            self.take_from_file(&key, value, &source)?;
        }
        self.file = Some(file.to_path_buf());
        Ok(())
    }

    /// Every setting with its source; credentials are masked.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let plain = self.settings.iter().map(|(key, layers)| {
            let top = layers.top();
            let value = self.derived_default(key, layers).unwrap_or_else(|| top.value.clone());
            Entry {
                key: (*key).to_owned(),
                shown: place::shown(key, &value, &top.source),
                source: top.source.clone(),
            }
        });
        plain.chain(self.stores.entries())
    }

    /// What was ignored or not found while reading, for the user to see.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The file that was read, if one was.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The secrets directory that was read, if one was.
    #[must_use]
    pub fn secrets_dir(&self) -> Option<&Path> {
        self.secrets_dir.as_deref()
    }

    /// Names of the stores, in the order in which they are configured.
    #[must_use]
    pub fn store_names(&self) -> Vec<String> {
        self.stores.names()
    }

    /// The name of the store that `name` means: itself, or `stores.default` when it is `None` or empty.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoDefaultStore`] or [`StoreError::UnknownStore`].
    pub fn store_name(&self, name: Option<&str>) -> Result<String> {
        self.stores.resolve(name, "default")
    }

    /// Settings of a store, checked; `None` and `""` mean `stores.default`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoDefaultStore`], [`StoreError::UnknownStore`], and those of [`StoreSpec::parse`].
    pub fn store_spec(&self, name: Option<&str>) -> Result<StoreSpec> {
        self.stores.spec(&self.stores.resolve(name, "default")?)
    }

    /// Settings of a store for `<filepath@>`; `None` and `""` mean `stores.filepath_default`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoFilepathDefaultStore`], [`StoreError::UnknownStore`], and those of [`StoreSpec::parse`].
    pub fn filepath_store_spec(&self, name: Option<&str>) -> Result<StoreSpec> {
        self.stores.spec(&self.stores.resolve(name, "filepath_default")?)
    }

    /// Defaults that depend on other settings.
    fn derived_default(&self, key: &str, layers: &Layers) -> Option<Json> {
        if layers.top().source != Source::Default {
            return None;
        }
        match key {
            "database.backend" => {
                let url = self.text("database.url").unwrap_or_default();
                match url.split("://").next() {
                    Some("postgresql" | "postgres") => return Some("postgresql".into()),
                    Some("mysql" | "mariadb") => return Some("mysql".into()),
                    _ => {}
                }
                let host = self.settings.get("database.host")?;
                let backend = if host.top().source == Source::Default { "sqlite" } else { "mysql" };
                Some(backend.into())
            }
            "database.port" => match self.text("database.backend")?.as_str() {
                "mysql" => Some(3306.into()),
                "postgresql" => Some(5432.into()),
                _ => None,
            },
            "database.name" => match self.text("database.backend")?.as_str() {
                "sqlite" => Some(".".into()),
                "postgresql" => Some("postgres".into()),
                _ => None,
            },
            _ => None,
        }
    }

    fn assign(&mut self, key: &str, value: Json, source: Source) -> Result<()> {
        let Some(definition) = registry::find(key) else { return Err(self.unknown(key)) };
        let value = definition.check(value).map_err(|expected| StoreError::InvalidSetting {
            key: key.to_owned(),
            origin: if source == Source::Runtime { String::new() } else { source.to_string() },
            expected,
        })?;
        if let Some(layers) = self.settings.get_mut(definition.key) {
            layers.put(Setting { value, source });
        }
        Ok(())
    }

    fn unknown(&self, key: &str) -> StoreError {
        let stores = self.stores.entries().map(|entry| entry.key);
        let known = self.settings.keys().map(|name| (*name).to_owned()).chain(stores).collect();
        StoreError::UnknownSetting { key: key.to_owned(), known }
    }

    fn take_from_file(&mut self, key: &str, value: Json, source: &Source) -> Result<()> {
        if key == "stores" && value.is_object() {
            return self.stores.merge(value, source);
        }
        if key.starts_with("stores.") {
            return self.stores.set(key, value, source);
        }
        if registry::find(key).is_some() {
            return self.assign(key, value, source.clone());
        }
        match value {
            Json::Object(members) if !key.is_empty() && !key.contains('.') => {
                for (name, member) in members {
                    self.take_from_file(&format!("{key}.{name}"), member, source)?;
                }
            }
            _ => {
                let known: Vec<String> = self.settings.keys().map(|name| (*name).to_owned()).collect();
                let hint = crate::nearest::did_you_mean(key, &known);
                self.notes.push(format!("unknown setting '{key}' in {source} is ignored{hint}"));
            }
        }
        Ok(())
    }

    fn read_environment(&mut self, environment: &Environment) -> Result<()> {
        for definition in registry::SETTINGS {
            let Some((variable, raw)) = definition.variable.and_then(|name| environment.get(name)) else {
                continue;
            };
            let value = definition.read_text(raw).map_err(|expected| StoreError::InvalidEnvironment {
                variable: variable.clone(),
                problem: format!("must be {expected}"),
            })?;
            self.assign(definition.key, value, Source::Env(variable))?;
        }
        Ok(())
    }

    fn read_stores_variable(&mut self, environment: &Environment) -> Result<()> {
        let Some((variable, raw)) = environment.get("DJ_STORES") else { return Ok(()) };
        let problem =
            |problem: String| StoreError::InvalidEnvironment { variable: variable.clone(), problem };
        // The parser's message holds a position, never a part of the text, which may be a credential.
        let value: Json =
            serde_json::from_str(raw).map_err(|error| problem(format!("contains invalid JSON: {error}")))?;
        if !value.is_object() {
            return Err(problem(format!("must be a JSON object, got {}", place::python_type(&value))));
        }
        self.stores = StoreSection::default();
        self.stores.merge(value, &Source::Env(variable))
    }

    fn read_secrets(&mut self, dir: &Path) -> Result<()> {
        for (name, path) in files::secret_files(dir)? {
            let source = Source::Secret(path.clone());
            match name.split('.').collect::<Vec<_>>().as_slice() {
                ["database", "user" | "password"] => {
                    self.assign(&name, files::read_secret(&path)?.into(), source)?;
                }
                ["stores", store, attribute] => {
                    self.stores.fill(store, attribute, files::read_secret(&path)?.into(), source);
                }
                _ => {}
            }
        }
        self.secrets_dir = Some(dir.to_path_buf());
        Ok(())
    }
}

impl fmt::Debug for Config {
    /// Credentials are masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries().map(|entry| (entry.key, (entry.shown, entry.source)))).finish()
    }
}

#[cfg(test)]
mod tests;
