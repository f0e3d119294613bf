//! The pinned releases: names, addresses and digests of the publishers' assets.
//!
//! The digests were taken from several public sources that quote the publishers; an asset without one is accepted
//! only against the checksum file of its release.

use super::Cause;
use crate::process::ToolName;

/// The release of dotenvx that is installed.
pub const DOTENVX_VERSION: &str = "2.20.1";
/// The release of SOPS that is installed.
pub const SOPS_VERSION: &str = "3.13.3";

/// What kind of file an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The executable itself.
    Bare,
    /// A `.tar.gz` or `.zip` that holds it.
    Archive,
}

/// One file of a release.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    pub(super) os: &'static str,
    pub(super) arch: &'static str,
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// In hex; `None` where no public source quotes it.
    pub(super) sha256: Option<&'static str>,
}

/// One release of one tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release {
    pub(super) tool: ToolName,
    pub(super) version: &'static str,
    pub(super) repository: &'static str,
    pub(super) checksums: &'static str,
    pub(super) assets: &'static [Asset],
}

const fn archive(
    os: &'static str,
    arch: &'static str,
    name: &'static str,
    sha256: Option<&'static str>,
) -> Asset {
    Asset { os, arch, name, form: Form::Archive, sha256 }
}

const fn bare(os: &'static str, arch: &'static str, name: &'static str, sha256: &'static str) -> Asset {
    Asset { os, arch, name, form: Form::Bare, sha256: Some(sha256) }
}

const DOTENVX: Release = Release {
    tool: ToolName::Dotenvx,
    version: DOTENVX_VERSION,
    repository: "dotenvx/dotenvx",
    checksums: "checksums.txt",
    assets: &[
        archive(
            "linux",
            "x86_64",
            "dotenvx-2.20.1-linux-amd64.tar.gz",
            Some("0eda314fc92d159861a73a239bf5af68b61b18fd6a8246fb005d6cf1bff0ffc7"),
        ),
        archive(
            "linux",
            "aarch64",
            "dotenvx-2.20.1-linux-arm64.tar.gz",
            Some("956c9fd2d34d2271c748ea23ea34fb4b6083ebd40fd2222fb73f4861e022c4fe"),
        ),
        archive(
            "macos",
            "x86_64",
            "dotenvx-2.20.1-darwin-amd64.tar.gz",
            Some("6213ea8ff1b6772c2f6dba8adea926c0195cd728b97aa796459ba0a10b209109"),
        ),
        archive(
            "macos",
            "aarch64",
            "dotenvx-2.20.1-darwin-arm64.tar.gz",
            Some("36d7778c339020ce3332d983b979243b70b73c6f2ceca5a2dd2933a980883c97"),
        ),
        archive("windows", "x86_64", "dotenvx-2.20.1-windows-amd64.zip", None),
    ],
};

const SOPS: Release = Release {
    tool: ToolName::Sops,
    version: SOPS_VERSION,
    repository: "getsops/sops",
    checksums: "sops-v3.13.3.checksums.txt",
    assets: &[
        bare(
            "linux",
            "x86_64",
            "sops-v3.13.3.linux.amd64",
            "e5bec3346a873ae91d871550f3e698c1aad962aff462a080e40f25fde17fef6b",
        ),
        bare(
            "linux",
            "aarch64",
            "sops-v3.13.3.linux.arm64",
            "53b0abacd38ef1b12a66d6c100956691b9cefce018d91f81e73ddf7438b94d77",
        ),
        bare(
            "macos",
            "x86_64",
            "sops-v3.13.3.darwin.amd64",
            "42162d5cef10b74fcf80a045a70e658d7ce6e63d6ea1be6f347e44015714468d",
        ),
        bare(
            "macos",
            "aarch64",
            "sops-v3.13.3.darwin.arm64",
            "b97c0d434aab577dc40310e8d22ff9e45eef4c80638ab978daae9b4681c59286",
        ),
        bare(
            "windows",
            "x86_64",
            "sops-v3.13.3.amd64.exe",
            "a4a9a398858fe8b2ef72d9686d930bf7c5cece9be74ad83ac3b53cfdd70e6b1c",
        ),
        bare(
            "windows",
            "aarch64",
            "sops-v3.13.3.arm64.exe",
            "7f936a0d08edbeba3eb8f50bad1fe71eba83a140a80dfd17051f3bdb4facb08a",
        ),
    ],
};

