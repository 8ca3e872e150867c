//! Random cases of the query algebra, as JSON: `algebra SEED SCHEMAS EXPRESSIONS` prints one schema with its rows and that many
//! expressions a line.
//!
//! The driver `conformance/algebra/differential.py` evaluates them by DataJoint and by Lapjoint on each database. Most expressions
//! are meant to have a result; some name what is not there, or put together what does not belong together, and must be refused.

mod condition;
mod expression;
mod heading;
mod resolve;
mod tables;

use std::io::Write as _;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name: &str| -> Result<u64, Box<dyn std::error::Error>> {
        Ok(arguments.next().ok_or(format!("{name} is missing"))?.parse()?)
    };
    let (seed, schemas, expressions) = (number("SEED")?, number("SCHEMAS")?, number("EXPRESSIONS")?);
    let mut output = std::io::stdout().lock();
    for at in 0..schemas {
        writeln!(output, "{}", case(seed, at, usize::try_from(expressions)?)?)?;
    }
    Ok(())
}

/// One schema and its expressions. It depends on the seed and its own number alone.
fn case(seed: u64, at: u64, expressions: usize) -> Result<Value, Box<dyn std::error::Error>> {
    let mut bytes = [0; 32];
    let words = bytes.chunks_exact_mut(8).zip([seed, at, 0, 0]);
    words.for_each(|(chunk, word)| chunk.copy_from_slice(&word.to_le_bytes()));
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let schema = tables::schema(&tables::strategy().new_tree(&mut runner).map_err(refused)?.current());
    let strategy = expression::strategy();
    let mut made = Vec::new();
    while made.len() < expressions {
        let shape = strategy.new_tree(&mut runner).map_err(refused)?.current();
        // A table alone says little.
        if !matches!(shape, expression::Shape::Table(_)) {
            made.push(resolve::resolve(&shape, &schema).json);
        }
    }
    let tables: Vec<Value> = schema.iter().map(tables::Table::json).collect();
    Ok(json!({ "seed": seed, "schema": at, "tables": tables, "expressions": made }))
}

fn refused(reason: proptest::test_runner::Reason) -> String {
    reason.message().to_owned()
}
