//! Amazon S3 and what speaks its language.
//!
//! Credentials, in this order: `access_key` and `secret_key` of the store (with `session_token`); its `profile`; the variables
//! `AWS_ACCESS_KEY_ID` …; a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`); the profile of `AWS_PROFILE`, or `default`, in the
//! shared files; the container; the instance. `anonymous` sends none at all, and is never a last resort.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use super::client::Connector;
use super::place::{Failure, flag, invalid, retries, some_text, text};
use super::profile::{Profile, SharedFiles};
use crate::error::{Result, StoreError};
use crate::spec::StoreSpec;

const AMAZON: &str = ".amazonaws.com";

/// The service's address: as it is if it has a scheme, else by `secure`.
pub(super) fn endpoint(spec: &StoreSpec) -> Result<String> {
    let endpoint = text(spec, "endpoint")?;
    let missing: Vec<_> = ["endpoint", "bucket"]
        .into_iter()
        .filter(|key| text(spec, key).is_ok_and(|value| value.is_empty()))
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(StoreError::EmptyKeys {
            store: spec.name.clone(),
            protocol: spec.protocol.name(),
            keys: missing,
        });
    }
    keys(spec)?;
    let with_scheme = match endpoint.contains("://") {
        true => endpoint,
        false if flag(spec, "secure", true)? => format!("https://{endpoint}"),
        false => format!("http://{endpoint}"),
    };
    let url = reqwest::Url::parse(&with_scheme).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if url.is_none_or(|url| !url.username().is_empty() || url.query().is_some()) {
        return Err(invalid(spec, "endpoint", "host, host:port, or a URL with http or https"));
    }
    Ok(with_scheme.trim_end_matches('/').to_owned())
}

/// The keys of the settings, both or neither.
fn keys(spec: &StoreSpec) -> Result<Option<(String, String)>> {
    match (some_text(spec, "access_key")?, some_text(spec, "secret_key")?) {
        (Some(access_key), Some(secret_key)) => Ok(Some((access_key, secret_key))),
        (None, None) => Ok(None),
        _ => Err(StoreError::IncompleteCredentials { store: spec.name.clone() }),
    }
}

/// Whether this is Amazon's own service, whose abilities are known.
pub(super) fn is_amazon(address: &str) -> bool {
    host_of(address).is_some_and(|host| host.ends_with(AMAZON) || host.ends_with(".amazonaws.com.cn"))
}

fn host_of(address: &str) -> Option<String> {
    reqwest::Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// The region that an address of Amazon's names.
fn region_of(address: &str) -> Option<String> {
    let host = host_of(address)?;
    let name = host.strip_suffix(AMAZON)?;
    let region = name.strip_prefix("s3.dualstack.").or_else(|| name.strip_prefix("s3."))?;
    (!region.is_empty()).then(|| region.to_owned())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub(super) fn connect(spec: &StoreSpec, connector: &Connector) -> Result<Arc<dyn ObjectStore>, Failure> {
    let mut address = endpoint(spec)?;
    let bucket = text(spec, "bucket")?;
    let (credentials, profile) = Credentials::find(spec)?;
    let region = some_text(spec, "region")?
        .or_else(|| region_of(&address))
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"))
        .or_else(|| profile.and_then(|profile| profile.region))
        .unwrap_or_else(|| "us-east-1".to_owned());
    if host_of(&address).as_deref() == Some("s3.amazonaws.com") {
        // This name serves one region alone.
        address = address.replacen("s3.amazonaws.com", &format!("s3.{region}.amazonaws.com"), 1);
    }
    let is_path_style = flag(spec, "path_style", true)?;
    if !is_path_style {
        address = address.replacen("://", &format!("://{bucket}."), 1);
    }
    let mut builder = AmazonS3Builder::new()
        .with_endpoint(address.as_str())
        .with_bucket_name(bucket)
        .with_region(region)
        .with_virtual_hosted_style_request(!is_path_style)
        .with_allow_http(true)
        // Not all compatible services know the request that deletes many, and one of them fails at folders.
        .with_disable_bulk_delete(!is_amazon(&address))
        .with_retry(retries(connector))
        .with_http_connector(connector.clone());
    builder = match credentials {
        Credentials::None => builder.with_skip_signature(true),
        Credentials::Keys { access_key, secret_key, session_token } => {
            let builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key);
            match session_token {
                Some(token) => builder.with_token(token),
                None => builder,
            }
        }
        Credentials::Ambient => ambient(builder),
    };
    Ok(Arc::new(builder.build()?))
}

/// Hands over what containers and machines are told about their own credentials.
fn ambient(builder: AmazonS3Builder) -> AmazonS3Builder {
    const NAMES: [&str; 8] = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_ENDPOINT_URL_STS",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_METADATA_ENDPOINT",
    ];
    NAMES.into_iter().fold(builder, |builder, name| {
        match (variable(name), name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()) {
            (Some(value), Ok(key)) => builder.with_config(key, value),
            _ => builder,
        }
    })
}

enum Credentials {
    /// Asked for by `anonymous`.
    None,
    Keys {
        access_key: String,
        secret_key: String,
        session_token: Option<String>,
    },
    /// Those of a web identity, a container or an instance, which expire and are fetched anew.
    Ambient,
}

impl Credentials {
    /// The credentials of a store, and the profile that was looked at.
    fn find(spec: &StoreSpec) -> Result<(Self, Option<Profile>)> {
        if flag(spec, "anonymous", false)? {
            return Ok((Self::None, None));
        }
        if let Some((access_key, secret_key)) = keys(spec)? {
            let session_token = some_text(spec, "session_token")?;
            return Ok((Self::Keys { access_key, secret_key, session_token }, None));
        }
        let files = SharedFiles::of_process();
        if let Some(name) = some_text(spec, "profile")? {
            let profile = files.profile(&name, spec)?.ok_or_else(|| {
                invalid(spec, "profile", &format!("a profile of {files}, which have no '{name}'"))
            })?;
            let keys = profile.keys().ok_or_else(|| {
                let expected = "a profile with aws_access_key_id and aws_secret_access_key; log in by other means and set \
                                the AWS_ variables";
                invalid(spec, "profile", expected)
            })?;
            return Ok((Self::from(keys), Some(profile)));
        }
        let name = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        if let (Some(access_key), Some(secret_key)) =
            (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            let session_token = variable("AWS_SESSION_TOKEN");
            return Ok((Self::Keys { access_key, secret_key, session_token }, files.profile(&name, spec)?));
        }
        let profile = files.profile(&name, spec)?;
        if variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            return Ok((Self::Ambient, profile));
        }
        match profile.as_ref().and_then(Profile::keys) {
            Some(keys) => Ok((Self::from(keys), profile)),
            None => Ok((Self::Ambient, profile)),
        }
    }
}

impl From<(String, String, Option<String>)> for Credentials {
    fn from((access_key, secret_key, session_token): (String, String, Option<String>)) -> Self {
        Self::Keys { access_key, secret_key, session_token }
    }
}
