//! Where nodes and edges are drawn: layers from left to right, a lane for each schema, a master with its parts in one box.
//!
//! Sugiyama's method: layers by the longest way, an order within each that has few crossings, then places that make edges short. All
//! lengths are in points; the direction of flow is `along`, the other `across`.

mod order;
mod place;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagram::picture::Picture;

/// Width of an outline's surroundings.
const PAD: f64 = 8.0;
/// Room between neighbours in a layer.
pub(super) const GAP: f64 = 14.0;
/// Room between layers.
const LAYER_GAP: f64 = 46.0;
/// Room for the name of a schema.
const TITLE: f64 = 20.0;
/// Height of a node, and of a part.
const HEIGHT: f64 = 26.0;
const PART_HEIGHT: f64 = 20.0;
/// How far parts are indented.
const INDENT: f64 = 16.0;
/// How far below a master the lines to its parts are.
const BUS: f64 = 6.0;

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Frame {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Frame {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub fn middle(&self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }
}

/// Where everything is.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub width: f64,
    pub height: f64,
    /// Nodes, by place in the picture.
    pub nodes: Vec<Frame>,
    /// A master's place, and the box around it and its parts.
    pub entities: Vec<(usize, Frame)>,
    /// Schemas and the boxes around their nodes.
    pub schemas: Vec<(String, Frame)>,
    /// Points that edges pass, by place in the picture.
    pub edges: Vec<Vec<(f64, f64)>>,
}

/// What is laid out as one: a node, or a master with its parts; or the place where a long edge passes a layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub layer: usize,
    /// Place of the schema among the lanes.
    pub lane: usize,
    /// Size in the direction of the layers, and across it.
    pub along: f64,
    pub across: f64,
    pub is_bend: bool,
}

/// Nodes of a block, each with its frame within the block.
type Inner = Vec<(usize, Frame)>;

/// Lays a picture out; with `downwards`, layers follow one another from top to bottom.
pub(super) fn layout(picture: &Picture, downwards: bool) -> Layout {
    let schemas = picture.schemas();
    let lanes: BTreeMap<&str, usize> =
        schemas.iter().enumerate().map(|(at, (name, _))| (*name, at)).collect();
    let (mut blocks, inners, block_of) = blocks(picture, &lanes, downwards);
    let edges: BTreeSet<(usize, usize)> = picture
        .edges
        .iter()
        .filter_map(|edge| Some((*block_of.get(edge.from)?, *block_of.get(edge.to)?)))
        .filter(|(from, to)| from != to)
        .collect();
    let edges = order::layers(&mut blocks, &edges);
    let (links, ways) = order::bends(&mut blocks, &edges);
    let layers = order::order(&blocks, &links);
    let across =
        place::place(&blocks, &links, &layers, if schemas.len() > 1 { TITLE + 2.0 * PAD + GAP } else { 0.0 });
    let starts = starts(&blocks, &layers);
    assemble(picture, &Found { blocks, inners, block_of, ways, across, starts }, &schemas, downwards)
}

/// What has been found about blocks.
struct Found {
    blocks: Vec<Block>,
    inners: Vec<Inner>,
    block_of: Vec<usize>,
    /// Blocks that an edge between two blocks passes.
    ways: BTreeMap<(usize, usize), Vec<usize>>,
    /// Middles of the blocks across the layers.
    across: Vec<f64>,
    /// Where each layer begins, and how thick it is.
    starts: Vec<(f64, f64)>,
}

