//! Diagrams in the language of Mermaid.

use std::collections::BTreeSet;

use crate::diagram::Direction;
use crate::diagram::picture::Picture;
use crate::diagram::theme::{Kind, Theme};

pub(super) fn render(picture: &Picture, direction: Direction) -> String {
    let theme = &Theme::LIGHT;
    let ids = ids(picture);
    let id = |at: usize| ids.get(at).map_or("", String::as_str);
    let direction = match direction {
        Direction::LeftToRight => "LR",
        Direction::TopToBottom => "TB",
    };
    let mut lines = vec![format!("flowchart {direction}"), String::new()];
    let other = [("other", theme.palette.other)];
    for (name, colors) in
        Kind::COLORED.map(|kind| (kind.name(), theme.palette.of(kind))).into_iter().chain(other)
    {
        lines.push(format!(
            "    classDef {name} fill:{},stroke:{},color:{}",
            colors.fill, colors.stroke, colors.text
        ));
    }
    lines.push(String::new());
    for (schema, nodes) in picture.schemas() {
        lines.push(format!(
            "    subgraph {}[\"{}\"]",
            identifier(&format!("schema_{schema}")),
            escaped(schema)
        ));
        for at in nodes {
            let Some(node) = picture.nodes.get(at).filter(|node| node.master.is_none()) else { continue };
            let parts: Vec<usize> = picture.parts(at).collect();
            let indent = if parts.is_empty() { "        " } else { "            " };
            if !parts.is_empty() {
                lines.push(format!("        subgraph entity_{}[\" \"]", id(at)));
            }
            lines.push(format!("{indent}{}", shape(id(at), &node.label, node.kind)));
            for &part in &parts {
                if let Some(node) = picture.nodes.get(part) {
                    lines.push(format!("{indent}{}", shape(id(part), &node.label, node.kind)));
                }
            }
            if !parts.is_empty() {
                lines.push("        end".into());
            }
        }
        lines.push("    end".into());
    }
    lines.push(String::new());
    for edge in &picture.edges {
        lines.push(format!("    {} --> {}", id(edge.from), id(edge.to)));
    }
    for (at, edge) in picture.edges.iter().enumerate() {
        let color = theme.edge_color(edge.is_renamed());
        let width = if edge.is_thick() { 2 } else { 1 };
        lines.push(format!("    linkStyle {at} stroke:{color},stroke-width:{width}px"));
    }
    lines.join("\n") + "\n"
}

fn shape(id: &str, label: &str, kind: Kind) -> String {
    let class = kind.name();
    // Quotes only where the text needs them.
    let is_plain = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let label = if is_plain && label != "end" { label.to_owned() } else { format!("\"{}\"", escaped(label)) };
    match kind {
        Kind::Collapsed => format!("{id}[[{label}]]:::{class}"),
        kind if kind.is_filled() => format!("{id}([{label}]):::{class}"),
        _ => format!("{id}[{label}]:::{class}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('"', "#quot;")
}

fn identifier(name: &str) -> String {
    let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    // `end` is a word of the language.
    if id.eq_ignore_ascii_case("end") { format!("{id}_") } else { id }
}

/// A name for each node that the language takes.
fn ids(picture: &Picture) -> Vec<String> {
    let mut used = BTreeSet::new();
    let ids = picture.nodes.iter().map(|node| {
        let mut id = identifier(&node.name);
        while !used.insert(id.clone()) {
            id.push('_');
        }
        id
    });
    ids.collect()
}
