//! The query algebra: joins, aggregation, unions, distinct values, json, and what may be matched with what.

use lapjoint::{Connection, JoinOptions, Query, Row, Schema, Table, Value, row};

struct Lab {
    schema: Schema,
    mouse: Table,
    session: Table,
    rig: Table,
    trial: Table,
}

fn lab() -> Lab {
    let connection = Connection::in_memory().unwrap();
    let schema = connection.schema("lab").unwrap();
    let rig = schema.lookup(
        "Rig",
        "rig : varchar(8)\n---\nroom : int16",
        [row! { "rig" => "A", "room" => 1 }, row! { "rig" => "B", "room" => 2 }],
    );
    let rig = rig.unwrap();
    let mouse = schema.manual("Mouse", "mouse : int32\n---\nborn = null : date\nsex : varchar(1)").unwrap();
    let session = schema
        .manual("Session", "-> Mouse\nsession : int32\n---\n-> [nullable] Rig\nscore = null : float64")
        .unwrap();
    let trial = schema.part(&session, "Trial", "-> master\ntrial : int32\n---\nreward : int32").unwrap();
    mouse
        .insert((1..=4).map(|m| row! { "mouse" => m, "sex" => if m % 2 == 0 { "F" } else { "M" } }))
        .unwrap();
    for (m, n, rig) in [(1, 1, Some("A")), (1, 2, Some("B")), (2, 1, None), (3, 1, Some("A"))] {
        let rig = rig.map_or(Value::Null, Value::from);
        session
            .insert1(row! { "mouse" => m, "session" => n, "rig" => rig, "score" => f64::from(m) / 2.0 })
            .unwrap();
        trial
            .insert(
                (0..n).map(|t| row! { "mouse" => m, "session" => n, "trial" => t, "reward" => 10 * m + t }),
            )
            .unwrap();
    }
    Lab { schema, mouse, session, rig, trial }
}

fn keys(query: &Query) -> Vec<Row> {
    query.proj(Vec::<&str>::new()).order_by(["KEY"]).fetch().unwrap()
}

#[test]
fn a_join_has_the_key_of_the_side_that_decides() {
    let lab = lab();
    let down = &lab.mouse * &lab.session;
    assert_eq!(down.heading().unwrap().names(), ["mouse", "session", "rig", "score", "born", "sex"]);
    assert_eq!(down.heading().unwrap().primary_key(), ["mouse", "session"]);
    assert_eq!(down.count().unwrap(), 4);
    let up = &lab.session * &lab.mouse;
    assert_eq!(up.heading().unwrap().names(), ["mouse", "session", "rig", "score", "born", "sex"]);
    let both = &lab.mouse * &lab.rig;
    assert_eq!(both.heading().unwrap().primary_key(), ["mouse", "rig"]);
    assert_eq!(both.count().unwrap(), 8);
    let three = &lab.mouse * &lab.session * &lab.trial;
    assert_eq!(three.count().unwrap(), 5);
    // By a nullable reference: rows without one have no pair.
    assert_eq!((&lab.session * &lab.rig).count().unwrap(), 3);
    assert_eq!(lab.session.query().extend(&lab.rig).count().unwrap(), 4);
    let rooms = lab.session.query().extend(&lab.rig).order_by(["KEY"]).fetch().unwrap();
    assert_eq!(rooms[2].value("room"), Some(&Value::Null));
}

#[test]
fn restrictions_before_and_after_a_join_are_the_same() {
    let lab = lab();
    let before = (&lab.mouse & "sex = 'M'") * (&lab.session & "score < 1");
    let after = (&lab.mouse * &lab.session) & "sex = 'M'" & "score < 1";
    assert_eq!(keys(&before), keys(&after));
    assert_eq!(before.count().unwrap(), 2);
    // Names that a projection has left out mean nothing afterwards.
    let shadow = lab.trial.query().proj([("score", "reward * 2")]) * lab.session.query().proj(["rig"]);
    assert_eq!((shadow & "score > 30").count().unwrap(), 2);
    assert!((lab.session.query().proj(["rig"]) & "score > 1").check().is_err());
    // A row that is kept is kept although what belongs to it was filtered.
    let kept = lab.session.query().extend(&(&lab.rig & "room = 2"));
    assert_eq!(kept.count().unwrap(), 4);
}

#[test]
fn a_table_can_be_joined_with_itself() {
    let lab = lab();
    let pairs =
        lab.session.query().proj([("first", "session")]) * lab.session.query().proj([("second", "session")]);
    assert_eq!(pairs.heading().unwrap().primary_key(), ["mouse", "first", "second"]);
    assert_eq!((pairs & "first < second").count().unwrap(), 1);
    let same = lab.mouse.query().proj(Vec::<&str>::new()) * lab.mouse.query().proj(Vec::<&str>::new());
    assert_eq!(same.count().unwrap(), 4);
}