/// The blocks of a picture, the nodes in them, and the block of each node.
fn blocks(
    picture: &Picture,
    lanes: &BTreeMap<&str, usize>,
    downwards: bool,
) -> (Vec<Block>, Vec<Inner>, Vec<usize>) {
    let mut blocks = Vec::new();
    let mut inners = Vec::new();
    let mut block_of = vec![0; picture.nodes.len()];
    for (at, node) in picture.nodes.iter().enumerate().filter(|(_, node)| node.master.is_none()) {
        let parts: Vec<usize> = picture.parts(at).collect();
        let depths = depths(picture, at, &parts);
        let pad = if parts.is_empty() { 0.0 } else { PAD };
        let mut inner =
            vec![(at, Frame { x: pad, y: pad, width: node_width(&node.label, 12.0), height: HEIGHT })];
        let deepest = depths.iter().copied().fold(0.0, f64::max);
        for (&part, depth) in parts.iter().zip(depths) {
            let last = inner.last().map_or_else(Frame::default, |(_, last)| *last);
            let label = picture.nodes.get(part).map_or("", |part| part.label.as_str());
            // Across the flow, so that it reaches every part.
            let (x, y) = if downwards {
                (last.right() + 10.0, pad + (HEIGHT - PART_HEIGHT) / 2.0)
            } else {
                (pad + INDENT * depth, last.bottom() + 6.0)
            };
            inner.push((part, Frame { x, y, width: node_width(label, 10.0), height: PART_HEIGHT }));
        }
        let width = inner.iter().map(|(_, frame)| frame.right()).fold(0.0, f64::max) + pad;
        let below = if downwards { deepest * BUS } else { 0.0 };
        let height = inner.iter().map(|(_, frame)| frame.bottom()).fold(0.0, f64::max) + pad + below;
        for (node, _) in &inner {
            if let Some(block) = block_of.get_mut(*node) {
                *block = blocks.len();
            }
        }
        let lane = lanes.get(node.schema.as_str()).copied().unwrap_or(0);
        let (along, across) = if downwards { (height, width) } else { (width, height) };
        blocks.push(Block { lane, along, across, ..Block::default() });
        inners.push(inner);
    }
    (blocks, inners, block_of)
}

/// How deep parts are below their master, by their references among themselves.
fn depths(picture: &Picture, master: usize, parts: &[usize]) -> Vec<f64> {
    let mut depths: BTreeMap<usize, f64> = BTreeMap::from([(master, 0.0)]);
    // Parts come in topological order.
    for &part in parts {
        let parents = picture.edges.iter().filter(|edge| edge.to == part && edge.from != part);
        let depth = parents.filter_map(|edge| depths.get(&edge.from)).fold(0.0, |a: f64, b| a.max(*b));
        depths.insert(part, depth + 1.0);
    }
    parts.iter().filter_map(|part| depths.get(part).copied()).collect()
}

fn starts(blocks: &[Block], layers: &[Vec<usize>]) -> Vec<(f64, f64)> {
    let mut start = 0.0;
    let mut found = Vec::new();
    for layer in layers {
        let thick =
            layer.iter().filter_map(|at| blocks.get(*at)).map(|block| block.along).fold(0.0, f64::max);
        found.push((start, thick));
        start += thick + LAYER_GAP;
    }
    found
}

fn assemble(picture: &Picture, found: &Found, schemas: &[(&str, Vec<usize>)], downwards: bool) -> Layout {
    let turned = |along: f64, across: f64| if downwards { (across, along) } else { (along, across) };
    let mut layout = Layout { nodes: vec![Frame::default(); picture.nodes.len()], ..Layout::default() };
    let mut frames = Vec::new();
    for (at, block) in found.blocks.iter().enumerate() {
        let (start, thick) = found.starts.get(block.layer).copied().unwrap_or_default();
        let middle = found.across.get(at).copied().unwrap_or(0.0);
        // Layers are aligned where they begin: names read as columns.
        let along = if downwards { start + (thick - block.along) / 2.0 } else { start };
        let (x, y) = turned(along, middle - block.across / 2.0);
        let (width, height) = turned(block.along, block.across);
        let frame = Frame { x, y, width, height };
        frames.push(frame);
        let Some(inner) = found.inners.get(at) else { continue };
        for (node, own) in inner {
            if let Some(place) = layout.nodes.get_mut(*node) {
                *place = Frame { x: own.x + x, y: own.y + y, ..*own };
            }
        }
        if let [(master, _), _, ..] = inner.as_slice() {
            layout.entities.push((*master, frame));
        }
    }
    for (name, nodes) in schemas {
        let of_schema = nodes.iter().filter_map(|node| frames.get(*found.block_of.get(*node)?));
        if let Some(frame) = around(of_schema.copied()) {
            layout.schemas.push(((*name).to_owned(), frame));
        }
    }
    layout.edges = picture
        .edges
        .iter()
        .enumerate()
        .map(|(at, _)| points(at, picture, found, &layout, &frames, downwards))
        .collect();
    shifted(layout)
}

