//! Diagrams in the language of Graphviz.

use crate::diagram::Direction;
use crate::diagram::picture::{Edge, Node, Picture};
use crate::diagram::theme::{Kind, Theme};

pub(super) fn render(picture: &Picture, theme: &Theme, direction: Direction) -> String {
    let direction = match direction {
        Direction::LeftToRight => "LR",
        Direction::TopToBottom => "TB",
    };
    let mut lines = vec!["digraph {".to_owned(), format!("    rankdir={direction};")];
    if let Some(background) = theme.background {
        lines.push(format!("    bgcolor={};", quoted(background)));
    }
    lines.push("    node [fontname=Helvetica, fontsize=12, height=0.3, margin=\"0.11,0.06\"];".to_owned());
    lines.push("    edge [arrowhead=none];".to_owned());
    for (schema, nodes) in picture.schemas() {
        lines.push(format!("    subgraph {} {{", quoted(&format!("cluster_schema_{schema}"))));
        lines.push(format!(
            "        label={}; labeljust=r; style=\"rounded,dashed\"; fontname=Helvetica; color={}; fontcolor={};",
            quoted(schema),
            quoted(theme.schema_line),
            quoted(theme.schema_text)
        ));
        for at in nodes {
            let Some(own) = picture.nodes.get(at).filter(|node| node.master.is_none()) else { continue };
            let parts: Vec<&Node> = picture.parts(at).filter_map(|part| picture.nodes.get(part)).collect();
            if parts.is_empty() {
                lines.push(format!("        {}", node(own, theme)));
                continue;
            }
            lines.push(format!("        subgraph {} {{", quoted(&format!("cluster_entity_{}", own.name))));
            let fill = quoted(theme.entity_fill);
            lines.push(format!(
                "            label=\"\"; style=\"rounded,filled\"; fillcolor={fill}; color={fill};"
            ));
            for drawn in std::iter::once(own).chain(parts) {
                lines.push(format!("            {}", node(drawn, theme)));
            }
            lines.push("        }".to_owned());
        }
        lines.push("    }".to_owned());
    }
    lines.extend(picture.edges.iter().map(|drawn| format!("    {}", edge(drawn, picture, theme))));
    lines.push("}".to_owned());
    lines.join("\n") + "\n"
}

fn node(node: &Node, theme: &Theme) -> String {
    let colors = theme.palette.of(node.kind);
    let (shape, style) = match node.kind {
        Kind::Collapsed => ("box3d", "filled"),
        kind if kind.is_filled() => ("ellipse", "filled"),
        _ => ("box", "rounded,filled"),
    };
    let label = if node.has_own_key { format!("<<u>{}</u>>", xml(&node.label)) } else { quoted(&node.label) };
    let size = if node.master.is_some() { ", fontsize=10" } else { "" };
    format!(
        "{} [label={label}, shape={shape}, style={}, fillcolor={}, color={}, fontcolor={}, tooltip={}{size}];",
        quoted(&node.name),
        quoted(style),
        quoted(colors.fill),
        quoted(colors.stroke),
        quoted(colors.text),
        quoted(&node.note)
    )
}

fn edge(edge: &Edge, picture: &Picture, theme: &Theme) -> String {
    let name = |at: usize| quoted(picture.nodes.get(at).map_or("", |node| node.name.as_str()));
    let color = format!("{}{}", theme.edge_color(edge.is_renamed()), theme.edge_alpha);
    let style = if edge.is_dashed() { "dashed" } else { "solid" };
    let weight = if edge.is_thick() { 3 } else { 1 };
    let note = if edge.note.is_empty() { String::new() } else { format!(", tooltip={}", quoted(&edge.note)) };
    format!(
        "{} -> {} [color={}, style={style}, penwidth={}, weight={weight}{note}];",
        name(edge.from),
        name(edge.to),
        quoted(&color),
        edge.width()
    )
}

/// A text as the language quotes it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A text between tags.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
