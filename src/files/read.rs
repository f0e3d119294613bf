//! Reading a file whole.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::{FileError, Kind};

/// Reads a regular file as it is.
///
/// Follows symbolic links. Never blocks: a named pipe, a socket, a device or a folder is [`FileError::NotAFile`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    // Asked before the open as well, because opening a device can have effects.
    let entry = std::fs::metadata(path).map_err(|source| failed(path, source))?;
    regular(path, &entry)?;
    let mut file = open(path).map_err(|source| failed(path, source))?;
    let entry = file.metadata().map_err(|source| failed(path, source))?;
    regular(path, &entry)?;
    let mut bytes = Vec::with_capacity(usize::try_from(entry.len()).unwrap_or(0).saturating_add(1));
    file.read_to_end(&mut bytes).map_err(|source| failed(path, source))?;
    Ok(bytes)
}

/// Reads a regular file as UTF-8 text, byte for byte: a byte order mark and every line end stay.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read(path)?).map_err(|error| FileError::NotUtf8 {
        path: path.to_path_buf(),
        line: line_of(error.as_bytes(), error.utf8_error().valid_up_to()),
    })
}

fn failed(path: &Path, source: io::Error) -> FileError {
    match source.kind() {
        io::ErrorKind::NotFound => FileError::Missing { path: path.to_path_buf() },
        _ => FileError::io("read", path, source),
    }
}

fn regular(path: &Path, entry: &Metadata) -> Result<(), FileError> {
    if entry.is_file() {
        return Ok(());
    }
    Err(FileError::NotAFile { path: path.to_path_buf(), kind: Kind::of(entry) })
}

#[expect(clippy::disallowed_methods, reason = "files.rs is where files are opened")]
fn open(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe that took the file's place since the first look must not block the open.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// The line, from 1, of the byte at `offset`; a line ends with `\n`, `\r` or both.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    let before = &bytes[..offset];
    let ends = before
        .iter()
        .enumerate()
        .filter(|&(at, &byte)| byte == b'\n' || (byte == b'\r' && before.get(at + 1) != Some(&b'\n')))
        .count();
    ends + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_back_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        let text = "\u{feff}A=1\r\nB=\u{0}\rC=é";
        super::super::write_atomic(&path, text.as_bytes(), super::super::Mode::Keep).unwrap();
        assert_eq!(read_text(&path).unwrap(), text);
    }

    #[test]
    fn a_missing_file_a_folder_and_a_loop_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let missing = read(&dir.path().join("none")).unwrap_err();
        assert!(matches!(missing, FileError::Missing { .. }), "{missing}");
        let folder = read(dir.path()).unwrap_err();
        assert_eq!(folder.to_string(), format!("Not a file: {} is a directory", dir.path().display()));
        let through_a_file = read(Path::new("/dev/null/x")).unwrap_err();
        assert_eq!(through_a_file.code(), "file.io");
    }

    #[test]
    fn the_line_of_a_bad_byte_is_named_for_every_line_end() {
        for (bytes, line) in [
            (&b"\xff"[..], 1),
            (b"a\n\xff", 2),
            (b"a\r\n\xff", 2),
            (b"a\rb\r\xff", 3),
            (b"a\r\n\r\nb\n\r\xff\n", 5),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(".env");
            super::super::write_atomic(&path, bytes, super::super::Mode::Keep).unwrap();
            let error = read_text(&path).unwrap_err();
            assert!(matches!(error, FileError::NotUtf8 { line: at, .. } if at == line), "{error}");
            assert!(error.to_string().contains("UTF-8"));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_a_socket_and_a_device_never_block() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let kind = |path: &Path| match read(path).unwrap_err() {
            FileError::NotAFile { kind, .. } => kind,
            other => panic!("{other}"),
        };
        assert_eq!(kind(&fifo), Kind::Fifo);
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(kind(&socket), Kind::Socket);
        assert_eq!(kind(Path::new("/dev/null")), Kind::Special);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_point_at_each_other_are_explained() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::os::unix::fs::symlink(&a, &b).unwrap();
        std::os::unix::fs::symlink(&b, &a).unwrap();
        let error = read(&a).unwrap_err();
        assert!(error.hint().unwrap().contains("point at each other"), "{error}");
    }
}
