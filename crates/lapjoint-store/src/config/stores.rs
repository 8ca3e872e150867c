//! The section `stores`: two names of default stores, and the stores.

use serde_json::Value as Json;

use super::Entry;
use super::place::{Setting, Source, shown};
use crate::error::{Result, StoreError};
use crate::spec::StoreSpec;

const DEFAULTS: [&str; 2] = ["default", "filepath_default"];

/// Stores in the order in which they were configured.
#[derive(Clone, Default)]
pub(super) struct StoreSection {
    defaults: Vec<(String, Setting)>,
    stores: Vec<(String, Vec<(String, Setting)>)>,
}

impl StoreSection {
    /// Takes the members of a JSON object over; a store that is there already is replaced.
    pub fn merge(&mut self, value: Json, source: &Source) -> Result<()> {
        let Json::Object(members) = value else { return Err(invalid("stores", source, "a JSON object")) };
        for (name, member) in members {
            self.set(&format!("stores.{name}"), member, source)?;
        }
        Ok(())
    }

    /// Sets `stores`, `stores.<name>` or `stores.<name>.<setting>`.
    pub fn set(&mut self, key: &str, value: Json, source: &Source) -> Result<()> {
        let Some(rest) = key.strip_prefix("stores.") else {
            let mut fresh = Self::default();
            fresh.merge(value, source)?;
            *self = fresh;
            return Ok(());
        };
        if DEFAULTS.contains(&rest) {
            let setting = Setting { value, source: source.clone() };
            put(&mut self.defaults, rest, setting);
            return Ok(());
        }
        match value {
            Json::Object(members) if !self.has_store_of(rest) => {
                let settings = members
                    .into_iter()
                    .map(|(name, value)| (name, Setting { value, source: source.clone() }))
                    .collect();
                match self.stores.iter_mut().find(|(name, _)| name == rest) {
                    Some((_, old)) => *old = settings,
                    None => self.stores.push((rest.to_owned(), settings)),
                }
                Ok(())
            }
            value => match rest.split_once('.') {
                Some((store, attribute)) if !store.is_empty() && !attribute.is_empty() => {
                    put(self.store_mut(store), attribute, Setting { value, source: source.clone() });
                    Ok(())
                }
                _ => Err(invalid(key, source, "a JSON object with protocol and location")),
            },
        }
    }

    /// Sets a setting of a store unless it has one.
    pub fn fill(&mut self, store: &str, attribute: &str, value: Json, source: Source) {
        let settings = self.store_mut(store);
        if !settings.iter().any(|(name, _)| name == attribute) {
            settings.push((attribute.to_owned(), Setting { value, source }));
        }
    }

    pub fn remove(&mut self, key: &str) -> bool {
        let Some(rest) = key.strip_prefix("stores.") else {
            let all = key == "stores";
            if all {
                *self = Self::default();
            }
            return all;
        };
        let before = self.defaults.len() + self.stores.len();
        self.defaults.retain(|(name, _)| name != rest);
        self.stores.retain(|(name, _)| name != rest);
        if let Some((store, attribute)) = rest.split_once('.')
            && let Some((_, settings)) = self.stores.iter_mut().find(|(name, _)| name == store)
        {
            let count = settings.len();
            settings.retain(|(name, _)| name != attribute);
            return settings.len() < count;
        }
        self.defaults.len() + self.stores.len() < before
    }

    pub fn get(&self, key: &str) -> Option<Json> {
        let Some(rest) = key.strip_prefix("stores.") else {
            let defaults = self.defaults.iter().map(|(name, setting)| (name.clone(), setting.value.clone()));
            let stores = self.stores.iter().map(|(name, settings)| (name.clone(), as_object(settings)));
            return Some(Json::Object(defaults.chain(stores).collect()));
        };
        if let Some((_, settings)) = self.stores.iter().find(|(name, _)| name == rest) {
            return Some(as_object(settings));
        }
        self.setting(rest).map(|setting| setting.value.clone())
    }

