//! Random definitions, written and read back; random text, read without a panic.

use lapjoint_types::definition::{
    Attribute, AttributeDefault, Definition, ForeignKey, Index, IndexPart, Item, ItemKind, Projection,
    Reference, Rename,
};
use lapjoint_types::{CodecSpec, CoreType, StoreRef, TypeSpec, marker};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,24}".prop_filter("`proj` after a dot is a projection", |name| name != "proj")
}

/// A comment as reading leaves it: trimmed, one line, no colon first, and no `#` at the end of a blank.
fn comment() -> impl Strategy<Value = String> {
    "[ -~éß→]{0,30}".prop_map(|text| text.trim().trim_start_matches(':').trim().to_owned())
}

fn label() -> impl Strategy<Value = String> {
    r#"[a-z '",:#\\()é]{0,8}"#
}

fn core_type() -> impl Strategy<Value = CoreType> {
    prop_oneof![
        prop::sample::select(vec![
            CoreType::Int8,
            CoreType::Int16,
            CoreType::Int32,
            CoreType::Int64,
            CoreType::Float32,
            CoreType::Float64,
            CoreType::Bool,
            CoreType::Date,
            CoreType::DateTime(None),
            CoreType::Json,
            CoreType::Uuid,
            CoreType::Bytes,
        ]),
        (0_u8..=6).prop_map(|digits| CoreType::DateTime(Some(digits))),
        (1_u32..=65, 0_u32..=30)
            .prop_map(|(precision, scale)| CoreType::Decimal { precision, scale: scale.min(precision) }),
        (1_u32..70_000).prop_map(CoreType::Char),
        (1_u32..70_000).prop_map(CoreType::Varchar),
        prop::collection::btree_set(label(), 1..5).prop_map(|set| CoreType::Enum(set.into_iter().collect())),
    ]
}

fn codec() -> impl Strategy<Value = CodecSpec> {
    let store = prop_oneof![
        Just(StoreRef::Inline),
        Just(StoreRef::Default),
        "[A-Za-z0-9_.-]{0,9}[a-z0-9]".prop_map(StoreRef::Named)
    ];
    ("[a-z][a-z0-9_]{0,9}", store).prop_map(|(name, store)| CodecSpec { name, store })
}

fn spec() -> impl Strategy<Value = TypeSpec> {
    let native = prop::sample::select(vec![
        "int unsigned",
        "longblob",
        "TIMESTAMP(3)",
        "decimal(5)",
        "double",
        "text",
    ]);
    prop_oneof![
        4 => core_type().prop_map(TypeSpec::Core),
        2 => codec().prop_map(TypeSpec::Codec),
        1 => native.prop_map(|text| TypeSpec::Native(text.to_owned())),
    ]
}

/// Defaults that the type can have.
fn default_of(spec: &TypeSpec) -> BoxedStrategy<Option<AttributeDefault>> {
    let literal = match spec {
        TypeSpec::Core(CoreType::Int8 | CoreType::Int16 | CoreType::Int32 | CoreType::Int64) => {
            any::<i8>().prop_map(|number| number.to_string()).boxed()
        }
        TypeSpec::Core(CoreType::Float32 | CoreType::Float64) => {
            any::<f64>().prop_map(|number| number.to_string()).boxed()
        }
        TypeSpec::Core(CoreType::Enum(labels)) => prop::sample::select(labels.clone()).boxed(),
        TypeSpec::Core(CoreType::Char(length) | CoreType::Varchar(length)) if *length >= 20 => {
            r#"[ -~é]{0,20}"#.boxed()
        }
        TypeSpec::Native(text) if text == "text" => r#"[ -~é]{0,20}"#.boxed(),
        TypeSpec::Core(CoreType::DateTime(_)) => {
            let current = prop::option::of(0_u8..=6).prop_map(AttributeDefault::CurrentTimestamp);
            return prop::option::of(prop_oneof![Just(AttributeDefault::Null), current]).boxed();
        }
        _ => return prop::option::of(Just(AttributeDefault::Null)).boxed(),
    };
    prop::option::of(prop_oneof![
        1 => Just(AttributeDefault::Null),
        4 => literal.prop_map(AttributeDefault::Literal),
    ])
    .boxed()
}

fn attribute(in_key: bool) -> impl Strategy<Value = Item> {
    (name(), spec(), comment())
        .prop_flat_map(|(name, spec, comment)| {
            let default = default_of(&spec);
            (Just(name), Just(spec), Just(comment), default)
        })
        .prop_filter("what a key cannot hold", move |(_, spec, _, default)| {
            let is_blob = matches!(spec, TypeSpec::Core(CoreType::Json | CoreType::Bytes))
                || matches!(spec, TypeSpec::Native(text) if text == "longblob");
            !in_key || !(is_blob || *default == Some(AttributeDefault::Null))
        })
        .prop_map(move |(name, spec, comment, default)| {
            let type_text = spec.to_string();
            let comment = settled(&comment);
            Item::new(ItemKind::Attribute(Attribute { name, default, spec, type_text, comment, in_key }))
        })
}

