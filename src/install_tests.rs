//! Against a server on this machine, with releases of its own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tar::EntryType;

use super::release::{Asset, Form};
use super::*;
use crate::process::Cmd;

const ARCHIVE: &str = "dotenvx-9.9.9-test.tar.gz";
const RELEASE: Release = Release {
    tool: ToolName::Dotenvx,
    version: "9.9.9",
    repository: "dotenvx/dotenvx",
    checksums: "checksums.txt",
    assets: &[],
};

enum Answer {
    Body(Vec<u8>),
    /// Says that more is coming, and sends nothing more.
    Stall(Vec<u8>),
    /// Ends before its announced length.
    Cut(Vec<u8>),
}

struct Site {
    base: String,
    asked: Arc<AtomicUsize>,
}

/// Serves answers by the last component of the path; everything else is 404.
fn site(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> Site {
    let answers: Arc<HashMap<_, _>> = Arc::new(answers.into_iter().collect());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site { base: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
    let asked = Arc::clone(&site.asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answers) = (stream.unwrap(), Arc::clone(&answers));
            asked.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let request = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let name =
                    request.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
                let head = |length| {
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
                };
                let (length, body, wait) = match answers.get(name) {
                    Some(Answer::Body(body)) => (body.len(), body.clone(), 0),
                    Some(Answer::Stall(body)) => (body.len() + 1, body.clone(), 20),
                    Some(Answer::Cut(body)) => (body.len() + 1, body.clone(), 0),
                    None => {
                        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
                        return;
                    }
                };
                let _ = stream.write_all(&[head(length).into_bytes(), body].concat());
                std::thread::sleep(Duration::from_secs(wait));
            });
        }
    });
    site
}

/// A gzip tar of these members; a name that ends in `@` is a symbolic link to its content.
fn tar_gz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        let (name, is_link) = name.strip_suffix('@').map_or((*name, false), |name| (name, true));
        // Written by hand, because the library refuses the names that an attacker would use.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o4777);
        if is_link {
            header.set_entry_type(EntryType::Symlink);
            header.set_link_name(std::str::from_utf8(content).unwrap()).unwrap();
        }
        header.set_size(if is_link { 0 } else { content.len() as u64 });
        header.set_cksum();
        tar.append(&header, if is_link { &b""[..] } else { *content }).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn good() -> Vec<u8> {
    tar_gz(&[("README.md", b"hello"), ("bin/dotenvx", b"#!/bin/sh\necho 9.9.9\n")])
}

fn checksums(of: &[u8]) -> Answer {
    Answer::Body(format!("{}  {ARCHIVE}\n", hex::encode(Sha256::digest(of))).into_bytes())
}

fn job(site: &Site, sha256: Option<&'static str>) -> Job {
    let asset = Asset { os: "", arch: "", name: ARCHIVE, form: Form::Archive, sha256 };
    Job {
        url: RELEASE.url(&site.base, ARCHIVE),
        checksums: RELEASE.checksums_url(&site.base),
        release: RELEASE,
        asset,
    }
}

fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(2),
        stall: Duration::from_millis(300),
        total: Duration::from_secs(5),
        pause: Duration::from_millis(1),
    }
}

fn env(data: &Path, skip: &str) -> Env {
    let vars = [("XDG_DATA_HOME", data.to_str().unwrap()), ("ENVDRIFT_INSECURE_SKIP_CHECKSUM", skip)];
    Env::fixed("/", vars)
}

fn run(job: &Job, data: &Path) -> Result<Tool, Cause> {
    job.run(&env(data, ""), patience(), &mut |_| ())
}

/// Every entry below `folder`, but not the two levels that the tool folder needs.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.retain(|path| !path.ends_with("envdrift") && !path.ends_with("tools"));
    found
}

