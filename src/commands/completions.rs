//! `envdrift completions`: the completion script of a shell.

use clap_complete::Shell;

use crate::ui::Ui;

/// Print the completion script of a shell
///
/// bash:       source <(envdrift completions bash)
/// zsh:        envdrift completions zsh > "${fpath[1]}/_envdrift"
/// fish:       envdrift completions fish > ~/.config/fish/completions/envdrift.fish
/// powershell: envdrift completions powershell >> $PROFILE
/// elvish:     envdrift completions elvish >> ~/.config/elvish/rc.elv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args, mut command: clap::Command, ui: &mut Ui) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "envdrift", &mut script);
    ui.payload(&script);
    0
}
