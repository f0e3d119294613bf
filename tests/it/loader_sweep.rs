//! Holds the loader dialect to the real python-dotenv: every short value, and texts drawn from all that the grammar
//! treats specially, are read by both and compared statement by statement.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use envdrift::envfile::loader::{self, Loaded, Mode};
use serde::Deserialize;

use crate::support;

/// What python-dotenv makes of one text.
#[derive(Deserialize)]
struct Reference {
    bindings: Vec<Binding>,
    resolved: Vec<(String, Option<String>)>,
}

#[derive(Deserialize)]
struct Binding {
    key: Option<String>,
    value: Option<String>,
    error: bool,
    text: String,
    line: usize,
}

/// What both sides are brought to before they are compared; the statements of one text in their order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Statement {
    Variable { line: usize, name: String, value: String, text: String },
    Bare { line: usize, name: String, text: String },
    Comment { line: usize, text: String },
    Dropped { line: usize },
}

#[test]
fn every_value_of_up_to_four_characters_reads_as_python_dotenv_reads_it() {
    let alphabet = ['a', ' ', '"', '\'', '\\', '\n', '=', '#'];
    let bodies = words(&alphabet, 4);
    assert_eq!(bodies.len(), 4681);
    compare(&bodies.iter().map(|body| format!("K={body}\nZ=1")).collect::<Vec<_>>());
}

#[test]
fn every_reference_of_up_to_five_characters_resolves_as_python_dotenv_resolves_it() {
    let bodies = words(&['$', '{', '}', ':', '-', 'A'], 5);
    compare(&bodies.iter().map(|body| format!("A=1\nK=${{{body}\nZ=${{K}}")).collect::<Vec<_>>());
}

#[test]
fn texts_that_once_were_misread_read_as_python_dotenv_reads_them() {
    let mut texts: Vec<String> = CASES.iter().map(|&text| text.to_owned()).collect();
    for line_end in ["\r\n", "\r"] {
        texts.extend(CASES.iter().map(|text| text.replace('\n', line_end)));
    }
    texts.extend(CASES.iter().map(|text| format!("\u{feff}{text}\nZ=1")));
    compare(&texts);
}

#[test]
fn texts_drawn_from_the_grammar_read_as_python_dotenv_reads_them() {
    compare(&drawn(6000));
}

