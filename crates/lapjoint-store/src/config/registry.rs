//! The settings there are: names, kinds, defaults, environment variables.

use serde_json::Value as Json;

/// What values a setting can have.
pub(super) enum SettingKind {
    Text,
    Integer { min: i64, max: i64 },
    Flag,
    Choice(&'static [&'static str]),
    Object,
    List,
}

/// A default that can stand in a constant.
enum Initial {
    Null,
    Text(&'static str),
    Integer(i64),
    Flag(bool),
    Object,
    List,
}

/// One setting.
pub(super) struct Definition {
    pub key: &'static str,
    kind: SettingKind,
    initial: Initial,
    pub variable: Option<&'static str>,
}

const fn setting(
    key: &'static str,
    kind: SettingKind,
    initial: Initial,
    variable: Option<&'static str>,
) -> Definition {
    Definition { key, kind, initial, variable }
}

use Initial::Null;
use SettingKind::{Choice, Flag, Integer, List, Object, Text};

const ANY: SettingKind = Integer { min: 0, max: i64::MAX };
const LEVELS: &[&str] = &["DEBUG", "JOBS", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// All settings but `stores`, in alphabetical order.
#[rustfmt::skip]
pub(super) const SETTINGS: &[Definition] = &[
    setting("codecs.embed_decoder", Flag, Initial::Flag(false), Some("DJ_CODECS_EMBED_DECODER")),
    setting("codecs.lock", Text, Null, Some("DJ_CODECS_LOCK")),
    setting("codecs.migrate_on_read", Flag, Initial::Flag(false), Some("DJ_CODECS_MIGRATE_ON_READ")),
    setting("codecs.plugin_path", Text, Null, Some("DJ_CODECS_PLUGIN_PATH")),
    setting("codecs.trusted_wasm", List, Initial::List, Some("DJ_CODECS_TRUSTED_WASM")),
    setting("codecs.wasm_memory_mb", Integer { min: 1, max: 4095 }, Initial::Integer(1024), Some("DJ_CODECS_WASM_MEMORY_MB")),
    setting("codecs.wasm_path", Text, Null, Some("DJ_CODECS_WASM_PATH")),
    setting("codecs.wasm_seconds", Integer { min: 1, max: 86_400 }, Initial::Integer(60), Some("DJ_CODECS_WASM_SECONDS")),
    setting("connection.charset", Text, Initial::Text(""), None),
    setting("database.backend", Choice(&["sqlite", "mysql", "postgresql"]), Null, Some("DJ_BACKEND")),
    setting("database.create_tables", Flag, Initial::Flag(true), Some("DJ_CREATE_TABLES")),
    setting("database.database_prefix", Text, Initial::Text(""), Some("DJ_DATABASE_PREFIX")),
    setting("database.host", Text, Initial::Text("localhost"), Some("DJ_HOST")),
    setting("database.name", Text, Null, Some("DJ_DATABASE_NAME")),
    setting("database.password", Text, Null, Some("DJ_PASS")),
    setting("database.port", Integer { min: 0, max: 65535 }, Null, Some("DJ_PORT")),
    setting("database.reconnect", Flag, Initial::Flag(true), Some("DJ_RECONNECT")),
    setting("database.tls_ca", Text, Null, Some("DJ_TLS_CA")),
    setting("database.url", Text, Null, Some("DJ_DATABASE_URL")),
    setting("database.use_tls", Flag, Null, Some("DJ_USE_TLS")),
    setting("database.user", Text, Null, Some("DJ_USER")),
    setting("display.diagram_direction", Choice(&["TB", "LR"]), Initial::Text("LR"), Some("DJ_DIAGRAM_DIRECTION")),
    setting("display.diagram_theme", Choice(&["light", "dark", "auto"]), Initial::Text("auto"), Some("DJ_DIAGRAM_THEME")),
    setting("display.limit", ANY, Initial::Integer(12), None),
    setting("display.show_tuple_count", Flag, Initial::Flag(true), None),
    setting("display.width", ANY, Initial::Integer(14), None),
    setting("download_path", Text, Initial::Text("."), Some("DJ_DOWNLOAD_PATH")),
    setting("gc.grace_seconds", ANY, Initial::Integer(86_400), Some("DJ_GC_GRACE_SECONDS")),
    setting("ignore_config_file", Flag, Initial::Flag(false), Some("DJ_IGNORE_CONFIG_FILE")),
    setting("jobs.add_job_metadata", Flag, Initial::Flag(false), Some("DJ_JOBS_ADD_JOB_METADATA")),
    setting("jobs.allow_new_pk_fields_in_computed_tables", Flag, Initial::Flag(false), Some("DJ_JOBS_ALLOW_NEW_PK_FIELDS_IN_COMPUTED_TABLES")),
    setting("jobs.auto_refresh", Flag, Initial::Flag(true), Some("DJ_JOBS_AUTO_REFRESH")),
    setting("jobs.default_priority", Integer { min: 0, max: 255 }, Initial::Integer(5), Some("DJ_JOBS_DEFAULT_PRIORITY")),
    setting("jobs.keep_completed", Flag, Initial::Flag(false), Some("DJ_JOBS_KEEP_COMPLETED")),
    setting("jobs.lease_seconds", ANY, Initial::Integer(60), Some("DJ_JOBS_LEASE_SECONDS")),
    setting("jobs.stale_timeout", ANY, Initial::Integer(3600), Some("DJ_JOBS_STALE_TIMEOUT")),
    setting("jobs.version_method", Choice(&["git", "none"]), Null, Some("DJ_JOBS_VERSION_METHOD")),
    setting("log_stream", Choice(&["stdout", "stderr"]), Initial::Text("stdout"), Some("DJ_LOG_STREAM")),
    setting("loglevel", Choice(LEVELS), Initial::Text("INFO"), Some("DJ_LOG_LEVEL")),
    setting("provenance.capture", Flag, Initial::Flag(false), Some("DJ_PROVENANCE_CAPTURE")),
    setting("provenance.source", Object, Initial::Object, Some("DJ_PROVENANCE_SOURCE")),
    setting("query_cache", Text, Null, Some("DJ_QUERY_CACHE")),
    setting("safemode", Flag, Initial::Flag(true), Some("DJ_SAFEMODE")),
    setting("thread_safe", Flag, Initial::Flag(false), Some("DJ_THREAD_SAFE")),
];

pub(super) fn find(key: &str) -> Option<&'static Definition> {
    SETTINGS.iter().find(|definition| definition.key == key)
}

impl Definition {
    pub fn initial(&self) -> Json {
        match self.initial {
            Null => Json::Null,
            Initial::Text(text) => text.into(),
            Initial::Integer(number) => number.into(),
            Initial::Flag(flag) => flag.into(),
            Initial::Object => Json::Object(serde_json::Map::new()),
            Initial::List => Json::Array(Vec::new()),
        }
    }