/// The frame around frames, with room for a title.
fn around(frames: impl Iterator<Item = Frame>) -> Option<Frame> {
    let union = frames.reduce(|a, b| {
        let (x, y) = (a.x.min(b.x), a.y.min(b.y));
        Frame { x, y, width: a.right().max(b.right()) - x, height: a.bottom().max(b.bottom()) - y }
    })?;
    Some(Frame {
        x: union.x - 2.0 * PAD,
        y: union.y - PAD - TITLE,
        width: union.width + 4.0 * PAD,
        height: union.height + 2.0 * PAD + TITLE,
    })
}

/// The points that an edge passes: it leaves a node where the flow leaves it, and arrives where the flow arrives.
fn points(
    at: usize,
    picture: &Picture,
    found: &Found,
    layout: &Layout,
    frames: &[Frame],
    downwards: bool,
) -> Vec<(f64, f64)> {
    let Some(edge) = picture.edges.get(at) else { return Vec::new() };
    let frame = |node: usize| layout.nodes.get(node).copied().unwrap_or_default();
    let block = |node: usize| found.block_of.get(node).copied().unwrap_or_default();
    let (source, target) = (frame(edge.from), frame(edge.to));
    // Edges between the same two nodes lie side by side.
    let twins: Vec<usize> = picture
        .edges
        .iter()
        .enumerate()
        .filter(|(_, other)| other.from == edge.from && other.to == edge.to)
        .map(|(at, _)| at)
        .collect();
    let rank = twins.iter().position(|twin| *twin == at).unwrap_or(0);
    let aside = 6.0 * (index(rank) - (index(twins.len()) - 1.0) / 2.0);
    if block(edge.from) == block(edge.to) {
        if downwards {
            // Within an entity: out below, and in from below.
            let y = source.bottom().max(target.bottom()) + BUS;
            let (from, to) = (source.middle().0 - 6.0 + aside, target.middle().0 - 6.0 + aside);
            return vec![(from, source.bottom()), (from, y), (to, y), (to, target.bottom())];
        }
        // Within an entity: down along the side, and in from the left.
        let x = source.x + INDENT / 2.0 + aside;
        return vec![(x, source.bottom()), (x, target.middle().1), (target.x, target.middle().1)];
    }
    let (from, to) = (block(edge.from), block(edge.to));
    let backwards = found.ways.contains_key(&(to, from)) && !found.ways.contains_key(&(from, to));
    let ends = |frame: Frame, out: bool| {
        let (x, y) = frame.middle();
        match (downwards, out) {
            (false, true) => (frame.right(), y + aside),
            (false, false) => (frame.x, y + aside),
            (true, true) => (x + aside, frame.bottom()),
            (true, false) => (x + aside, frame.y),
        }
    };
    let key = if backwards { (to, from) } else { (from, to) };
    let mut bends: Vec<(f64, f64)> = Vec::new();
    for bend in found.ways.get(&key).into_iter().flatten() {
        let Some(block) = found.blocks.get(*bend) else { continue };
        let (start, thick) = found.starts.get(block.layer).copied().unwrap_or_default();
        let Some(frame) = frames.get(*bend) else { continue };
        let (x, y) = frame.middle();
        if downwards {
            bends.extend([(x + aside, start), (x + aside, start + thick)]);
        } else {
            bends.extend([(start, y + aside), (start + thick, y + aside)]);
        }
    }
    let mut points = Vec::with_capacity(bends.len() + 3);
    let (first, last) = if backwards { (target, source) } else { (source, target) };
    points.push(ends(first, true));
    // Out of an entity's box at the height of the node, before the edge turns.
    let (left, thick) = found
        .blocks
        .get(block(if backwards { edge.to } else { edge.from }))
        .and_then(|b| found.starts.get(b.layer))
        .copied()
        .unwrap_or_default();
    if let Some(&(x, y)) = points.first() {
        let end = left + thick;
        if downwards && end - y > 1.0 {
            points.push((x, end));
        } else if !downwards && end - x > 1.0 {
            points.push((end, y));
        }
    }
    points.extend(bends);
    let (x, y) = ends(last, false);
    let start = found
        .blocks
        .get(block(if backwards { edge.from } else { edge.to }))
        .and_then(|b| found.starts.get(b.layer))
        .map_or(0.0, |(start, _)| *start);
    if downwards && y - start > 1.0 {
        points.push((x, start));
    } else if !downwards && x - start > 1.0 {
        points.push((start, y));
    }
    points.push((x, y));
    points
}

