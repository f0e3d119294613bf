//! Law 3 through the binary: what is encrypted comes back byte for byte, with its mode, owner and link.

use std::os::unix::fs::MetadataExt;

use crate::support::{Kind, Sandbox};

/// Texts that tools are known to change, and some that nobody would write by hand.
const TEXTS: [&str; 36] = [
    "A=1\n",
    "A=1",
    "A=\n",
    "A=\"\"\nB=''\nC=``\nD=   \n",
    "A=p@$$w0rd\n",
    "A=${HOME}\nB=\"${HOME:-x}\"\nC=$HOME\nD='$HOME'\n",
    "A=$(touch pwned)\nB=\"$(touch pwned)\"\nC=`touch pwned`\n",
    "A=it's\nB=\"it's\"\nC='it\\'s'\n",
    "A=\"a\\nb\"\nB='a\\nb'\nC=a\\nb\nD=\"a\\\\nb\"\n",
    "A = x\nB =y\nC= z\n  D\t=\tw\t\n",
    "A=x # comment\nB=\"x # no comment\" # comment\nC=x#glued\nD='y'# z\n",
    "# only this\n\n  # indented\nA=1\n\n\n",
    "A=1\r\nB=\"x\r\ny\"\r\n\r\n# c\r\n",
    "A=1\r\nB=2\nC=\"x\ny\"\r\n",
    "A=\"x\ny\"\r\nB=1\r\n",
    "A=1\rB=2\r",
    "\u{feff}A=1\nB=2\n",
    "\u{feff}A=\"x\ny\"\r\n# end",
    "A=a\0b\nB=\"\0\"\n",
    "A=1\nA=2\nA=\"3\n\"\nA='3'\n",
    "export A=1\nexport  B = \"2\"\n  export C='3'\n",
    "A=\"tab\there\\tand\"\nB=tab\there\n",
    "KEY=\"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg+/==\n-----END PRIVATE KEY-----\n\"\n",
    "JSON={\"a\": \"b\", \"c\": [1, 2]}\nQUOTED='{\"a\": \"it\\'s\"}'\n",
    "U=äöü 日本語 🔑\nV=\"\u{2028}\u{85}\u{a0}\"\n",
    "1A=x\nmy.key-x=y\nA_=z\n",
    "A=encrypted:hello\nB=encrypted: yes\nC=ENC[x\n",
    "#!/usr/bin/env bash\nA=1\n",
    "# envdrift:layout:1 header A:e\nA=\"a\nb\"\n",
    "X_PLAIN=readable\nA=1\nY_PLAIN=\n",
    "A=\"a\" \"b\"\nB='a' 'b'\nC=\"a\"b\nD='\n",
    "A=\\\nB=\\\\\nC=\"\\\"\nD='\\'\n",
    "BARE\nA=1\nexport OTHER\n",
    "A==\nB==x\nC=a=b=c\n",
    "A=\"multi\n# not a comment\nB=not an entry\n\"\nC=1\n",
    "A=trailing blanks   \nB='  kept  '  \n\t\nC=1",
];

#[test]
fn every_tricky_text_comes_back_byte_for_byte() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..TEXTS.len()).map(|at| format!(".env.t{at}")).collect();
    for (name, text) in names.iter().zip(TEXTS) {
        sandbox.write(name, text);
    }
    let all = |command: &str| sandbox.envdrift([&[command.to_owned()], &names[..]].concat());
    let run = all("encrypt");
    assert_eq!(run.code, 0, "{run}");
    for (name, text) in names.iter().zip(TEXTS) {
        let now = sandbox.text(name);
        assert!(now.contains("=encrypted:B") || now.contains("\"encrypted:B"), "{text:?} {now}");
        let printed = sandbox.envdrift(["decrypt", "--stdout", name]);
        assert_eq!(printed.stdout, text, "{now}");
    }
    let again = all("encrypt");
    assert_eq!((again.code, again.stdout.as_str()), (0, ""), "all are encrypted already: {again}");
    let run = all("decrypt");
    assert_eq!(run.code, 0, "{run}");
    for (name, text) in names.iter().zip(TEXTS) {
        assert_eq!(sandbox.text(name), text);
    }
    assert!(!sandbox.path("pwned").exists() && !sandbox.beside("pwned").exists());
}

#[test]
fn a_variable_of_the_caller_changes_no_value() {
    let sandbox = Sandbox::new();
    let text = "HOME=file\nA=$SECRET_OF_SHELL\nSECRET_OF_SHELL=file\n";
    sandbox.write(".env", text);
    for command in ["encrypt", "decrypt"] {
        let run = sandbox.call([command]).var("A", "shell").var("SECRET_OF_SHELL", "shell").run();
        assert_eq!(run.code, 0, "{run}");
    }
    assert_eq!(sandbox.text(".env"), text);
}

