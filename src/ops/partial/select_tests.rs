use super::*;
use crate::env::Env;
use crate::files::{Mode, create_private_folder, write_atomic};

/// A folder with `config` as its envdrift.toml.
struct Project(tempfile::TempDir);

impl Project {
    fn new(environments: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self(folder);
        project.write("envdrift.toml", &format!("[partial_encryption]\nenabled = true\n{environments}"));
        project
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.path().join(file);
        create_private_folder(path.parent().unwrap()).unwrap();
        write_atomic(&path, text.as_bytes(), Mode::Keep).unwrap();
    }

    fn config(&self) -> Config {
        let env = Env::fixed(self.0.path(), [("HOME", self.0.path().as_os_str())]);
        crate::workspace::load(&env, None).unwrap().config
    }

    /// The message of the refusal, without the folder of the test.
    fn refusal(&self, wanted: Option<&str>) -> String {
        let folder = dunce::canonicalize(self.0.path()).unwrap();
        let error = select(&self.config(), wanted).map(|_| ()).unwrap_err();
        assert!(error.hint().is_some());
        error.to_string().replace(&format!("{}/", folder.display()), "")
    }
}

fn combine(name: &str, clear: &str, secret: &str, combined: &str) -> String {
    format!(
        "[[partial_encryption.environments]]\nname = '{name}'\nclear_file = '{clear}'\nsecret_file = '{secret}'\n\
         combined_file = '{combined}'\n"
    )
}

fn folder(name: &str, dir: &str, pattern: &str) -> String {
    format!(
        "[[partial_encryption.environments]]\nname = '{name}'\nsecrets_only = true\nsecrets_dir = '{dir}'\n\
         pattern = '{pattern}'\n"
    )
}

fn names(project: &Project, environment: usize) -> Vec<String> {
    let config = project.config();
    let environments = select(&config, None).unwrap().unwrap();
    let Files::Folder(folder) = &environments[environment].files else { panic!("no folder") };
    folder.targets().unwrap().iter().map(Target::to_string).collect()
}

#[test]
fn a_name_selects_every_environment_that_has_it_and_an_unknown_one_lists_them() {
    let project = Project::new(
        &[combine("a", "1", "2", "3"), combine("b", "4", "5", "6"), combine("a", "7", "8", "9")].concat(),
    );
    let config = project.config();
    let secrets = |wanted| {
        let selected = select(&config, wanted).unwrap().unwrap().into_iter();
        let secret = |one: Environment<'_>| match one.files {
            Files::Combine(files) => files.secret.to_string(),
            Files::Folder(_) => panic!("no combine mode"),
        };
        selected.map(secret).collect::<Vec<_>>()
    };
    assert_eq!(secrets(None), ["2", "5", "8"]);
    assert_eq!(secrets(Some("a")), ["2", "8"]);
    let error = select(&config, Some("A")).unwrap_err();
    assert_eq!(error.to_string(), "No partial encryption configuration found for environment 'A'");
    assert_eq!(error.hint().unwrap(), "environments: a, b, a");
}

#[test]
fn disabled_is_no_error_and_nothing_to_work_on_is_one() {
    let project = Project::new("");
    assert_eq!(project.refusal(None), "Partial encryption is enabled, but no environment is configured");
    project.write("envdrift.toml", "");
    assert!(select(&project.config(), None).unwrap().is_none());
}

#[test]
fn a_project_that_encrypts_with_sops_is_refused() {
    let project = Project::new(&format!("{}[encryption]\nbackend = 'sops'\n", combine("a", "1", "2", "3")));
    assert!(project.refusal(None).starts_with("Partial encryption works with dotenvx only"));
}