/// Moves everything so that it begins at the origin, with a margin.
fn shifted(mut layout: Layout) -> Layout {
    let frames = || layout.schemas.iter().map(|(_, frame)| *frame).chain(layout.nodes.iter().copied());
    let left = frames().map(|frame| frame.x).fold(0.0, f64::min) - PAD;
    let top = frames().map(|frame| frame.y).fold(0.0, f64::min) - PAD;
    let points = || layout.edges.iter().flatten().copied();
    let right = frames().map(|frame| frame.right()).chain(points().map(|(x, _)| x)).fold(0.0, f64::max) + PAD;
    let bottom =
        frames().map(|frame| frame.bottom()).chain(points().map(|(_, y)| y)).fold(0.0, f64::max) + PAD;
    let highest = points().map(|(_, y)| y - PAD).fold(top, f64::min);
    let leftmost = points().map(|(x, _)| x - PAD).fold(left, f64::min);
    let move_frame = |frame: &mut Frame| {
        frame.x -= leftmost;
        frame.y -= highest;
    };
    layout.nodes.iter_mut().for_each(move_frame);
    layout.entities.iter_mut().for_each(|(_, frame)| move_frame(frame));
    layout.schemas.iter_mut().for_each(|(_, frame)| move_frame(frame));
    for (x, y) in layout.edges.iter_mut().flatten() {
        *x -= leftmost;
        *y -= highest;
    }
    layout.width = right - leftmost;
    layout.height = bottom - highest;
    layout
}

