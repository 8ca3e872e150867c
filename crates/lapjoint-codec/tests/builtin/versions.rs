//! Versions of stored values: what is refused before a codec sees it.

use std::sync::Arc;

use lapjoint_codec::types::{CoreType, TypeSpec, Value};
use lapjoint_codec::{Codec, CodecError, DecodeContext, EncodeContext, Package, Place};
use serde_json::json;

use crate::common::Bed;

/// Text in JSON, of version 1.0 or 2.0. Its decode accepts whatever it is given.
#[derive(Debug)]
struct Noted;

impl Codec for Noted {
    fn name(&self) -> &str {
        "noted"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        Ok(TypeSpec::Core(CoreType::Json))
    }
    fn format_version(&self) -> Option<String> {
        Some("2.0".into())
    }
    fn reads_versions(&self) -> Vec<String> {
        vec!["1.0".into(), "2.0".into()]
    }
    fn writes_versions(&self) -> Vec<String> {
        self.reads_versions()
    }
    fn provenance(&self) -> Option<Package> {
        Some(Package { name: "noted-codec".into(), version: "2.1.0".into() })
    }
    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let Value::Str(text) = value else { return Err(CodecError::value("noted", "takes text")) };
        Ok(json!({"text": text, "codec_version": context.version.unwrap_or("2.0")}).into())
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        Ok(stored)
    }
}

fn bed() -> Bed {
    let bed = Bed::new();
    bed.registry.register(Arc::new(Noted)).unwrap();
    bed
}

#[test]
fn only_versions_that_the_codec_reads_reach_it() {
    let bed = bed();
    for known in [json!({"codec_version": "1.0"}), json!({"codec_version": "2.0"}), json!({"text": "old"})] {
        assert_eq!(bed.fetch("<noted>", known.clone().into()).unwrap(), known.into());
    }
    let unknown =
        json!({"codec_version": "3.0", "provenance": {"lapjoint": "0.1.0", "noted-codec": "3.2.1"}});
    assert_eq!(
        bed.fetch("<noted>", unknown.into()).unwrap_err().to_string(),
        "lab.__scan, attribute `data`: <noted> cannot read version 3.0 of its format; it reads 1.0, 2.0. Upgrade \
         noted-codec (installed: 2.1.0) to 3.2.1 or later, which wrote it."
    );
}

#[test]
fn the_outermost_codec_writes_the_version_that_is_asked_for() {
    let bed = bed();
    let site = lapjoint_codec::Site { schema: "s", table: "t", field: "f", key: &[] };
    let chain = bed.chain("<noted>");
    for (asked, written) in [(None, "2.0"), (Some("1.0"), "1.0")] {
        let mut context = EncodeContext::new(site, &bed.stores);
        context.version = asked;
        let stored = chain.encode("a".into(), &mut context).unwrap();
        assert_eq!(Noted.version_of(&stored).as_deref(), Some(written));
    }
}

#[test]
fn built_in_codecs_declare_no_version_and_come_with_this_package() {
    for codec in lapjoint_codec::builtin::all() {
        assert_eq!(codec.format_version(), None, "{codec:?}");
        assert!(codec.reads_versions().is_empty());
        assert_eq!(codec.provenance(), Some(Package::lapjoint()));
    }
}
