//! Servers and faults for the tests of Lapjoint; published with nothing.
//!
//! - [`S3Server`]: an S3 service in this process, on a folder;
//! - [`Proxy`]: between a client and a server, for [`Proxy::http`] one that knows where a request ends, and for [`Proxy::stream`]
//!   one that passes bytes of any protocol. What it does to each is said by a function that returns a [`Fault`].

mod fault;
mod http;
mod proxy;
mod s3;
mod stream;

pub use fault::{Fault, Request, random};
pub use proxy::{Counts, Proxy};
pub use s3::{Conditions, S3Server};
