//! Metadata as a tree, and the flat `sops_age__list_0__map_enc=…` lines of the dotenv store.
//!
//! A map step is `__map_NAME`, a list step `__list_N`; line breaks in a value are spelled `\n`. Lines may come in any
//! order and stand anywhere. Written, every level is sorted by name and lists by number.
//! Source: `stores/flatten.go`, and the refusals of SOPS 3.13.3 (a name twice, a hole in a list).

use std::collections::BTreeMap;

use thiserror::Error;

use super::store::{self, MetadataLine};

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// A piece of metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A text; numbers and bools are texts too.
    Text(String),
    /// Named children.
    Map(BTreeMap<String, Node>),
    /// Numbered children, from 0 without a hole.
    List(BTreeMap<usize, Node>),
}

/// Metadata lines that do not make a tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FlatError {
    /// The same name stands on two lines.
    #[error("line {line}: sops_{name} stands in the file twice")]
    Twice {
        /// The later line.
        line: usize,
        /// The name without its prefix.
        name: String,
    },
    /// A name is used as two different things.
    #[error("line {line}: sops_{name} contradicts another metadata line")]
    Conflict {
        /// The later line.
        line: usize,
        /// The name without its prefix.
        name: String,
    },
    /// A list lacks an entry.
    #[error("the metadata list sops_{list} has no entry {index}")]
    Hole {
        /// The name of the list.
        list: String,
        /// The absent number.
        index: usize,
    },
}

/// SOPS nests five levels deep; a bound keeps a forged name from exhausting the stack.
const MAX_DEPTH: usize = 16;

enum Step<'a> {
    Name(&'a str),
    Number(usize),
}

/// Builds the tree of `lines`.
pub fn read(lines: &[MetadataLine<'_>]) -> Result<BTreeMap<String, Node>, FlatError> {
    let mut root = Node::Map(BTreeMap::new());
    for line in lines {
        let name = || line.name.to_owned();
        steps(line.name)
            .ok_or(Clash::Conflict)
            .and_then(|steps| insert(&mut root, &steps, line.value))
            .map_err(|clash| match clash {
                Clash::Twice => FlatError::Twice { line: line.number, name: name() },
                Clash::Conflict => FlatError::Conflict { line: line.number, name: name() },
            })?;
    }
    check_holes(&root, "")?;
    match root {
        Node::Map(map) => Ok(map),
        Node::Text(_) | Node::List(_) => Ok(BTreeMap::new()),
    }
}

fn steps(name: &str) -> Option<Vec<Step<'_>>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut rest = name;
    let mut numbered = false;
    loop {
        let next = [MAP, LIST].into_iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min();
        let here = &rest[..next.map_or(rest.len(), |(at, _)| at)];
        steps.push(if numbered {
            let plain = here.bytes().all(|byte| byte.is_ascii_digit());
            Step::Number(here.parse().ok().filter(|_| plain)?)
        } else {
            Step::Name(here)
        });
        let Some((at, mark)) = next else { return Some(steps) };
        if steps.len() == MAX_DEPTH {
            return None;
        }
        numbered = mark == LIST;
        rest = &rest[at + mark.len()..];
    }
}

enum Clash {
    Twice,
    Conflict,
}

