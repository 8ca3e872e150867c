//! Google Cloud Storage.
//!
//! `token` may be the path of a file (a service account or what `gcloud auth application-default login` writes), the content of
//! such a file, a bearer token, or `anon` for none at all. Without it the credentials of the machine count: the file of
//! `GOOGLE_APPLICATION_CREDENTIALS`, that of `gcloud`, the instance.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::gcp::GoogleCloudStorageBuilder;
use serde_json::Value as Json;

use super::client::Connector;
use super::place::{Failure, invalid, needed, retries, some_text};
use crate::spec::StoreSpec;

pub(super) fn connect(spec: &StoreSpec, connector: &Connector) -> Result<Arc<dyn ObjectStore>, Failure> {
    let bucket = needed(spec, "bucket")?;
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(retries(connector))
        .with_http_connector(connector.clone());
    if let Some(endpoint) = some_text(spec, "endpoint")? {
        builder = builder.with_base_url(endpoint.trim_end_matches('/'));
    }
    builder = match spec.option("token") {
        None | Some(Json::Null) => builder,
        Some(content @ Json::Object(_)) => builder.with_service_account_key(content.to_string()),
        Some(Json::String(token)) => match token.as_str() {
            "" | "google_default" | "cloud" => builder,
            "anon" => builder.with_bearer_token("").with_skip_signature(true),
            "browser" | "cache" => {
                let expected = "the path of a file, a token, or 'anon'; for a login of your own run 'gcloud auth \
                                application-default login' and leave token out";
                return Err(invalid(spec, "token", expected).into());
            }
            content if content.trim_start().starts_with('{') => builder.with_service_account_key(content),
            path if Path::new(path).is_file() => builder.with_application_credentials(path),
            path if path.ends_with(".json") || path.contains(std::path::MAIN_SEPARATOR) => {
                return Err(
                    invalid(spec, "token", "the path of a file that is there, a token, or 'anon'").into()
                );
            }
            token => builder.with_bearer_token(token),
        },
        Some(_) => {
            return Err(invalid(spec, "token", "a string, or the content of a service account's file").into());
        }
    };
    Ok(Arc::new(builder.build()?))
}
