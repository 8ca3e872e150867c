//! `cargo run -p lapjoint --example custom_codec`: spike times kept as exact differences.
use lapjoint::codec::{Codec, CodecError, DecodeContext, EncodeContext, Place};
use lapjoint::{Connection, FromValue, NdArray, Value, row, types::TypeSpec};

#[derive(Debug)]
struct Spikes;
fn numbers(value: Value) -> Result<Vec<i64>, CodecError> {
    NdArray::from_value(value)
        .ok()
        .and_then(|array| array.to_vec())
        .ok_or_else(|| CodecError::value("spikes", "expects an int64 array"))
}
impl Codec for Spikes {
    fn name(&self) -> &str {
        "spikes"
    }
    fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
        TypeSpec::parse("<blob>").map_err(|error| CodecError::value("spikes", error.to_string()))
    }
    fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let times = numbers(value)?;
        let steps = times.iter().zip([&0].into_iter().chain(&times)).map(|(time, last)| time - last);
        Ok(NdArray::from_vec(steps.collect::<Vec<i64>>()).into())
    }
    fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let mut times = numbers(stored)?;
        (1..times.len()).for_each(|i| times[i] += times[i - 1]);
        Ok(NdArray::from_vec(times).into())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = Connection::in_memory()?;
    connection.registry().register(std::sync::Arc::new(Spikes))?;
    let unit = connection.schema("lab")?.manual("Unit", "unit : int32\n---\nspikes : <spikes>")?;
    unit.insert1(row! { "unit" => 1, "spikes" => NdArray::from_vec(vec![10i64, 25, 1000]) })?;
    println!("{:?}", numbers(unit.query().fetch1_as("spikes")?)?);
    Ok(())
}
