//! The shapes of expressions: what is done to what. Which attributes it is about is chosen later (`resolve`), when they are known.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// An expression without names.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    Table(Index),
    Restrict(Box<Self>, Condition),
    Exclude(Box<Self>, Condition),
    Project(Box<Self>, Vec<Item>),
    Join(Box<Self>, Box<Self>, Index),
    Extend(Box<Self>, Box<Self>, Index),
    /// Rows, their group, the aggregates, and two chances: whether the group is made to fit, whether rows without a group stay.
    Aggregate(Box<Self>, Box<Self>, Vec<Item>, [Index; 2]),
    /// Two restrictions of the same rows and what is kept of them, or two expressions as they come.
    Union(Box<Self>, Box<Self>, [Condition; 2], [Index; 3]),
    Universal(Vec<Index>, Box<Self>),
    UniversalAggregate(Vec<Index>, Box<Self>, Vec<Item>),
    Top(Box<Self>, Vec<Index>, Option<u64>, u64),
}

/// A condition without names.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    Sql([Index; 3]),
    Equal(Vec<[Index; 2]>),
    Matches(Box<Shape>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Constant(bool),
}

/// One thing that a projection or aggregation does: what, to which attributes, under which name.
pub(crate) type Item = [Index; 4];

fn index() -> impl Strategy<Value = Index> {
    any::<Index>()
}

fn items(most: usize) -> impl Strategy<Value = Vec<Item>> {
    vec(any::<[Index; 4]>(), 0..=most)
}

pub(crate) fn strategy() -> BoxedStrategy<Shape> {
    let table = index().prop_map(Shape::Table);
    let shape = table.prop_recursive(5, 10, 2, |inner| {
        let one = inner.clone().prop_map(Box::new);
        let two = || (inner.clone().prop_map(Box::new), inner.clone().prop_map(Box::new));
        let condition = || condition(inner.clone().boxed());
        prop_oneof![
            4 => (one.clone(), condition()).prop_map(|(of, by)| Shape::Restrict(of, by)),
            2 => (one.clone(), condition()).prop_map(|(of, by)| Shape::Exclude(of, by)),
            5 => (one.clone(), items(4)).prop_map(|(of, items)| Shape::Project(of, items)),
            5 => (two(), index()).prop_map(|((left, right), fit)| Shape::Join(left, right, fit)),
            2 => (two(), index()).prop_map(|((left, right), fit)| Shape::Extend(left, right, fit)),
            4 => (two(), items(3), any::<[Index; 2]>())
                .prop_map(|((of, group), items, chances)| Shape::Aggregate(of, group, items, chances)),
            2 => (two(), condition(), condition(), any::<[Index; 3]>())
                .prop_map(|((left, right), one, other, chances)| Shape::Union(left, right, [one, other], chances)),
            1 => (vec(index(), 0..3), one.clone()).prop_map(|(names, of)| Shape::Universal(names, of)),
            1 => (vec(index(), 0..3), one.clone(), items(3))
                .prop_map(|(names, of, items)| Shape::UniversalAggregate(names, of, items)),
            2 => (one, vec(index(), 0..3), proptest::option::weighted(0.8, 0_u64..6), prop_oneof![3 => Just(0), 1 => 0_u64..4])
                .prop_map(|(of, order, limit, offset)| Shape::Top(of, order, limit, offset)),
        ]
    });
    shape.boxed()
}

fn condition(inner: BoxedStrategy<Shape>) -> BoxedStrategy<Condition> {
    let leaf = prop_oneof![
        6 => any::<[Index; 3]>().prop_map(Condition::Sql),
        5 => vec(any::<[Index; 2]>(), 0..3).prop_map(Condition::Equal),
        4 => inner.prop_map(|shape| Condition::Matches(Box::new(shape))),
        1 => any::<bool>().prop_map(Condition::Constant),
    ];
    let tree = leaf.prop_recursive(2, 4, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Condition::All),
            vec(inner.clone(), 0..4).prop_map(Condition::Any),
            inner.prop_map(|condition| Condition::Not(Box::new(condition))),
        ]
    });
    tree.boxed()
}