#[test]
fn a_checked_download_becomes_an_executable_that_the_lookup_finds() {
    let data = tempfile::tempdir().unwrap();
    let site = site([(ARCHIVE, Answer::Body(good())), ("checksums.txt", checksums(&good()))]);
    let mut notices = Vec::new();
    let env = env(data.path(), "no");
    let tool =
        job(&site, None).run(&env, patience(), &mut |notice| notices.push(notice.to_string())).unwrap();
    assert_eq!(tool.path, data.path().join("envdrift/tools/dotenvx-9.9.9/dotenvx"));
    assert_eq!(
        std::fs::metadata(&tool.path).unwrap().permissions().mode() & 0o7777,
        0o755,
        "not the archive's"
    );
    assert_eq!(Cmd::new(&tool.path).run().unwrap().stdout(), b"9.9.9\n");
    assert_eq!(Tool::find(ToolName::Dotenvx, &env).unwrap(), Some(tool.clone()));
    assert_eq!(tool.installed_version(), Some("9.9.9"));
    assert_eq!(notices, [format!("Downloading {}", job(&site, None).url)]);
    assert_eq!(left_in(data.path()).len(), 2, "the folder and the executable");
}

#[test]
fn a_pinned_digest_needs_no_checksum_file() {
    let data = tempfile::tempdir().unwrap();
    let digest: &'static str = hex::encode(Sha256::digest(good())).leak();
    let site = site([(ARCHIVE, Answer::Body(good()))]);
    run(&job(&site, Some(digest)), data.path()).unwrap();
    assert_eq!(site.asked.load(Ordering::SeqCst), 1);
}

