//! A value together with the place it came from.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::is_secret;

/// Where a setting's value came from, lowest rank first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// A file of the secrets directory.
    Secret(PathBuf),
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// Assigned by the running program.
    Runtime,
}

impl Source {
    const fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::Secret(_) => 1,
            Self::File(_) => 2,
            Self::Env(_) => 3,
            Self::Runtime => 4,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Secret(path) => write!(f, "secret {}", path.display()),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Runtime => f.write_str("runtime"),
        }
    }
}

/// A value and its source.
#[derive(Clone)]
pub(super) struct Setting {
    pub value: Json,
    pub source: Source,
}

/// All values that a setting was given, at most one a rank, lowest first. Never empty: the default stays.
#[derive(Clone)]
pub(super) struct Layers {
    default: Setting,
    above: Vec<Setting>,
}

impl Layers {
    pub fn new(default: Json) -> Self {
        Self { default: Setting { value: default, source: Source::Default }, above: Vec::new() }
    }

    pub fn top(&self) -> &Setting {
        self.above.last().unwrap_or(&self.default)
    }

    pub fn put(&mut self, setting: Setting) {
        self.remove(&setting.source);
        let place = self.above.partition_point(|other| other.source.rank() < setting.source.rank());
        self.above.insert(place, setting);
    }

    pub fn remove(&mut self, source: &Source) {
        self.above.retain(|other| other.source.rank() != source.rank());
    }
}

/// A value for human eyes: credentials, and whatever came from the secrets directory, are masked.
pub(super) fn shown(key: &str, value: &Json, source: &Source) -> String {
    const MASK: &str = "********";
    if value.is_null() {
        return "null".into();
    }
    let from_secret = matches!(source, Source::Secret(_)) && key != "database.user";
    if is_secret(key) || from_secret {
        return MASK.into();
    }
    match value.as_str().and_then(mask_user_of_url) {
        Some(masked) => Json::String(masked).to_string(),
        None => mask_members(value).to_string(),
    }
}

/// `scheme://user:password@host` without the user and password.
fn mask_user_of_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next()?;
    let (user, host) = authority.rsplit_once('@')?;
    let tail = rest.get(authority.len()..)?;
    (!user.is_empty()).then(|| format!("{scheme}://********@{host}{tail}"))
}

fn mask_members(value: &Json) -> Json {
    match value {
        Json::Object(members) => members
            .iter()
            .map(|(key, member)| {
                let member = if is_secret(key) { Json::from("********") } else { mask_members(member) };
                (key.clone(), member)
            })
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// What Python calls the type of a JSON value, for messages that DataJoint words that way.
pub(super) fn python_type(value: &Json) -> &'static str {
    match value {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "int",
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}
