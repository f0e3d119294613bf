use super::project::{Project, combine, folder};

/// A repository with a pushed environment and a pushed folder, all committed.
fn repository() -> Project {
    let project = Project::new(&[combine("production"), folder("s", "sec")]);
    project.write(".env.production.clear", "A=1\n");
    project.write(".env.production.secret", "B=hunter2\n");
    project.write("sec/.env.a", "C=hunter3\n");
    project.git(&["init", "-q", "--template="]);
    project.run(&["push"]).expect(0);
    project.commit_all();
    project
}

/// The files that git overlooks.
fn hidden(project: &Project) -> Vec<String> {
    let listed = project.git(&["ls-files", "-v"]);
    listed.lines().filter_map(|line| line.strip_prefix("S ")).map(str::to_owned).collect()
}

#[test]
fn generated_files_and_key_stores_are_ignored_from_the_first_push() {
    let project = Project::new(&[combine("production"), folder("s", "sec")]);
    project.write(".env.production.secret", "B=2\n");
    project.write("sec/.env.a", "C=3\n");
    project.write(".gitignore", "target");
    project.git(&["init", "-q", "--template="]);
    project.write("sub/x", "");
    let run = project.run_in("sub", &["push"]).expect(0);
    assert!(
        run.stdout.starts_with("Updated .gitignore: .env.production, .env.keys, .env.keys.backup.*\n\nPush"),
        "{}",
        run.stdout
    );
    assert_eq!(project.read(".gitignore"), "target\n.env.production\n.env.keys\n.env.keys.backup.*\n");
    assert_eq!(project.git(&["status", "--short", "--ignored", "-uall"]).matches("!! ").count(), 3);
    let run = project.run(&["pull-partial"]).expect(0);
    assert!(!run.stdout.contains("Updated .gitignore"));
    project.write(".gitignore", "");
    project.run(&["push", "--check"]).expect(1);
    assert_eq!(project.read(".gitignore"), "", "a check writes nothing");
}

#[test]
fn git_overlooks_readable_secret_files_until_they_are_pushed() {
    let project = repository();
    project.run(&["pull-partial"]).expect(0).says(&[
        "Security Notice\n  SECRET FILES ARE NOW PLAINTEXT\n  git overlooks 2 of them",
        "  Decrypted: 2\n",
    ]);
    assert_eq!(hidden(&project), [".env.production.secret", "sec/.env.a"]);
    project.git(&["add", "-A"]);
    assert_eq!(project.git(&["status", "--short"]), "", "nothing readable can be staged by accident");
    project.run(&["push"]).expect(0);
    assert_eq!(hidden(&project), [""; 0]);
    assert_eq!(project.git(&["status", "--short"]), "", "what did not change kept its ciphertext");
    project.append(".env.production.secret", "NEW=1\n");
    project.run(&["push"]).expect(0);
    let diff = project.git(&["diff", "--numstat"]);
    assert_eq!(diff, "1\t0\t.env.production.secret\n", "one line for one new value");
}

#[test]
fn an_untracked_file_is_named_in_the_danger_panel_beside_the_protected_ones() {
    let project = repository();
    project.write("sec/.env.b", "D=4\n");
    project.run(&["push"]).expect(0);
    project.run(&["pull-partial"]).expect(0).says(&[
        "git overlooks 2 of them",
        "DANGER: No Git Protection Applied\n  SECRET FILES ARE PLAINTEXT WITH NO GIT PROTECTION\n  • sec/.env.b\n",
    ]);
    project.run(&["push"]).expect(0);
    let run = project.run(&["pull-partial", "-q"]).expect(0);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("WITH NO GIT PROTECTION: sec/.env.b"), "{}", run.stderr);
}

#[test]
fn a_file_that_could_not_be_decrypted_stays_in_sight_of_git() {
    let project = repository();
    project.remove(".env.keys");
    project.run(&["pull-partial"]).expect(1).says(&["Failed to decrypt .env.production.secret"]);
    assert_eq!(hidden(&project), ["sec/.env.a"]);
}

#[test]
fn a_push_that_fails_leaves_the_protection_on() {
    let project = repository();
    project.run(&["pull-partial"]).expect(0);
    project.write("sec/.env.a", "# emptied\n");
    project.run(&["push"]).expect(1).says(&["Nothing to encrypt"]);
    assert_eq!(hidden(&project), ["sec/.env.a"]);
}

#[test]
fn a_readable_file_is_protected_even_where_there_is_nothing_to_decrypt() {
    let project = repository();
    project.write(".env.production.secret", "B=plain\n");
    project.run(&["pull-partial", "-e", "production"]).expect(0).says(&["(already decrypted)"]);
    assert_eq!(hidden(&project), [".env.production.secret"]);
    project.run(&["push"]).expect(0);
    project.run(&["push"]).expect(0).says(&["Generated"]);
    assert_eq!(hidden(&project), [""; 0]);
}

#[test]
fn files_of_another_repository_are_protected_there() {
    let project = Project::new(&[folder("s", "vendor/secrets")]);
    project.write("vendor/secrets/.env", "A=1\n");
    project.git(&["init", "-q", "--template="]);
    project.git(&["-C", "vendor/secrets", "init", "-q", "--template="]);
    project.run(&["push"]).expect(0);
    assert_eq!(project.read("vendor/secrets/.gitignore"), ".env.keys\n.env.keys.backup.*\n");
    project.git(&["-C", "vendor/secrets", "add", ".env"]);
    project.git(&["-C", "vendor/secrets", "commit", "-qm", "x"]);
    project.run(&["pull-partial"]).expect(0).says(&["git overlooks 1 of them"]);
    assert_eq!(project.git(&["-C", "vendor/secrets", "ls-files", "-v"]), "S .env\n");
}

#[test]
fn a_combined_file_that_git_tracks_is_warned_about() {
    let project = repository();
    project.git(&["add", "-f", ".env.production"]);
    for command in [&["push"][..], &["push", "--check"]] {
        let run = project.run(command).expect(0);
        assert!(
            run.stderr.contains(
                "[WARN] .env.production is tracked by git although it is generated: run `git rm --cached"
            ),
            "{}",
            run.stderr
        );
    }
}
