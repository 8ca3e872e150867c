//! The named stores of a configuration, opened when first used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

use std::sync::PoisonError;

use crate::config::Config;
use crate::error::Result;
use crate::spec::StoreSpec;
use crate::store::parallel::lock;
use crate::store::{OpenOptions, Store};

/// A configuration and its open stores. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Stores(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    config: RwLock<Config>,
    options: OpenOptions,
    open: Mutex<HashMap<String, Store>>,
}

impl Stores {
    /// The stores of a configuration. None is opened yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_options(config, OpenOptions::default())
    }

    /// The stores of a configuration, to be opened with these options.
    #[must_use]
    pub fn with_options(config: Config, options: OpenOptions) -> Self {
        Self(Arc::new(Inner { config: RwLock::new(config), options, open: Mutex::default() }))
    }

    /// Whether both share one configuration.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A copy of the configuration as it is now.
    #[must_use]
    pub fn config(&self) -> Config {
        self.read(Config::clone)
    }

    /// Looks at the configuration without copying it.
    pub fn read<T>(&self, look: impl FnOnce(&Config) -> T) -> T {
        look(&self.0.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the configuration; stores whose settings changed are opened anew when next asked for.
    pub fn update<T>(&self, change: impl FnOnce(&mut Config) -> T) -> T {
        change(&mut self.0.config.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// A store by name; `None` and `""` mean `stores.default`. Its [`Store::name`] is the resolved name.
    ///
    /// # Errors
    ///
    /// Those of [`Config::store_spec`] and [`Store::open`].
    pub fn get(&self, name: Option<&str>) -> Result<Store> {
        self.open(self.read(|config| config.store_spec(name))?)
    }

    /// A store for `<filepath@>`; `None` and `""` mean `stores.filepath_default`.
    ///
    /// # Errors
    ///
    /// Those of [`Config::filepath_store_spec`] and [`Store::open`].
    pub fn get_for_filepath(&self, name: Option<&str>) -> Result<Store> {
        self.open(self.read(|config| config.filepath_store_spec(name))?)
    }

    /// Names of all configured stores.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.read(Config::store_names)
    }

    fn open(&self, spec: StoreSpec) -> Result<Store> {
        let mut open = lock(&self.0.open);
        let store = match open.get(&spec.name) {
            Some(store) if *store.spec() == spec => return Ok(store.clone()),
            Some(store) => store.with_spec(&spec),
            None => None,
        };
        let name = spec.name.clone();
        let store = match store {
            Some(store) => store,
            None => Store::open_with(spec, &self.0.options)?,
        };
        open.insert(name, store.clone());
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::PutMode;

    #[test]
    fn a_store_is_opened_once_and_survives_a_change_of_its_settings() {
        let mut config = Config::default();
        config.set("stores", json!({"default": "mem", "mem": {"protocol": "memory"}})).unwrap();
        let stores = Stores::new(config);
        let store = stores.get(None).unwrap();
        store.put("a", "1", PutMode::Create).unwrap();
        assert_eq!(stores.get(Some("mem")).unwrap().get("a").unwrap(), "1");
        stores.update(|config| config.set("stores.mem.token_length", 12)).unwrap();
        let again = stores.get(Some("")).unwrap();
        assert_eq!((again.spec().token_length, again.name()), (12, "mem"));
        assert_eq!(again.get("a").unwrap(), "1");
        assert!(stores.get_for_filepath(None).is_err());
    }

    #[test]
    fn a_changed_location_is_another_store() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let stores = Stores::new(Config::default());
        let set = |dir: &std::path::Path| {
            let spec = json!({"protocol": "file", "location": dir});
            stores.update(|config| config.set("stores.main", spec)).unwrap();
        };
        set(one.path());
        stores.get(Some("main")).unwrap().put("a", "1", PutMode::Create).unwrap();
        set(two.path());
        assert!(!stores.get(Some("main")).unwrap().exists("a").unwrap());
        set(&two.path().join("missing"));
        let error = stores.get(Some("main")).unwrap_err().to_string();
        assert!(error.starts_with("Inaccessible local directory "), "{error}");
    }
}
