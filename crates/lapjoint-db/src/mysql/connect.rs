//! Opening a connection: address, encryption, time-outs and the settings of the session.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, DriverError, Error, OptsBuilder, SslOpts};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::error::DbError;
use crate::mysql::query::run_all;
use crate::server::{ServerOptions, Tls};

/// Port of the product where none is given.
pub(crate) const PORT: u16 = 3306;

/// Largest packet of the protocol; what the server takes is asked of it.
const MAX_PACKET_BYTES: usize = 1 << 30;

/// Statements kept prepared.
const CACHED_STATEMENTS: usize = 64;

/// Milliseconds without traffic after which the system asks whether the other side is still there.
const KEEPALIVE_MS: u32 = 60_000;

/// Seconds that the server waits at least for a client that is busy with the rows it has.
const WRITE_SECONDS: u64 = 3600;

/// Seconds that the server waits at least for the next statement: its own default.
const IDLE_SECONDS: u64 = 28_800;

/// DataJoint's `sql_mode`; and zero is a number like any other, also in a column that numbers itself.
const SQL_MODE: &str = "NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,\
                        ONLY_FULL_GROUP_BY,NO_AUTO_VALUE_ON_ZERO";

/// What is known of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// Name of the product.
    pub product: &'static str,
    /// MariaDB, and not MySQL.
    pub is_mariadb: bool,
    /// Largest packet that it takes, in bytes.
    pub max_packet_bytes: usize,
    /// Whether it undoes a whole transaction when a lock is waited for too long.
    pub rolls_back_on_timeout: bool,
}

/// Opens a connection and sets its session up, all within the time-out.
pub(crate) fn connect(options: &ServerOptions) -> Result<(Conn, Server), DbError> {
    let deadline = Instant::now() + options.connect_timeout;
    let mut conn = open(options, deadline)?;
    let server = set_up(&mut conn).map_err(|error| refuse(options, error))?;
    set_timeouts(&conn, None).map_err(|error| refuse(options, Error::IoError(error)))?;
    Ok((conn, server))
}

fn open(options: &ServerOptions, deadline: Instant) -> Result<Conn, DbError> {
    let ssl = match &options.tls {
        Tls::Off => None,
        Tls::Prefer | Tls::Require => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
        Tls::Verify(path) => {
            check_certificates(options, path)?;
            Some(SslOpts::default().with_root_cert_path(Some(path.clone())))
        }
    };
    if ssl.is_some() && rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another part of the process may be faster; any provider will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let encrypted = ssl.is_some();
    match open_with(options, ssl, deadline) {
        Err(error) if options.tls == Tls::Prefer && encrypted && is_about_tls(&error) => {
            if !matches!(error, Error::DriverError(DriverError::TlsNotSupported)) {
                tracing::warn!(%error, address = options.address(PORT), "no encryption with this server");
            }
            open_with(options, None, deadline).map_err(|error| refuse(options, error))
        }
        other => other.map_err(|error| refuse(options, error)),
    }
}

/// Whether a connection without encryption may do better.
fn is_about_tls(error: &Error) -> bool {
    match error {
        Error::TlsError(_) | Error::DriverError(DriverError::TlsNotSupported) => true,
        // How rustls reports what is wrong with a handshake.
        other => io_error(other).is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData),
    }
}

fn check_certificates(options: &ServerOptions, path: &Path) -> Result<(), DbError> {
    let count = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map(|found| found.len())
        .map_err(|error| unreachable(options, &format!("{}: {error}", path.display())))?;
    if count == 0 {
        return Err(unreachable(options, &format!("{} holds no certificate", path.display())));
    }
    Ok(())
}

