//! Which settings each protocol needs and knows.

use super::Protocol;

/// Settings that every protocol knows. All but `stage` (which DataJoint accepts and never reads) become fields.
pub(super) const COMMON: [&str; 9] = [
    "protocol",
    "location",
    "subfolding",
    "partition_pattern",
    "token_length",
    "hash_prefix",
    "schema_prefix",
    "filepath_prefix",
    "stage",
];

pub(super) const fn required_keys(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::File | Protocol::Http => &["protocol", "location"],
        Protocol::Memory | Protocol::Foreign(_) => &["protocol"],
        Protocol::S3 => &["protocol", "endpoint", "bucket", "location"],
        Protocol::Gcs => &["protocol", "bucket", "location"],
        Protocol::Azure => &["protocol", "container", "location"],
    }
}

/// Settings of all services; DataJoint does not know them.
const SERVICE: [&str; 4] = ["concurrency", "connect_timeout", "idle_timeout", "retry_timeout"];

const fn own_keys(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::File | Protocol::Memory | Protocol::Foreign(_) => &[],
        // From `session_token` on ours.
        Protocol::S3 => &[
            "endpoint",
            "bucket",
            "access_key",
            "secret_key",
            "secure",
            "proxy_server",
            "session_token",
            "profile",
            "region",
            "path_style",
            "anonymous",
        ],
        Protocol::Gcs => &["bucket", "token", "project", "endpoint", "proxy_server"],
        Protocol::Azure => &[
            "container",
            "account_name",
            "account_key",
            "connection_string",
            "sas_token",
            "endpoint",
            "emulator",
            "anonymous",
            "proxy_server",
        ],
        Protocol::Http => &["endpoint", "token", "proxy_server"],
    }
}

pub(super) fn allowed_keys(protocol: Protocol) -> Vec<&'static str> {
    let is_service = matches!(protocol, Protocol::S3 | Protocol::Gcs | Protocol::Azure | Protocol::Http);
    let service = SERVICE.into_iter().filter(|_| is_service);
    COMMON.into_iter().chain(own_keys(protocol).iter().copied()).chain(service).collect()
}

/// Whether a setting of this (last) name is a credential.
#[must_use]
pub fn is_secret(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    // An address may have a password in it.
    key == "database.url"
        || matches!(
            last,
            "password"
                | "access_key"
                | "secret_key"
                | "session_token"
                | "token"
                | "sas_token"
                | "account_key"
                | "connection_string"
        )
}
