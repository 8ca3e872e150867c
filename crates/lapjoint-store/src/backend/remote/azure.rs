//! Azure Blob Storage.
//!
//! Credentials, in this order: `connection_string`, which may also name the account and the address; `account_key`; `sas_token`;
//! the variables `AZURE_…` and the identity of the machine. `anonymous` sends none at all, and is never a last resort.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::client::Connector;
use super::place::{Failure, flag, invalid, needed, retries, some_text, text};
use crate::error::Result;
use crate::spec::StoreSpec;

/// Account and key that every emulator has; Microsoft publishes them.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_ADDRESS: &str = "http://127.0.0.1:10000/devstoreaccount1";

/// What settings and connection string say together.
#[derive(Default)]
struct Account {
    name: Option<String>,
    key: Option<String>,
    /// Address of the account; that of the public cloud if there is none.
    address: Option<String>,
    signature: Option<String>,
}

impl Account {
    fn of(spec: &StoreSpec) -> Result<Self> {
        let mut account = match some_text(spec, "connection_string")? {
            Some(text) => Self::from_connection_string(spec, &text)?,
            None => Self::default(),
        };
        if flag(spec, "emulator", false)? {
            account = Self::emulator();
        }
        account.name = some_text(spec, "account_name")?.or(account.name);
        account.key = some_text(spec, "account_key")?.or(account.key);
        account.signature = some_text(spec, "sas_token")?.or(account.signature);
        account.address = some_text(spec, "endpoint")?.or(account.address);
        account.name = account.name.or_else(|| std::env::var("AZURE_STORAGE_ACCOUNT_NAME").ok());
        if let Some(address) = &account.address
            && !reqwest::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            return Err(invalid(spec, "endpoint", "a URL with http or https, the account's name included"));
        }
        Ok(account)
    }

    fn emulator() -> Self {
        Self {
            name: Some(EMULATOR_ACCOUNT.into()),
            key: Some(EMULATOR_KEY.into()),
            address: Some(EMULATOR_ADDRESS.into()),
            signature: None,
        }
    }

    fn from_connection_string(spec: &StoreSpec, text: &str) -> Result<Self> {
        // The text is a credential: an error must not show it.
        let fail = || invalid(spec, "connection_string", "a list of Name=Value, separated by semicolons");
        let mut account = Self::default();
        let (mut scheme, mut suffix) = ("https".to_owned(), "core.windows.net".to_owned());
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(fail)?;
            let value = value.trim().to_owned();
            match name.trim().to_ascii_lowercase().as_str() {
                "usedevelopmentstorage" if value.eq_ignore_ascii_case("true") => account = Self::emulator(),
                "accountname" => account.name = Some(value),
                "accountkey" => account.key = Some(value),
                "blobendpoint" => account.address = Some(value),
                "sharedaccesssignature" => account.signature = Some(value),
                "defaultendpointsprotocol" => scheme = value,
                "endpointsuffix" => suffix = value,
                _ => {}
            }
        }
        if let (Some(name), None) = (&account.name, &account.address) {
            account.address = Some(format!("{scheme}://{name}.blob.{suffix}"));
        }
        Ok(account)
    }
}

/// Account and container.
pub(super) fn name(spec: &StoreSpec) -> Result<String> {
    let account = Account::of(spec)?;
    let container = needed(spec, "container")?;
    let name = account.name.map_or_else(|| needed(spec, "account_name"), Ok)?;
    Ok(format!("azure://{name}@{}/{container}", account.address.unwrap_or_default()))
}

pub(super) fn connect(spec: &StoreSpec, connector: &Connector) -> Result<Arc<dyn ObjectStore>, Failure> {
    let account = Account::of(spec)?;
    let is_anonymous = flag(spec, "anonymous", false)?;
    let is_ambient = account.key.is_none() && account.signature.is_none() && !is_anonymous;
    let mut builder =
        if is_ambient { MicrosoftAzureBuilder::from_env() } else { MicrosoftAzureBuilder::new() }
            .with_container_name(text(spec, "container")?)
            .with_account(account.name.unwrap_or_default())
            .with_use_emulator(false)
            .with_allow_http(true)
            .with_retry(retries(connector))
            .with_http_connector(connector.clone());
    if let Some(address) = account.address {
        builder = builder.with_endpoint(address.trim_end_matches('/').to_owned());
    }
    if let Some(key) = account.key {
        builder = builder.with_access_key(key);
    } else if let Some(signature) = account.signature {
        builder = builder.with_config(AzureConfigKey::SasKey, signature.trim_start_matches('?'));
    } else if is_anonymous {
        builder = builder.with_skip_signature(true);
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(text: &str) -> Result<Account> {
        Account::from_connection_string(&StoreSpec::memory("m"), text)
    }

    #[test]
    fn a_connection_string_says_account_address_and_key() {
        let found =
            account("DefaultEndpointsProtocol=https;AccountName=lab;AccountKey=a+/b==;EndpointSuffix=x.net")
                .unwrap();
        assert_eq!((found.name.as_deref(), found.key.as_deref()), (Some("lab"), Some("a+/b==")));
        assert_eq!(found.address.as_deref(), Some("https://lab.blob.x.net"));
        let found = account("BlobEndpoint=http://localhost:1/lab;SharedAccessSignature=sv=1&sig=2;").unwrap();
        assert_eq!(found.address.as_deref(), Some("http://localhost:1/lab"));
        assert_eq!(found.signature.as_deref(), Some("sv=1&sig=2"));
        assert_eq!(account("UseDevelopmentStorage=true").unwrap().name.as_deref(), Some(EMULATOR_ACCOUNT));
    }

    #[test]
    fn a_connection_string_that_cannot_be_read_is_not_shown() {
        let error = account("hunter2").map(|_| ()).unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("connection_string"), "{error}");
    }
}