fn open_with(options: &ServerOptions, ssl: Option<SslOpts>, deadline: Instant) -> Result<Conn, Error> {
    let user = match &options.user {
        Some(user) => Some(user.clone()),
        None => whoami::username().ok(),
    };
    let base = OptsBuilder::new()
        .prefer_socket(false)
        .user(user)
        .pass(options.password.clone())
        .db_name(options.database.clone())
        .ssl_opts(ssl)
        .tcp_keepalive_time_ms(Some(KEEPALIVE_MS))
        .max_allowed_packet(Some(MAX_PACKET_BYTES))
        .stmt_cache_size(CACHED_STATEMENTS);
    if let Some(socket) = options.socket() {
        return start(base.socket(Some(socket)), deadline);
    }
    let port = options.port.unwrap_or(PORT);
    let base = base.ip_or_hostname(Some(options.host.clone())).tcp_port(port);
    let addresses: Vec<SocketAddr> = match (options.host.as_str(), port).to_socket_addrs() {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(Error::IoError(error)),
    };
    if addresses.len() < 2 {
        return start(base, deadline);
    }
    // Of several addresses the driver tries only the first, except when it is told the kind of its own address.
    let mut kinds: Vec<bool> = Vec::new();
    for address in &addresses {
        if !kinds.contains(&address.is_ipv4()) {
            kinds.push(address.is_ipv4());
        }
    }
    let mut result = Err(Error::DriverError(DriverError::ConnectTimeout));
    for is_ipv4 in kinds {
        let own = if is_ipv4 {
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
        } else {
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
        };
        result = start(base.clone().bind_address(Some(own)), deadline);
        // Only what did not get as far as a server is tried elsewhere.
        if !matches!(result, Err(Error::DriverError(DriverError::CouldNotConnect(_)))) {
            break;
        }
    }
    result
}

fn start(options: OptsBuilder, deadline: Instant) -> Result<Conn, Error> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Error::DriverError(DriverError::ConnectTimeout));
    }
    let options = options.tcp_connect_timeout(Some(left)).read_timeout(Some(left)).write_timeout(Some(left));
    // The driver takes for granted that a packet of the handshake is not empty; a server of another kind may send one.
    std::panic::catch_unwind(|| Conn::new(options)).unwrap_or_else(|_| {
        let message = "the handshake is not one of MySQL";
        Err(Error::IoError(std::io::Error::new(std::io::ErrorKind::InvalidInput, message)))
    })
}

/// Asks what the server is, and gives the session its settings.
fn set_up(conn: &mut Conn) -> Result<Server, Error> {
    let row: Option<(String, u64, u64, u64, u64)> = conn.query_first(
        "SELECT @@version, @@max_allowed_packet, @@innodb_rollback_on_timeout, @@net_write_timeout, @@wait_timeout",
    )?;
    let (version, max_packet_bytes, rolls_back, write_timeout, wait_timeout) =
        row.ok_or(Error::DriverError(DriverError::SetupError))?;
    // Messages are read by their words. A session that waits for its user, or for uploads, is not to lose its connection,
    // and statements that define things wait a minute for others, not a year.
    let settings = format!(
        "SET NAMES utf8mb4; \
         SET SESSION sql_mode = '{SQL_MODE}', autocommit = 1, time_zone = '+00:00', completion_type = 'NO_CHAIN', \
         lc_messages = 'en_US', lock_wait_timeout = 60, net_write_timeout = {}, wait_timeout = {}; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        write_timeout.max(WRITE_SECONDS),
        wait_timeout.max(IDLE_SECONDS)
    );
    run_all(conn, &settings)?;
    let is_mariadb = version.to_ascii_lowercase().contains("mariadb");
    Ok(Server {
        product: if is_mariadb { "MariaDB" } else { "MySQL" },
        is_mariadb,
        max_packet_bytes: usize::try_from(max_packet_bytes).unwrap_or(MAX_PACKET_BYTES),
        rolls_back_on_timeout: rolls_back != 0,
    })
}

