//! Reaching a server: addresses, encryption, time-outs.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::DbError;
use crate::postgres::{DEFAULT_PORT, PRODUCT, block, tls};
use crate::server::{ServerOptions, Tls};

/// Database when none is named, as DataJoint has it.
const DEFAULT_DATABASE: &str = "postgres";

/// A silent connection is asked for a sign of life after this time.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// Time between two such questions, of which [`KEEPALIVE_RETRIES`] may stay without an answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

const KEEPALIVE_RETRIES: u32 = 4;

/// A client and the task that moves its messages, which runs only while something is waited for.
pub(super) struct Reached {
    pub client: Client,
    pub task: JoinHandle<()>,
    /// How the connection is encrypted: a request to cancel a statement goes the same way.
    pub tls: Option<MakeRustlsConnect>,
}

/// Connects and logs in.
pub(super) fn connect(runtime: &Runtime, options: &ServerOptions) -> Result<Reached, DbError> {
    let unreachable = |message: String| DbError::Unreachable {
        product: PRODUCT,
        address: options.address(DEFAULT_PORT),
        message,
    };
    // Where the host is a socket nobody listens in, and the server offers no encryption.
    let wanted = if options.socket().is_some() { Tls::Off } else { options.tls.clone() };
    let attempt = |mode: SslMode, tls: Option<MakeRustlsConnect>| {
        let config = config(options, mode).map_err(&unreachable)?;
        let waited = options.connect_timeout;
        let connected =
            block::on(runtime, async move { tokio::time::timeout(waited, reach(&config, tls)).await });
        match connected {
            Err(_elapsed) => Err(unreachable(format!(
                "no answer within {} seconds; check host and port, that the server is PostgreSQL, and that no firewall \
                 stands between",
                waited.as_secs_f32()
            ))),
            Ok(Err(error)) => Err(refused(&error, options)),
            Ok(Ok(reached)) => Ok(reached),
        }
    };
    let connector = || tls::connector(&wanted).map_err(&unreachable);
    match &wanted {
        Tls::Off => attempt(SslMode::Disable, None),
        Tls::Require | Tls::Verify(_) => attempt(SslMode::Require, Some(connector()?)),
        Tls::Prefer => attempt(SslMode::Prefer, Some(connector()?)).or_else(|error| match &error {
            // The server offers encryption that does not come about.
            DbError::Unreachable { message, .. } if message.contains("TLS handshake") => {
                attempt(SslMode::Disable, None)
            }
            _ => Err(error),
        }),
    }
}

async fn reach(config: &Config, tls: Option<MakeRustlsConnect>) -> Result<Reached, tokio_postgres::Error> {
    async fn with<T>(config: &Config, tls: T) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error>
    where
        T: tokio_postgres::tls::MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, connection) = config.connect(tls).await?;
        // Its error is that of the statement that meets it.
        let task = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to PostgreSQL ended");
            }
        });
        Ok((client, task))
    }
    let (client, task) = match tls.clone() {
        Some(tls) => with(config, tls).await?,
        None => with(config, NoTls).await?,
    };
    Ok(Reached { client, task, tls })
}

fn config(options: &ServerOptions, mode: SslMode) -> Result<Config, String> {
    let mut config = Config::new();
    config
        .ssl_mode(mode)
        .port(options.port.unwrap_or(DEFAULT_PORT))
        .dbname(options.database.as_deref().unwrap_or(DEFAULT_DATABASE))
        .application_name("lapjoint")
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES);
    // The driver takes that of the process where none is given.
    if let Some(user) = &options.user {
        config.user(user);
    }
    if let Some(password) = &options.password {
        config.password(password);
    }
    match options.socket() {
        Some(path) => {
            config.host_path(path);
        }
        // Found out here: the driver would start a thread for it.
        None => {
            for address in addresses(&options.host)? {
                config.host(&options.host).hostaddr(address);
            }
        }
    }
    Ok(config)
}

fn addresses(host: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let found: Vec<IpAddr> = (host, 0)
        .to_socket_addrs()
        .map_err(|error| format!("the name of the host cannot be resolved: {error}"))?
        .map(|address| address.ip())
        .collect();
    if found.is_empty() { Err("the name of the host has no address".to_owned()) } else { Ok(found) }
}

/// What the server, or the way to it, refused.
fn refused(error: &tokio_postgres::Error, options: &ServerOptions) -> DbError {
    if let Some(server) = error.as_db_error() {
        let code = server.code().code();
        let message = server.message().to_owned();
        return match code.get(..2) {
            Some("28") => DbError::Access { product: PRODUCT, message, sql: String::new() },
            _ => DbError::Unreachable { product: PRODUCT, address: options.address(DEFAULT_PORT), message },
        };
    }
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    let advice = if message.contains("TLS") {
        "check that the server offers TLS and which certificate it shows"
    } else if message.contains("password") || message.contains("authentication") {
        "check user and password"
    } else {
        "check host and port, and that the server there is PostgreSQL"
    };
    DbError::Unreachable {
        product: PRODUCT,
        address: options.address(DEFAULT_PORT),
        message: format!("{message}; {advice}"),
    }
}
