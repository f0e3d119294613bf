//! What a sops process gets of the user's environment: what is listed here, and nothing else.
//!
//! The variables that name recipients (`SOPS_AGE_RECIPIENTS`, `SOPS_KMS_ARN`, …) and `SOPS_CONFIG` count, but are not
//! on the list: envdrift reads them itself, with the rules of the built-in engine, and hands on what they mean as
//! flags. Identities go only to a call that decrypts. A key command and an age plugin see the same list.

use std::path::Path;

use crate::env::{self, Env};
use crate::process::Cmd;

/// What a program needs of the system: to find others, its user's folders, the session it may ask for a PIN in.
const SYSTEM: &[&str] = &[
    env::PATH,
    env::HOME,
    "USER",
    "LOGNAME",
    "LANG",
    "TERM",
    env::TMPDIR,
    env::XDG_CONFIG_HOME,
    env::XDG_DATA_HOME,
    env::XDG_RUNTIME_DIR,
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSH_AUTH_SOCK",
    // Windows
    "SystemRoot",
    "PATHEXT",
    "USERPROFILE",
    env::APPDATA,
    "LOCALAPPDATA",
    "TEMP",
    "TMP",
];

/// The way to the network.
const NETWORK: &[&str] = &[
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "https_proxy",
    "http_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// How sops reaches the keys of a KMS, and gpg.
const KEYS: &[&str] = &[
    "SOPS_GCP_KMS_CLIENT_TYPE",
    "SOPS_GCP_KMS_ENDPOINT",
    "SOPS_GCP_KMS_UNIVERSE_DOMAIN",
    "SOPS_HC_VAULT_ALLOWLIST",
    "SOPS_KEYSERVICE",
    "SOPS_ENABLE_LOCAL_KEYSERVICE",
    "SOPS_GPG_EXEC",
    "GNUPGHOME",
    "GPG_TTY",
    // Managed identities of Azure
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];

/// The same for whole families of variables.
const KEY_FAMILIES: &[&str] =
    &["AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "VAULT_", "HUAWEICLOUD_SDK_"];

/// Where identities are, apart from [`IDENTITY_FILES`].
const IDENTITIES: &[&str] = &[
    env::SOPS_AGE_KEY,
    env::SOPS_AGE_KEY_CMD,
    env::SOPS_AGE_SSH_PRIVATE_KEY_CMD,
    "SOPS_DECRYPTION_ORDER",
    "FIDO2_TOKEN",
];

/// The password managers that key commands and plugins ask.
const IDENTITY_FAMILIES: &[&str] = &["OP_", "BW_", "BWS_", "PASSWORD_STORE_", "GOPASS_"];

/// Variables that name an identity file; sops itself would not expand a `~` in them.
const IDENTITY_FILES: &[&str] = &[env::SOPS_AGE_KEY_FILE, env::SOPS_AGE_SSH_PRIVATE_KEY_FILE];

/// Hands `cmd` what every call gets.
pub(super) fn pass(cmd: Cmd, env: &Env) -> Cmd {
    let cmd = hand_on(cmd, env, &[SYSTEM, NETWORK, KEYS], KEY_FAMILIES);
    cmd.env("SOPS_DISABLE_VERSION_CHECK", "1")
}

/// Hands `cmd` what leads to identities.
pub(super) fn pass_identities(cmd: Cmd, env: &Env) -> Cmd {
    let cmd = hand_on(cmd, env, &[IDENTITIES], IDENTITY_FAMILIES);
    IDENTITY_FILES.iter().fold(cmd, |cmd, name| match env.get(name) {
        Some(text) => cmd.env(name, env.resolve(env.cwd(), text)),
        None => cmd,
    })
}

/// Hands `cmd` the key file of a flag or the configuration, which takes the place of the variable.
pub(super) fn pass_key_file(cmd: Cmd, env: &Env, file: Option<&Path>) -> Cmd {
    match file {
        Some(path) => cmd.env(env::SOPS_AGE_KEY_FILE, env.cwd().join(path)),
        None => cmd,
    }
}

/// A variable that is set to nothing counts as not set, unlike in sops.
fn hand_on(cmd: Cmd, env: &Env, lists: &[&[&str]], families: &[&str]) -> Cmd {
    let listed = lists.iter().flat_map(|list| list.iter().copied()).filter(|name| env.path(name).is_some());
    families.iter().fold(cmd.pass(env, listed), |cmd, family| {
        cmd.pass(env, env.with_prefix(family).filter(|(_, value)| !value.is_empty()).map(|(name, _)| name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(vars: &[(&str, &str)]) -> (String, String) {
        let env = Env::fixed("/work", vars.iter().copied());
        let base = pass(Cmd::new("/bin/sops"), &env);
        let before = base.to_string();
        (before, pass_identities(base, &env).to_string())
    }

    #[test]
    fn only_what_is_listed_is_handed_on() {
        let (call, with_identities) = passed(&[
            ("PATH", "/bin"),
            ("AWS_PROFILE", "dev"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "a.json"),
            ("OP_SERVICE_ACCOUNT_TOKEN", "t"),
            ("SOPS_AGE_KEY", "AGE-SECRET-KEY-1"),
            ("SOPS_AGE_KEY_FILE", "~/keys.txt"),
            ("SOPS_AGE_RECIPIENTS", "age1"),
            ("SOPS_KMS_ARN", "arn"),
            ("SOPS_GCP_KMS_IDS", "id"),
            ("SOPS_CONFIG", "x.yaml"),
            ("SOPS_EDITOR", "vi"),
            ("DOTENV_PRIVATE_KEY", "aa"),
            ("GITHUB_TOKEN", "t"),
            ("HOME", "/home/u"),
        ]);
        let names = |shown: &str| {
            shown.split(' ').filter_map(|word| Some(word.split_once('=')?.0.to_owned())).collect::<Vec<_>>()
        };
        let expected =
            ["PATH", "HOME", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "SOPS_DISABLE_VERSION_CHECK"];
        assert_eq!(names(&call), expected);
        let more = ["SOPS_AGE_KEY", "OP_SERVICE_ACCOUNT_TOKEN", "SOPS_AGE_KEY_FILE"];
        assert_eq!(names(&with_identities), [&expected[..], &more[..]].concat());
        assert!(with_identities.contains("SOPS_AGE_KEY_FILE=/home/u/keys.txt"), "{with_identities}");
        assert!(!with_identities.contains("AGE-SECRET"), "{with_identities}");
    }

    #[test]
    fn an_empty_variable_is_as_good_as_none() {
        let (_, call) = passed(&[("SOPS_AGE_KEY_FILE", ""), ("AWS_PROFILE", ""), ("SOPS_AGE_KEY", "")]);
        assert_eq!(call, "SOPS_DISABLE_VERSION_CHECK=1 /bin/sops");
    }
}