/// Name, pinned digest, what the site serves, words of the error.
type Case = (&'static str, Option<&'static str>, Vec<(&'static str, Answer)>, &'static str);

#[test]
fn what_cannot_be_verified_is_not_installed_and_nothing_is_left() {
    let tampered = tar_gz(&[("dotenvx", b"evil")]);
    let digest: &'static str = hex::encode(Sha256::digest(good())).leak();
    let other = || Answer::Body(format!("{}  other.tar.gz\nnonsense\n", "0".repeat(64)).into_bytes());
    let cases: Vec<Case> = vec![
        (
            "tampered, pinned",
            Some(digest),
            vec![(ARCHIVE, Answer::Body(tampered.clone()))],
            "checksum mismatch",
        ),
        (
            "tampered, listed",
            None,
            vec![(ARCHIVE, Answer::Body(tampered)), ("checksums.txt", checksums(&good()))],
            "checksum mismatch",
        ),
        ("no such asset", Some(digest), vec![], "Download failed: http://"),
        ("no checksum file", None, vec![(ARCHIVE, Answer::Body(good()))], "Download failed: the checksums"),
        (
            "no entry",
            None,
            vec![(ARCHIVE, Answer::Body(good())), ("checksums.txt", other())],
            "no checksum for dotenvx-9.9.9-test.tar.gz",
        ),
        ("stalled", Some(digest), vec![(ARCHIVE, Answer::Stall(good()))], "stopped sending"),
        ("cut short", Some(digest), vec![(ARCHIVE, Answer::Cut(good()[..50].to_vec()))], "broken off"),
        (
            "stalled checksums",
            None,
            vec![(ARCHIVE, Answer::Body(good())), ("checksums.txt", Answer::Stall(b"x".to_vec()))],
            "stopped sending",
        ),
    ];
    for (name, sha256, answers, words) in cases {
        let data = tempfile::tempdir().unwrap();
        let error = run(&job(&site(answers), sha256), data.path()).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert_eq!(left_in(data.path()), [] as [&Path; 0], "{name}");
    }
}

#[test]
fn an_archive_that_is_not_what_it_should_be_is_refused_and_nothing_is_left() {
    let cases: [(&str, Vec<u8>, &str); 8] = [
        (
            "climbs out",
            tar_gz(&[("dotenvx", b"x"), ("../../evil", b"x")]),
            "Unsafe path in archive: ../../evil",
        ),
        ("absolute", tar_gz(&[("/tmp/evil", b"x"), ("dotenvx", b"x")]), "Unsafe path in archive: /tmp/evil"),
        ("backslashes", tar_gz(&[("a\\..\\..\\evil", b"x")]), "Unsafe path"),
        ("lacks it", tar_gz(&[("dotenvx.txt", b"x")]), "dotenvx not found in archive"),
        ("is a link", tar_gz(&[("dotenvx@", b"/bin/sh")]), "dotenvx not found in archive"),
        ("empty", Vec::new(), "cannot read the archive"),
        ("no gzip", b"hello".to_vec(), "cannot read the archive"),
        ("damaged", [&good()[..60], b"garbage"].concat(), "cannot read the archive"),
    ];
    for (name, archive, words) in cases {
        let data = tempfile::tempdir().unwrap();
        let site = site([("checksums.txt", checksums(&archive)), (ARCHIVE, Answer::Body(archive))]);
        let error = run(&job(&site, None), data.path()).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert_eq!(left_in(data.path()), [] as [&Path; 0], "{name}");
    }
}

#[test]
fn the_check_is_skipped_only_when_asked_and_then_with_a_warning() {
    let site = site([(ARCHIVE, Answer::Body(good()))]);
    for (value, skips) in
        [("1", true), (" TRUE ", true), ("yes", true), ("0", false), ("on", false), ("", false)]
    {
        let data = tempfile::tempdir().unwrap();
        let mut notices = Vec::new();
        let digest = "0000000000000000000000000000000000000000000000000000000000000000";
        let result = job(&site, Some(digest)).run(&env(data.path(), value), patience(), &mut |notice| {
            notices.push(notice.to_string());
        });
        assert_eq!(result.is_ok(), skips, "{value:?}");
        let warned =
            notices.iter().any(|text| text.starts_with("WARNING: ") && text.contains("UNVERIFIED binary"));
        assert_eq!(warned, skips);
    }
}

#[test]
fn two_installations_at_once_end_with_one_good_file() {
    let data = tempfile::tempdir().unwrap();
    let site = site([(ARCHIVE, Answer::Body(good())), ("checksums.txt", checksums(&good()))]);
    std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..4).map(|_| scope.spawn(|| run(&job(&site, None), data.path()).unwrap())).collect();
        for run in runs {
            let tool = run.join().unwrap();
            assert_eq!(Cmd::new(tool.path).run().unwrap().stdout(), b"9.9.9\n");
        }
    });
    assert_eq!(left_in(data.path()).len(), 2);
}