#[test]
fn only_attributes_of_one_origin_match() {
    let lab = lab();
    let other = lab.schema.manual("Other", "mouse : int32").unwrap();
    let error = (&lab.mouse * &other).check().unwrap_err().to_string();
    assert!(error.contains("lab.mouse.mouse vs lab.other.mouse"), "{error}");
    let error = (&lab.mouse & &other.query()).check().unwrap_err().to_string();
    assert!(error.contains("different lineages"), "{error}");
    let score = lab.schema.manual("Score", "x : int32\n---\nscore : float64").unwrap();
    let error = (&lab.session * &score).check().unwrap_err().to_string();
    assert!(error.contains("`score`") && error.contains("rebuild_lineage"), "{error}");
    let alone = JoinOptions::new().by_name_alone();
    assert_eq!(lab.mouse.query().join_with(&other, alone).count().unwrap(), 0);
    assert_eq!(lab.mouse.query().restrict_by_name_alone(&other).count().unwrap(), 0);
    // A renamed attribute keeps its origin.
    let renamed =
        lab.mouse.query().proj([("animal", "mouse")]) * lab.session.query().proj([("animal", "mouse")]);
    assert_eq!(renamed.count().unwrap(), 4);
}

#[test]
fn aggregation_keeps_rows_unless_told_not_to() {
    let lab = lab();
    let counted = lab.mouse.query().aggr(&lab.session, [("n", "count(session)"), ("best", "max(score)")]);
    assert_eq!(counted.heading().unwrap().names(), ["mouse", "n", "best"]);
    assert_eq!(counted.order_by(["KEY"]).column::<i64>("n").unwrap(), [2, 1, 1, 0]);
    let matching = lab.mouse.query().aggr_matching(&lab.session, [("n", "count(*)")]);
    assert_eq!(matching.order_by(["KEY"]).column::<i64>("n").unwrap(), [2, 1, 1]);
    assert_eq!((&counted & "n = 1").count().unwrap(), 2);
    assert_eq!(counted.count().unwrap(), 4);
    assert!(counted.exists().unwrap());
    // Rows that nothing matches stay also where the grouped rows were restricted.
    let few = lab.mouse.query().aggr(&(&lab.session & "score > 1"), [("n", "count(session)")]);
    assert_eq!(few.order_by(["KEY"]).column::<i64>("n").unwrap(), [0, 0, 1, 0]);
    // Attributes of the rows themselves may be kept and computed with.
    let kept = lab.mouse.query().aggr(
        &lab.session,
        [lapjoint::ProjectItem::from("sex"), lapjoint::ProjectItem::from(("name", "sex || count(session)"))],
    );
    assert_eq!(kept.order_by(["KEY"]).column::<String>("name").unwrap(), ["M2", "F1", "M1", "F0"]);
    let error = lab.session.query().aggr(&lab.mouse, [("n", "count(*)")]).check().unwrap_err();
    assert!(error.to_string().contains("['session']"), "{error}");
    let joined = lab.mouse.query().aggr(lab.session.query() * &lab.trial, [("total", "sum(reward)")]);
    assert_eq!((joined & "mouse = 1").fetch1_as::<i64>("total").unwrap(), 10 + 10 + 11);
}

#[test]
fn aggregates_can_be_joined_and_aggregated_again() {
    let lab = lab();
    let counted = lab.mouse.query().aggr(&lab.session, [("n", "count(session)")]);
    let joined = &lab.mouse * &counted;
    assert_eq!(joined.heading().unwrap().names(), ["mouse", "born", "sex", "n"]);
    let total = joined.group_by(["sex"], [("sessions", "sum(n)")]);
    assert_eq!(total.order_by(["KEY"]).column::<i64>("sessions").unwrap(), [1, 3]);
    let all = counted.group_by(Vec::<&str>::new(), [("sessions", "sum(n)"), ("mice", "count(*)")]);
    assert_eq!(all.fetch1().unwrap(), row! { "sessions" => 4, "mice" => 4 });
    let none: [&str; 0] = [];
    assert_eq!(counted.group_by(none, none).count().unwrap(), 1);
    assert_eq!(counted.group_by(none, none).fetch().unwrap().len(), 1);
}

#[test]
fn distinct_values_and_unions() {
    let lab = lab();
    let sexes = lab.mouse.query().distinct(["sex"]);
    assert_eq!(sexes.heading().unwrap().primary_key(), ["sex"]);
    assert_eq!(sexes.count().unwrap(), 2);
    assert_eq!((&sexes & "sex = 'F'").count().unwrap(), 1);
    assert!(lab.mouse.query().distinct(["nothing"]).check().is_err());
    let some = (&lab.mouse & "mouse < 3").proj(Vec::<&str>::new())
        + (&lab.mouse & "mouse > 1").proj(Vec::<&str>::new());
    assert_eq!(some.count().unwrap(), 4);
    assert_eq!((some & "mouse = 2").count().unwrap(), 1);
    let weight = lab.schema.manual("Weight", "-> Mouse\n---\nweight : float64").unwrap();
    weight.insert1(row! { "mouse" => 2, "weight" => 20.5 }).unwrap();
    let mixed = (&lab.mouse & "mouse = 1").proj(["sex"]) + &weight;
    let rows = mixed.order_by(["KEY"]).fetch().unwrap();
    assert_eq!(
        rows,
        [
            row! { "mouse" => 1, "sex" => "M", "weight" => Value::Null },
            row! { "mouse" => 2, "sex" => Value::Null, "weight" => 20.5 },
        ]
    );
    assert!((&lab.mouse + &lab.session).check().is_err());
    assert!((&lab.mouse + &lab.mouse).check().is_err());
}

