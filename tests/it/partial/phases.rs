//! `pull --merge` and `lock --all`: partial encryption as the last step of another command.

use super::project::{Project, Run, combine, folder};

/// A pushed and committed repository: a service `.env.api`, the environment `production`, and a folder `sec`.
fn project() -> Project {
    let project = Project::new(&[combine("production"), folder("s", "sec")]);
    let config = project.read("envdrift.toml");
    project
        .write("envdrift.toml", format!("[encryption]\nfiles = ['.env.api', '.env.production*']\n{config}"));
    project.git(&["init", "-q", "--template="]);
    project.write(".env.api", "C=3\n");
    project.write(".env.production.clear", "A=1\n");
    project.write(".env.production.secret", "B=\"hunter2\"\n");
    project.write("sec/.env", "D=4\n");
    project.run(&["encrypt", ".env.api"]).expect(0);
    project.run(&["push"]).expect(0);
    project.commit_all();
    project
}

#[test]
fn pull_decrypts_secret_files_and_merges_only_where_it_is_told_to() {
    let project = project();
    let combined = project.read(".env.production");
    project.run(&["pull", "--skip-sync"]).expect(0).says(&[
        "+ .env.api - decrypted",
        "= .env.production - skipped (partial encryption combined file)",
        "Step 3: Processing partial encryption files...",
        "+ sec - 1 file(s) decrypted",
        "[OK] Setup complete!",
    ]);
    assert_eq!(project.read("sec/.env"), "D=4\n");
    assert_eq!(project.read(".env.production"), combined);

    project
        .run(&["pull", "--skip-sync", "--merge"])
        .expect(0)
        .says(&["→ .env.production - merged", "  Merged: 1\n"]);
    assert_eq!(project.read(".env.production"), "A=1\n\nB=\"hunter2\"\n");
    assert_eq!(project.mode(".env.production"), 0o600);
    assert!(project.git(&["check-ignore", ".env.production"]).contains(".env.production"));
}

#[test]
fn lock_all_takes_back_what_pull_merge_did() {
    let project = project();
    let before = project.tree();
    project.run(&["pull", "--skip-sync", "--merge"]).expect(0);
    let Run { stdout, stderr, .. } = project.run(&["lock", "--all", "--check"]).expect(1);
    let all = format!("{stdout}{stderr}");
    for line in
        ["Including partial encryption", "? .env.production - would be deleted", "Run 'envdrift lock --all'"]
    {
        assert!(all.contains(line), "{all}");
    }
    assert!(project.exists(".env.production"), "a check writes nothing");

    project.run(&["lock", "--all", "--force"]).expect(1).says(&[
        "- .env.production - deleted (combined file)",
        "  Combined files deleted: 1\n",
        "environment(s) (s) still have 1 file(s)",
    ]);
    assert!(!project.exists(".env.production"));
    assert_eq!(project.read("sec/.env"), "D=4\n", "folders are for push");
    project.run(&["push"]).expect(0);
    assert_eq!(project.tree(), before, "every ciphertext came back from git");
    assert!(!project.git(&["ls-files", "-v"]).contains("S "), "git sees every file again");
    project.run(&["lock", "--all", "--force"]).expect(0).says(&["[OK] Lock complete!"]);
}

#[test]
fn a_command_that_is_killed_at_any_moment_leaves_every_value_within_reach() {
    let lines = |n: usize| (0..20).map(|at| format!("V{at}=value {n}\n")).collect::<Vec<_>>().concat();
    for moment in 0..8 {
        let project = Project::new(&(0..10).map(|n| combine(&format!("e{n}"))).collect::<Vec<_>>());
        let config = project.read("envdrift.toml");
        project.write("envdrift.toml", format!("[encryption]\nfiles = ['.env.api']\n{config}"));
        project.write(".env.api", "C=3\n");
        for n in 0..10 {
            project.write(&format!(".env.e{n}.clear"), "A=1\n");
            project.write(&format!(".env.e{n}.secret"), lines(n));
        }
        project.run(&["push", "-q"]).expect(0);
        for command in [&["pull", "--skip-sync", "--merge"][..], &["lock", "--all", "--force"]] {
            let mut running = project
                .envdrift(&[command, &["-q"]].concat())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_millis(moment * 6));
            running.kill().unwrap();
            running.wait().unwrap();
        }
        project.run(&["lock", "--all", "--force", "-q"]).expect(0);
        for n in 0..10 {
            assert!(!project.exists(&format!(".env.e{n}")));
            assert!(project.read(&format!(".env.e{n}.secret")).contains("encrypted:"));
        }
        project.run(&["pull", "--skip-sync", "-q"]).expect(0);
        for n in 0..10 {
            assert_eq!(project.read(&format!(".env.e{n}.secret")), lines(n), "{moment}");
        }
    }
}

#[test]
fn a_failure_of_the_phase_fails_the_command_and_keeps_the_combined_file() {
    let project = project();
    project.write(".env.production.secret", "KEY: hunter2\n");
    let run = project.run(&["lock", "--all", "--force", "-q"]).expect(1);
    assert!(run.stderr.contains(".env.production.secret") && !run.all().contains("hunter2"), "{}", run.all());
    assert!(project.exists(".env.production"));
    let document: serde_json::Value =
        serde_json::from_str(&project.run(&["lock", "--all", "--check", "--json"]).expect(1).stdout).unwrap();
    let row =
        document["rows"].as_array().unwrap().iter().find(|row| row["environment"] == "production").unwrap();
    assert_eq!((&document["ok"], &row["outcome"]), (&false.into(), &"failed".into()));
    project.remove(".env.keys");
    project.write(".env.production.secret", "B=\"encrypted:xx\"\n");
    project.run(&["pull", "--skip-sync"]).expect(1);
}

#[test]
fn without_partial_encryption_the_phase_says_so_and_with_sops_nothing_is_touched() {
    let project = project();
    project.run(&["pull", "--skip-sync"]).expect(0);
    let config = project.read("envdrift.toml");
    project.write("envdrift.toml", config.replace("[encryption]\n", "[encryption]\nbackend = 'sops'\n"));
    let before = project.tree();
    for args in [&["lock", "--all", "--force"][..], &["pull", "--skip-sync"]] {
        project.run(args).expect(1).says(&["Partial encryption works with dotenvx only"]);
    }
    assert_eq!(project.tree(), before);
    project.write(
        "envdrift.toml",
        config.replace("enabled = true", "enabled = false").replace(", '.env.production*'", ""),
    );
    for args in [&["lock", "--all", "--force"][..], &["pull", "--skip-sync", "--merge"]] {
        project.run(args).expect(0).says(&["Partial encryption not enabled in config"]);
    }
}
