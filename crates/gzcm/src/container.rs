//! The container: what the bytes of a file are, versions 1 to 5.1.

pub mod archive;
pub mod catalog;
pub mod frame;
pub mod header;
pub mod index;
pub mod meta;
pub mod stream;
pub mod varint;
