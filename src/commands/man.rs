//! `envdrift man`: the manual page of a command.

use crate::cli::rendered;
use crate::error::Error;
use crate::ui::Ui;

/// Print a manual page
///
/// envdrift man > envdrift.1
/// envdrift man encrypt > envdrift-encrypt.1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// The command; without one, the page of envdrift itself
    command: Option<String>,
}

/// Prints the page in roff.
pub fn run(args: &Args, root: clap::Command, ui: &mut Ui) -> Result<u8, Error> {
    let root = root.disable_help_subcommand(true);
    let page = match &args.command {
        None => root,
        Some(name) => sub_page(&root, name).ok_or_else(|| Error::Usage {
            message: format!("There is no command '{name}'"),
            hint: "`envdrift --help` lists the commands".into(),
            code: "usage.command",
        })?,
    };
    let page = rendered(|buffer| clap_mangen::Man::new(page).render(buffer))?;
    ui.payload(&page);
    Ok(0)
}

fn sub_page(root: &clap::Command, name: &str) -> Option<clap::Command> {
    let mut root = root.clone();
    root.build();
    let found = root.find_subcommand(name)?.clone();
    // clap wants static names; the page is printed and the process ends.
    let full: &'static str = Box::leak(format!("envdrift-{name}").into_boxed_str());
    Some(found.name(full))
}
