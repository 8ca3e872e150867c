//! Choice of the database adapter from the configuration.

use std::path::PathBuf;

use lapjoint_db::sqlite::{Location, SqliteOptions};
use lapjoint_db::{Adapter, MysqlAdapter, PostgresAdapter, Product, ServerOptions, SqliteAdapter, Tls};
use lapjoint_store::{Config, Source};

use crate::error::Error;

/// An adapter, and where its database is, for messages; never with a password.
pub(crate) struct Opened {
    pub adapter: Box<dyn Adapter>,
    pub address: String,
}

/// Opens the adapter that `database.url`, or `database.backend` with the settings of its server, names.
pub(crate) fn open_adapter(config: &Config) -> Result<Opened, Error> {
    let text = |key: &str| config.text(key).filter(|text| !text.is_empty());
    // Whoever chose a backend at run time means it, also where the environment has an address.
    let chosen = |key: &str| config.source(key).is_some_and(|source| source == Source::Runtime);
    if let Some(url) = text("database.url").filter(|_| !chosen("database.backend") || chosen("database.url"))
    {
        let (product, mut options) = ServerOptions::from_url(&url)?;
        options.reconnect = config.flag("database.reconnect");
        // The address may be in a file that everybody reads, and the password among the secrets.
        options.user = options.user.or_else(|| text("database.user"));
        options.password = options.password.or_else(|| text("database.password"));
        // What the address leaves open, a setting may say.
        if options.tls == Tls::Prefer {
            options.tls = match config.get("database.use_tls").and_then(|value| value.as_bool()) {
                Some(true) => Tls::Require,
                Some(false) => Tls::Off,
                None => Tls::Prefer,
            };
        }
        return open_server(product, &options);
    }
    match text("database.backend").as_deref() {
        Some("postgresql") => open_server(Product::Postgres, &server_options(config)?),
        Some("mysql") => open_server(Product::MySql, &server_options(config)?),
        _ => {
            let name = text("database.name").unwrap_or_else(|| ".".into());
            let address = format!("sqlite:{name}");
            let location =
                if name == ":memory:" { Location::Memory } else { Location::Directory(PathBuf::from(name)) };
            let adapter = Box::new(SqliteAdapter::open(&SqliteOptions::new(location))?);
            Ok(Opened { adapter, address })
        }
    }
}

fn open_server(product: Product, options: &ServerOptions) -> Result<Opened, Error> {
    let (adapter, port): (Box<dyn Adapter>, u16) = match product {
        Product::Postgres => (Box::new(PostgresAdapter::open(options)?), 5432),
        // DataJoint passes over the name of a database for MySQL, whose schemas are databases.
        Product::MySql => {
            let options = ServerOptions { database: None, ..options.clone() };
            (Box::new(MysqlAdapter::open(&options)?), 3306)
        }
    };
    let user = options.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
    Ok(Opened { adapter, address: format!("{user}{}", options.address(port)) })
}

/// The server that DataJoint's settings name. The host may have a port behind a colon.
fn server_options(config: &Config) -> Result<ServerOptions, Error> {
    let text = |key: &str| config.text(key).filter(|text| !text.is_empty());
    let host = text("database.host").unwrap_or_else(|| "localhost".into());
    let with_port = host.rsplit_once(':').and_then(|(name, port)| {
        // An address of IPv6 has colons of its own.
        (!name.contains(':') || name.ends_with(']')).then_some(())?;
        Some((name.to_owned(), port.parse().ok()?))
    });
    let (host, host_port) = match with_port {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let mut options = ServerOptions::new(host.trim_start_matches('[').trim_end_matches(']'));
    let set_port = config.integer("database.port").and_then(|port| u16::try_from(port).ok());
    let port_is_set = config.source("database.port").is_some_and(|source| source != Source::Default);
    options.port = host_port.filter(|_| !port_is_set).or(set_port);
    options.user = text("database.user");
    options.password = text("database.password");
    options.database = text("database.name");
    options.reconnect = config.flag("database.reconnect");
    let use_tls = config.get("database.use_tls").and_then(|value| value.as_bool());
    options.tls = match (use_tls, text("database.tls_ca")) {
        (Some(false), Some(_)) => {
            return Err(Error::usage(
                "database.tls_ca names certificates to trust, and database.use_tls is false: unset one of them",
            ));
        }
        (_, Some(ca)) => Tls::Verify(PathBuf::from(ca)),
        (Some(true), None) => Tls::Require,
        (Some(false), None) => Tls::Off,
        (None, None) => Tls::Prefer,
    };
    Ok(options)
}
