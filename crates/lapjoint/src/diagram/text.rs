//! Diagrams as lines of text.

use crate::diagram::picture::{Edge, Picture};

/// One line: what is drawn, the kind of table, what else it refers to.
struct Line {
    drawn: String,
    kind: &'static str,
    also: String,
}

pub(super) fn render(picture: &Picture) -> String {
    let mut text = String::new();
    for (schema, nodes) in picture.schemas() {
        text.push_str(schema);
        text.push('\n');
        let mut lines = Vec::new();
        for &at in &nodes {
            // What refers to nothing in its schema begins a tree.
            if trunk(picture, at).is_none() {
                line(picture, at, "  ", "  ", &mut lines);
            }
        }
        let width = lines.iter().map(|line| line.drawn.chars().count()).max().unwrap_or(0) + 3;
        for line in lines {
            let pad = " ".repeat(width.saturating_sub(line.drawn.chars().count()));
            let kind = if line.also.is_empty() { line.kind.to_owned() } else { format!("{:<9}", line.kind) };
            text.push_str(&format!("{}{pad}{kind}{}\n", line.drawn, line.also));
        }
    }
    text
}

/// The reference below which a node is drawn: a part's is to its master or another part of it; else the last in topological order.
fn trunk(picture: &Picture, at: usize) -> Option<&Edge> {
    let node = picture.nodes.get(at)?;
    let is_here = |edge: &&Edge| {
        edge.to == at
            && edge.from != at
            && picture.nodes.get(edge.from).is_some_and(|parent| parent.schema == node.schema)
    };
    let inner = |edge: &&Edge| {
        node.master.is_some_and(|master| {
            edge.from == master
                || picture.nodes.get(edge.from).is_some_and(|other| other.master == Some(master))
        })
    };
    let edges = || picture.edges.iter().filter(is_here);
    edges().filter(inner).max_by_key(|edge| edge.from).or_else(|| edges().max_by_key(|edge| edge.from))
}

fn line(picture: &Picture, at: usize, first: &str, rest: &str, lines: &mut Vec<Line>) {
    let Some(node) = picture.nodes.get(at) else { return };
    let own = trunk(picture, at);
    let mut others: Vec<String> = Vec::new();
    for edge in picture.edges.iter().filter(|edge| edge.to == at) {
        let is_own = own.is_some_and(|own| std::ptr::eq(own, edge));
        if let Some(parent) = picture.nodes.get(edge.from).filter(|_| !is_own) {
            let is_elsewhere =
                parent.schema != node.schema && !parent.name.starts_with(&format!("{}.", parent.schema));
            let name = if is_elsewhere && parent.table.is_some() {
                format!("{}.{}", parent.schema, parent.name)
            } else {
                parent.name.clone()
            };
            let note = if edge.note.is_empty() {
                String::new()
            } else {
                format!(" ({})", edge.note.replace('\n', ", "))
            };
            others.push(format!("{name}{note}"));
        }
    }
    let name = match node.master {
        Some(_) => format!(".{}", node.label),
        None => node.label.clone(),
    };
    let renamed = own.filter(|edge| !edge.note.is_empty());
    let renamed = renamed.map_or_else(String::new, |edge| format!(" ({})", edge.note.replace('\n', ", ")));
    lines.push(Line {
        drawn: format!("{first}{name}{renamed}"),
        kind: node.kind.name(),
        also: if others.is_empty() { String::new() } else { format!(" -> {}", others.join(", ")) },
    });
    let mut below: Vec<usize> = (0..picture.nodes.len())
        .filter(|&child| trunk(picture, child).is_some_and(|edge| edge.from == at))
        .collect();
    // Parts stand directly below their master.
    below.sort_by_key(|&child| picture.nodes.get(child).is_none_or(|child| child.master.is_none()));
    let last = below.last().copied();
    for child in below {
        let Some(edge) = trunk(picture, child) else { continue };
        let stroke = match (edge.is_thick(), edge.is_dashed()) {
            (_, true) => '┄',
            (true, false) => '━',
            (false, false) => '─',
        };
        let (corner, below) = if Some(child) == last { ('└', "   ") } else { ('├', "│  ") };
        line(picture, child, &format!("{rest}{corner}{stroke} "), &format!("{rest}{below}"), lines);
    }
}
