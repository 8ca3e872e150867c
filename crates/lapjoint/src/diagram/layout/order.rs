//! Layers, and the order within them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, index};

/// Gives each block its layer; returns the edges, all in the direction of the layers. Where blocks refer to one another in a circle, as
/// collapsed tables may, an edge is turned.
pub(super) fn layers(blocks: &mut [Block], edges: &BTreeSet<(usize, usize)>) -> Vec<(usize, usize)> {
    let rank = ranks(blocks.len(), edges);
    let rank_of = |at: usize| rank.get(at).copied().unwrap_or(0);
    let edges: BTreeSet<(usize, usize)> =
        edges.iter().map(|&(a, b)| if rank_of(a) < rank_of(b) { (a, b) } else { (b, a) }).collect();
    let mut by_rank: Vec<usize> = (0..blocks.len()).collect();
    by_rank.sort_by_key(|at| rank_of(*at));
    for &at in &by_rank {
        let before = edges.iter().filter(|(_, to)| *to == at).filter_map(|(from, _)| blocks.get(*from));
        let layer = before.map(|block| block.layer + 1).max().unwrap_or(0);
        if let Some(block) = blocks.get_mut(at) {
            block.layer = layer;
        }
    }
    // What refers to nothing stands just before what refers to it.
    for &at in by_rank.iter().rev() {
        let is_source = edges.iter().all(|(_, to)| *to != at);
        let after = edges.iter().filter(|(from, _)| *from == at).filter_map(|(_, to)| blocks.get(*to));
        let nearest = after.map(|block| block.layer).min();
        if let (true, Some(nearest), Some(block)) = (is_source, nearest, blocks.get_mut(at)) {
            block.layer = nearest.saturating_sub(1);
        }
    }
    edges.into_iter().collect()
}

/// Places of blocks in topological order; of those in a circle the first goes first.
fn ranks(count: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let mut waits = vec![0usize; count];
    for (_, to) in edges {
        if let Some(waits) = waits.get_mut(*to) {
            *waits += 1;
        }
    }
    let mut rank = vec![0; count];
    let mut open: BTreeSet<usize> = (0..count).collect();
    for place in 0..count {
        let ready = open.iter().copied().find(|at| waits.get(*at) == Some(&0));
        let Some(at) = ready.or_else(|| open.first().copied()) else { break };
        open.remove(&at);
        if let Some(rank) = rank.get_mut(at) {
            *rank = place;
        }
        for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
            if let Some(waits) = waits.get_mut(*to) {
                *waits = waits.saturating_sub(1);
            }
        }
    }
    rank
}

/// Gives edges that pass layers a bend in each; returns the edges between neighbouring layers, and the bends of each edge.
#[expect(clippy::type_complexity, reason = "both results are used once")]
pub(super) fn bends(
    blocks: &mut Vec<Block>,
    edges: &[(usize, usize)],
) -> (Vec<(usize, usize)>, BTreeMap<(usize, usize), Vec<usize>>) {
    let mut links = Vec::new();
    let mut ways = BTreeMap::new();
    for &(from, to) in edges {
        let (Some(first), Some(last)) = (blocks.get(from).cloned(), blocks.get(to).cloned()) else {
            continue;
        };
        let mut way = Vec::new();
        let mut before = from;
        for layer in first.layer + 1..last.layer {
            let at = blocks.len();
            blocks.push(Block { layer, lane: last.lane, across: 2.0, is_bend: true, ..Block::default() });
            links.push((before, at));
            way.push(at);
            before = at;
        }
        links.push((before, to));
        ways.insert((from, to), way);
    }
    (links, ways)
}

/// The blocks of each layer in an order with few crossings; schemas keep to their lanes.
pub(super) fn order(blocks: &[Block], links: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let count = blocks.iter().map(|block| block.layer + 1).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); count];
    for at in depth_first(blocks, links) {
        if let Some(layer) = blocks.get(at).and_then(|block| layers.get_mut(block.layer)) {
            layer.push(at);
        }
    }
    for layer in &mut layers {
        layer.sort_by_key(|at| lane(blocks, *at));
    }
    let links = &arriving(blocks, links, count);
    let mut best = (crossings(&layers, links), layers.clone());
    for round in 0..12 {
        let downwards = round % 2 == 0;
        for step in 0..count {
            let at = if downwards { step } else { count - 1 - step };
            sort_by_neighbours(at, &mut layers, blocks, links, downwards);
        }
        swap_neighbours(&mut layers, blocks, links);
        let now = crossings(&layers, links);
        if now < best.0 {
            best = (now, layers.clone());
        }
        if best.0 == 0 {
            break;
        }
    }
    best.1
}

/// The edges that arrive in each layer.
fn arriving(blocks: &[Block], links: &[(usize, usize)], count: usize) -> Vec<Vec<(usize, usize)>> {
    let mut layers = vec![Vec::new(); count];
    for &(from, to) in links {
        if let Some(layer) = blocks.get(to).and_then(|block| layers.get_mut(block.layer)) {
            layer.push((from, to));
        }
    }
    layers
}

fn lane(blocks: &[Block], at: usize) -> usize {
    blocks.get(at).map_or(0, |block| block.lane)
}

