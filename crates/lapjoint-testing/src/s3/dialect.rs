//! In whose words requests are made.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};

/// Whose words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Amazon,
    Google,
}

const OURS: &str = "x-amz-meta-";
const THEIRS: &str = "x-goog-meta-";
/// A put on condition of this generation: 0 is that of an object that is not there.
const GENERATION: &str = "x-goog-if-generation-match";

impl Dialect {
    /// Puts a request into the words of S3.
    pub fn translate(self, headers: &mut HeaderMap) {
        if self == Self::Amazon {
            return;
        }
        headers.remove(AUTHORIZATION);
        if headers.remove(GENERATION).is_some_and(|generation| generation == "0") {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        rename(headers, THEIRS, OURS);
    }

    /// Puts an answer into the words of the client.
    pub fn translate_back(self, headers: &mut HeaderMap) {
        if self == Self::Google {
            rename(headers, OURS, THEIRS);
        }
    }
}

fn rename(headers: &mut HeaderMap, from: &str, to: &str) {
    let found: Vec<(HeaderName, HeaderName, HeaderValue)> = headers
        .iter()
        .filter_map(|(name, value)| {
            let rest = name.as_str().strip_prefix(from)?;
            Some((name.clone(), HeaderName::try_from(format!("{to}{rest}")).ok()?, value.clone()))
        })
        .collect();
    for (old, new, value) in found {
        headers.remove(old);
        headers.insert(new, value);
    }
}
