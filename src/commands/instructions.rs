//! How to install a tool that is missing.

use crate::backend::BackendKind;
use crate::error::Error;
use crate::install::{DOTENVX_VERSION, SOPS_VERSION};
use crate::ui::Ui;

/// Prints on standard output how to install the tool whose lack is the `error`; nothing for other errors.
pub(super) fn print(error: &Error, ui: &mut Ui) {
    let Error::NotInstalled { backend, .. } = error else { return };
    let text = match backend {
        BackendKind::Dotenvx => dotenvx(),
        BackendKind::Sops => sops(),
    };
    for line in text.lines() {
        ui.answer(line);
    }
}

fn dotenvx() -> String {
    format!(
        "\
Install dotenvx {DOTENVX_VERSION} or newer:

  Install to ~/.local/bin (recommended):
    curl -sfS \"https://dotenvx.sh?directory=$HOME/.local/bin\" | sh -s -- --version={DOTENVX_VERSION}
  Install to the current directory:
    curl -sfS \"https://dotenvx.sh?directory=.\" | sh -s -- --version={DOTENVX_VERSION}
  Install system-wide:
    curl -sfS https://dotenvx.sh | sudo sh -s -- --version={DOTENVX_VERSION}

Or set auto_install = true in [encryption.dotenvx]."
    )
}

fn sops() -> String {
    format!(
        "\
Install sops {SOPS_VERSION} (3.11.0 or newer):

  macOS:    brew install sops
  Linux:    wget https://github.com/getsops/sops/releases/download/v{SOPS_VERSION}/sops-v{SOPS_VERSION}.linux.amd64
  Windows:  choco install sops

Or set auto_install = true in [encryption.sops].
For age: age-keygen -o ~/.config/sops/age/keys.txt"
    )
}