#[test]
fn a_value_of_a_megabyte_and_a_file_of_five_thousand_values_come_back() {
    let sandbox = Sandbox::new();
    let large = format!("A=\"{}\"\nB=1\n", "line of a value\n".repeat(65_536));
    let many: Vec<String> = (0..5_000).map(|n| format!("VARIABLE_{n}=value number {n}\n")).collect();
    let many = many.concat();
    sandbox.write(".env.large", &large);
    sandbox.write(".env.many", &many);
    for command in ["encrypt", "decrypt"] {
        let run = sandbox.envdrift([command, ".env.large", ".env.many"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let plain = command == "decrypt";
        assert_eq!(sandbox.text(".env.large") == large, plain);
        assert_eq!(sandbox.text(".env.many") == many, plain);
    }
}

#[test]
fn mode_and_owner_are_kept_and_nothing_is_left_over() {
    let sandbox = Sandbox::new();
    let root = rustix::process::geteuid().is_root();
    for (name, mode) in
        [(".env.a", 0o600), (".env.b", 0o640), (".env.c", 0o644), (".env.d", 0o755), (".env.e", 0o400)]
    {
        sandbox.write(name, "A=1\n");
        sandbox.set_mode(name, mode);
        if root {
            std::os::unix::fs::chown(sandbox.path(name), Some(1234), Some(4321)).unwrap();
        }
        let owner = || {
            let entry = std::fs::metadata(sandbox.path(name)).unwrap();
            (entry.uid(), entry.gid())
        };
        let before = owner();
        for command in ["encrypt", "decrypt"] {
            assert_eq!(sandbox.envdrift([command, name]).code, 0);
            assert_eq!((sandbox.mode(name), owner()), (mode, before), "{command} {name}");
        }
    }
    assert_eq!(sandbox.mode(".env.keys"), 0o600);
    assert_eq!(sandbox.names().len(), 6, "{:?}", sandbox.names());
}

#[test]
fn a_symbolic_link_stays_one_and_its_target_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("real/shared.env", "A=1\n");
    sandbox.link(".env", "hop");
    sandbox.link("hop", "real/shared.env");
    sandbox.set_mode("real/shared.env", 0o640);
    for (command, plain) in [("encrypt", false), ("decrypt", true)] {
        let run = sandbox.envdrift([command]);
        assert_eq!(run.code, 0, "{run}");
        let tree = sandbox.tree();
        let kind = |name: &str| tree.0[std::path::Path::new(name)].kind.clone();
        assert!(
            kind(".env") == Kind::Link("hop".into()) && kind("hop") == Kind::Link("real/shared.env".into())
        );
        assert_eq!(sandbox.text("real/shared.env") == "A=1\n", plain);
        assert_eq!(sandbox.mode("real/shared.env"), 0o640);
    }
    assert_eq!(sandbox.names(), [".env", ".env.keys", "hop", "real", "real/shared.env"]);
}

#[test]
fn a_key_store_that_is_a_link_stays_one() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    std::os::unix::fs::symlink(sandbox.beside("home/keys"), sandbox.path(".env.keys")).unwrap();
    for command in ["encrypt", "decrypt"] {
        let run = sandbox.envdrift([command]);
        assert_eq!(run.code, 0, "{run}");
    }
    assert!(
        sandbox.tree().0[std::path::Path::new(".env.keys")].kind == Kind::Link(sandbox.beside("home/keys"))
    );
    let store = std::fs::metadata(sandbox.beside("home/keys")).unwrap();
    assert_eq!(store.mode() & 0o7777, 0o600);
}

#[test]
fn the_same_file_named_twice_is_encrypted_once_over() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    sandbox.link(".env.link", ".env");
    let run = sandbox.envdrift(["encrypt", ".env", "./.env", ".env.link"]);
    assert_eq!(run.code, 0, "{run}");
    let run = sandbox.envdrift(["decrypt", ".env", ".env.link"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text(".env"), "A=1\n");
}

#[test]
fn files_that_share_a_key_name_share_the_key() {
    let sandbox = Sandbox::new();
    sandbox.write(".env.a.b", "A=1\n");
    sandbox.write(".env.a.b.c", "A=2\n");
    let run = sandbox.envdrift(["encrypt", ".env.a.b", ".env.a.b.c"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text(".env.keys").matches("DOTENV_PRIVATE_KEY_A_B=").count(), 1);
    let run = sandbox.envdrift(["decrypt", ".env.a.b.c", ".env.a.b"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!((sandbox.text(".env.a.b"), sandbox.text(".env.a.b.c")), ("A=1\n".into(), "A=2\n".into()));
}