/// The release that is installed for `tool`.
pub(super) fn pinned(tool: ToolName) -> Release {
    match tool {
        ToolName::Dotenvx => DOTENVX,
        ToolName::Sops => SOPS,
    }
}

impl Release {
    /// The asset for a machine, in the words of `std::env::consts`.
    pub(super) fn asset(&self, os: &'static str, arch: &'static str) -> Result<Asset, Cause> {
        let fits = |asset: &&Asset| asset.os == os && asset.arch == arch;
        self.assets.iter().find(fits).copied().ok_or(Cause::Platform { os, arch })
    }

    /// The address of a file of the release below `base`.
    pub(super) fn url(&self, base: &str, file: &str) -> String {
        format!("{base}/{}/releases/download/v{}/{file}", self.repository, self.version)
    }

    /// The address of the checksum file below `base`.
    pub(super) fn checksums_url(&self, base: &str) -> String {
        self.url(base, self.checksums)
    }

    /// The name of its folder in the tool folder.
    pub(super) fn folder(&self) -> String {
        format!("{}-{}", self.tool, self.version)
    }

    /// The file name of the executable.
    pub(super) fn binary(&self) -> String {
        format!("{}{}", self.tool, std::env::consts::EXE_SUFFIX)
    }
}

/// The digest of `asset` in the text of a checksum file: lines of 64 hex digits, blanks, an optional `*` and a name,
/// of which only the last path component counts. Other lines are passed over.
///
/// `None` when there is none, or when two lines disagree.
pub(super) fn listed_digest(text: &str, asset: &str) -> Option<String> {
    let mut digests = text.lines().filter_map(|line| {
        let (digest, name) = line.trim().split_once([' ', '\t'])?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let name = name.trim_start().strip_prefix('*').unwrap_or(name.trim_start());
        let name = name.rsplit(['/', '\\']).next()?;
        (is_digest && name == asset).then(|| digest.to_ascii_lowercase())
    });
    let first = digests.next()?;
    digests.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pinned_digest_is_a_sha256_and_every_name_carries_the_version() {
        for release in [DOTENVX, SOPS] {
            for asset in release.assets {
                assert!(asset.name.contains(release.version), "{asset:?}");
                let is_digest =
                    |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(asset.sha256.is_none_or(is_digest), "{asset:?}");
            }
            assert!(release.checksums == "checksums.txt" || release.checksums.contains(release.version));
        }
    }

    #[test]
    fn a_machine_without_a_release_is_named() {
        let error = DOTENVX.asset("plan9", "mips").unwrap_err();
        assert_eq!(error.to_string(), "Unsupported platform: plan9 mips");
    }

    #[test]
    fn addresses_are_those_of_the_publishers() {
        let asset = SOPS.asset("linux", "x86_64").unwrap();
        assert_eq!(
            SOPS.url("https://github.com", asset.name),
            "https://github.com/getsops/sops/releases/download/v3.13.3/sops-v3.13.3.linux.amd64"
        );
        assert_eq!(
            DOTENVX.checksums_url("http://mirror"),
            "http://mirror/dotenvx/dotenvx/releases/download/v2.20.1/checksums.txt"
        );
    }

    #[test]
    fn checksum_files_are_read_in_every_usual_shape() {
        let (a, b) = ("a".repeat(64), "B".repeat(64));
        let text =
            format!("# comment\n{a}  one\r\n{b} *./dist/two words\n{a}\twin\\three\nshort  four\n{a}\n");
        assert_eq!(listed_digest(&text, "one"), Some(a.clone()));
        assert_eq!(listed_digest(&text, "two words"), Some(b.to_ascii_lowercase()));
        assert_eq!(listed_digest(&text, "three"), Some(a.clone()));
        for missing in ["four", "five", "on", ""] {
            assert_eq!(listed_digest(&text, missing), None, "{missing}");
        }
        assert_eq!(listed_digest(&format!("{a} x\n{b} x\n"), "x"), None, "they disagree");
        assert_eq!(listed_digest(&format!("{a} x\n{a} x\n"), "x"), Some(a));
    }
}
