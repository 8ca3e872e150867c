//! Whether a default can be a value of its core type, said at declaration and not at the first insert.

use super::default::AttributeDefault;
use crate::core_type::CoreType;
use crate::decimal::Decimal;
use crate::spec::error::shown;
use crate::suggest::nearest;

/// Why a default is no value of its type.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

pub(super) fn check(core: &CoreType, default: &AttributeDefault) -> Result<(), Misfit> {
    let literal = match default {
        AttributeDefault::Null => return Ok(()),
        AttributeDefault::CurrentTimestamp(_) => {
            return match core {
                CoreType::Date | CoreType::DateTime(_) => Ok(()),
                _ => Err(misfit(format!("CURRENT_TIMESTAMP is no default for {}", shown(&core.to_string())))
                    .help("use it with datetime or date")),
            };
        }
        AttributeDefault::Literal(literal) => literal.as_str(),
    };
    let fits = match core {
        CoreType::Int8 => literal.parse::<i8>().is_ok(),
        CoreType::Int16 => literal.parse::<i16>().is_ok(),
        CoreType::Int32 => literal.parse::<i32>().is_ok(),
        CoreType::Int64 => literal.parse::<i64>().is_ok(),
        CoreType::Float32 | CoreType::Float64 => literal.parse::<f64>().is_ok(),
        CoreType::Decimal { .. } => literal.parse::<Decimal>().is_ok(),
        CoreType::Bool => ["0", "1", "true", "false"].iter().any(|word| word.eq_ignore_ascii_case(literal)),
        CoreType::Char(length) | CoreType::Varchar(length) => {
            literal.chars().nth(usize::try_from(*length).unwrap_or(usize::MAX)).is_none()
        }
        CoreType::Enum(labels) => return enum_label(labels, literal),
        CoreType::Date | CoreType::DateTime(_) => return time_of(core, literal),
        CoreType::Uuid => uuid::Uuid::try_parse(literal).is_ok(),
        CoreType::Json => serde_json::from_str::<serde_json::Value>(literal).is_ok(),
        CoreType::Bytes => false,
    };
    if fits {
        Ok(())
    } else {
        Err(misfit(format!("default '{}' is no value of type {core}", shown(literal))))
    }
}

fn enum_label(labels: &[String], literal: &str) -> Result<(), Misfit> {
    if labels.iter().any(|label| label == literal) {
        return Ok(());
    }
    let error = misfit(format!("default '{}' is none of the labels of the enum", shown(literal)));
    Err(match nearest(literal, labels.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean '{near}'?")),
        None => error,
    })
}

/// Databases differ in the times they read, so only what is no time at all is refused here.
fn time_of(core: &CoreType, literal: &str) -> Result<(), Misfit> {
    if literal.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(());
    }
    let error = misfit(format!("default '{}' is no value of type {core}", shown(literal)));
    let is_now = ["now", "current_", "today", "localtime", "sysdate"]
        .iter()
        .any(|word| literal.to_ascii_lowercase().starts_with(word));
    Err(if is_now { error.help("write CURRENT_TIMESTAMP") } else { error })
}

fn misfit(message: String) -> Misfit {
    Misfit { message, help: None }
}

impl Misfit {
    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(core: &str, literal: &str) -> bool {
        check(&core.parse().unwrap(), &AttributeDefault::Literal(literal.into())).is_ok()
    }

    #[test]
    fn values_of_their_types() {
        for (core, good, bad) in [
            ("int8", "-128", "128"),
            ("int16", "+5", "5.0"),
            ("int32", "0", "abc"),
            ("int64", "9223372036854775807", "9223372036854775808"),
            ("float32", "1e3", "1,5"),
            ("float64", "-.5", ""),
            ("decimal(8,2)", "1.50", "1.5x"),
            ("bool", "True", "yes"),
            ("char(2)", "éé", "abc"),
            ("varchar(3)", "", "abcd"),
            ("enum('a','b')", "b", "c"),
            ("date", "2024-01-02", "now()"),
            ("datetime", "2024-01-02 03:04:05", "yesterday"),
            ("uuid", "00000000-0000-0000-0000-000000000001", "1"),
            ("json", "{\"a\": [1]}", "{a}"),
        ] {
            assert!(fits(core, good), "{core} {good}");
            assert!(!fits(core, bad), "{core} {bad}");
        }
    }

    #[test]
    fn now_is_spelt_current_timestamp() {
        let now = AttributeDefault::Literal("now()".into());
        let misfit = check(&CoreType::DateTime(None), &now).unwrap_err();
        assert_eq!(misfit.help.as_deref(), Some("write CURRENT_TIMESTAMP"));
        let current = AttributeDefault::CurrentTimestamp(None);
        assert!(check(&CoreType::Date, &current).is_ok());
        assert!(check(&CoreType::Int32, &current).is_err());
        assert!(
            check(&CoreType::Enum(vec!["left".into()]), &AttributeDefault::Literal("Left".into())).is_err()
        );
    }
}