/// Multi-line quotes, interpolation, inline comments, odd line separators, quoted and bare keys, `export` forms.
const CASES: &[&str] = &[
    "K=\"a\nb=c\nd\"",
    "K='a\nB=\"x\"\nC=d'",
    "K=\"a\nB=c\nd\"x\nZ=1",
    "K=\"a\nB=c\nZ=1",
    "K='a\nB=c\nZ=1",
    "K=\"-----BEGIN KEY-----\nabc==\n-----END KEY-----\" # pem\nZ=1",
    "K=\"a   \n   b\"\nZ=1",
    "K=\"v\"x\nZ=1",
    "K='a' 'b'\nZ=1",
    "K=\"v\"#c\nZ=1",
    "K=\"v\"   # c\nZ=1",
    "K=\"a\\\"\nZ=1",
    "K=\"a\\\\\"\nZ=1",
    "K=\"a\\\\\\\"\nZ=\"1",
    "K='it\\'s'\nZ=1",
    "K=\"\\a\\b\\f\\n\\r\\t\\v\\q\\'\\\"\\x41\\u0041\"\nZ=1",
    "K='\\a\\n\\\\\\'\\\"'\nZ=1",
    "K=a#b\nL=a #b\nM=#FF # c\nN= #b\nO=v # c\nP=\t#x\nQ=a\t#x",
    "MSG=user's data # c\nL=a \"b # c\" d\nM=a'b'c",
    "K=`x`\nL=`a b` # c",
    "K==v\nL= = v\nM = v\nN\t=\tv",
    "A=1\nB=${A}\nC='${A}'\nD=\"${A}\"\nE=$A\nF=${A:d}\nG=${A-d}\nH=${}\nI=${:-x}",
    "B=${A}\nA=1\nC=${A}",
    "B=${FROM_ENV}\nFROM_ENV=file\nC=${FROM_ENV}\nD=${NOBODY:-d}\nE=${NOBODY}",
    "A=1\nA\nB=[${A:-d}]\nFROM_ENV\nC=[${FROM_ENV:-d}]\nA=2\nD=${A}",
    "A=\nB=${A:-d}\nC=${A:-a b}\nD=${N:-{x}}\nE=${N:-${A}}",
    "A=${A}\nB=${B:-${B}}\nC=$${A}\nD=\\${A}\nE=\"\\${A}\"",
    "A='${\n}'\nB=\"${A\n}\"\nC=${N:-\n}",
    "K=a\u{2028}b\u{2029}c\u{85}d\u{c}e\u{b}f\u{1c}g\u{1d}h\u{1e}i\u{1f}j\nZ=1",
    "K=\"a\u{2028}b\"\u{2028}# c\nZ=1",
    "K\u{2028}=\u{85}v\u{c}\nZ=1",
    "\u{a0}K\u{a0}=\u{a0}v\u{a0}# c\nZ=1",
    "K=v\u{3000}#c\nL=v\u{200b}#c\nM=v\u{180e}#c\nN=v\u{feff}#c",
    "K=\u{feff}v\n\u{feff}L=1\nM=1\u{feff}",
    "K=a\0b\nZ=1",
    "'K'=v\n'a b' = v\n'a=b'=v\n'a#b'=v",
    "''=v\nZ=1",
    "'K=v\nZ=1",
    "'K'x=v\nZ=1",
    "'a\nb'=v\nZ=1",
    "'a\nb' x\nZ=1",
    "'K'\nZ=1",
    "'a\\'b'=v\nZ=1",
    "\"K\"=v\n\"a b\"=v\nZ=1",
    "K\nL # c\nM# c\nN x\nZ=1",
    "TEXT WITH SPACES\nK: v\n- a\nZ=1",
    "1PW=x\nX-API-KEY=x\nCAFÉ=x\na.b=x\n1PW\nX.Y",
    "1PW=\"a\nb=c\"\nZ=1",
    "export K=v\nexport\tL=v\nexport  M\nexport",
    "exportK=v\nexport=v\nexport =v\nexport\u{a0}N=v",
    "export # c\nZ=1",
    "export \nZ=1",
    "export 'K'=v\nexport export=v\nexport export K=v\nexport export L\nZ=1",
    "  export   K = v # c\n\n\n   # c\n\t\nZ=1",
    "=v\n #c\n  = v\n#\nZ=1",
    "K=\n\nL= \n \nM=''\nN=\"\" # c\nZ=1",
    "K=\nv\nL=\"\n\"\nM='\n\n'",
    "K=v\\\nL=w\nM=\"a\\\nb\"",
    "",
    "\n",
    " ",
    "#",
    "K",
    "K=",
    "K=\"",
    "K='",
    "'",
    "export ",
    "\\",
];

/// Every word over `alphabet` of 0 to `longest` characters.
fn words(alphabet: &[char], longest: usize) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut first_of_last_length = 0;
    for _ in 0..longest {
        let last = first_of_last_length..words.len();
        first_of_last_length = words.len();
        for i in last {
            words.extend(alphabet.iter().map(|c| format!("{}{c}", words[i])).collect::<Vec<_>>());
        }
    }
    words
}

/// The same `count` texts on every run, made of the pieces that mean something to the grammar.
fn drawn(count: usize) -> Vec<String> {
    let pieces = [
        "K", "=", "=", "=", " ", "\n", "\n", "\"", "\"", "'", "'", "\\", "#", "v", "export ", "export", "\r",
        "\r\n", "\t", "\u{a0}", "\u{2028}", "\u{c}", "\u{1e}", "\u{85}", "${", "}", ":-", "${K}", "é", "1",
        "-", "\\n", "\u{feff}", "A=1\n", "A\n", "${A}", "${A:-d}", " # c", "\0",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits fit") % below
    };
    (0..count)
        .map(|_| {
            let length = 1 + next(16);
            (0..length).map(|_| pieces[next(pieces.len())]).collect()
        })
        .collect()
}

/// Lets both sides read every text and fails with the first few that differ.
fn compare(texts: &[String]) {
    let Some(python) = support::tool("py/bin/python") else { return };
    let references = ask(&python, texts);
    assert_eq!(references.len(), texts.len());
    let differing: Vec<String> = texts
        .iter()
        .zip(&references)
        .filter_map(|(text, reference)| {
            difference(text, reference).map(|difference| format!("{text:?}: {difference}"))
        })
        .collect();
    let shown = differing.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(differing.is_empty(), "{} of {} texts differ:\n{shown}", differing.len(), texts.len());
}

