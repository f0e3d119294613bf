//! `auto_install`: fetches a pinned release of dotenvx or SOPS into the user's own tool folder.
//!
//! Only when the user asked for it. A file is put in place only after its SHA-256 was found right, against the digest
//! that is part of this program or, where there is none, against the release's own checksum file; without either,
//! nothing is installed. The archive is looked through before anything of it is written, and only the one executable
//! is. Two processes that install at once end with the same file; a failure leaves what was there before.

mod archive;
mod release;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

pub use release::{DOTENVX_VERSION, SOPS_VERSION};

use crate::env::{self, Env};
use crate::files::{Draft, FileError, Link, Mode, create_private_folder, remove_empty_folder};
use crate::http::{Http, HttpError, Patience};
use crate::process::{Source, Tool, ToolError, ToolName, tool_folder, version_numbers};
use release::{Release, listed_digest};

/// A checksum file is a few kilobytes.
const CHECKSUMS_LIMIT: u64 = 1 << 20;
/// The largest asset today has about 80 MB.
const ASSET_LIMIT: u64 = 256 << 20;

/// What an installation tells the user while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A download begins.
    Downloading {
        /// From where.
        url: String,
    },
    /// The user switched the check of the checksum off.
    Unverified {
        /// What is not checked.
        url: String,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Downloading { url } => write!(f, "Downloading {url}"),
            Self::Unverified { url } => write!(
                f,
                "WARNING: {} is set; installing an UNVERIFIED binary from {url}",
                env::ENVDRIFT_INSECURE_SKIP_CHECKSUM
            ),
        }
    }
}

/// Why nothing was installed.
#[derive(Debug, Error)]
pub enum Cause {
    /// There is no release for this machine.
    #[error("Unsupported platform: {os} {arch}")]
    Platform {
        /// The operating system.
        os: &'static str,
        /// The processor.
        arch: &'static str,
    },
    /// There is no home folder to install into.
    #[error("no folder to install into: neither XDG_DATA_HOME nor HOME is set")]
    NoFolder,
    /// The asset could not be fetched.
    #[error("Download failed: {0}")]
    Download(HttpError),
    /// The checksum file could not be fetched.
    #[error("Download failed: the checksums could not be fetched: {0}")]
    Checksums(HttpError),
    /// The checksum file does not name the asset, or names it twice with different digests.
    #[error("no checksum for {asset} in {url}")]
    NoChecksum {
        /// The asset.
        asset: String,
        /// The checksum file.
        url: String,
    },
    /// The digest is another one.
    #[error("checksum mismatch for {asset}: expected {expected}, got {actual}")]
    Mismatch {
        /// The asset.
        asset: String,
        /// The digest it should have.
        expected: String,
        /// The digest it has.
        actual: String,
    },
    /// The archive cannot be read.
    #[error("cannot read the archive {asset}: {source}")]
    Archive {
        /// The archive.
        asset: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A member of the archive would land outside.
    #[error("Unsafe path in archive: {member}")]
    UnsafePath {
        /// The name of the member.
        member: String,
    },
    /// The executable is not in the archive.
    #[error("{binary} not found in archive {asset}")]
    NotInArchive {
        /// The executable.
        binary: String,
        /// The archive.
        asset: String,
    },
    /// The asset is neither an executable nor a kind of archive that is known.
    #[error("Unknown archive format: {asset}")]
    Format {
        /// The asset.
        asset: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A failed installation.
#[derive(Debug, Error)]
#[error("{}{cause}", match tool {
    ToolName::Dotenvx => "dotenvx not found and auto-install failed: ".to_owned(),
    ToolName::Sops => format!("sops auto-install failed: Failed to install SOPS from {url}: "),
})]
pub struct InstallError {
    /// Which tool.
    pub tool: ToolName,
    /// Where it was to come from; empty when that was not known yet.
    pub url: String,
    /// What went wrong.
    #[source]
    pub cause: Cause,
}

impl InstallError {
    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match &self.cause {
            Cause::Platform { .. } => "install.platform",
            Cause::NoFolder => "install.no_folder",
            Cause::Download(_) | Cause::Checksums(_) => "install.download",
            Cause::NoChecksum { .. } => "install.no_checksum",
            Cause::Mismatch { .. } => "install.checksum_mismatch",
            Cause::Archive { .. }
            | Cause::UnsafePath { .. }
            | Cause::NotInArchive { .. }
            | Cause::Format { .. } => "install.archive",
            Cause::File(error) => error.code(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match &self.cause {
            Cause::Download(error) | Cause::Checksums(error) => error.hint(),
            Cause::File(error) => error.hint(),
            Cause::Mismatch { .. } | Cause::NoChecksum { .. } => {
                Some("do not use this download; a proxy or mirror may have changed it".into())
            }
            Cause::Platform { .. }
            | Cause::NoFolder
            | Cause::Archive { .. }
            | Cause::UnsafePath { .. }
            | Cause::NotInArchive { .. }
            | Cause::Format { .. } => {
                Some(format!("install {} by hand, or use the built-in engine: --engine builtin", self.tool))
            }
        }
    }
}

/// Whether a tool that is not there may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoInstall {
    /// No; the default.
    Off,
    /// The user asked for it.
    On,
}

