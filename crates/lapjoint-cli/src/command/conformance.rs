//! `lapjoint conformance`: answers one JSON request a line, so that tests in other languages can talk to the engine.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use lapjoint::Value;
use lapjoint::codec::{Chain, DecodeContext, EncodeContext, NpyRef, ObjectRef, Registry, Site};
use lapjoint::format::blob::{self, PackOptions, UnpackOptions};
use lapjoint::format::{npy, tagged};
use lapjoint::store::{Config, LoadOptions, Stores, UploadOptions, upload};
use lapjoint::types::{CodecSpec, Definition, TypeSpec};
use serde_json::{Value as Json, json};

use crate::Outcome;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Reads requests from standard input until it ends.
pub(crate) fn serve() -> Outcome {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?).map_err(Into::into).and_then(|request| answer(&request));
        let answer = answer.unwrap_or_else(|error| json!({"error": error.to_string()}));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn text<'r>(request: &'r Json, key: &str) -> Result<&'r str> {
    Ok(request.get(key).and_then(Json::as_str).ok_or_else(|| format!("the request lacks {key:?}"))?)
}

fn value(request: &Json) -> Result<Value> {
    Ok(tagged::from_json(request.get("value").unwrap_or(&Json::Null))?)
}

fn answer(request: &Json) -> Result<Json> {
    match text(request, "do")? {
        "pack" => {
            let mut options = PackOptions::default();
            options.compress = request.get("compress") == Some(&Json::Bool(true));
            Ok(json!({"hex": tagged::to_hex(&blob::pack_with(&value(request)?, &options)?)}))
        }
        "unpack" => {
            let mut options = UnpackOptions::default();
            options.squeeze = request.get("squeeze") == Some(&Json::Bool(true));
            options.dims_32bit = request.get("dims_32bit") == Some(&Json::Bool(true));
            let unpacked = blob::unpack_with(tagged::from_hex(text(request, "hex")?)?, &options)?;
            Ok(json!({"value": tagged::to_json(&unpacked)?}))
        }
        "npy" => match value(request)? {
            Value::Array(array) => Ok(json!({"hex": tagged::to_hex(&npy::to_bytes(&array)?)})),
            other => Err(format!("{} is no array", other.type_name()).into()),
        },
        "describe" => {
            let definition = Definition::parse(text(request, "definition")?)?;
            Ok(json!({"definition": definition.to_string()}))
        }
        "encode" => encode(request),
        "decode" => decode(request),
        other => Err(format!("unknown request {other:?}").into()),
    }
}

/// The stores of a request: one file store, the default.
fn stores(request: &Json) -> Result<Stores> {
    let mut config = Config::load(&LoadOptions::isolated())?;
    let name = text(request, "store")?;
    config.set("stores.default", name)?;
    config.set("stores.filepath_default", name)?;
    config.set(&format!("stores.{name}.protocol"), "file")?;
    config.set(&format!("stores.{name}.location"), text(request, "location")?)?;
    Ok(Stores::new(config))
}

fn chain(request: &Json) -> Result<Chain> {
    let TypeSpec::Codec(spec) = TypeSpec::parse(text(request, "type")?)? else {
        return Err("the type is no codec".into());
    };
    let spec: CodecSpec = spec;
    Ok(Chain::resolve(Registry::global(), &spec)?)
}

/// Encodes a value for a cell and uploads its objects; answers with what the column holds.
fn encode(request: &Json) -> Result<Json> {
    let stores = stores(request)?;
    let mut key = Vec::new();
    for pair in request.get("key").and_then(Json::as_array).into_iter().flatten() {
        if let Some([Json::String(name), value]) = pair.as_array().map(Vec::as_slice) {
            key.push((name.clone(), tagged::from_json(value)?));
        }
    }
    let site = Site {
        schema: text(request, "schema")?,
        table: text(request, "table")?,
        field: text(request, "field")?,
        key: &key,
    };
    let mut context = EncodeContext::new(site, &stores);
    context.token = request.get("token").and_then(Json::as_str);
    let stored = chain(request)?.encode(value(request)?, &mut context)?;
    let staged = context.take_staged();
    upload(&stores, &staged, &UploadOptions::default(), &lapjoint::store::staging::no_progress)?;
    Ok(match stored {
        Value::Json(json) => json!({"json": json}),
        other => json!({"value": tagged::to_json(&other)?}),
    })
}

/// Decodes what a column holds; references are read.
fn decode(request: &Json) -> Result<Json> {
    let stores = stores(request)?;
    let stored = match request.get("json") {
        Some(json) => Value::from(json.clone()),
        None => value(request)?,
    };
    let download_path = PathBuf::from(text(request, "downloads")?);
    let context = DecodeContext {
        site: Site { schema: "", table: "", field: "", key: &[] },
        stores: &stores,
        store_name: None,
        download_path: &download_path,
    };
    let decoded = chain(request)?.decode(stored, &context)?;
    if let Some(array) = decoded.downcast_ref::<NpyRef>() {
        return Ok(json!({"value": tagged::to_json(&Value::from(array.load()?))?}));
    }
    if let Some(object) = decoded.downcast_ref::<ObjectRef>() {
        object.verify()?;
        let content = if object.is_dir { Value::Null } else { Value::Bytes(object.read()?) };
        return Ok(json!({"value": tagged::to_json(&content)?}));
    }
    Ok(json!({"value": tagged::to_json(&decoded)?}))
}