#[test]
fn exclusion_takes_nulls_as_sql_does() {
    let lab = lab();
    // Two of three rigs are in use; a null among those in use leaves it open whether the third is.
    let used = lab.session.query().proj(["rig"]).proj([("s", "session"), ("m", "mouse"), ("rig", "rig")]);
    assert_eq!((&lab.rig & &used).count().unwrap(), 2);
    assert_eq!((&lab.rig - &used).count().unwrap(), 0);
    assert_eq!((&lab.mouse - lab.session.query().proj(Vec::<&str>::new())).count().unwrap(), 1);
}

#[test]
fn limits_go_before_what_is_written_after_them() {
    let lab = lab();
    let first = lab.session.query().top(Some(2), 0, ["score DESC", "KEY"]);
    assert_eq!((&first & "mouse = 1").count().unwrap(), 0);
    assert_eq!((lab.mouse.query() * &first).count().unwrap(), 2);
    assert_eq!(first.top(Some(1), 1, Vec::<String>::new()).column::<i64>("mouse").unwrap(), [2]);
    let again = first.top(Some(1), 0, ["KEY"]);
    assert_eq!(again.column::<i64>("mouse").unwrap(), [2]);
    assert_eq!(
        lab.mouse.query().top(Some(2), 1, Vec::<String>::new()).column::<i64>("mouse").unwrap(),
        [2, 3]
    );
}

#[test]
fn long_lists_of_keys() {
    let lab = lab();
    let wide = lab.schema.manual("Wide", "a : int32\nb : varchar(8)").unwrap();
    let rows = || (0..5000).map(|n| row! { "a" => n, "b" => format!("b{}", n % 7) });
    wide.insert(rows()).unwrap();
    let half: Vec<Row> = rows().step_by(2).collect();
    assert_eq!((&wide & half.clone()).count().unwrap(), 2500);
    assert_eq!((&wide - half).count().unwrap(), 2500);
    // Rows of different attributes are no list of keys.
    let mixed: Vec<Row> = (0..3000)
        .map(|n| {
            if n % 2 == 0 {
                row! { "a" => n }
            } else {
                row! { "a" => n, "b" => "b1" }
            }
        })
        .collect();
    assert_eq!((&wide & mixed).count().unwrap(), 1500 + 215);
}

#[test]
fn places_in_json() {
    let lab = lab();
    let car = lab.schema.manual("Car", "name : varchar(8)\n---\nspecs = null : json").unwrap();
    let specs = |text: &str| Value::Json(serde_json::from_str(text).unwrap());
    car.insert([
        row! { "name" => "one", "specs" => specs(r#"{"length": 20.5, "tires": [{"inches": 18}], "safe": true}"#) },
        row! { "name" => "two", "specs" => specs(r#"{"length": 100, "tires": [{"inches": 21}], "maker": "it's"}"#) },
        row! { "name" => "none", "specs" => Value::Null },
    ])
    .unwrap();
    let name = |query: Query| query.column::<String>("name").unwrap();
    assert_eq!(name(&car & row! { "specs.length" => 100 }), ["two"]);
    assert_eq!(name(&car & row! { "specs.tires[0].inches" => 18 }), ["one"]);
    assert_eq!(name(&car & row! { "specs.safe" => true }), ["one"]);
    assert_eq!(name(&car & row! { "specs.maker" => "it's" }), ["two"]);
    assert_eq!(name(&car & row! { "specs.maker" => Value::Null, "specs.length" => 20.5 }), ["one"]);
    let lengths = car.query().proj([("length", "specs.length:float")]);
    assert_eq!(name(lengths & "length > 50"), ["two"]);
    let inches = car.query().proj([("inches", "specs.tires[0].inches:unsigned")]);
    assert_eq!(inches.order_by(["name DESC"]).fetch().unwrap()[0].get::<i64>("inches").unwrap(), 21);
}

#[test]
fn texts_of_other_databases_are_understood() {
    let lab = lab();
    assert_eq!((&lab.mouse & "`sex` = \"F\"").count().unwrap(), 2);
    assert_eq!((&lab.mouse & "sex in (\"F\", 'it''s')").count().unwrap(), 2);
    let when = lab.schema.manual("When", "n : int32\n---\nstart : datetime\nstop : datetime").unwrap();
    when.insert1(row! { "n" => 1, "start" => "2024-02-28 12:00:00", "stop" => "2025-02-28 13:30:00" })
        .unwrap();
    let spans = when.query().proj([
        ("hours", "TIMESTAMPDIFF(HOUR, start, stop)"),
        ("years", "timestampdiff(YEAR, start, stop)"),
        ("year", "YEAR(start)"),
    ]);
    assert_eq!(
        spans.fetch1().unwrap(),
        row! { "n" => 1, "hours" => 366 * 24 + 1, "years" => 1, "year" => 2024 }
    );
}
