//! A session's lineage as a drawing: raw files, parsed versions, cleaned versions and models from left to right, and a
//! line from each thing to what was made of it. PURE.
//!
//! ```text
//! ┌───────────┐      ┌───────────┐      ┌────────────┐      ┌──────────┐
//! │ 214 files ├──────┤ parsed-v1 ├──────┤ cleaned-v1 ├──────┤ plant:v1 │
//! └───────────┘      └───────────┘      └────────────┘      └──────────┘
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::super::{Lineage, LineageNode};
use crate::markup::escaped;

/// Files that the same versions were read from are one box from so many on.
const MANY: usize = 7;
/// Width of a line in a box, in letters of Latin.
const LETTERS: usize = 26;

/// px.
const BOX_WIDTH: usize = 264;
const BOX_HEIGHT: usize = 46;
const ACROSS: usize = 72;
const DOWN: usize = 14;
const MARGIN: usize = 16;

/// A box: what is in it, and what it was made from.
struct Drawn<'a> {
    layer: usize,
    title: String,
    lines: [String; 2],
    ids: BTreeSet<&'a str>,
    made_from: BTreeSet<&'a str>,
}

/// The drawing, as a document of its own.
#[must_use]
pub fn svg(lineage: &Lineage) -> String {
    let boxes = boxes(&lineage.nodes);
    let mut taken = BTreeMap::<usize, usize>::new();
    let places: Vec<(usize, usize)> = boxes
        .iter()
        .map(|drawn| {
            let row = taken.entry(drawn.layer).or_default();
            *row += 1;
            (MARGIN + drawn.layer * (BOX_WIDTH + ACROSS), MARGIN + (*row - 1) * (BOX_HEIGHT + DOWN))
        })
        .collect();
    let layers = boxes.iter().map(|drawn| drawn.layer + 1).max().unwrap_or_default().max(1);
    let rows = taken.values().copied().max().unwrap_or_default().max(1);
    let (width, height) =
        (2 * MARGIN + layers * (BOX_WIDTH + ACROSS) - ACROSS, 2 * MARGIN + rows * (BOX_HEIGHT + DOWN) - DOWN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>What was made of what in session \
         {}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n<g fill=\"none\" stroke=\"#8a94a3\" stroke-width=\"1.5\">\n",
        escaped(&lineage.session_id)
    );
    for (made, (x, y)) in boxes.iter().zip(&places) {
        for (source, (from_x, from_y)) in boxes.iter().zip(&places) {
            if made.made_from.is_disjoint(&source.ids) {
                continue;
            }
            let (left, right) = (from_x + BOX_WIDTH, *x);
            let (begin, end, bend) = (from_y + BOX_HEIGHT / 2, y + BOX_HEIGHT / 2, ACROSS / 2);
            // Writing to a String cannot fail.
            let _ = writeln!(
                svg,
                "<path d=\"M{left} {begin} C{} {begin} {} {end} {right} {end}\"/>",
                left + bend,
                right.saturating_sub(bend)
            );
        }
    }
    svg.push_str("</g>\n");
    for (drawn, (x, y)) in boxes.iter().zip(&places) {
        let fill = ["#eef2f7", "#e3eefc", "#e2f4ea", "#fbefdc"].get(drawn.layer).copied().unwrap_or("#fff");
        let [first, second] = &drawn.lines;
        let _ = writeln!(
            svg,
            "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" fill=\"{fill}\" \
             stroke=\"#8a94a3\"/><text x=\"{tx}\" y=\"{}\" fill=\"#18202b\">{}</text><text x=\"{tx}\" y=\"{}\" fill=\"#4a5563\" \
             font-size=\"11\">{}</text></g>",
            escaped(&drawn.title),
            y + 19,
            escaped(first),
            y + 36,
            escaped(second),
            tx = x + 10,
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn layer(kind: &str) -> usize {
    match kind {
        "source_file" => 0,
        "parsed_dataset" => 1,
        "cleaned_dataset" => 2,
        _ => 3,
    }
}

/// One box a node; many files that the same versions were read from are one.
fn boxes(nodes: &[LineageNode]) -> Vec<Drawn<'_>> {
    let mut readers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        for id in &node.made_from {
            readers.entry(id).or_default().push(&node.id);
        }
    }
    let mut groups: Vec<(Vec<&str>, Vec<&LineageNode>)> = Vec::new();
    for node in nodes.iter().filter(|node| layer(&node.kind) == 0) {
        let of = readers.get(node.id.as_str()).cloned().unwrap_or_default();
        match groups.iter_mut().find(|(readers, _)| *readers == of) {
            Some((_, files)) => files.push(node),
            None => groups.push((of, vec![node])),
        }
    }
    let mut boxes = Vec::new();
    for (_, files) in &groups {
        match files.as_slice() {
            [first, .., last] if files.len() >= MANY => boxes.push(Drawn {
                layer: 0,
                title: files.iter().map(|file| file.label.as_str()).collect::<Vec<_>>().join(", "),
                lines: [format!("{} files", files.len()), short(&format!("{} … {}", first.label, last.label))],
                ids: files.iter().map(|file| file.id.as_str()).collect(),
                made_from: BTreeSet::new(),
            }),
            files => boxes.extend(files.iter().map(|file| one(file))),
        }
    }
    boxes.extend(nodes.iter().filter(|node| layer(&node.kind) > 0).map(one));
    boxes
}

fn one(node: &LineageNode) -> Drawn<'_> {
    let made = node.created_at.get(..16).unwrap_or(&node.created_at).replace('T', " ");
    let hash = node.sha256.get(..10).unwrap_or(&node.sha256);
    Drawn {
        layer: layer(&node.kind),
        title: format!("{}\n{}\nsha256 {}", node.label, node.id, node.sha256),
        lines: [short(&node.label), format!("{hash} · {made}")],
        ids: BTreeSet::from([node.id.as_str()]),
        made_from: node.made_from.iter().map(String::as_str).collect(),
    }
}

/// The text, or its beginning and its end.
fn short(text: &str) -> String {
    let width = |letters: &mut dyn Iterator<Item = char>| letters.map(letter_width).sum::<usize>();
    if width(&mut text.chars()) <= LETTERS {
        return text.to_owned();
    }
    let half = |letters: &mut dyn Iterator<Item = char>| -> Vec<char> {
        let mut left = LETTERS / 2;
        letters.map_while(|letter| Some((left = left.checked_sub(letter_width(letter))?, letter).1)).collect()
    };
    let (begin, end) = (half(&mut text.chars()), half(&mut text.chars().rev()));
    begin.into_iter().chain(['…']).chain(end.into_iter().rev()).collect()
}

/// Letters of East Asia are as wide as two of Latin.
fn letter_width(letter: char) -> usize {
    1 + usize::from(letter >= '\u{2e80}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_its_box() {
        assert_eq!(short("TR_DEMO_METER_240701.csv"), "TR_DEMO_METER_240701.csv");
        assert_eq!(short("TR_DEMO_METER_240701-240707.csv"), "TR_DEMO_METER…01-240707.csv");
        assert_eq!(short("冰水主機一號出水溫度與回水溫度.csv"), "冰水主機一號…回水溫度.csv");
    }
}