/// Blocks as they are met from the sources downwards, so that what belongs together begins together.
fn depth_first(blocks: &[Block], links: &[(usize, usize)]) -> Vec<usize> {
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &(from, to) in links {
        next.entry(from).or_default().push(to);
    }
    let has_source: BTreeSet<usize> = links.iter().map(|(_, to)| *to).collect();
    let mut met = BTreeSet::new();
    let mut found = Vec::new();
    let mut open: Vec<usize> = (0..blocks.len()).rev().filter(|at| !has_source.contains(at)).collect();
    while let Some(at) = open.pop() {
        if met.insert(at) {
            found.push(at);
            open.extend(next.get(&at).into_iter().flatten().rev());
        }
    }
    found
}

fn places(layer: &[usize]) -> BTreeMap<usize, usize> {
    layer.iter().enumerate().map(|(place, at)| (*at, place)).collect()
}

/// Sorts a layer by the means of its neighbours' places in the layer before (or after).
fn sort_by_neighbours(
    at: usize,
    layers: &mut [Vec<usize>],
    blocks: &[Block],
    links: &[Vec<(usize, usize)>],
    downwards: bool,
) {
    let beside = if downwards { at.checked_sub(1) } else { Some(at + 1) };
    let Some(beside) = beside.and_then(|beside| layers.get(beside)).map(|layer| places(layer)) else {
        return;
    };
    let Some(layer) = layers.get_mut(at) else { return };
    let own = places(layer);
    let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    for &(from, to) in links.get(if downwards { at } else { at + 1 }).into_iter().flatten() {
        let (this, other) = if downwards { (to, from) } else { (from, to) };
        if let Some(place) = beside.get(&other) {
            let (sum, count) = sums.entry(this).or_default();
            *sum += index(*place);
            *count += 1;
        }
    }
    let mean = |block: usize| match sums.get(&block) {
        Some((sum, count)) => sum / index(*count),
        None => own.get(&block).map_or(0.0, |place| index(*place)),
    };
    let mut keyed: Vec<(usize, f64, usize)> =
        layer.iter().map(|&block| (lane(blocks, block), mean(block), block)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    *layer = keyed.into_iter().map(|(_, _, block)| block).collect();
}

/// Swaps neighbours of a lane as long as that saves crossings.
fn swap_neighbours(layers: &mut [Vec<usize>], blocks: &[Block], links: &[Vec<(usize, usize)>]) {
    for at in 0..layers.len() {
        let ends = ends(at, layers, links);
        let crossings = |first: usize, second: usize| -> usize {
            let of = |block| ends.get(&block).map_or::<&[(bool, usize)], _>(&[], Vec::as_slice);
            let after =
                |one: &(bool, usize)| of(second).iter().filter(|two| one.0 == two.0 && one.1 > two.1).count();
            of(first).iter().map(after).sum()
        };
        let Some(layer) = layers.get_mut(at) else { continue };
        for place in 1..layer.len() {
            let Some(&[one, other]) = layer.get(place - 1..=place) else { continue };
            if lane(blocks, one) == lane(blocks, other) && crossings(one, other) > crossings(other, one) {
                layer.swap(place - 1, place);
            }
        }
    }
}

/// For each block of a layer the places of its neighbours, and whether these are in the layer before.
fn ends(
    at: usize,
    layers: &[Vec<usize>],
    links: &[Vec<(usize, usize)>],
) -> BTreeMap<usize, Vec<(bool, usize)>> {
    let beside =
        |at: Option<usize>| at.and_then(|at| layers.get(at)).map(|layer| places(layer)).unwrap_or_default();
    let (before, after) = (beside(at.checked_sub(1)), beside(Some(at + 1)));
    let mut ends: BTreeMap<usize, Vec<(bool, usize)>> = BTreeMap::new();
    for (from, to) in links.get(at).into_iter().flatten() {
        if let Some(place) = before.get(from) {
            ends.entry(*to).or_default().push((true, *place));
        }
    }
    for (from, to) in links.get(at + 1).into_iter().flatten() {
        if let Some(place) = after.get(to) {
            ends.entry(*from).or_default().push((false, *place));
        }
    }
    ends
}

fn crossings(layers: &[Vec<usize>], links: &[Vec<(usize, usize)>]) -> usize {
    (1..layers.len()).map(|at| crossings_between(at, layers, links)).sum()
}

/// Crossings of the edges that arrive in a layer: pairs whose ends are in opposite orders.
fn crossings_between(at: usize, layers: &[Vec<usize>], links: &[Vec<(usize, usize)>]) -> usize {
    let (Some(before), Some(after)) = (layers.get(at - 1), layers.get(at)) else { return 0 };
    let (before, after) = (places(before), places(after));
    let arriving = links.get(at).into_iter().flatten();
    let mut lines: Vec<(usize, usize)> =
        arriving.filter_map(|(from, to)| Some((*before.get(from)?, *after.get(to)?))).collect();
    lines.sort_unstable();
    let mut met: Vec<usize> = Vec::with_capacity(lines.len());
    let mut count = 0;
    for (_, end) in lines {
        let place = met.partition_point(|other| *other <= end);
        count += met.len() - place;
        met.insert(place, end);
    }
    count
}