fn insert(node: &mut Node, steps: &[Step<'_>], value: &str) -> Result<(), Clash> {
    let Some((step, rest)) = steps.split_first() else { return Err(Clash::Conflict) };
    let fresh = || match rest.first() {
        None => Node::Text(store::decode(value).expose().to_owned()),
        Some(Step::Name(_)) => Node::Map(BTreeMap::new()),
        Some(Step::Number(_)) => Node::List(BTreeMap::new()),
    };
    let (existed, child) = match (node, step) {
        (Node::Map(map), Step::Name(name)) => {
            (map.contains_key(*name), map.entry((*name).to_owned()).or_insert_with(fresh))
        }
        (Node::List(list), Step::Number(number)) => {
            (list.contains_key(number), list.entry(*number).or_insert_with(fresh))
        }
        _ => return Err(Clash::Conflict),
    };
    match (rest.is_empty(), &child) {
        (false, _) => insert(child, rest, value),
        (true, Node::Text(_)) if !existed => Ok(()),
        (true, Node::Text(_)) => Err(Clash::Twice),
        (true, _) => Err(Clash::Conflict),
    }
}

fn check_holes(node: &Node, name: &str) -> Result<(), FlatError> {
    match node {
        Node::Text(_) => Ok(()),
        Node::Map(map) => map.iter().try_for_each(|(key, child)| {
            let name = if name.is_empty() { key.clone() } else { format!("{name}{MAP}{key}") };
            check_holes(child, &name)
        }),
        Node::List(list) => list.iter().enumerate().try_for_each(|(expected, (index, child))| {
            if *index != expected {
                return Err(FlatError::Hole { list: name.to_owned(), index: expected });
            }
            check_holes(child, &format!("{name}{LIST}{index}"))
        }),
    }
}

/// Appends the lines of `tree` to `out`.
pub fn write(tree: &BTreeMap<String, Node>, out: &mut String) {
    for (name, node) in tree {
        write_node(&format!("{}{name}", store::METADATA_PREFIX), node, out);
    }
}

fn write_node(name: &str, node: &Node, out: &mut String) {
    match node {
        Node::Text(text) => {
            out.extend([name, "="]);
            store::encode_onto(out, text);
            out.push('\n');
        }
        Node::Map(map) => {
            for (key, child) in map {
                write_node(&format!("{name}{MAP}{key}"), child, out);
            }
        }
        Node::List(list) => {
            for (index, child) in list {
                write_node(&format!("{name}{LIST}{index}"), child, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<MetadataLine<'a>> {
        pairs.iter().zip(1..).map(|(&(name, value), number)| MetadataLine { number, name, value }).collect()
    }

    #[test]
    fn lines_in_any_order_come_out_sorted_with_lists_by_number() {
        let input = lines(&[
            ("version", "3.13.3"),
            ("age__list_10__map_enc", "k"),
            ("age__list_2__map_enc", "c\\nd"),
            ("age__list_0__map_recipient", "r"),
            ("age__list_0__map_enc", "a"),
        ]);
        let mut padded = input.clone();
        for (index, name) in ["1", "3", "4", "5", "6", "7", "8", "9"].iter().enumerate() {
            let name = Box::leak(format!("age__list_{name}__map_enc").into_boxed_str());
            padded.push(MetadataLine { number: 50 + index, name, value: "x" });
        }
        let mut out = String::new();
        write(&read(&padded).unwrap(), &mut out);
        let names: Vec<&str> = out.lines().map(|line| line.split_once('=').unwrap().0).collect();
        assert_eq!(
            names[..3],
            ["sops_age__list_0__map_enc", "sops_age__list_0__map_recipient", "sops_age__list_1__map_enc"]
        );
        assert_eq!(names[names.len() - 2..], ["sops_age__list_10__map_enc", "sops_version"]);
        assert!(out.contains("sops_age__list_2__map_enc=c\\nd\n"));
    }

    #[test]
    fn a_name_twice_a_hole_and_a_contradiction_are_errors() {
        let error = |pairs: &[(&str, &str)]| read(&lines(pairs)).unwrap_err().to_string();
        assert_eq!(error(&[("mac", "a"), ("mac", "a")]), "line 2: sops_mac stands in the file twice");
        assert_eq!(
            error(&[("age__list_0__map_enc", "a"), ("age__list_00__map_enc", "a")]),
            "line 2: sops_age__list_00__map_enc stands in the file twice"
        );
        assert_eq!(error(&[("age__list_1__map_enc", "a")]), "the metadata list sops_age has no entry 0");
        assert_eq!(error(&[("x__list_4000000000", "a")]), "the metadata list sops_x has no entry 0");
        assert!(error(&[("age", "a"), ("age__list_0", "b")]).ends_with("contradicts another metadata line"));
        assert!(error(&[("age__list_0", "b"), ("age", "a")]).ends_with("contradicts another metadata line"));
        assert!(error(&[("age__list_x", "b")]).ends_with("contradicts another metadata line"));
        assert!(error(&[(&"a__map_".repeat(100_000), "b")]).ends_with("contradicts another metadata line"));
    }
}