/// A small number as a length.
pub(super) fn index(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn node_width(label: &str, size: f64) -> f64 {
    (text_width(label, size) + 22.0).max(36.0)
}

/// About how wide a text is in a font like Helvetica.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | '\'' | '|' | ':' => 0.25,
        'f' | 't' | 'r' | 'I' | ' ' | '(' | ')' | '-' => 0.34,
        'm' | 'w' | 'M' | 'W' => 0.88,
        'A'..='Z' => 0.69,
        c if c.is_ascii() => 0.56,
        _ => 0.9,
    };
    text.chars().map(width).sum::<f64>() * size
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::picture::{Edge, Line, Node};
    use crate::diagram::theme::Kind;
    use lapjoint_types::naming::Tier;

    /// A graph of `count` nodes in three schemas; every fourth node is a part of the one before, edges go anywhere downwards.
    fn random(seed: u64, count: usize) -> Picture {
        let mut state = seed;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut nodes: Vec<Node> = Vec::new();
        let mut edges = Vec::new();
        let line = Line::Reference { one_to_one: false, primary: true, renamed: false };
        for at in 0..count {
            let master = (at % 4 == 3).then(|| at - 1);
            let schema = match master {
                Some(master) => nodes[master].schema.clone(),
                None => format!("schema{}", next(3)),
            };
            nodes.push(Node {
                name: format!("Node{at}"),
                label: "x".repeat(1 + next(20)),
                kind: Kind::Table(Tier::Manual),
                schema,
                table: None,
                master,
                has_own_key: false,
                note: String::new(),
            });
            for from in master.into_iter().chain((0..next(3)).filter_map(|_| at.checked_sub(1 + next(6)))) {
                edges.push(Edge { from, to: at, line, note: String::new() });
            }
        }
        Picture { nodes, edges }
    }

    fn overlap(a: Frame, b: Frame) -> bool {
        a.x + 0.01 < b.right() && b.x + 0.01 < a.right() && a.y + 0.01 < b.bottom() && b.y + 0.01 < a.bottom()
    }

    #[test]
    fn nothing_overlaps_and_edges_end_at_their_nodes() {
        for seed in 0..60 {
            let picture = random(seed, 1 + usize::try_from(seed).unwrap());
            for downwards in [false, true] {
                let layout = layout(&picture, downwards);
                for (at, one) in layout.nodes.iter().enumerate() {
                    assert!(one.x >= 0.0 && one.right() <= layout.width, "{seed}: {one:?}");
                    assert!(one.y >= 0.0 && one.bottom() <= layout.height, "{seed}: {one:?}");
                    for (other_at, other) in layout.nodes.iter().enumerate().take(at) {
                        assert!(
                            !overlap(*one, *other),
                            "seed {seed}: nodes {at} and {other_at}: {one:?} {other:?}"
                        );
                    }
                }
                for (at, (name, one)) in layout.schemas.iter().enumerate() {
                    for (other_name, other) in layout.schemas.iter().take(at) {
                        assert!(!overlap(*one, *other), "seed {seed}: schemas {name} and {other_name}");
                    }
                }
                for (edge, points) in picture.edges.iter().zip(&layout.edges) {
                    let touches = |point: &(f64, f64), node: usize| {
                        let frame = layout.nodes[node];
                        (frame.x - 0.1..=frame.right() + 0.1).contains(&point.0)
                            && (frame.y - 0.1..=frame.bottom() + 0.1).contains(&point.1)
                    };
                    let (first, last) = (points.first().unwrap(), points.last().unwrap());
                    let forth = touches(first, edge.from) && touches(last, edge.to);
                    let back = touches(first, edge.to) && touches(last, edge.from);
                    assert!(forth || back, "seed {seed}: {edge:?} {points:?}");
                }
            }
        }
    }

    #[test]
    fn a_database_of_a_thousand_tables_is_drawn() {
        let picture = random(1, 1000);
        let layout = layout(&picture, false);
        assert_eq!((layout.nodes.len(), layout.schemas.len()), (1000, 3));
    }

    #[test]
    fn crossings_that_can_be_avoided_are() {
        // a -> d, b -> c, where c comes before d.
        let mut picture = random(0, 3);
        picture.edges.clear();
        let node = |name: &str| Node {
            name: name.into(),
            label: name.into(),
            kind: Kind::Table(Tier::Manual),
            schema: "s".into(),
            table: None,
            master: None,
            has_own_key: true,
            note: String::new(),
        };
        picture.nodes = ["a", "b", "c", "d"].map(node).into();
        for (from, to) in [(0, 3), (1, 2)] {
            picture.edges.push(Edge { from, to, line: Line::Bundle, note: String::new() });
        }
        let layout = layout(&picture, false);
        let y = |at: usize| layout.nodes[at].y;
        assert!((y(0) - y(3)).abs() < 0.1 && (y(1) - y(2)).abs() < 0.1, "{:?}", layout.nodes);
    }
}
