use std::fs;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
fn chmod(path: &Path, bits: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(bits)).unwrap();
}

#[test]
fn a_write_creates_then_replaces_and_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("-dash name.env");
    for content in ["A=1\n", "", "A=2"] {
        write_atomic(&path, content.as_bytes(), Mode::Keep).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        assert_eq!(names(dir.path()), ["-dash name.env"]);
    }
}

#[cfg(unix)]
#[test]
fn the_mode_is_kept_or_private_or_executable_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    write_atomic(&path, b"", Mode::Private).unwrap();
    assert_eq!(mode(&path), 0o600);
    chmod(&path, 0o640);
    write_atomic(&path, b"x", Mode::Keep).unwrap();
    assert_eq!(mode(&path), 0o640);
    write_atomic(&path, b"x", Mode::Executable).unwrap();
    assert_eq!(mode(&path), 0o755);
    write_atomic(&path, b"x", Mode::Private).unwrap();
    assert_eq!(mode(&path), 0o600, "a store that others could read is closed");
}

#[cfg(unix)]
#[test]
fn a_new_file_gets_the_mode_that_the_umask_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    File::create_new(&plain).unwrap();
    let ours = dir.path().join("ours");
    write_atomic(&ours, b"x", Mode::Keep).unwrap();
    assert_eq!(mode(&ours), mode(&plain));
}

#[cfg(unix)]
#[test]
fn owner_and_group_are_kept_when_the_system_allows_it() {
    use std::os::unix::fs::{MetadataExt, chown};
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    write_atomic(&path, b"x", Mode::Keep).unwrap();
    chown(&path, Some(1234), Some(4321)).unwrap();
    write_atomic(&path, b"y", Mode::Keep).unwrap();
    let entry = fs::metadata(&path).unwrap();
    assert_eq!((entry.uid(), entry.gid()), (1234, 4321));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_and_its_target_is_written_even_when_it_does_not_exist_yet() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let link = dir.path().join(".env");
    std::os::unix::fs::symlink("sub/real.env", &link).unwrap();
    for content in ["A=1", "A=2"] {
        write_atomic(&link, content.as_bytes(), Mode::Keep).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(dir.path().join("sub/real.env")).unwrap(), content);
    }
    assert_eq!(names(dir.path()), [".env", "sub"]);
    assert_eq!(names(&dir.path().join("sub")), ["real.env"]);
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_a_folder_and_a_pipe_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let looped = dir.path().join("loop");
    std::os::unix::fs::symlink("loop", &looped).unwrap();
    let error = write_atomic(&looped, b"x", Mode::Keep).unwrap_err();
    assert!(error.hint().unwrap().contains("symbolic links"), "{error}");
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert_eq!(write_atomic(&folder, b"x", Mode::Keep).unwrap_err().code(), "file.not_a_file");
    let null = write_atomic(Path::new("/dev/null"), b"x", Mode::Keep).unwrap_err();
    assert_eq!(null.code(), "file.not_a_file");
    assert_eq!(names(dir.path()), ["folder", "loop"]);
}

#[test]
fn a_folder_that_is_not_there_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let error = write_atomic(&dir.path().join("no/.env"), b"x", Mode::Keep).unwrap_err();
    assert!(error.hint().unwrap().contains("create it"), "{error}");
}

#[test]
fn a_staged_file_that_is_dropped_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    write_atomic(&path, b"old", Mode::Keep).unwrap();
    let staged = stage(Write { path: &path, bytes: b"new", mode: Mode::Keep, link: Link::Follow }).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(staged);
    assert_eq!(names(dir.path()), [".env"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_name_near_the_limit_of_the_file_system_can_still_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("é".repeat(127));
    write_atomic(&path, b"x", Mode::Keep).unwrap();
    assert_eq!(names(dir.path()).len(), 1);
}

#[test]
fn a_batch_reports_each_file_in_order_and_writes_those_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..50)
        .map(|at| if at == 17 { dir.path().join("missing/f") } else { dir.path().join(format!("f{at}")) })
        .collect();
    let contents: Vec<String> = (0..50).map(|at| format!("A={at}\n")).collect();
    let writes: Vec<Write<'_>> = paths
        .iter()
        .zip(&contents)
        .map(|(path, content)| Write {
            path,
            bytes: content.as_bytes(),
            mode: Mode::Keep,
            link: Link::Follow,
        })
        .collect();
    let results = write_all(&writes);
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), at == 17, "{at}");
        if at != 17 {
            assert_eq!(fs::read_to_string(&paths[at]).unwrap(), contents[at]);
        }
    }
    assert_eq!(names(dir.path()).len(), 49);
}

#[test]
fn lines_are_appended_in_the_line_end_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".gitignore");
    append_lines(&path, &[".env.keys"]).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b".env.keys\n");
    for (before, after) in [
        (&b"a\nb"[..], &b"a\nb\nx\ny\n"[..]),
        (b"a\r\nb", b"a\r\nb\r\nx\r\ny\r\n"),
        (b"\xff\n", b"\xff\nx\ny\n"),
        (b"", b"x\ny\n"),
    ] {
        write_atomic(&path, before, Mode::Keep).unwrap();
        append_lines(&path, &["x", "y"]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), after);
    }
}
