//! Diagrams as pictures in SVG.

use std::fmt::Write;

use crate::diagram::Direction;
use crate::diagram::dot::xml;
use crate::diagram::layout::{Frame, layout, text_width};
use crate::diagram::picture::{Edge, Node, Picture};
use crate::diagram::theme::{Colors, Kind, Theme};

/// Which colours a picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Appearance {
    /// Light or dark, as the reader's system is.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Class of the whole picture, so that its style is that of nothing else on a page.
const CLASS: &str = "lapjoint-diagram";

pub(super) fn render(picture: &Picture, appearance: Appearance, direction: Direction) -> String {
    let theme = if appearance == Appearance::Dark { &Theme::DARK } else { &Theme::LIGHT };
    let layout = layout(picture, direction == Direction::TopToBottom);
    let (width, height) = (layout.width.ceil().max(1.0), layout.height.ceil().max(1.0));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{CLASS}\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\">\n"
    );
    if appearance == Appearance::Auto {
        svg.push_str(&adaptive());
    }
    if let Some(background) = theme.background {
        write_to(
            &mut svg,
            format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"{background}\"/>\n"),
        );
    }
    for (name, frame) in &layout.schemas {
        write_to(
            &mut svg,
            format_args!(
                "<g id=\"cluster_schema_{name}\"><rect {} rx=\"8\" fill=\"none\" stroke=\"{}\" stroke-width=\"1\" \
                 stroke-dasharray=\"5 3\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"end\" \
                 fill=\"{}\">{name}</text></g>\n",
                corners(*frame),
                theme.schema_line,
                frame.right() - 10.0,
                frame.y + 16.0,
                theme.schema_text,
                name = xml(name),
            ),
        );
    }
    for (master, frame) in &layout.entities {
        let name = picture.nodes.get(*master).map_or("", |node| node.name.as_str());
        write_to(
            &mut svg,
            format_args!(
                "<rect id=\"cluster_entity_{}\" {} rx=\"8\" fill=\"{}\"/>\n",
                xml(name),
                corners(*frame),
                theme.entity_fill
            ),
        );
    }
    for (edge, points) in picture.edges.iter().zip(&layout.edges) {
        svg.push_str(&line(edge, points, theme, direction));
    }
    for (node, frame) in picture.nodes.iter().zip(&layout.nodes) {
        svg.push_str(&shape(node, *frame, theme.palette.of(node.kind)));
    }
    svg.push_str("</svg>");
    svg
}

fn write_to(svg: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A text always takes more text.
    let _ = svg.write_fmt(arguments);
}

fn corners(frame: Frame) -> String {
    format!(
        "x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"",
        frame.x, frame.y, frame.width, frame.height
    )
}

fn line(edge: &Edge, points: &[(f64, f64)], theme: &Theme, direction: Direction) -> String {
    let [first, rest @ ..] = points else { return String::new() };
    let mut path = format!("M{:.1},{:.1}", first.0, first.1);
    let mut before = *first;
    for &(x, y) in rest {
        let is_straight = (before.0 - x).abs() < 0.1 || (before.1 - y).abs() < 0.1;
        if is_straight {
            write_to(&mut path, format_args!(" L{x:.1},{y:.1}"));
        } else if direction == Direction::TopToBottom {
            let half = f64::midpoint(before.1, y);
            write_to(&mut path, format_args!(" C{:.1},{half:.1} {x:.1},{half:.1} {x:.1},{y:.1}", before.0));
        } else {
            let half = f64::midpoint(before.0, x);
            write_to(&mut path, format_args!(" C{half:.1},{:.1} {half:.1},{y:.1} {x:.1},{y:.1}", before.1));
        }
        before = (x, y);
    }
    let dashed = if edge.is_dashed() { " stroke-dasharray=\"5 3\"" } else { "" };
    let title =
        if edge.note.is_empty() { String::new() } else { format!("<title>{}</title>", xml(&edge.note)) };
    let opacity = u8::from_str_radix(theme.edge_alpha, 16).map_or(1.0, |alpha| f64::from(alpha) / 255.0);
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"{opacity:.2}\" stroke-width=\"{}\"{dashed}>{title}</path>\n",
        theme.edge_color(edge.is_renamed()),
        edge.width()
    )
}

fn shape(node: &Node, frame: Frame, colors: Colors) -> String {
    let Colors { fill, stroke, text } = colors;
    let round = match node.kind {
        // Rows that the program fills are round.
        kind if kind.is_filled() => frame.height / 2.0,
        Kind::Collapsed => 0.0,
        _ => 5.0,
    };
    let size = if node.master.is_some() { 10.0 } else { 12.0 };
    let (x, y) = frame.middle();
    let mut shape = format!("<g id=\"{}\" class=\"{}\">", xml(&node.name), node.kind.name());
    if !node.note.is_empty() {
        write_to(&mut shape, format_args!("<title>{}</title>", xml(&node.note)));
    }
    if node.kind == Kind::Collapsed {
        let behind = Frame { x: frame.x + 3.0, y: frame.y - 3.0, ..frame };
        write_to(&mut shape, format_args!("<rect {} fill=\"{fill}\" stroke=\"{stroke}\"/>", corners(behind)));
    }
    write_to(
        &mut shape,
        format_args!(
            "<rect {} rx=\"{round:.1}\" fill=\"{fill}\" stroke=\"{stroke}\"/><text x=\"{x:.1}\" y=\"{:.1}\" \
             font-size=\"{size}\" text-anchor=\"middle\" fill=\"{text}\">{}</text>",
            corners(frame),
            y + size * 0.35,
            xml(&node.label)
        ),
    );
    // A name is underlined where the table adds to the key.
    if node.has_own_key {
        let half = text_width(&node.label, size) / 2.0;
        write_to(
            &mut shape,
            format_args!(
                "<path d=\"M{:.1},{y:.1} H{:.1}\" stroke=\"{text}\" stroke-width=\"0.8\"/>",
                x - half,
                x + half,
                y = y + size * 0.35 + 2.5
            ),
        );
    }
    shape.push_str("</g>\n");
    shape
}

/// What changes the light colours into the dark ones where the reader's system is dark.
fn adaptive() -> String {
    let (light, dark) = (&Theme::LIGHT, &Theme::DARK);
    let mut rules = Vec::new();
    let mut rule = |attribute: &str, from: &str, to: &str| {
        let rule = format!(".{CLASS} [{attribute}=\"{from}\"]{{{attribute}:{to}}}");
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    };
    let other = Kind::Table(lapjoint_types::naming::Tier::System);
    for kind in Kind::COLORED.into_iter().chain([other]) {
        let (from, to) = (light.palette.of(kind), dark.palette.of(kind));
        rule("fill", from.fill, to.fill);
        rule("stroke", from.stroke, to.stroke);
        rule("fill", from.text, to.text);
        rule("stroke", from.text, to.text);
    }
    rule("stroke", light.edge, dark.edge);
    rule("stroke", light.edge_renamed, dark.edge_renamed);
    rule("stroke", light.schema_line, dark.schema_line);
    rule("fill", light.schema_text, dark.schema_text);
    rule("fill", light.entity_fill, dark.entity_fill);
    let background = dark.background.unwrap_or("none");
    format!(
        "<style>@media (prefers-color-scheme: dark){{.{CLASS}{{background:{background}}}{}}}</style>\n",
        rules.join("")
    )
}