/// Limits how long the server is waited for; without a limit a statement takes the time it takes.
#[cfg(unix)]
pub(crate) fn set_timeouts(conn: &Conn, limit: Option<Duration>) -> std::io::Result<()> {
    use std::os::fd::{AsRawFd, BorrowedFd};
    // SAFETY: the descriptor is open as long as `conn` lives, which is longer than this call.
    let socket = unsafe { BorrowedFd::borrow_raw(conn.as_raw_fd()) };
    let socket = socket2::SockRef::from(&socket);
    socket.set_read_timeout(limit)?;
    socket.set_write_timeout(limit)
}

#[cfg(not(unix))]
pub(crate) fn set_timeouts(_: &Conn, _: Option<Duration>) -> std::io::Result<()> {
    Ok(())
}

/// Takes the connection away from this process, and leaves it to the one that this process was forked from.
pub(crate) fn leave_to_parent(conn: Conn) {
    #[cfg(unix)]
    {
        use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
        // SAFETY: nothing else closes this descriptor, because `conn` is forgotten. Closed, it does not keep the
        // connection open when the parent ends; the parent's own descriptor is not touched.
        drop(unsafe { OwnedFd::from_raw_fd(conn.as_raw_fd()) });
    }
    // Its destructor would end the parent's session.
    std::mem::forget(conn);
}

fn unreachable(options: &ServerOptions, message: &str) -> DbError {
    DbError::Unreachable { product: "MySQL", address: options.address(PORT), message: message.to_owned() }
}

/// Why no connection was made.
fn refuse(options: &ServerOptions, error: Error) -> DbError {
    let seconds = options.connect_timeout.as_secs_f64();
    let silent = || {
        unreachable(
            options,
            &format!(
                "no answer of a MySQL server within {seconds} s; check the port (3306 unless set otherwise)"
            ),
        )
    };
    let message = match error {
        Error::MySqlError(error) => match error.code {
            1044 | 1045 | 1130 | 1698 | 1820 | 3118 | 3159 => {
                return DbError::Access { product: "MySQL", message: error.message, sql: String::new() };
            }
            1049 => return DbError::MissingSchema(options.database.clone().unwrap_or_default()),
            _ => error.message,
        },
        Error::DriverError(DriverError::ConnectTimeout | DriverError::Timeout) => return silent(),
        Error::DriverError(DriverError::CouldNotConnect(Some((_, reason, _)))) => reason,
        Error::DriverError(DriverError::TlsNotSupported) => {
            "the server has no encryption; set tls=off if that is meant to be so".to_owned()
        }
        other if io_error(&other).is_some() => match io_error(&other).and_then(io_message) {
            Some(message) => message,
            None => return silent(),
        },
        Error::CodecError(_) | Error::DriverError(DriverError::UnsupportedProtocol(_)) => {
            "what answers there is no MySQL server; check the port".to_owned()
        }
        other => other.to_string(),
    };
    unreachable(options, &message)
}

/// The error of the socket, where it is one.
fn io_error(error: &Error) -> Option<&std::io::Error> {
    use std::error::Error as _;
    match error {
        Error::IoError(error) => Some(error),
        Error::CodecError(error) => error.source()?.downcast_ref(),
        _ => None,
    }
}

/// What an error of the socket means; `None` for a time-out.
fn io_message(error: &std::io::Error) -> Option<String> {
    match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => None,
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::BrokenPipe
        | std::io::ErrorKind::ConnectionReset
        | std::io::ErrorKind::InvalidInput => Some(format!(
            "what answers there ends the connection or is no MySQL server ({error}); check the port"
        )),
        _ => Some(error.to_string()),
    }
}

/// Kills what another connection of the same user is running.
pub(crate) fn kill_query(options: &ServerOptions, connection: u32) -> Result<(), DbError> {
    let hurried = ServerOptions {
        connect_timeout: options.connect_timeout.min(Duration::from_secs(5)),
        ..options.clone()
    };
    let mut conn = open(&hurried, Instant::now() + hurried.connect_timeout)?;
    run_all(&mut conn, &format!("KILL QUERY {connection}")).map_err(|error| refuse(options, error))
}
