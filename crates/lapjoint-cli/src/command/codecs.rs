//! `lapjoint codecs`: what may stand between `<` and `>`.

use lapjoint::codec::{Place, Registry};

use crate::Outcome;

/// Lists the registered codecs with the places they work in.
pub(crate) fn list() -> Outcome {
    for codec in Registry::global().codecs() {
        let can = codec.capabilities();
        let name = codec.name();
        let places = match (can.inline, can.store) {
            (true, true) => format!("<{name}> <{name}@>"),
            (true, false) => format!("<{name}>"),
            (false, _) => format!("<{name}@>"),
        };
        println!("{places:<24} {:<10} {}", codec.origin().to_string(), codec.summary());
    }
    Ok(())
}

/// Prints one codec's contract.
pub(crate) fn show(name: &str) -> Outcome {
    let codec = Registry::global().get(name)?;
    let can = codec.capabilities();
    let yes = |can: bool| if can { "yes" } else { "no" };
    println!("<{}>  {}", codec.name(), codec.summary());
    println!("  origin          {}", codec.origin());
    for (place, label) in [(Place::Inline, "in the table"), (Place::Store, "in a store")] {
        let stored =
            codec.dtype(place).map_or_else(|_| "not possible".to_owned(), |dtype| format!("as {dtype}"));
        println!("  {label:<15} {stored}");
    }
    println!("  lazy            {}", yes(can.lazy));
    println!("  partial reads   {}", yes(can.partial_read));
    println!("  deterministic   {}", yes(can.deterministic));
    println!("  self-describing {}", yes(can.self_describing));
    println!("  format version  {}", can.format_version);
    Ok(())
}
