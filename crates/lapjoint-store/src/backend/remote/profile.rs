//! The files in which the tools of Amazon keep profiles: `~/.aws/credentials` and `~/.aws/config`.
//!
//! Only keys and the region are read; profiles that log in, assume a role or run a program have none and are no profiles here.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::place::invalid;
use crate::error::Result;
use crate::spec::StoreSpec;

/// Where the two files are.
#[derive(Debug)]
pub(super) struct SharedFiles {
    credentials: PathBuf,
    config: PathBuf,
}

/// What a profile says. Not printable: it has keys.
#[derive(Default)]
pub(super) struct Profile {
    access_key: Option<String>,
    secret_key: Option<String>,
    session_token: Option<String>,
    pub region: Option<String>,
}

impl Profile {
    /// Access key, secret key and session token, if the profile has keys.
    pub fn keys(&self) -> Option<(String, String, Option<String>)> {
        Some((self.access_key.clone()?, self.secret_key.clone()?, self.session_token.clone()))
    }

    fn fill(&mut self, settings: &HashMap<String, String>) {
        let get = |name: &str| settings.get(name).filter(|value| !value.is_empty()).cloned();
        // Keys belong together: those of one file are not mixed with those of the other.
        if self.access_key.is_none() && self.secret_key.is_none() {
            self.access_key = get("aws_access_key_id");
            self.secret_key = get("aws_secret_access_key");
            self.session_token = get("aws_session_token");
        }
        self.region = self.region.take().or_else(|| get("region"));
    }
}

impl SharedFiles {
    pub fn of_process() -> Self {
        let place =
            |variable: &str, name: &str| match std::env::var_os(variable).filter(|path| !path.is_empty()) {
                Some(path) => expand(Path::new(&path)),
                None => std::env::home_dir().unwrap_or_default().join(".aws").join(name),
            };
        Self {
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config: place("AWS_CONFIG_FILE", "config"),
        }
    }

    /// A profile by name; `None` if neither file has it.
    pub fn profile(&self, name: &str, spec: &StoreSpec) -> Result<Option<Profile>> {
        let mut profile = Profile::default();
        let mut found = false;
        let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        for (file, section) in [(&self.credentials, name), (&self.config, in_config.as_str())] {
            let text = match std::fs::read_to_string(file) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let expected =
                        format!("read from a file that can be read; {} cannot: {error}", file.display());
                    return Err(invalid(spec, "profile", &expected));
                }
            };
            if let Some(settings) = section_of(&text, section) {
                profile.fill(&settings);
                found = true;
            }
        }
        Ok(found.then_some(profile))
    }
}

impl fmt::Display for SharedFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.credentials.display(), self.config.display())
    }
}

/// `~/x` as a path below the home folder.
fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// The settings of a section `[name]`; `None` if there is none. Of a name that comes twice the last value counts.
fn section_of(text: &str, wanted: &str) -> Option<HashMap<String, String>> {
    let mut settings: Option<HashMap<String, String>> = None;
    let mut inside = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or(rest);
            inside = name.split_whitespace().eq(wanted.split_whitespace());
            if inside {
                settings.get_or_insert_default();
            }
        } else if inside
            && !is_nested
            && let (Some(settings), Some((name, value))) = (&mut settings, line.split_once('='))
        {
            // A comment after a value needs a space before it: keys may have # in them.
            let value = [" #", " ;", "\t#", "\t;"]
                .iter()
                .fold(value, |value, mark| value.split_once(mark).map_or(value, |(value, _)| value));
            settings.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "\u{feff}# made by hand\n[default]\naws_access_key_id = AKIADEFAULT\n\
        aws_secret_access_key=se#cret/+=\r\n\n[ lab ]\nAWS_ACCESS_KEY_ID=AKIALAB # old\n\
        aws_secret_access_key = two words;x\naws_session_token = tok\n  nested = no\n[half]\naws_access_key_id = x\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  region = nested\n[profile lab]\nregion=us-west-2\n\
        aws_access_key_id = NOT_THIS\n[profile login]\nsso_start_url = https://example.org\n";

    fn files() -> (tempfile::TempDir, SharedFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files =
            SharedFiles { credentials: dir.path().join("credentials"), config: dir.path().join("config") };
        std::fs::write(&files.credentials, CREDENTIALS).unwrap();
        std::fs::write(&files.config, CONFIG).unwrap();
        (dir, files)
    }

    #[test]
    fn both_files_are_read_together() {
        let ((_dir, files), spec) = (files(), StoreSpec::memory("m"));
        let profile = |name: &str| files.profile(name, &spec).unwrap();
        let default = profile("default").unwrap();
        assert_eq!(default.keys().unwrap(), ("AKIADEFAULT".into(), "se#cret/+=".into(), None));
        assert_eq!(default.region.as_deref(), Some("eu-west-1"));
        let lab = profile("lab").unwrap();
        assert_eq!(lab.keys().unwrap(), ("AKIALAB".into(), "two words;x".into(), Some("tok".into())));
        assert_eq!(lab.region.as_deref(), Some("us-west-2"));
        assert!(profile("half").unwrap().keys().is_none());
        assert!(profile("login").unwrap().keys().is_none());
        assert!(profile("nobody").is_none());
    }

    #[test]
    fn files_that_are_not_there_have_no_profiles() {
        let dir = tempfile::tempdir().unwrap();
        let files = SharedFiles { credentials: dir.path().join("no"), config: dir.path().join("neither") };
        assert!(files.profile("default", &StoreSpec::memory("m")).unwrap().is_none());
        let files = SharedFiles { credentials: dir.path().to_owned(), config: dir.path().join("neither") };
        assert!(files.profile("default", &StoreSpec::memory("m")).is_err(), "a folder is no file");
    }

    #[test]
    fn odd_lines_are_passed_over() {
        let text = "key = outside\n[a\n[a]b\nno equals sign\n=\nx = 1\nx = 2\n[a] # again\ny = 3";
        let settings = section_of(text, "a").unwrap();
        assert_eq!((settings["x"].as_str(), settings["y"].as_str()), ("2", "3"));
        assert!(!settings.contains_key("key"));
    }
}
