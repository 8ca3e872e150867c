//! Where a store of a service is, and how its client is made.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use serde_json::Value as Json;

use super::client::{Connector, Limits};
use super::trace::Trace;
use super::{azure, gcs, s3, web};
use crate::error::{Result, StoreError};
use crate::spec::{Protocol, StoreSpec, is_secret};

/// A service, or memory.
pub(super) enum Place {
    Memory(Arc<dyn ObjectStore>),
    Service(Box<Service>),
}

/// A service with what is needed to reach it.
pub(super) struct Service {
    spec: StoreSpec,
    /// Address and container, without credentials: the same for all stores that are there.
    name: String,
    connector: Connector,
}

impl Place {
    /// Checks the settings of a store.
    pub fn of(spec: &StoreSpec, requests: &Arc<AtomicU64>) -> Result<Self> {
        let limits = Limits {
            connect: seconds(spec, "connect_timeout", 5)?,
            idle: seconds(spec, "idle_timeout", 30)?,
            retry: seconds(spec, "retry_timeout", 60)?,
        };
        let name = match spec.protocol {
            Protocol::S3 => format!("{}/{}", s3::endpoint(spec)?, text(spec, "bucket")?),
            Protocol::Gcs => format!("gs://{}/{}", text(spec, "endpoint")?, needed(spec, "bucket")?),
            Protocol::Azure => azure::name(spec)?,
            _ => web::base(spec)?,
        };
        let proxy = Some(text(spec, "proxy_server")?).filter(|proxy| !proxy.is_empty());
        let proxy = proxy.map(|proxy| if proxy.contains("://") { proxy } else { format!("http://{proxy}") });
        let connector = Connector { limits, proxy, bearer: None, requests: Arc::clone(requests) };
        Ok(Self::Service(Box::new(Service { spec: spec.clone(), name, connector })))
    }

    /// A client of the service.
    pub fn connect(&self, store: &str) -> Result<Arc<dyn ObjectStore>> {
        let Service { spec, connector, .. } = match self {
            Self::Memory(objects) => return Ok(Arc::clone(objects)),
            Self::Service(service) => service.as_ref(),
        };
        let made = match spec.protocol {
            Protocol::S3 => s3::connect(spec, connector),
            Protocol::Gcs => gcs::connect(spec, connector),
            Protocol::Azure => azure::connect(spec, connector),
            _ => web::connect(spec, connector),
        };
        made.map_err(|failure| match failure {
            Failure::Store(error) => error,
            Failure::Client(error) => StoreError::Service {
                operation: "open",
                store: store.to_owned(),
                path: String::new(),
                message: self.redact(super::trace::words(&error)),
                attempts: 0,
            },
        })
    }

    /// Tells places apart.
    pub fn name(&self) -> String {
        match self {
            Self::Memory(_) => String::new(),
            Self::Service(service) => service.name.clone(),
        }
    }

    /// Address of the store's root, in the words of DataJoint.
    pub fn url(&self, spec: &StoreSpec) -> String {
        let bucket = |key: &str| text(spec, key).unwrap_or_default();
        match spec.protocol {
            Protocol::S3 => format!("s3://{}", bucket("bucket")),
            Protocol::Gcs => format!("gs://{}", bucket("bucket")),
            Protocol::Azure => format!("az://{}", bucket("container")),
            _ => self.name(),
        }
    }

    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Service(service) if service.spec.protocol == Protocol::Http)
    }

    /// Whether a put on condition that there is no object is known to be understood here.
    pub fn is_known_to_create(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Service(service) => match service.spec.protocol {
                Protocol::S3 => s3::is_amazon(&service.name),
                Protocol::Gcs => service.spec.option("endpoint").is_none(),
                _ => true,
            },
        }
    }

    /// What to do about a failure, where that is known.
    pub fn hint(&self, trace: &Trace, message: &str) -> Option<String> {
        let Self::Service(service) = self else { return None };
        let spec = &service.spec;
        match (spec.protocol, trace.region()) {
            (Protocol::S3, Some(region)) => {
                Some(format!("the bucket is in another region: set stores.{}.region to {region}", spec.name))
            }
            (Protocol::S3, None) if trace.is_about_credentials() => Some(format!(
                "no credentials were found: set stores.{0}.access_key and stores.{0}.secret_key, or stores.{0}.profile, \
                 or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                spec.name
            )),
            (Protocol::S3, None) if message.contains("corrupt message") => {
                Some(format!("if the service speaks http, set stores.{}.secure to false", spec.name))
            }
            _ => None,
        }
    }

    /// A text without the credentials of this store, should a service have repeated one.
    pub fn redact(&self, text: String) -> String {
        let Self::Service(service) = self else { return text };
        let settings = service.spec.settings().iter();
        let secrets = settings.filter_map(|(key, value)| match (value.as_str()?, is_secret(key)) {
            (secret, true) => Some(secret),
            // User and password of an address.
            (address, false) => {
                let (before, _) = address.rsplit_once('@')?;
                Some(before.rsplit_once("://").map_or(before, |(_, user)| user))
            }
        });
        secrets
            .filter(|secret| !secret.is_empty())
            .fold(text, |text, secret| text.replace(secret, "********"))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(_) => f.write_str("Memory"),
            Self::Service(service) => f.debug_tuple("Service").field(&service.name).finish(),
        }
    }
}

/// Why a client could not be made.
pub(super) enum Failure {
    Store(StoreError),
    Client(object_store::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<object_store::Error> for Failure {
    fn from(error: object_store::Error) -> Self {
        Self::Client(error)
    }
}

pub(super) fn retries(connector: &Connector) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 3.0,
        },
        // Time is the limit, not their number.
        max_retries: 1000,
        retry_timeout: connector.limits.retry,
    }
}

/// A setting that is text; empty when it is not there.
pub(super) fn text(spec: &StoreSpec, key: &str) -> Result<String> {
    match spec.option(key) {
        None | Some(Json::Null) => Ok(String::new()),
        Some(Json::String(text)) => Ok(text.clone()),
        Some(_) => Err(invalid(spec, key, "a string")),
    }
}

/// A setting that is text and not empty.
pub(super) fn some_text(spec: &StoreSpec, key: &str) -> Result<Option<String>> {
    Ok(Some(text(spec, key)?).filter(|text| !text.is_empty()))
}

/// A setting that must be text and not empty.
pub(super) fn needed(spec: &StoreSpec, key: &str) -> Result<String> {
    some_text(spec, key)?.ok_or_else(|| StoreError::EmptyKeys {
        store: spec.name.clone(),
        protocol: spec.protocol.name(),
        keys: vec![key.to_owned()],
    })
}

/// A setting that is yes or no. A secrets file or another system may have written it as text.
pub(super) fn flag(spec: &StoreSpec, key: &str, default: bool) -> Result<bool> {
    match spec.option(key) {
        None | Some(Json::Null) => Ok(default),
        Some(Json::Bool(flag)) => Ok(*flag),
        Some(Json::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(Json::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(invalid(spec, key, "true or false")),
    }
}

fn seconds(spec: &StoreSpec, key: &str, default: u64) -> Result<Duration> {
    match spec.option(key) {
        None | Some(Json::Null) => Ok(Duration::from_secs(default)),
        Some(value) => value
            .as_f64()
            .filter(|seconds| *seconds > 0.0)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| invalid(spec, key, "a positive number of seconds")),
    }
}

pub(super) fn invalid(spec: &StoreSpec, key: &str, expected: &str) -> StoreError {
    StoreError::InvalidSetting {
        key: format!("stores.{}.{key}", spec.name),
        origin: String::new(),
        expected: expected.to_owned(),
    }
}