    pub fn source(&self, key: &str) -> Option<Source> {
        self.setting(key.strip_prefix("stores.")?).map(|setting| setting.source.clone())
    }

    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let entry = |key: String, setting: &Setting| Entry {
            shown: shown(&key, &setting.value, &setting.source),
            source: setting.source.clone(),
            key,
        };
        let defaults =
            self.defaults.iter().map(move |(name, setting)| entry(format!("stores.{name}"), setting));
        let stores = self.stores.iter().flat_map(move |(store, settings)| {
            settings.iter().map(move |(name, setting)| entry(format!("stores.{store}.{name}"), setting))
        });
        defaults.chain(stores)
    }

    pub fn names(&self) -> Vec<String> {
        self.stores.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The store that is meant: `name`, or the one that `stores.<which>` names.
    pub fn resolve(&self, name: Option<&str>, which: &str) -> Result<String> {
        let name = match name.filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => {
                let setting = self.defaults.iter().find(|(key, _)| key == which).map(|(_, setting)| setting);
                match setting.map(|setting| (&setting.value, &setting.source)) {
                    Some((Json::String(name), _)) if !name.is_empty() => name.clone(),
                    Some((Json::Null | Json::String(_), _)) | None if which == "default" => {
                        return Err(StoreError::NoDefaultStore { configured: self.names() });
                    }
                    Some((Json::Null | Json::String(_), _)) | None => {
                        return Err(StoreError::NoFilepathDefaultStore);
                    }
                    Some((_, source)) => return Err(invalid(&format!("stores.{which}"), source, "a string")),
                }
            }
        };
        if self.stores.iter().any(|(store, _)| *store == name) {
            Ok(name)
        } else {
            Err(StoreError::UnknownStore { name, configured: self.names() })
        }
    }

    pub fn spec(&self, name: &str) -> Result<StoreSpec> {
        let settings = self.stores.iter().find(|(store, _)| store == name).map(|(_, settings)| settings);
        let settings = settings
            .ok_or_else(|| StoreError::UnknownStore { name: name.to_owned(), configured: self.names() })?;
        let plain: Vec<_> =
            settings.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect();
        StoreSpec::parse(name, &plain)
    }

    /// Whether `rest` is `<store>.<setting>` of a store that exists (so that its value may be an object).
    fn has_store_of(&self, rest: &str) -> bool {
        rest.split_once('.').is_some_and(|(store, _)| self.stores.iter().any(|(name, _)| name == store))
    }

    fn setting(&self, rest: &str) -> Option<&Setting> {
        if let Some((_, setting)) = self.defaults.iter().find(|(name, _)| name == rest) {
            return Some(setting);
        }
        let (store, attribute) = rest.split_once('.')?;
        let (_, settings) = self.stores.iter().find(|(name, _)| name == store)?;
        settings.iter().find(|(name, _)| name == attribute).map(|(_, setting)| setting)
    }

    fn store_mut(&mut self, store: &str) -> &mut Vec<(String, Setting)> {
        let index = match self.stores.iter().position(|(name, _)| name == store) {
            Some(index) => index,
            None => {
                self.stores.push((store.to_owned(), Vec::new()));
                self.stores.len() - 1
            }
        };
        &mut self.stores[index].1
    }
}

fn put(list: &mut Vec<(String, Setting)>, name: &str, setting: Setting) {
    match list.iter_mut().find(|(key, _)| key == name) {
        Some((_, old)) => *old = setting,
        None => list.push((name.to_owned(), setting)),
    }
}

fn as_object(settings: &[(String, Setting)]) -> Json {
    Json::Object(settings.iter().map(|(name, setting)| (name.clone(), setting.value.clone())).collect())
}

fn invalid(key: &str, source: &Source, expected: &str) -> StoreError {
    let origin = if *source == Source::Runtime { String::new() } else { source.to_string() };
    StoreError::InvalidSetting { key: key.to_owned(), origin, expected: expected.to_owned() }
}
