//! `[git_hook_check]`: files are changed only while the hooks are armed; looking never needs them.

use crate::support::Sandbox;

const MARKED: &str = "#!/bin/sh\n# >>> envdrift hook: pre-commit\ntrue\n# <<< envdrift hook: pre-commit\n";

fn sandbox(config: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let run = sandbox.program(&sandbox.beside("bin/git"), ["init", "-q", "."]).run();
    assert_eq!(run.code, 0, "{run}");
    sandbox.write("envdrift.toml", format!("[git_hook_check]\n{config}\n"));
    sandbox.write(".env", "A=1\n");
    sandbox
}

#[test]
fn a_direct_hook_has_to_be_there_before_files_change_and_looking_needs_none() {
    let sandbox = sandbox("method = \"direct\"");
    let before = sandbox.tree();
    sandbox.envdrift(["encrypt"]).refuses(&["Missing envdrift git hook(s) in"]);
    assert_eq!(sandbox.envdrift(["encrypt", "--check"]).code, 0);
    assert_eq!(sandbox.envdrift(["decrypt", "--stdout"]).stdout, "A=1\n");
    sandbox.assert_untouched(&before);
    sandbox.write(".git/hooks/pre-commit", MARKED);
    sandbox.envdrift(["encrypt", "--engine", "builtin"]).says_on_stderr(&["Added .env.keys"]);
    assert!(sandbox.text(".env").contains("A=encrypted:"));
}

#[test]
fn a_pre_commit_configuration_has_to_name_the_hook() {
    let sandbox = sandbox("method = \"precommit.yaml\"\nprecommit_config = \".pre-commit-config.yaml\"");
    sandbox.envdrift(["encrypt"]).refuses(&["No such file"]);
    sandbox.write(".pre-commit-config.yaml", "repos:\n- hooks:\n    - id: other\n");
    sandbox.envdrift(["encrypt"]).refuses(&["Missing envdrift hook id(s)"]);
    sandbox.write(".pre-commit-config.yaml", "repos:\n- hooks:\n    - id: \"envdrift-encryption\"\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--engine", "builtin"]).code, 0);
}

#[test]
fn an_unknown_method_is_refused() {
    sandbox("method = \"telepathy\"").envdrift(["encrypt"]).refuses(&["Unknown git_hook_check.method value"]);
}
