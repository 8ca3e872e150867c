//! Files behind a web server, to read only.
//!
//! Sizes and ranges are asked for in the ways of HTTP. Listing needs a server that speaks WebDAV; a plain one refuses it.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::http::HttpBuilder;

use super::client::Connector;
use super::place::{Failure, invalid, retries, some_text};
use crate::error::Result;
use crate::spec::StoreSpec;

/// Address of the folder that the store is.
pub(super) fn base(spec: &StoreSpec) -> Result<String> {
    let base = match some_text(spec, "endpoint")? {
        Some(endpoint) => {
            format!("{}/{}", endpoint.trim_end_matches('/'), spec.location.trim_start_matches('/'))
        }
        None => spec.location.clone(),
    };
    let url = reqwest::Url::parse(&base).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    // A name and password in an address would be in every log; `token` is the place for a credential.
    if url.is_none_or(|url| !url.username().is_empty() || url.password().is_some() || url.query().is_some()) {
        let expected = "the URL of a folder, as https://example.org/data, without user or query";
        return Err(invalid(spec, "location", expected));
    }
    Ok(base.trim_end_matches('/').to_owned())
}

pub(super) fn connect(spec: &StoreSpec, connector: &Connector) -> Result<Arc<dyn ObjectStore>, Failure> {
    let mut connector = connector.clone();
    connector.bearer = some_text(spec, "token")?;
    let builder = HttpBuilder::new().with_url(base(spec)?).with_retry(retries(&connector));
    Ok(Arc::new(builder.with_http_connector(connector).build()?))
}