#[test]
fn paths_that_would_destroy_each_other_are_refused() {
    for (environments, message) in [
        (
            combine("a", "x", "x", "y"),
            "clear_file of 'a' (x) and secret_file of 'a' (x) are the same file (x)",
        ),
        (
            combine("a", "x", "y", "./x"),
            "clear_file of 'a' (x) and combined_file of 'a' (./x) are the same file (x)",
        ),
        (
            combine("a", "x", "y", "s/../y"),
            "secret_file of 'a' (y) and combined_file of 'a' (s/../y) are the same file (y)",
        ),
        (
            combine("a", "1", "2", "3") + &combine("b", "4", "5", "3"),
            "combined_file of 'a' (3) and combined_file of 'b' (3) are the same file (3)",
        ),
        (
            combine("a", "1", "2", "3") + &combine("b", "3", "5", "6"),
            "combined_file of 'a' (3) and clear_file of 'b' (3) are the same file (3)",
        ),
        (
            combine("a", "x", "x/y", "z"),
            "secret_file of 'a' (x/y) lies inside clear_file of 'a' (x), which is a file",
        ),
    ] {
        let project = Project::new(&environments);
        create_private_folder(&project.0.path().join("s")).unwrap();
        assert_eq!(project.refusal(None), format!("partial_encryption: {message}"));
    }
}

#[test]
fn sources_may_be_shared_and_conflicts_of_others_do_not_count() {
    let shared = combine("a", "c", "s", "1") + &combine("b", "c", "s", "2");
    let project = Project::new(&(shared + &combine("broken", "x", "x", "y")));
    let config = project.config();
    assert_eq!(select(&config, Some("b")).unwrap().unwrap().len(), 1);
    assert!(select(&config, None).is_err());
}

#[cfg(unix)]
#[test]
fn a_link_to_the_other_source_is_the_other_source() {
    let project = Project::new(&combine("a", "clear", "secret", "combined"));
    project.write("clear", "A=1");
    std::os::unix::fs::symlink("clear", project.0.path().join("secret")).unwrap();
    assert!(project.refusal(None).contains("are the same file (clear)"));
}

#[test]
fn a_line_break_in_a_name_is_refused() {
    let project = Project::new(
        "[[partial_encryption.environments]]\nname = 'a'\nclear_file = \"x\\nA=1\"\nsecret_file = 's'\n\
         combined_file = 'c'\n",
    );
    assert_eq!(
        project.refusal(None),
        "partial_encryption environment 'a': clear_file has a line break in its name"
    );
}

#[test]
fn a_folder_means_its_files_without_companions_and_what_others_keep_readable() {
    let project = Project::new(
        &(folder("s", "sec/", ".env*")
            + &combine("a", "sec/.env.a.clear", "sec/.env.a.secret", "sec/.env.a")),
    );
    let files =
        [".env.b", ".env", ".env.keys", ".env.example", ".env.x.SAMPLE", ".env.t.template", ".env.a.clear"];
    for file in files.iter().chain(&[".env.a.secret", ".env.a", "other"]) {
        project.write(&format!("sec/{file}"), "A=1");
    }
    assert_eq!(names(&project, 0), ["sec/.env", "sec/.env.a.secret", "sec/.env.b"]);
}

#[test]
fn a_folder_that_is_missing_or_empty_is_an_error() {
    let project = Project::new(&(folder("s", "sec/", ".env*") + &folder("t", "envdrift.toml", "*")));
    let config = project.config();
    let environments = select(&config, None).unwrap().unwrap();
    let message = |at: usize| {
        let Files::Folder(folder) = &environments[at].files else { panic!("no folder") };
        folder.targets().unwrap_err().to_string()
    };
    assert_eq!(message(0), "secrets_dir not found or not a directory: sec");
    assert_eq!(message(1), "secrets_dir not found or not a directory: envdrift.toml");
    project.write("sec/.env.example", "A=1");
    assert_eq!(message(0), "No file in sec matches '.env*'");
}

#[test]
fn a_pattern_that_leads_out_stops_the_command() {
    let project = Project::new(&folder("s", "sec", "../.env*"));
    assert_eq!(
        project.refusal(None),
        "partial_encryption environment 's': pattern '../.env*' leads out of secrets_dir"
    );
}
