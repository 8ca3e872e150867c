//! Which path within a store a value gets: DataJoint's two ways of addressing.
//!
//! - **By hash**: `<hash_prefix>/<schema>/[<fold>/…]<hash>`; equal content of one schema is stored once.
//! - **By schema**: `<schema_prefix>/[<partition>=<v>/…]<schema>/<table>/[<key>=<v>/…]<field>_<token><ext>`; the
//!   random token makes every write a new object, so nothing is ever overwritten.

use std::fmt::Write as _;

use data_encoding::BASE32_NOPAD;
use lapjoint_types::Value;
use md5::{Digest, Md5};
use rand::Rng;

use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::spec::StoreSpec;

mod key_value;
mod python_text;

pub use key_value::encode_pk_value;

/// Letters of a token.
pub const TOKEN_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Letters in a content hash.
pub const HASH_LETTERS: usize = 26;

/// Letters in a SHA-256 in base 32, by which modules are addressed that are kept beside the values they read.
pub const SHA256_LETTERS: usize = 52;

/// MD5 of the content in base 32, lower case, without padding: 26 letters of `a-z2-7`.
#[must_use]
pub fn content_hash(content: &[u8]) -> String {
    BASE32_NOPAD.encode(&Md5::digest(content)).to_ascii_lowercase()
}

/// Whether a name is a hash of one of the two kinds.
#[must_use]
pub fn is_hash(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
    matches!(name.len(), HASH_LETTERS | SHA256_LETTERS) && name.bytes().all(is_letter)
}

/// Path of hash-addressed content.
///
/// # Errors
///
/// [`StoreError::InvalidHash`] or, for an odd schema name, [`StoreError::UnsafePath`].
pub fn hash_path(spec: &StoreSpec, schema: &str, hash: &str) -> Result<String> {
    if !is_hash(hash) {
        return Err(StoreError::InvalidHash { hash: crate::error::shorten(hash) });
    }
    let mut path = section(&spec.hash_prefix);
    path.push_str(one_part("schema", schema)?);
    let mut rest = hash;
    for fold in &spec.subfolding {
        let (head, tail) = rest.split_at_checked(*fold).unwrap_or((rest, ""));
        path.push('/');
        path.push_str(head);
        rest = tail;
    }
    path.push('/');
    path.push_str(hash);
    SafePath::parse(&path)?;
    Ok(path)
}

/// Path of a schema-addressed object. `table` is the table's name in the database, with its tier prefix; `key` is
/// the primary key in the order of the heading; `ext` may lack its dot.
///
/// # Errors
///
/// [`StoreError::InvalidKeyValue`] for a key value that cannot be part of a path, [`StoreError::UnsafePath`] for an
/// odd name or extension.
pub fn schema_path(
    spec: &StoreSpec,
    schema: &str,
    table: &str,
    key: &[(String, Value)],
    field: &str,
    token: &str,
    ext: &str,
) -> Result<String> {
    let mut path = section(&spec.schema_prefix);
    let partition = spec.partition_pattern.as_deref().map(partition_attributes).unwrap_or_default();
    for attribute in &partition {
        if let Some((name, value)) = key.iter().find(|(name, _)| name == attribute) {
            push_key(&mut path, name, value)?;
        }
    }
    let _ = write!(path, "{}/{}/", one_part("schema", schema)?, one_part("table", table)?);
    for (name, value) in key.iter().filter(|(name, _)| !partition.contains(&name.as_str())) {
        push_key(&mut path, name, value)?;
    }
    let dot = if ext.is_empty() || ext.starts_with('.') { "" } else { "." };
    let _ = write!(path, "{field}_{token}{dot}{ext}");
    if [field, token, ext].iter().any(|text| text.contains('/')) {
        return Err(StoreError::unsafe_path(&path, "field, token and extension cannot contain /"));
    }
    SafePath::parse(&path)?;
    Ok(path)
}

/// A random token of `length` letters, clamped to 4 to 16.
///
/// # Panics
///
/// When the operating system has no randomness to give.
#[must_use]
pub fn token(length: usize) -> String {
    // ThreadRng is a cryptographic generator seeded by the operating system. It would repeat itself in a forked
    // child, so each token is drawn from the system's own generator instead.
    let mut source = rand::rngs::OsRng;
    let mut bytes = [0_u8; 16];
    rand::TryRngCore::try_fill_bytes(&mut source, &mut bytes)
        .unwrap_or_else(|_| rand::rng().fill(&mut bytes));
    // 256 is a multiple of 64: masking keeps every letter equally likely.
    bytes
        .iter()
        .take(length.clamp(4, 16))
        .filter_map(|byte| TOKEN_ALPHABET.get(usize::from(byte & 63)))
        .map(|letter| char::from(*letter))
        .collect()
}

/// A prefix with exactly one `/` after it, or nothing.
fn section(prefix: &str) -> String {
    match prefix.trim_matches('/') {
        "" => String::new(),
        trimmed => format!("{trimmed}/"),
    }
}

fn one_part<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    if name.is_empty() || name.contains('/') {
        return Err(StoreError::unsafe_path(name, format!("a {what} name cannot be empty or contain /")));
    }
    Ok(name)
}

fn push_key(path: &mut String, name: &str, value: &Value) -> Result<()> {
    let encoded = encode_pk_value(name, value)?;
    let _ = write!(path, "{}={encoded}/", one_part("key attribute", name)?);
    Ok(())
}

/// Names in braces, in order; other text has no meaning.
fn partition_attributes(pattern: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = pattern;
    while let Some((_, after)) = rest.split_once('{') {
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, tail) = after.split_at(end);
        if !name.is_empty() && tail.starts_with('}') {
            found.push(name);
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests;
