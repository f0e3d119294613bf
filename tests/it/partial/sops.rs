use super::project::Project;

fn sops_file() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sops/files/one_recipient.enc.env");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_that_sops_encrypted_is_left_alone_and_remarked() {
    let project = Project::production("A=1\n", &sops_file());
    let run = project.run(&["push"]).expect(0);
    assert!(run.stderr.contains(".env.production.secret: is encrypted with SOPS"), "{}", run.stderr);
    assert_eq!(project.read(".env.production.secret"), sops_file());
    assert!(project.read(".env.production").ends_with(&sops_file()));
    assert!(!project.exists(".env.keys"));
    project.run(&["push", "--check"]).expect(0).says(&["✓ .env.production is up to date"]);
}

#[test]
fn it_is_never_reported_as_decrypted() {
    let project = Project::production("A=1\n", &sops_file());
    let before = project.tree();
    let run = project.run(&["pull-partial"]).expect(1).says(&[
        "✗ .env.production.secret is encrypted with SOPS; partial encryption uses dotenvx",
        "hint: run `envdrift decrypt .env.production.secret --backend sops` first",
        "Decrypted: 0",
    ]);
    assert!(!run.all().contains("PLAINTEXT"));
    assert_eq!(project.tree(), before);
}

#[test]
fn it_is_never_wrapped_twice() {
    for more in ["NEW=plain\n", "sops_token=plain\n"] {
        let project = Project::production("A=1\n", &(sops_file() + more));
        let before = project.tree();
        for command in [&["push"][..], &["push", "--check"]] {
            project
                .run(command)
                .expect(1)
                .says(&["✗ .env.production.secret is encrypted with SOPS", "Errors: 1"]);
        }
        assert_eq!(project.tree(), before);
    }
}
