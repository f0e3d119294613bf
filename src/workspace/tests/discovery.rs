//! Which file is found, and what happens when it cannot be read.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::env::Env;
use crate::workspace::{ConfigError, Loaded, load};

/// A folder tree with `a/b` in it.
struct Tree(TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(TempDir::new().unwrap());
        tree.folder("a/b");
        for (name, text) in files {
            tree.file(name, text.as_bytes());
        }
        tree
    }

    #[expect(clippy::disallowed_methods, reason = "a test prepares its folder")]
    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    #[expect(clippy::disallowed_methods, reason = "a test prepares its folder")]
    fn folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, cwd: &str, explicit: Option<&str>) -> Result<Loaded, ConfigError> {
        let env = Env::fixed(self.path(cwd), Vec::<(&str, &str)>::new());
        load(&env, explicit.map(Path::new))
    }

    /// The file found from `a/b`, relative to the tree.
    fn found(&self) -> Option<String> {
        let path = self.load("a/b", None).unwrap().path?;
        Some(path.strip_prefix(self.0.path()).unwrap().to_str().unwrap().replace('\\', "/"))
    }
}

#[test]
fn without_a_file_the_defaults_hold_and_nothing_is_said() {
    let tree = Tree::new(&[]);
    let loaded = tree.load("a/b", None).unwrap();
    assert_eq!((loaded.path, loaded.warnings.len()), (None, 0));
    assert_eq!(loaded.config.dir, tree.path("a/b"));
    assert_eq!(loaded.config.vault.sync.env_keys_filename, ".env.keys");
}

#[test]
fn the_nearest_directory_wins_and_inside_one_envdrift_toml_does() {
    let table = "[tool.envdrift]\n";
    assert_eq!(
        Tree::new(&[("envdrift.toml", ""), ("a/envdrift.toml", "")]).found().unwrap(),
        "a/envdrift.toml"
    );
    assert_eq!(
        Tree::new(&[("envdrift.toml", ""), ("a/pyproject.toml", table)]).found().unwrap(),
        "a/pyproject.toml"
    );
    assert_eq!(
        Tree::new(&[("a/envdrift.toml", ""), ("a/pyproject.toml", table)]).found().unwrap(),
        "a/envdrift.toml"
    );
}

#[test]
fn a_pyproject_counts_only_when_it_parses_and_has_the_table() {
    for other in ["", "[tool.ruff]\n", "tool = 1\n", "[tool\n", "envdrift = {}\n"] {
        let tree = Tree::new(&[("envdrift.toml", ""), ("a/pyproject.toml", other)]);
        assert_eq!(tree.found().unwrap(), "envdrift.toml", "{other}");
    }
    let tree = Tree::new(&[("envdrift.toml", "")]);
    tree.file("a/pyproject.toml", b"[tool.envdrift]\n# \xff\n");
    assert_eq!(tree.found().unwrap(), "envdrift.toml");
}

#[test]
fn a_tool_envdrift_that_is_no_table_is_found_and_refused() {
    let tree = Tree::new(&[("envdrift.toml", ""), ("a/pyproject.toml", "[tool]\nenvdrift = 5\n")]);
    let error = tree.load("a/b", None).unwrap_err();
    assert!(error.to_string().ends_with("[tool.envdrift] must be a table, got an integer"), "{error}");
}

#[test]
fn a_folder_of_the_name_is_passed_by() {
    let tree = Tree::new(&[("envdrift.toml", "")]);
    tree.folder("a/envdrift.toml");
    tree.folder("a/b/pyproject.toml");
    assert_eq!(tree.found().unwrap(), "envdrift.toml");
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_counts_and_a_dangling_one_does_not() {
    let tree = Tree::new(&[("real.toml", "")]);
    std::os::unix::fs::symlink(tree.path("nowhere"), tree.path("a/b/envdrift.toml")).unwrap();
    std::os::unix::fs::symlink(tree.path("real.toml"), tree.path("a/envdrift.toml")).unwrap();
    assert_eq!(tree.found().unwrap(), "a/envdrift.toml");
}

#[test]
fn an_explicit_path_beats_discovery_and_is_shown_as_given() {
    let tree = Tree::new(&[("a/envdrift.toml", ""), ("x.toml", "gaurd = 1\n")]);
    let loaded = tree.load("a", Some("../x.toml")).unwrap();
    assert_eq!(loaded.path.as_deref(), Some(Path::new("../x.toml")));
    assert_eq!(
        loaded.warnings,
        ["Warning: ../x.toml: unknown config key 'gaurd' at the top level (did you mean 'guard'?)"]
    );
    assert_eq!(loaded.config.dir, tree.path("a/.."));
}

#[test]
fn an_explicit_pyproject_is_read_as_one() {
    let tree =
        Tree::new(&[("pyproject.toml", "[encryption]\nbackend = 5\n[tool.envdrift]\nschema = \"m:S\"\n")]);
    let loaded = tree.load("a", Some("../pyproject.toml")).unwrap();
    assert_eq!(loaded.config.envdrift.schema.as_deref(), Some("m:S"));
}

#[test]
fn an_explicit_path_must_be_a_file() {
    let tree = Tree::new(&[("x.toml", "")]);
    let missing = tree.load("", Some("no.toml")).unwrap_err();
    assert_eq!(missing.to_string(), "Configuration file not found: no.toml");
    let below_a_file = tree.load("", Some("x.toml/y.toml")).unwrap_err();
    assert_eq!(below_a_file.to_string(), "Configuration file not found: x.toml/y.toml");
    let folder = tree.load("", Some("a")).unwrap_err();
    assert_eq!(folder.to_string(), "Configuration path is not a file: a");
    assert_eq!((missing.code(), folder.code()), ("config.not_found", "config.not_a_file"));
    assert!(folder.hint().unwrap().contains("--config") && folder.snippet().is_none());
}

#[test]
fn a_broken_file_fails_loudly_and_is_never_passed_by() {
    let tree = Tree::new(&[("envdrift.toml", ""), ("a/envdrift.toml", "[guard\n")]);
    let error = tree.load("a/b", None).unwrap_err();
    let path = tree.path("a/envdrift.toml");
    assert!(error.to_string().starts_with(&format!("TOML syntax error in {}: ", path.display())), "{error}");
    assert_eq!(error.hint().unwrap(), format!("Fix (or remove) {} and re-run.", path.display()));
}

#[test]
fn text_that_is_not_utf8_is_a_clean_error_that_names_the_line() {
    let tree = Tree::new(&[]);
    tree.file("x.toml", b"[guard]\n# caf\xe9\n");
    let error = tree.load("", Some("x.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Cannot read config file x.toml: line 2 is not UTF-8 text; save the file as UTF-8"
    );
    assert_eq!(error.code(), "config.unreadable");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let tree = Tree::new(&[("envdrift.toml", "\u{feff}[encryption]\nbackend = \"sops\"\n")]);
    assert_eq!(tree.load("a/b", None).unwrap().config.encryption.backend.checked().unwrap().as_str(), "sops");
}