/// Why [`ensure`] gives no tool.
#[derive(Debug, Error)]
pub enum EnsureError {
    /// The lookup failed.
    #[error(transparent)]
    Lookup(#[from] ToolError),
    /// The installation failed.
    #[error(transparent)]
    Install(#[from] InstallError),
}

impl EnsureError {
    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lookup(error) => error.code(),
            Self::Install(error) => error.code(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lookup(error) => error.hint(),
            Self::Install(error) => error.hint(),
        }
    }
}

/// Looks `name` up and installs it when it is missing and that is allowed.
///
/// One that envdrift itself installed is replaced when this program pins a newer one; any other is taken as it is.
pub fn ensure(
    name: ToolName,
    env: &Env,
    auto: AutoInstall,
    notify: &mut dyn FnMut(Notice),
) -> Result<Option<Tool>, EnsureError> {
    let found = Tool::find(name, env)?;
    let pinned = version_numbers(release::pinned(name).version);
    let is_older =
        |tool: &Tool| tool.installed_version().is_some_and(|version| version_numbers(version) < pinned);
    match found {
        Some(tool) if auto == AutoInstall::Off || !is_older(&tool) => Ok(Some(tool)),
        None if auto == AutoInstall::Off => Ok(None),
        _ => Ok(Some(install(name, env, Patience::default(), notify)?)),
    }
}

/// Fetches, checks and places the pinned release of `name`.
///
/// A base address in `ENVDRIFT_DOWNLOAD_BASE` replaces `https://github.com`.
pub fn install(
    name: ToolName,
    env: &Env,
    patience: Patience,
    notify: &mut dyn FnMut(Notice),
) -> Result<Tool, InstallError> {
    let release = release::pinned(name);
    let fail = |url: &str, cause| InstallError { tool: name, url: url.to_owned(), cause };
    let asset =
        release.asset(std::env::consts::OS, std::env::consts::ARCH).map_err(|cause| fail("", cause))?;
    let base =
        env.get(env::ENVDRIFT_DOWNLOAD_BASE).unwrap_or("https://github.com").trim().trim_end_matches('/');
    let job =
        Job { url: release.url(base, asset.name), checksums: release.checksums_url(base), release, asset };
    job.run(env, patience, notify).map_err(|cause| fail(&job.url, cause))
}

struct Job {
    release: Release,
    asset: release::Asset,
    url: String,
    checksums: String,
}

impl Job {
    fn run(&self, env: &Env, patience: Patience, notify: &mut dyn FnMut(Notice)) -> Result<Tool, Cause> {
        let root = tool_folder(env).ok_or(Cause::NoFolder)?;
        let target = root.join(self.release.folder()).join(self.release.binary());
        create_private_folder(&root)?;
        let http = Http::new(env, patience).map_err(Cause::Download)?;
        notify(Notice::Downloading { url: self.url.clone() });
        // Never put in place itself: it is only what the executable is taken from.
        let mut download = Draft::beside(&root.join(self.asset.name), Mode::Private, Link::Replace)?;
        let actual = fetch(&http, &self.url, download.file())?;
        if skips_checksum(env) {
            notify(Notice::Unverified { url: self.url.clone() });
        } else {
            self.verify(&http, &actual)?;
        }
        self.place(download.file(), &target)?;
        Ok(Tool { name: self.release.tool, path: target, source: Source::Installed })
    }

    fn verify(&self, http: &Http, actual: &str) -> Result<(), Cause> {
        let asset = self.asset.name.to_owned();
        let expected = if let Some(pinned) = self.asset.sha256 {
            pinned.to_owned()
        } else {
            let text = http.fetch_text(&self.checksums, CHECKSUMS_LIMIT).map_err(Cause::Checksums)?;
            let none = || Cause::NoChecksum { asset: asset.clone(), url: self.checksums.clone() };
            listed_digest(&text, &asset).ok_or_else(none)?
        };
        if expected.eq_ignore_ascii_case(actual) {
            return Ok(());
        }
        Err(Cause::Mismatch { asset, expected, actual: actual.to_owned() })
    }

    /// Writes the executable beside its place and moves it there; an empty folder does not stay behind.
    fn place(&self, download: &mut File, target: &Path) -> Result<(), Cause> {
        let folder = target.parent().unwrap_or(target);
        create_private_folder(folder)?;
        let placed = self.write(download, target);
        if placed.is_err() {
            remove_empty_folder(folder);
        }
        placed
    }

    fn write(&self, download: &mut File, target: &Path) -> Result<(), Cause> {
        let mut draft = Draft::beside(target, Mode::Executable, Link::Replace)?;
        let packed =
            archive::Packed { asset: self.asset.name, binary: self.release.binary(), form: self.asset.form };
        packed.extract(download, draft.file(), target)?;
        draft.finish()?.commit()?;
        Ok(())
    }
}

/// Downloads into `file`, from its beginning at every try, and gives the SHA-256 of what is in it then.
fn fetch(http: &Http, url: &str, file: &mut File) -> Result<String, Cause> {
    let mut shared: &File = file;
    let start = || {
        shared.set_len(0)?;
        (&mut &*shared).rewind()?;
        Ok(shared)
    };
    http.fetch(url, ASSET_LIMIT, start).map_err(Cause::Download)?;
    sha256_of(&mut shared).map_err(|error| Cause::Download(HttpError::Store(error)))
}

fn sha256_of(file: &mut &File) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 64 << 10];
    file.rewind()?;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(&piece[..read]),
        }
    }
}

fn skips_checksum(env: &Env) -> bool {
    let value = env.get(env::ENVDRIFT_INSECURE_SKIP_CHECKSUM).unwrap_or_default().trim();
    ["1", "true", "yes"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
#[cfg(unix)]
#[path = "install_tests.rs"]
mod tests;
