//! What became of the attempts of one operation.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex};

use crate::store::parallel::lock;

tokio::task_local! {
    static CURRENT: Arc<Trace>;
}

/// The attempts of one operation, and the words of its last failure.
#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    attempts: u32,
    status: u16,
    words: String,
    /// Where an answer said that the bucket is.
    region: Option<String>,
    /// Whether the last request was to the service that machines ask for their own credentials.
    is_about_credentials: bool,
}

/// Where machines of Amazon ask for their own credentials, and containers of theirs.
const METADATA_HOSTS: [&str; 2] = ["169.254.169.254", "169.254.170.2"];

impl Trace {
    /// That of the operation under way; a new one outside of any.
    pub fn current() -> Arc<Self> {
        CURRENT.try_with(Arc::clone).unwrap_or_default()
    }

    /// Lets a future note its attempts here.
    pub fn of<F: Future>(self: &Arc<Self>, future: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(Arc::clone(self), future)
    }

    pub fn attempt(&self, host: Option<&str>) {
        let mut notes = lock(&self.0);
        notes.attempts += 1;
        notes.is_about_credentials = host.is_some_and(|host| METADATA_HOSTS.contains(&host));
    }

    pub fn failed(&self, error: &(dyn Error + Send + Sync + 'static)) {
        let mut notes = lock(&self.0);
        (notes.status, notes.words) = (0, words(error));
    }

    pub fn answered(&self, status: u16, region: Option<&str>) {
        let mut notes = lock(&self.0);
        notes.region = region.map(str::to_owned);
        notes.status = status;
        notes.words.clear();
    }

    /// Takes down what the service said about its last answer.
    pub fn explained(&self, answer: String) {
        lock(&self.0).words = answer;
    }

    /// Requests sent.
    pub fn attempts(&self) -> u32 {
        lock(&self.0).attempts
    }

    /// The last answer's status; 0 if there was none.
    pub fn status(&self) -> u16 {
        lock(&self.0).status
    }

    /// The region in which the bucket is, if a failed answer said so.
    pub fn region(&self) -> Option<String> {
        lock(&self.0).region.clone()
    }

    /// Whether it was credentials that could not be had.
    pub fn is_about_credentials(&self) -> bool {
        lock(&self.0).is_about_credentials
    }

    /// What went wrong last; `None` if nothing was sent, or the last answer was a good one.
    pub fn failure(&self) -> Option<String> {
        let notes = lock(&self.0);
        match (notes.attempts, notes.status) {
            (0, _) | (_, 100..300) => None,
            (_, 0) => Some(notes.words.clone()),
            (_, status) => {
                let known = http::StatusCode::from_u16(status).ok();
                let reason = known.and_then(|status| status.canonical_reason()).unwrap_or_default();
                let said = format!("{status} {reason}");
                Some(if notes.words.is_empty() { said } else { format!("{}: {}", said.trim(), notes.words) })
            }
        }
    }
}

/// An error and its causes, each said once.
pub(super) fn words(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// Code and message of an error's body, as services send them in XML or JSON. The rest may repeat what was signed.
pub(super) fn answer(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let between = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        rest.split_once(close).map(|(inside, _)| inside.trim().to_owned())
    };
    let (code, message) = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) => {
            let error = json.get("error").unwrap_or(&json);
            let member = |name: &str| {
                error.get(name).map(|value| value.as_str().map_or(value.to_string(), str::to_owned))
            };
            (member("code").or_else(|| error.as_str().map(str::to_owned)), member("message"))
        }
        Err(_) => (between("<Code>", "</Code>"), between("<Message>", "</Message>")),
    };
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let parts: Vec<String> = [code, message].into_iter().flatten().map(first_line).collect();
    crate::error::shorten(&parts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_code_and_message_alone() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>The request signature\n\
                   differs.</Message><AWSAccessKeyId>AKIAEXAMPLE</AWSAccessKeyId></Error>";
        assert_eq!(answer(xml.as_bytes()), "SignatureDoesNotMatch: The request signature");
        let json = r#"{"error": {"code": 403, "message": "no access", "errors": [{"secret": "x"}]}}"#;
        assert_eq!(answer(json.as_bytes()), "403: no access");
        assert_eq!(answer(b"<html>gone</html>"), "");
        assert_eq!(answer(b"\xff\xfe"), "");
    }

    #[test]
    fn the_last_failure_counts() {
        let trace = Trace::default();
        assert_eq!(trace.failure(), None);
        trace.attempt(None);
        trace.failed(&std::io::Error::other("reset"));
        assert_eq!((trace.status(), trace.failure().as_deref()), (0, Some("reset")));
        trace.attempt(None);
        trace.answered(503, None);
        assert_eq!(trace.failure().as_deref(), Some("503 Service Unavailable"));
        trace.explained("SlowDown: later".into());
        assert_eq!(trace.failure().as_deref(), Some("503 Service Unavailable: SlowDown: later"));
        trace.answered(200, None);
        assert_eq!((trace.attempts(), trace.failure()), (2, None));
    }
}