#[expect(clippy::disallowed_methods, reason = "the test runs the reference itself")]
fn ask(python: &Path, texts: &[String]) -> Vec<Reference> {
    let mut child = Command::new(python)
        .args(["-I", "-X", "utf8", "-c", include_str!("loader_sweep.py")])
        .env_clear()
        .env("FROM_ENV", "env")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let question = serde_json::to_vec(texts).expect("texts are JSON");
    let writer = thread::spawn(move || stdin.write_all(&question));
    let output = child.wait_with_output().expect("python ends");
    writer.join().expect("the writer ends").expect("python reads the texts");
    assert!(output.status.success(), "python failed");
    serde_json::from_slice(&output.stdout).expect("python prints JSON")
}

fn difference(text: &str, reference: &Reference) -> Option<String> {
    for mode in [Mode::Lenient, Mode::Strict] {
        let loaded = loader::assignments(text, mode);
        let (ours, theirs) = (read(text, &loaded), expected(reference, mode));
        if ours != theirs {
            return Some(format!("{mode:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    let loaded = loader::assignments(text, Mode::Lenient);
    let theirs: HashMap<_, _> = reference.resolved.iter().cloned().collect();
    let ours = resolved(&loaded);
    (ours != theirs).then(|| format!("resolved\n  ours   {ours:?}\n  theirs {theirs:?}"))
}

/// Our reading of `text`, its spans cut out and with the line ends that Python would have made of them.
fn read(text: &str, loaded: &Loaded) -> Vec<Statement> {
    let cut = |span: &std::ops::Range<usize>| unix(&text[span.clone()]);
    let mut statements: Vec<Statement> = Vec::new();
    for a in &loaded.assignments {
        assert!(a.span.start <= a.value_span.start && a.value_span.end <= a.span.end, "{text:?}");
        let value = a.value.expose().to_owned();
        statements.push(Statement::Variable {
            line: a.line,
            name: a.name.clone(),
            value,
            text: cut(&a.span),
        });
    }
    for b in &loaded.bare_keys {
        statements.push(Statement::Bare { line: b.line, name: b.name.clone(), text: cut(&b.span) });
    }
    for c in &loaded.comments {
        statements.push(Statement::Comment { line: c.line, text: cut(&c.span) });
    }
    statements.extend(loaded.unparsed_lines.iter().map(|&line| Statement::Dropped { line }));
    statements.sort();
    statements
}

/// The reference's statements as `mode` takes them. Its own text begins with the blank lines before a statement and
/// ends with the line end; ours has neither.
fn expected(reference: &Reference, mode: Mode) -> Vec<Statement> {
    let mut statements: Vec<Statement> = reference
        .bindings
        .iter()
        .filter_map(|binding| {
            let text = binding.text.trim_start_matches(python_space);
            let blank = &binding.text[..binding.text.len() - text.len()];
            let line = binding.line + blank.matches('\n').count();
            let text = text.strip_suffix('\n').unwrap_or(text).to_owned();
            let accepted = |name: &str| mode == Mode::Lenient || identifier(name) || quoted(&text);
            Some(match (&binding.key, &binding.value) {
                _ if binding.error => Statement::Dropped { line },
                (None, _) if text.is_empty() => return None,
                (None, _) if text.starts_with('#') => Statement::Comment { line, text },
                // `export # c` is neither: envdrift calls it malformed.
                (None, _) => Statement::Dropped { line },
                (Some(name), _) if !accepted(name) => Statement::Dropped { line },
                (Some(name), Some(value)) => {
                    Statement::Variable { line, name: name.clone(), value: value.clone(), text }
                }
                (Some(name), None) => Statement::Bare { line, name: name.clone(), text },
            })
        })
        .collect();
    statements.sort();
    statements
}

/// Our values as the mapping that the reference ends with; a name that last stood alone has none.
fn resolved(loaded: &Loaded) -> HashMap<String, Option<String>> {
    let environment = |name: &str| (name == "FROM_ENV").then(|| "env".to_owned());
    let values = loader::interpolate(loaded, environment).expect("short texts stay short");
    let variables = loaded.assignments.iter().zip(&values);
    let mut mentions: Vec<_> = variables
        .map(|(a, value)| (a.span.start, a.name.clone(), Some(value.expose().to_owned())))
        .chain(loaded.bare_keys.iter().map(|b| (b.span.start, b.name.clone(), None)))
        .collect();
    mentions.sort();
    mentions.into_iter().map(|(_, name, value)| (name, value)).collect()
}

fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn python_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn quoted(text: &str) -> bool {
    let after_export = text.strip_prefix("export").filter(|rest| rest.starts_with(python_space));
    after_export.map_or(text, |rest| rest.trim_start_matches(python_space)).starts_with('\'')
}
