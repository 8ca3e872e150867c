//! A codec of one's own: spike times, kept exactly as differences. Run it with
//! `cargo run -p lapjoint --example custom_codec`.

use std::sync::Arc;

use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Place};
use lapjoint::types::TypeSpec;
use lapjoint::{Connection, FromValue, NdArray, Value, row};

#[derive(Debug)]
struct Spikes;

impl Codec for Spikes {
    fn name(&self) -> &str {
        "spikes"
    }
    fn dtype(&self, _place: Place) -> Result<TypeSpec, CodecError> {
        TypeSpec::parse("<blob>").map_err(|error| CodecError::value("spikes", error.to_string()))
    }
    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let ticks = NdArray::from_value(value).ok().and_then(|array| array.to_vec::<i64>());
        let ticks = ticks.ok_or_else(|| CodecError::value("spikes", "expects int64 ticks"))?;
        let steps = ticks.iter().scan(0, |last, &tick| Some(tick - std::mem::replace(last, tick)));
        Ok(NdArray::from_vec(steps.collect::<Vec<i64>>()).into())
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let steps = NdArray::from_value(stored).ok().and_then(|array| array.to_vec::<i64>());
        let steps = steps.ok_or_else(|| CodecError::stored("spikes", "not int64 differences"))?;
        let ticks = steps.iter().scan(0, |tick, step| {
            *tick += step;
            Some(*tick)
        });
        Ok(NdArray::from_vec(ticks.collect::<Vec<i64>>()).into())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::in_memory()?;
    connection.registry().register(Arc::new(Spikes))?;
    let unit = connection.schema("lab")?.manual("Unit", "unit : int32\n---\nspikes : <spikes>")?;
    unit.insert1(row! { "unit" => 1, "spikes" => NdArray::from_vec(vec![10i64, 25, 1000]) })?;
    let ticks: NdArray = unit.query().fetch1_as("spikes")?;
    println!("{:?}", ticks.to_vec::<i64>());
    Ok(())
}
