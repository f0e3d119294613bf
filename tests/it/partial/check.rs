use super::project::{Project, Run, combine_files, folder};

fn pushed() -> Project {
    let project = Project::production("A=1\n", "B=2\n");
    project.run(&["push"]).expect(0);
    project
}

#[test]
fn a_check_of_what_was_pushed_passes_and_writes_nothing() {
    let project = pushed();
    let before = project.tree();
    let Run { stdout, stderr, .. } = project.run(&["push", "--check"]).expect(0);
    let wanted = "
Push --check - Verifying env files are up to date
Environments: 1

→ production
  ✓ .env.production is up to date

Push --check Summary
  Processed: 1/1
  Out of date: 0

[OK] All environments are up to date.
";
    assert_eq!((stdout.as_str(), stderr.as_str()), (wanted, ""));
    assert_eq!(project.tree(), before);
}

#[test]
fn every_kind_of_drift_is_found_and_nothing_is_repaired() {
    type Spoil = fn(&Project);
    let cases: [(&str, Spoil); 7] = [
        ("an edited clear file", |project| project.append(".env.production.clear", "C=3\n")),
        ("an edited combined file", |project| project.append(".env.production", "C=3\n")),
        ("a combined file in another encoding", |project| project.write(".env.production", b"\xff")),
        ("a missing combined file that git does not ignore", |project| project.remove(".env.production")),
        ("a new plaintext value", |project| project.append(".env.production.secret", "C=3\n")),
        ("a readable secret file", |project| _ = project.run(&["pull-partial"]).expect(0)),
        ("a note that looks like ciphertext", |project| {
            project.append(".env.production.secret", "NOTE=encrypted: yes\n");
        }),
    ];
    for (what, spoil) in cases {
        let project = pushed();
        spoil(&project);
        let before = project.tree();
        let run = project.run(&["push", "--check"]);
        assert_eq!(run.code, 1, "{what}");
        let run = run.says(&["! .env.production is out of date — run 'envdrift push'", "Out of date: 1"]);
        let verdict =
            "[WARN] 1 environment(s) are out of date. Run 'envdrift push' to bring them up to date.";
        assert!(run.stderr.contains(verdict), "{what}");
        assert_eq!(project.tree(), before, "{what}");
        project.run(&["push"]).expect(0);
        project.run(&["push", "--check"]).expect(0);
    }
}

#[test]
fn a_folder_counts_what_is_readable() {
    let project = Project::new(&[folder("s", "sec")]);
    project.write("sec/.env.a", "A=1\n");
    project.write("sec/.env.b", "B=1\n");
    project.run(&["push", "--check"]).expect(1).says(&[
        "! sec/.env.a is not encrypted",
        "! sec (2 file(s) not encrypted — run 'envdrift push')",
        "Out of date: 1",
    ]);
    project.run(&["push"]).expect(0);
    project.run(&["push", "--check"]).expect(0).says(&["✓ sec (all 2 file(s) encrypted)"]);
    project.write("sec/.env.b", "# nothing\n");
    project.run(&["push", "--check"]).expect(1).says(&[
        "✗ Nothing to encrypt",
        "Out of date: 0",
        "Errors: 1",
    ]);
}

#[test]
fn a_fresh_clone_passes_on_its_sources_and_fails_on_readable_ones() {
    for (combined, entry) in [(".env.production", "plain name"), ("config/made/.env", "a path")] {
        let project = Project::new(&[combine_files("production", "c", "s", combined)]);
        project.write("c", "A=1\n");
        project.write("s", "B=2\n");
        project.git(&["init", "-q", "--template="]);
        project.run(&["push"]).expect(0).says(&["Updated .gitignore: ", combined]);
        project.commit_all();
        project.remove(combined);
        let before = project.tree();
        let passes = format!("✓ {combined} is not there (git-ignored)");
        project.run(&["push", "--check"]).expect(0).says(&[&passes, "Out of date: 0"]);
        project.append("s", "NEW=plain\n");
        project.run(&["push", "--check"]).expect(1).says(&["is out of date"]);
        project.git(&["checkout", "-q", "s"]);
        assert_eq!(project.tree(), before, "{entry}");
        project.write(".gitignore", ".env.keys\n");
        project.run(&["push", "--check"]).expect(1).says(&["is out of date"]);
    }
}
