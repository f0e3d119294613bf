//! What is pushed and pulled comes back byte for byte, or is refused and left as it was.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::project::{Project, folder};
use crate::support;

/// How many files one round has.
const FILES: usize = 150;

/// Files as people write them, and as nobody should.
fn files() -> Vec<String> {
    let line = prop_oneof![
        6 => r"[A-Z][A-Z0-9_]{0,6}( )?=( )?[a-z0-9 :/@.$%&+-]{0,12}",
        3 => r#"(export )?[A-Z]{1,3}="([a-z $'\\#=]|\\n|\\t|\n|é){0,10}""#,
        2 => r#"[A-Z]{1,3}='([a-z $"\\#=]|\n){0,10}'( # note)?"#,
        1 => r#"[A-Z]{1,3}=`[a-z"'$]{0,6}`"#,
        2 => r"#[ -~]{0,12}",
        1 => "[ \t]{0,3}",
        1 => r#"[A-Z]{1,3}=[a-z"'`\\$# ]{0,8}"#,
    ];
    let end = prop_oneof![5 => Just("\n"), 1 => Just("\r\n")];
    let file = (
        prop::collection::vec(line, 1..8),
        end,
        any::<bool>(),
        prop_oneof![9 => Just(""), 1 => Just("\u{feff}")],
    );
    let file = file.prop_map(|(lines, end, last, mark)| {
        format!("{mark}A=1{end}{}{}", lines.join(end), if last { end } else { "" })
    });
    let mut runner = TestRunner::deterministic();
    (0..FILES).map(|_| file.new_tree(&mut runner).unwrap().current()).collect()
}

/// A project whose files each are an environment, so that one that is refused does not stop the others.
fn project(files: &[String]) -> Project {
    let environments: Vec<String> =
        (0..files.len()).map(|at| folder(&format!("e{at}"), &format!("d{at}"))).collect();
    let project = Project::new(&environments);
    for (at, text) in files.iter().enumerate() {
        project.write(&format!("d{at}/.env"), text);
    }
    project
}

/// Every file is readable again and the same, and most of them were encrypted in between.
fn assert_round_trip(project: &Project, files: &[String], run: impl Fn(&[&str])) {
    run(&["push", "-q"]);
    let mut encrypted = 0;
    for (at, text) in files.iter().enumerate() {
        let now = project.read(&format!("d{at}/.env"));
        if &now != text {
            encrypted += 1;
            assert!(now.contains("encrypted:"), "{text:?}");
        }
    }
    assert!(encrypted * 10 > files.len() * 6, "only {encrypted} of {} were encrypted", files.len());
    run(&["pull-partial", "-q"]);
    for (at, text) in files.iter().enumerate() {
        assert_eq!(&project.read(&format!("d{at}/.env")), text);
    }
}

#[test]
fn a_generated_corpus_comes_back_byte_for_byte() {
    let files = files();
    let project = project(&files);
    assert_round_trip(&project, &files, |args| _ = project.run(args));
}

#[test]
fn a_generated_corpus_comes_back_byte_for_byte_through_the_binary() {
    let Some(dotenvx) = support::tool("bin/dotenvx-2.38.2/dotenvx") else { return };
    let files: Vec<String> = files().into_iter().take(6).collect();
    let project = project(&files);
    let (with_tool, builtin) =
        (|args: &[&str]| _ = project.run_with_tool(&dotenvx, args), |args: &[&str]| _ = project.run(args));
    assert_round_trip(&project, &files, with_tool);
    with_tool(&["push", "-q"]);
    builtin(&["pull-partial", "-q"]);
    for (at, text) in files.iter().enumerate() {
        assert_eq!(&project.read(&format!("d{at}/.env")), text, "what one engine encrypts the other opens");
    }
}