#[test]
fn a_planted_link_is_replaced_and_its_target_not_touched() {
    let data = tempfile::tempdir().unwrap();
    let tools = data.path().join("envdrift/tools");
    create_private_folder(&tools.join("dotenvx-9.9.9")).unwrap();
    let victim = data.path().join("victim");
    crate::files::write_atomic(&victim, b"precious", Mode::Keep).unwrap();
    for place in ["dotenvx-9.9.9/dotenvx", "dotenvx-9.9.9/dotenvx.download", ARCHIVE] {
        symlink(&victim, tools.join(place)).unwrap();
    }
    let site = site([(ARCHIVE, Answer::Body(good())), ("checksums.txt", checksums(&good()))]);
    let tool = run(&job(&site, None), data.path()).unwrap();
    assert!(!std::fs::symlink_metadata(&tool.path).unwrap().is_symlink());
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_failed_update_leaves_the_old_binary() {
    let data = tempfile::tempdir().unwrap();
    let old = data.path().join("envdrift/tools/dotenvx-9.9.9/dotenvx");
    create_private_folder(old.parent().unwrap()).unwrap();
    crate::files::write_atomic(&old, b"old", Mode::Executable).unwrap();
    let archive = tar_gz(&[("x", b"y")]);
    let site = site([("checksums.txt", checksums(&archive)), (ARCHIVE, Answer::Body(archive))]);
    run(&job(&site, None), data.path()).unwrap_err();
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
}

/// Runs the next test in a process that may write no more than 16 KiB into a file.
#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let output = Cmd::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 32; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "install::tests::in_a_process_with_a_file_size_limit", "--ignored"])
        .env("PATH", "/usr/bin:/bin")
        .run()
        .unwrap();
    let text = String::from_utf8_lossy(output.stdout());
    assert!(output.code() == 0 && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "needs a process with a limit"]
fn in_a_process_with_a_file_size_limit() {
    // Hard to compress, so that the download is too large; then easy, so that only the executable is.
    let mut noise = vec![0; 100_000];
    getrandom::fill(&mut noise).unwrap();
    for (content, words) in [(noise, "Download failed: cannot store"), (vec![0; 100_000], "Cannot write")] {
        let data = tempfile::tempdir().unwrap();
        let archive = tar_gz(&[("dotenvx", &content)]);
        let site = site([("checksums.txt", checksums(&archive)), (ARCHIVE, Answer::Body(archive))]);
        let error = run(&job(&site, None), data.path()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        let failure = InstallError { tool: ToolName::Dotenvx, url: String::new(), cause: error };
        assert!(failure.hint().unwrap().contains("make room"), "{failure}");
        assert_eq!(left_in(data.path()), [] as [&Path; 0]);
    }
}

#[test]
fn the_public_way_uses_the_mirror_and_speaks_the_documented_words() {
    let data = tempfile::tempdir().unwrap();
    let site = site([]);
    for (tool, start) in [
        (
            ToolName::Dotenvx,
            "dotenvx not found and auto-install failed: Download failed: http://127.0.0.1:".to_owned(),
        ),
        (
            ToolName::Sops,
            format!("sops auto-install failed: Failed to install SOPS from {}/getsops/sops/", site.base),
        ),
    ] {
        let vars =
            [("XDG_DATA_HOME", data.path().to_str().unwrap()), ("ENVDRIFT_DOWNLOAD_BASE", &*site.base)];
        let error = install(tool, &Env::fixed("/", vars), patience(), &mut |_| ()).unwrap_err();
        assert!(error.to_string().starts_with(&start), "{error}");
        assert_eq!(error.code(), "install.download");
    }
}

#[test]
fn a_tool_is_fetched_only_when_it_is_missing_and_that_is_allowed() {
    let data = tempfile::tempdir().unwrap();
    let base = site([]).base;
    let find = |auto, path: &str| {
        let vars = [
            ("XDG_DATA_HOME", data.path().to_str().unwrap()),
            ("ENVDRIFT_DOWNLOAD_BASE", &*base),
            ("PATH", path),
        ];
        ensure(ToolName::Dotenvx, &Env::fixed("/", vars), auto, &mut |_| ())
    };
    assert!(find(AutoInstall::Off, "").unwrap().is_none());
    assert!(matches!(find(AutoInstall::On, "").unwrap_err(), EnsureError::Install(_)));
    let plant = |folder: &str| {
        let path = data.path().join(folder);
        create_private_folder(&path).unwrap();
        crate::files::write_atomic(&path.join("dotenvx"), b"#!/bin/sh\n", Mode::Executable).unwrap();
        path
    };
    let on_path = plant("bin");
    assert_eq!(find(AutoInstall::On, on_path.to_str().unwrap()).unwrap().unwrap().source, Source::Path);
    plant("envdrift/tools/dotenvx-1.0.0");
    assert!(find(AutoInstall::On, "").is_err(), "an older one of ours is replaced");
    assert!(find(AutoInstall::Off, "").unwrap().is_some(), "but not without leave");
    plant("envdrift/tools/dotenvx-99.0.0");
    assert_eq!(find(AutoInstall::On, "").unwrap().unwrap().installed_version(), Some("99.0.0"));
}