    /// Whether the setting may be unset. One whose default is unset may be.
    const fn nullable(&self) -> bool {
        matches!(self.initial, Null)
    }

    /// A value read from text (an environment variable), or what it must be.
    pub fn read_text(&self, raw: &str) -> Result<Json, String> {
        let value = match self.kind {
            Text | Choice(_) => Json::from(raw),
            Integer { .. } => raw.trim().parse::<i64>().map(Json::from).map_err(|_| self.expected())?,
            Flag => match raw.trim().to_ascii_lowercase().as_str() {
                "1" | "true" | "t" | "yes" | "y" | "on" => Json::from(true),
                "0" | "false" | "f" | "no" | "n" | "off" => Json::from(false),
                "none" | "null" if self.nullable() => Json::Null,
                _ => return Err(self.expected()),
            },
            Object => serde_json::from_str(raw).map_err(|_| self.expected())?,
            // In an environment variable, with commas between; a JSON list is one as well.
            List if raw.trim_start().starts_with('[') => {
                serde_json::from_str(raw).map_err(|_| self.expected())?
            }
            List => raw.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Json::from).collect(),
        };
        self.check(value)
    }

    /// The value if the setting can have it (text that reads as a number or flag is read), or what it must be.
    pub fn check(&self, value: Json) -> Result<Json, String> {
        if value.is_null() {
            return if self.nullable() { Ok(value) } else { Err(self.expected()) };
        }
        let good = match (&self.kind, &value) {
            (Integer { .. } | Flag, Json::String(text)) => return self.read_text(text),
            (Flag, Json::Number(number)) if matches!(number.as_i64(), Some(0 | 1)) => {
                return Ok(Json::from(number.as_i64() == Some(1)));
            }
            (List, Json::Array(items)) => items.iter().all(Json::is_string),
            (Text, Json::String(_)) | (Flag, Json::Bool(_)) | (Object, Json::Object(_)) => true,
            (Integer { min, max }, Json::Number(number)) => {
                number.as_i64().is_some_and(|number| (*min..=*max).contains(&number))
            }
            (Choice(choices), Json::String(text)) => choices.contains(&text.as_str()),
            _ => false,
        };
        if good { Ok(value) } else { Err(self.expected()) }
    }

    fn expected(&self) -> String {
        let kind = match &self.kind {
            Text => "text".into(),
            Integer { max: i64::MAX, min } => format!("a whole number, at least {min}"),
            Integer { min, max } => format!("a whole number from {min} to {max}"),
            Flag => "true or false".into(),
            Choice(choices) => format!("one of {}", choices.join(", ")),
            Object => "a JSON object".into(),
            List => "a list of texts".into(),
        };
        if self.nullable() { format!("{kind}, or null") } else { kind }
    }
}
