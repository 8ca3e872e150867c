//! Typed tables whose cells can be anything: schemas, tables, queries, insert and fetch plans.
