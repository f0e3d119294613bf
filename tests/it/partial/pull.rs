use super::project::{Project, Run, combine, folder};

fn pushed(secret: &str) -> Project {
    let project = Project::production("A=1\n", secret);
    project.run(&["push"]).expect(0);
    project
}

#[test]
fn a_secret_file_becomes_readable_for_its_owner_alone() {
    let project = pushed("B=hunter2\n");
    let Run { stdout, stderr, .. } = project.run(&["pull-partial"]).expect(0);
    let wanted = "
Pull - Decrypting secret files
Environments: 1

→ production
  ✓ Decrypted .env.production.secret

Pull Summary
  Decrypted: 1
  Skipped: 0

DANGER: No Git Protection Applied
  SECRET FILES ARE PLAINTEXT WITH NO GIT PROTECTION
  • .env.production.secret
  'git add' would stage them: run 'envdrift push' before you commit

[OK] Pull complete! Secret files are now decrypted for editing.
";
    assert_eq!((stdout.as_str(), stderr.as_str()), (wanted, ""));
    assert_eq!(project.read(".env.production.secret"), "B=hunter2\n");
    assert_eq!(project.mode(".env.production.secret"), 0o600);
    project.set_mode(".env.production.secret", 0o644);
    let run = project.run(&["pull-partial"]).expect(0).says(&[
        "= .env.production.secret (already decrypted)",
        "  Decrypted: 0\n  Skipped: 1\n",
        "[OK] Pull complete!",
    ]);
    assert!(!run.stdout.contains("PLAINTEXT"), "nothing was decrypted");
    assert_eq!(project.mode(".env.production.secret"), 0o600, "also one that was readable before");
}

#[test]
fn a_folder_tells_of_each_file() {
    let project = Project::new(&[folder("s", "sec")]);
    project.write("sec/.env.a", "A=1\n");
    project.write("sec/.env.b", "B=1\n");
    project.run(&["push"]).expect(0);
    project.write("sec/.env.c", "C=1\n");
    project.run(&["pull-partial"]).expect(0).says(&[
        "  ✓ sec/.env.a decrypted\n  ✓ sec/.env.b decrypted\n  = sec/.env.c already decrypted\n",
        "  ✓ Decrypted 2 file(s) in sec (1 already decrypted)\n",
        "  Decrypted: 2\n  Skipped: 1\n",
    ]);
    project.run(&["pull-partial"]).expect(0).says(&["= sec (all 3 file(s) already decrypted)"]);
}

#[test]
fn a_failure_leaves_ciphertext_and_does_not_stop_the_others() {
    let project = Project::new(&[combine("a"), combine("b"), combine("c"), folder("s", "sec")]);
    for name in ["a", "b"] {
        project.write(&format!(".env.{name}.clear"), "A=1\n");
        project.write(&format!(".env.{name}.secret"), "B=2\n");
    }
    project.write("sec/.env.x", "X=1\n");
    project.write("sec/.env.y", "Y=1\n");
    project.run(&["push"]).expect(1);
    let keys = project.read(".env.keys");
    let without_a: Vec<&str> = keys.lines().filter(|line| !line.contains("_A_SECRET=")).collect();
    project.write(".env.keys", without_a.join("\n").replace("B_SECRET=", "OTHER="));
    project.remove("sec/.env.keys");
    let before = project.tree();
    project.run(&["pull-partial"]).expect(1).says(&[
        "✗ Failed to decrypt .env.a.secret: wrong private key",
        "✗ Secret file not found: .env.c.secret",
        "✗ Failed to decrypt sec/.env.x: no private key",
        "→ b\n  ✓ Decrypted .env.b.secret\n",
        "Errors: 3",
    ]);
    for name in [".env.a.secret", "sec/.env.x", "sec/.env.y"] {
        assert_eq!(&project.read(name).into_bytes(), &before[&project.path(name)], "{name}");
    }
    assert_eq!(project.read(".env.b.secret"), "B=2\n");
}

#[test]
fn a_mixed_file_is_decrypted_and_keeps_its_readable_values() {
    let project = pushed("B=2\n");
    project.append(".env.production.secret", "NEW='x y'\n");
    project.run(&["pull-partial"]).expect(0).says(&["✓ Decrypted .env.production.secret"]);
    assert_eq!(project.read(".env.production.secret"), "B=2\nNEW='x y'\n");
}

#[test]
fn a_damaged_value_is_refused_with_its_line() {
    let project = pushed("B=2\n");
    let cut = project.read(".env.production.secret");
    project.write(".env.production.secret", &cut[..cut.len() - 8]);
    let before = project.tree();
    project
        .run(&["pull-partial"])
        .expect(1)
        .says(&["Failed to decrypt .env.production.secret: damaged ciphertext", "B"]);
    assert_eq!(project.tree(), before);
}

#[test]
fn only_the_named_environment_is_decrypted() {
    let project = Project::new(&[combine("a"), combine("b")]);
    for name in ["a", "b"] {
        project.write(&format!(".env.{name}.secret"), "B=2\n");
    }
    project.run(&["push"]).expect(0);
    project.run(&["pull-partial", "-e", "b"]).expect(0).says(&["Environments: 1", "Decrypted .env.b.secret"]);
    assert!(project.read(".env.a.secret").contains("encrypted:"));
}
