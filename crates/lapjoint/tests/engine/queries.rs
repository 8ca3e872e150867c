//! Restriction, projection, order; delete with cascade; drop.

use crate::common::fresh;
use lapjoint::{Condition, DeleteOptions, PartIntegrity, Row, Schema, Table, row};

struct Lab {
    _directory: tempfile::TempDir,
    schema: Schema,
    subject: Table,
    session: Table,
    trial: Table,
}

fn lab() -> Lab {
    let (directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    let subject = schema.manual("Subject", "subject : int32\n---\nname = null : varchar(60)").unwrap();
    let session =
        schema.manual("Session", "-> Subject\nsession : int32\n---\nscore = null : float64").unwrap();
    let trial = schema.part(&session, "Trial", "-> master\ntrial : int32").unwrap();
    for s in 1..=4i64 {
        let name = (s != 4).then(|| format!("n{s}"));
        subject.insert1(row! { "subject" => s, "name" => name }).unwrap();
        for n in 1..=s {
            session
                .insert1(row! { "subject" => s, "session" => n, "score" => 0.5 * f64::from(i32::try_from(n).unwrap()) })
                .unwrap();
            trial.insert((1..=2i64).map(|t| row! { "subject" => s, "session" => n, "trial" => t })).unwrap();
        }
    }
    Lab { _directory: directory, schema, subject, session, trial }
}

#[test]
fn restrictions_by_row_sql_list_table_and_negation() {
    let lab = lab();
    let session = &lab.session;
    assert_eq!((session & row! { "subject" => 3 }).count().unwrap(), 3);
    assert_eq!((session & "score > 0.9").count().unwrap(), 6);
    assert_eq!((session & "score > 0.9" & row! { "subject" => 4 }).count().unwrap(), 3);
    assert_eq!((session & [row! { "subject" => 1 }, row! { "session" => 4 }]).count().unwrap(), 2);
    assert_eq!((session & Vec::<Row>::new()).count().unwrap(), 0);
    assert_eq!((session & &(&lab.subject & row! { "name" => "n2" })).count().unwrap(), 2);
    assert_eq!((session - &(&lab.subject & row! { "name" => "n2" })).count().unwrap(), 8);
    assert_eq!((session - row! { "subject" => 4 }).count().unwrap(), 6);
    assert_eq!((&lab.subject & row! { "name" => lapjoint::Value::Null }).count().unwrap(), 1);
    // As everywhere in SQL, a condition on a null neither holds nor does not: that row is in none of the two.
    assert_eq!((&lab.subject - "name = 'n1'").count().unwrap(), 2);
    assert_eq!((&lab.subject & !Condition::from("name = 'n1'")).count().unwrap(), 2);
    assert_eq!((session & row! { "unknown" => 1 }).count().unwrap(), 10);
    assert_eq!((session & Condition::All(vec![])).count().unwrap(), 10);
    assert!((session & "no_such_column = 1").count().is_err());
}

#[test]
fn projection_renames_computes_and_keeps_the_key() {
    let lab = lab();
    let plain = lab.session.query().proj(Vec::<&str>::new());
    assert_eq!(plain.heading().unwrap().names(), ["subject", "session"]);
    let named = lab.session.query().proj([("animal", "subject"), ("double", "score * 2")]);
    let row = (&named & row! { "animal" => 4, "session" => 3 }).fetch1().unwrap();
    assert_eq!(row, row! { "animal" => 4, "session" => 3, "double" => 3.0 });
    assert_eq!((named & "double >= 3").count().unwrap(), 3);
    let rest = lab.session.query().proj(["...", "-score"]);
    assert_eq!(rest.heading().unwrap().names(), ["subject", "session"]);
    assert!(lab.session.query().proj(["scor"]).fetch().unwrap_err().to_string().contains("`score`"));
    assert!(lab.session.query().proj(["-subject"]).fetch().is_err());
}

#[test]
fn order_limit_head_tail_keys() {
    let lab = lab();
    let scores = lab.session.query().top(Some(3), 1, ["score DESC", "KEY"]).fetch().unwrap();
    assert_eq!(scores.iter().map(|r| r.get::<i64>("subject").unwrap()).collect::<Vec<_>>(), [3, 4, 2]);
    assert_eq!(lab.session.query().top(Some(3), 0, ["KEY"]).count().unwrap(), 3);
    assert_eq!(lab.session.query().head(2).unwrap()[1].get::<i64>("subject").unwrap(), 2);
    assert_eq!(lab.session.query().tail(2).unwrap()[1].get::<i64>("session").unwrap(), 4);
    assert_eq!(lab.subject.query().keys().unwrap().len(), 4);
    let none = lab.session.query().restrict(false).fetch1().unwrap_err().to_string();
    assert!(none.contains("found 0"), "{none}");
    assert!(lab.session.query().fetch1().unwrap_err().to_string().contains("found 2"));
    assert!(!lab.session.query().restrict(false).exists().unwrap());
    let top = lab.session.query().top(Some(2), 0, ["KEY"]);
    assert_eq!((&top & row! { "subject" => 2 }).count().unwrap(), 1);
    assert_eq!((&lab.session & top.proj(Vec::<&str>::new())).count().unwrap(), 2);
}

#[test]
fn hostile_restriction_values_are_only_values() {
    let lab = lab();
    for name in ["'; DROP TABLE subject; --", "\\", "%", "\"", "a\nb", "é", "''", "`"] {
        lab.subject.insert1(row! { "subject" => 100, "name" => name }).unwrap();
        let found = &lab.subject & row! { "name" => name };
        assert_eq!(found.count().unwrap(), 1, "{name}");
        found.delete(&DeleteOptions::new()).unwrap();
    }
    assert_eq!(lab.subject.query().count().unwrap(), 4);
}

#[test]
fn delete_takes_what_refers_to_it_and_previews_it() {
    let lab = lab();
    let seed = &lab.subject & row! { "subject" => 3 };
    let preview = seed.delete_preview(&DeleteOptions::new()).unwrap();
    let counts: Vec<_> = preview.tables.iter().map(|(id, n)| (id.table.as_str(), *n)).collect();
    assert_eq!(counts, [("subject", 1), ("session", 3), ("session__trial", 6)]);
    assert_eq!(lab.trial.query().count().unwrap(), 20);
    assert_eq!(seed.delete(&DeleteOptions::new()).unwrap(), preview);
    assert_eq!((lab.subject.query().count().unwrap(), lab.trial.query().count().unwrap()), (3, 14));
}

#[test]
fn parts_go_with_their_masters() {
    let lab = lab();
    let some = &lab.trial & row! { "subject" => 4, "session" => 4, "trial" => 1 };
    let error = some.delete(&DeleteOptions::new()).unwrap_err().to_string();
    assert!(error.contains("Cannot delete from a Part directly"), "{error}");
    assert_eq!(lab.trial.query().count().unwrap(), 20);
    let ignore = DeleteOptions::new().part_integrity(PartIntegrity::Ignore);
    assert_eq!(some.delete(&ignore).unwrap().rows(), 1);
    let other = &lab.trial & row! { "subject" => 4, "session" => 4, "trial" => 2 };
    let cascade = DeleteOptions::new().part_integrity(PartIntegrity::Cascade);
    let report = other.delete(&cascade).unwrap();
    assert!(report.tables.iter().any(|(id, rows)| id.table == "session" && *rows == 1), "{report:?}");
    assert_eq!(lab.session.query().count().unwrap(), 9);
}

#[test]
fn renamed_and_self_references_cascade() {
    let lab = lab();
    let tree = lab
        .schema
        .manual("Node", "node : int32\n---\n-> [nullable] self.proj(parent='node')\n-> [nullable] Subject.proj(owner='subject')")
        .unwrap();
    for node in 1..=7i64 {
        let parent = (node > 1).then_some(node / 2);
        tree.insert1(row! { "node" => node, "parent" => parent, "owner" => (node == 7).then_some(1) })
            .unwrap();
    }
    assert!(tree.insert1(row! { "node" => 9, "parent" => 99 }).unwrap_err().is_foreign_key());
    let report = (&lab.subject & row! { "subject" => 1 }).delete(&DeleteOptions::new()).unwrap();
    assert!(report.tables.iter().any(|(id, rows)| id.table == "node" && *rows == 1), "{report:?}");
    assert_eq!((&tree & row! { "node" => 2 }).delete(&DeleteOptions::new()).unwrap().rows(), 3);
    assert_eq!(tree.query().order_by(["KEY"]).column::<i64>("node").unwrap(), [1, 3, 6]);
}

#[test]
fn references_across_schemas_are_enforced_and_cascade() {
    let lab = lab();
    let other = lab.schema.connection().schema("analysis").unwrap();
    let table = other.manual("Note", "-> lab.Subject\nnote : int32").unwrap();
    table.insert1(row! { "subject" => 2, "note" => 1 }).unwrap();
    assert!(table.insert1(row! { "subject" => 77, "note" => 1 }).unwrap_err().is_foreign_key());
    assert!(table.describe().unwrap().contains("-> lab.Subject"));
    let report = (&lab.subject & row! { "subject" => 2 }).delete(&DeleteOptions::new()).unwrap();
    assert!(report.tables.iter().any(|(id, rows)| id.schema == "analysis" && *rows == 1), "{report:?}");
    assert_eq!(table.query().count().unwrap(), 0);
}

#[test]
fn drop_takes_what_refers_to_it() {
    let lab = lab();
    let error = lab.trial.clone().drop_table().unwrap_err().to_string();
    assert!(error.contains("part table"), "{error}");
    let preview: Vec<_> =
        lab.session.drop_preview().unwrap().into_iter().map(|(id, n)| (id.table, n)).collect();
    assert_eq!(preview, [("session__trial".to_owned(), 20), ("session".to_owned(), 10)]);
    lab.session.clone().drop_table().unwrap();
    assert_eq!(lab.schema.list_tables().unwrap(), ["subject"]);
    lab.schema.clone().drop_schema().unwrap();
    assert!(lab.schema.connection().list_schemas().unwrap().is_empty());
}

#[test]
fn a_part_of_a_part_takes_its_top_master_along() {
    let lab = lab();
    let spike = lab.schema.part(&lab.session, "Spike", "-> Session.Trial\nspike : int32").unwrap();
    // Its way to the master has other names.
    let shape = lab
        .schema
        .part(
            &lab.session,
            "Shape",
            "-> Session.Spike.proj(s='subject', n='session', t='trial')\nshape : int32",
        )
        .unwrap();
    spike
        .insert((1..=2i64).map(|s| row! { "subject" => s, "session" => 1, "trial" => 1, "spike" => 1 }))
        .unwrap();
    shape.insert1(row! { "s" => 2, "n" => 1, "t" => 1, "spike" => 1, "shape" => 1 }).unwrap();
    let cascade = DeleteOptions::new().part_integrity(PartIntegrity::Cascade);
    let seed = &shape & "s > 0";
    let preview = seed.delete_preview(&cascade).unwrap();
    let counts: Vec<_> = preview.tables.iter().map(|(id, n)| (id.table.as_str(), *n)).collect();
    assert_eq!(counts, [("session__shape", 1), ("session", 1), ("session__trial", 2), ("session__spike", 1)]);
    assert_eq!(seed.delete(&cascade).unwrap(), preview);
    assert_eq!(lab.session.query().count().unwrap(), 9);
    assert_eq!((spike.query().count().unwrap(), lab.trial.query().count().unwrap()), (1, 18));
}

#[test]
fn many_masters_are_one_condition() {
    let lab = lab();
    let tag = lab.schema.lookup("Tag", "tag : int32", [row! { "tag" => 1 }]).unwrap();
    let mark = lab.schema.part(&lab.session, "Mark", "-> master\n-> Tag").unwrap();
    lab.session.insert((100..2600i64).map(|n| row! { "subject" => 1, "session" => n })).unwrap();
    mark.insert((100..2600i64).map(|n| row! { "subject" => 1, "session" => n, "tag" => 1 })).unwrap();
    let cascade = DeleteOptions::new().part_integrity(PartIntegrity::Cascade);
    let report = tag.delete(&cascade).unwrap();
    assert!(report.tables.iter().any(|(id, rows)| id.table == "session" && *rows == 2500), "{report:?}");
    assert_eq!(lab.session.query().count().unwrap(), 10);
}

#[test]
fn rows_that_a_condition_looks_at_may_go_with_it() {
    let lab = lab();
    let seed = &lab.session & &(&lab.trial & row! { "trial" => 1, "subject" => 2 });
    assert_eq!(seed.delete_preview(&DeleteOptions::new()).unwrap().rows(), 2);
    assert_eq!(seed.delete(&DeleteOptions::new()).unwrap().rows(), 2);
    assert_eq!(lab.session.query().count().unwrap(), 8);
    let first = lab.subject.query().top(Some(1), 0, ["subject DESC"]);
    assert_eq!(first.delete(&DeleteOptions::new()).unwrap().rows(), 1);
    assert_eq!(lab.subject.query().order_by(["KEY"]).column::<i64>("subject").unwrap(), [1, 2, 3]);
}

#[test]
fn diamonds_upon_diamonds_stay_short() {
    let (_directory, connection) = fresh();
    let schema = connection.schema("lab").unwrap();
    let top = schema.manual("T0", "t0 : int32").unwrap();
    top.insert([row! { "t0" => 1 }, row! { "t0" => 2 }]).unwrap();
    for level in 1..=12 {
        let before = level - 1;
        for side in ["Left", "Right"] {
            schema.manual(&format!("{side}{level}"), &format!("-> T{before}")).unwrap();
        }
        schema.manual(&format!("T{level}"), &format!("-> Left{level}\n-> Right{level}")).unwrap();
    }
    let last = schema.table("T12").unwrap();
    for query in [&last & row! { "t0" => 1 }, &last & "t0 = 1"] {
        let trace = lapjoint::Diagram::trace(&query).unwrap();
        assert_eq!(trace.counts().unwrap().len(), 37);
        assert!(trace.rows(top.id()).unwrap().make_sql().unwrap().len() < 100_000);
    }
    let taken = (&top & "t0 = 1").delete(&DeleteOptions::new()).unwrap();
    assert_eq!((taken.rows(), taken.tables.len()), (1, 37));
}