/// What reading leaves of a comment: trailing `#` and blanks go.
fn settled(comment: &str) -> String {
    let line = format!("x : int8 # {comment}");
    Attribute::parse(&line, false).map(|attribute| attribute.comment).unwrap_or_default()
}

fn foreign_key(in_key: bool) -> impl Strategy<Value = Item> {
    let names = prop::collection::vec("[A-Z][A-Za-z0-9]{0,9}", 1..4).prop_map(Reference::Name);
    let table =
        ("[a-z_]{1,9}", "[#_a-z]{1,9}").prop_map(|(schema, table)| Reference::Table { schema, table });
    let renames = prop::collection::btree_map(name(), name(), 0..4)
        .prop_map(|map| map.into_iter().map(|(new, old)| Rename { new, old }).collect());
    let projection = (prop::collection::vec(name(), 0..2), renames)
        .prop_map(|(attributes, renames)| Projection { attributes, renames });
    (
        prop_oneof![3 => names, 1 => table],
        prop::option::of(projection),
        any::<bool>(),
        any::<bool>(),
        comment(),
    )
        .prop_map(move |(reference, projection, nullable, unique, comment)| {
            let (nullable, comment) = (nullable && !in_key, settled(&comment));
            let key = ForeignKey { reference, projection, nullable, unique, comment, in_key };
            Item::new(ItemKind::ForeignKey(key))
        })
}

fn index() -> impl Strategy<Value = Item> {
    let path = (name(), "[a-z][a-z.0-9]{0,5}", prop::option::of(Just("char(20)".to_owned())))
        .prop_map(|(attribute, path, cast)| IndexPart::JsonPath { attribute, path, cast });
    let expression = prop::sample::select(vec!["(lower(a))", "(concat(a, ',)', `b)`))", "a(10) desc"]);
    let part = prop_oneof![
        name().prop_map(IndexPart::Attribute),
        path,
        expression.prop_map(|text| IndexPart::Expression(text.to_owned()))
    ];
    (any::<bool>(), prop::collection::vec(part, 1..4))
        .prop_map(|(unique, parts)| Item::new(ItemKind::Index(Index { unique, parts })))
}

fn definition() -> impl Strategy<Value = Definition> {
    let key = prop_oneof![3 => attribute(true), 1 => foreign_key(true), 1 => index()];
    let rest = prop_oneof![3 => attribute(false), 1 => foreign_key(false), 1 => index()];
    (comment(), prop::collection::vec(key, 0..4), prop::collection::vec(rest, 0..6)).prop_map(
        |(comment, mut items, rest)| {
            items.extend(rest);
            let mut seen = std::collections::HashSet::new();
            items.retain(|item| match &item.kind {
                ItemKind::Attribute(attribute) => seen.insert(attribute.name.clone()),
                _ => true,
            });
            Definition { comment, items }
        },
    )
}

proptest! {
    #[test]
    fn written_and_read_back(definition in definition()) {
        let text = definition.to_string();
        match Definition::parse(&text) {
            Ok(again) => prop_assert_eq!(again, definition, "{}", text),
            Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
        }
    }

    #[test]
    fn types_and_markers_round_trip(spec in spec(), comment in comment()) {
        let text = spec.to_string();
        prop_assert_eq!(TypeSpec::parse(&text), Ok(spec));
        let stored = marker::encode_comment(Some(&text), &comment);
        prop_assert_eq!(marker::parse_comment(&stored), (Some(text.as_str()), comment.as_str()));
    }

    /// Text out of the language's own pieces gets further than random characters.
    #[test]
    fn no_text_panics(pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec![
            "x", " ", ":", "=", "#", "'", "\"", "`", "(", ")", "<", ">", "@", "->", "[", "]", ",", ".", "---", "\n",
            "int32", "enum", "varchar(5)", "not null", "default", "unsigned", "proj", "unique", "index", "null",
            "CURRENT_TIMESTAMP", "\\", "é", "\t", "nullable", "decimal", "...",
        ]).prop_map(str::to_owned),
        "\\PC{0,3}",
    ], 0..30)) {
        let text = pieces.concat();
        match Definition::parse(&text) {
            Ok(definition) => {
                let printed = definition.to_string();
                prop_assert_eq!(Definition::parse(&printed), Ok(definition), "{}", printed);
            }
            Err(error) => {
                prop_assert!(error.column >= 1 && error.column <= error.line.chars().count() + 1);
                prop_assert!(!error.to_string().is_empty());
            }
        }
        if let Err(error) = TypeSpec::parse(&text) {
            prop_assert!(text.is_char_boundary(error.offset_bytes), "{:?}", error);
        }
        let (type_text, comment) = marker::parse_comment(&text);
        let joined = type_text.map_or_else(|| comment.to_owned(), |ty| format!(":{ty}:{comment}"));
        prop_assert_eq!(joined, text);
    }
}
