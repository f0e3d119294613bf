//! Taking one executable out of a downloaded asset.
//!
//! Every member's name is looked at before anything is written; then only the executable is, so that nothing an
//! archive says about paths, links, modes or owners has any effect.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use tar::EntryType;

use super::Cause;
use super::release::Form;
use crate::files::FileError;

/// The largest executable today has about 130 MB; a bomb is larger.
const UNPACKED_LIMIT: u64 = 512 << 20;

/// A downloaded asset and what is wanted of it.
pub(super) struct Packed<'a> {
    pub(super) asset: &'a str,
    pub(super) binary: String,
    pub(super) form: Form,
}

impl Packed<'_> {
    /// Writes the executable into `into`; `target` is its later path, for the error.
    pub(super) fn extract(&self, download: &mut File, into: &mut File, target: &Path) -> Result<(), Cause> {
        let mut to = Sink { file: into, target };
        match self.form {
            Form::Bare => {
                download.rewind().map_err(|source| self.unreadable(source))?;
                self.copy(download, &mut to)
            }
            Form::Archive if self.asset.ends_with(".tar.gz") => self.out_of_tar(download, &mut to),
            #[cfg(windows)]
            Form::Archive if self.asset.ends_with(".zip") => self.out_of_zip(download, &mut to),
            Form::Archive => Err(Cause::Format { asset: self.asset.to_owned() }),
        }
    }

    fn out_of_tar(&self, download: &mut File, to: &mut Sink<'_>) -> Result<(), Cause> {
        for member in self.tar(download)?.entries().map_err(|source| self.unreadable(source))? {
            let member = member.map_err(|source| self.unreadable(source))?;
            check_path(&String::from_utf8_lossy(&member.path_bytes()))?;
        }
        for member in self.tar(download)?.entries().map_err(|source| self.unreadable(source))? {
            let mut member = member.map_err(|source| self.unreadable(source))?;
            let is_file = matches!(member.header().entry_type(), EntryType::Regular | EntryType::Continuous);
            if is_file && self.is_binary(&String::from_utf8_lossy(&member.path_bytes())) {
                return self.copy(&mut member, to);
            }
        }
        Err(self.missing())
    }

    fn tar<'f>(&self, download: &'f mut File) -> Result<tar::Archive<impl Read + use<'f>>, Cause> {
        download.rewind().map_err(|source| self.unreadable(source))?;
        Ok(tar::Archive::new(GzDecoder::new(download).take(UNPACKED_LIMIT)))
    }

    #[cfg(windows)]
    fn out_of_zip(&self, download: &mut File, to: &mut Sink<'_>) -> Result<(), Cause> {
        let broken = |error: zip::result::ZipError| self.unreadable(io::Error::other(error));
        let mut archive = zip::ZipArchive::new(download).map_err(broken)?;
        let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        names.iter().try_for_each(|name| check_path(name))?;
        for at in 0..archive.len() {
            let mut member = archive.by_index(at).map_err(broken)?;
            if member.is_file() && self.is_binary(member.name()) {
                return self.copy(&mut member, to);
            }
        }
        Err(self.missing())
    }

    fn is_binary(&self, member: &str) -> bool {
        member.rsplit(['/', '\\']).next() == Some(self.binary.as_str())
    }

    fn copy(&self, from: &mut impl Read, to: &mut Sink<'_>) -> Result<(), Cause> {
        let mut piece = vec![0; 64 << 10];
        let mut left = UNPACKED_LIMIT;
        loop {
            let read = from.read(&mut piece).map_err(|source| self.unreadable(source))?;
            if read == 0 {
                return Ok(());
            }
            let too_large = || self.unreadable(io::Error::other("the executable is too large"));
            left = left.checked_sub(read as u64).ok_or_else(too_large)?;
            to.file.write_all(&piece[..read]).map_err(|source| FileError::Io {
                doing: "write",
                path: to.target.to_path_buf(),
                source,
            })?;
        }
    }

    fn unreadable(&self, source: io::Error) -> Cause {
        Cause::Archive { asset: self.asset.to_owned(), source }
    }

    fn missing(&self) -> Cause {
        Cause::NotInArchive { binary: self.binary.clone(), asset: self.asset.to_owned() }
    }
}

struct Sink<'a> {
    file: &'a mut File,
    target: &'a Path,
}

/// Refuses a member that would land outside of the folder it is unpacked in, on any system.
fn check_path(member: &str) -> Result<(), Cause> {
    let escapes = member.split(['/', '\\']).any(|part| part == "..");
    if escapes || member.starts_with(['/', '\\']) || member.get(1..2) == Some(":") {
        return Err(Cause::UnsafePath {
            member: member.chars().filter(|c| !c.is_control()).take(200).collect(),
        });
    }
    Ok(())
}
