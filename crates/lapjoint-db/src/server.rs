//! Where a database server is and how to reach it, the same for every product.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::error::DbError;

/// Time in which a server must have answered a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A product of which this crate has an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// PostgreSQL 13 and newer.
    Postgres,
    /// MySQL 8.0 and newer, MariaDB 10.6 and newer.
    MySql,
}

/// Encryption of the connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tls {
    /// Encrypted where the server can, without a check of its certificate; plain where it cannot.
    #[default]
    Prefer,
    /// Encrypted, or no connection; without a check of the certificate.
    Require,
    /// Encrypted, and the certificate must be signed by one of this PEM file for the name of the host.
    Verify(PathBuf),
    /// Not encrypted.
    Off,
}

/// How to open a connection to a server.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Name or address of the machine, or the path of a Unix socket (of its folder, for PostgreSQL).
    pub host: String,
    /// Port; the product's own when not given.
    pub port: Option<u16>,
    /// User; that of the process when not given.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Database to connect to. For PostgreSQL it holds the schemas; MySQL needs none.
    pub database: Option<String>,
    /// Encryption.
    pub tls: Tls,
    /// Time in which the server must have answered.
    pub connect_timeout: Duration,
    /// Whether a connection lost outside of a transaction is opened again.
    pub reconnect: bool,
}

impl ServerOptions {
    /// A server, everything else as by default.
    #[must_use]
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            user: None,
            password: None,
            database: None,
            tls: Tls::default(),
            connect_timeout: CONNECT_TIMEOUT,
            reconnect: true,
        }
    }

    /// Reads `postgresql://user:password@host:port/database?tls=require`, or the same with `postgres`, `mysql` or `mariadb`.
    /// `tls` is `prefer`, `require`, `off` or `verify`, the last with `ca=FILE`; `host=PATH` names a Unix socket. `sslmode` is
    /// read as libpq means it.
    ///
    /// # Errors
    /// [`DbError::Unreachable`] for a text that is no such address; it does not repeat the password.
    pub fn from_url(text: &str) -> Result<(Product, Self), DbError> {
        let url = Url::parse(text).map_err(|error| refuse("the address", &error.to_string()))?;
        let product = match url.scheme() {
            "postgresql" | "postgres" => Product::Postgres,
            "mysql" | "mariadb" => Product::MySql,
            other => {
                let message = format!("`{other}` is none of postgresql, postgres, mysql, mariadb");
                return Err(refuse(url.host_str().unwrap_or_default(), &message));
            }
        };
        let shown = url.host_str().unwrap_or_default().to_owned();
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8()
                .map(|text| text.into_owned())
                .map_err(|_| refuse(&shown, "a part of the address is not UTF-8"))
        };
        let host = decode(url.host_str().unwrap_or_default())?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        let mut options = Self::new(if host.is_empty() { "localhost" } else { host });
        options.port = url.port();
        options.user = Some(decode(url.username())?).filter(|user| !user.is_empty());
        options.password = url.password().map(&decode).transpose()?;
        options.database =
            Some(decode(url.path().trim_start_matches('/'))?).filter(|database| !database.is_empty());
        let mut ca = None;
        let mut mode = None;
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "host" | "socket" => options.host = value.into_owned(),
                "ca" | "sslrootcert" => ca = Some(PathBuf::from(value.into_owned())),
                "tls" | "sslmode" => mode = Some(value.into_owned()),
                other => {
                    let message = format!("`{other}` is none of tls, ca, host");
                    return Err(refuse(&shown, &message));
                }
            }
        }
        options.tls = match (mode.as_deref(), ca) {
            (None, None) | (Some("prefer" | "allow"), _) => Tls::Prefer,
            (Some("off" | "disable" | "false"), _) => Tls::Off,
            (Some("require" | "true"), None) => Tls::Require,
            (None | Some("require" | "true" | "verify" | "verify-ca" | "verify-full"), Some(ca)) => {
                Tls::Verify(ca)
            }
            (Some("verify" | "verify-ca" | "verify-full"), None) => {
                return Err(refuse(&shown, "tls=verify needs ca=FILE with the certificates to trust"));
            }
            (Some(other), _) => {
                let message = format!("tls is `{other}`; it can be prefer, require, verify or off");
                return Err(refuse(&shown, &message));
            }
        };
        Ok((product, options))
    }

    /// The path of the Unix socket, where the host is one.
    #[must_use]
    pub fn socket(&self) -> Option<&str> {
        self.host.starts_with('/').then_some(self.host.as_str())
    }

    /// Host and port, or the socket, for messages.
    #[must_use]
    pub fn address(&self, default_port: u16) -> String {
        match self.socket() {
            Some(socket) => socket.to_owned(),
            None => format!("{}:{}", self.host, self.port.unwrap_or(default_port)),
        }
    }
}

impl fmt::Debug for ServerOptions {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

fn refuse(address: &str, message: &str) -> DbError {
    DbError::Unreachable {
        product: "the database",
        address: address.to_owned(),
        message: format!("{message}; write it as postgresql://user:password@host:port/database"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_all_their_parts() {
        let (product, options) =
            ServerOptions::from_url("postgresql://ann:p%40ss@db.lab:5433/main?sslmode=require").unwrap();
        assert_eq!(product, Product::Postgres);
        assert_eq!((options.host.as_str(), options.port), ("db.lab", Some(5433)));
        assert_eq!((options.user.as_deref(), options.password.as_deref()), (Some("ann"), Some("p@ss")));
        assert_eq!((options.database.as_deref(), options.tls), (Some("main"), Tls::Require));
        let (product, options) =
            ServerOptions::from_url("mysql://root@localhost?socket=/run/mysqld/mysqld.sock").unwrap();
        assert_eq!(product, Product::MySql);
        assert_eq!(options.socket(), Some("/run/mysqld/mysqld.sock"));
    }

    #[test]
    fn a_refused_address_keeps_its_password_to_itself() {
        for text in [
            "oracle://ann:secret@db",
            "mysql://ann:secret@db?tls=maybe",
            "mysql://ann:secret@db?tls=verify",
            "mysql://ann:secret@db:port",
            "mysql://ann:secret@db?x=1",
        ] {
            let error = ServerOptions::from_url(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let (_, options) = ServerOptions::from_url("mysql://ann:secret@db").unwrap();
        assert!(!format!("{options:?}").contains("secret"));
    }
}
