//! What is typed: the commands, the global flags, and which function each command runs.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::backend::EngineChoice;
use crate::commands::{self, Session, completions, decrypt, encrypt, lock, man, pull, pull_partial, push};
use crate::env::Env;
use crate::error::Error;
use crate::interrupt;
use crate::ui::{ColorChoice, Format, Ui, UiOptions, Verbosity};

/// Keeps .env files encrypted in git and readable on the machines that may read them.
#[derive(Debug, Parser)]
#[command(name = "envdrift", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Config file to use instead of the nearest envdrift.toml/pyproject.toml
    #[arg(long, short, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Who does the work: auto (the tool if it is installed, else built in), tool, or builtin
    #[arg(long, global = true, value_name = "ENGINE", value_parser = engine)]
    pub engine: Option<EngineChoice>,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Also say which engine and which config were used
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Say nothing but warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

fn engine(text: &str) -> Result<EngineChoice, String> {
    text.parse().map_err(|error: crate::backend::kind::UnknownEngine| error.to_string())
}

impl Global {
    fn ui_options(&self) -> UiOptions {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let format = if self.json { Format::Json } else { Format::Human };
        UiOptions { color: self.color, verbosity, format }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Encrypt(encrypt::Args),
    Decrypt(decrypt::Args),
    Lock(lock::Args),
    Pull(pull::Args),
    Push(push::Args),
    PullPartial(pull_partial::Args),
    Completions(completions::Args),
    Man(man::Args),
    /// Print the version
    Version,
}

/// The exit code after Ctrl-C or SIGTERM, as shells give it.
const INTERRUPTED: i32 = 130;
impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Encrypt(_) => "encrypt",
            Self::Decrypt(_) => "decrypt",
            Self::Lock(_) => "lock",
            Self::Pull(_) => "pull",
            Self::Push(_) => "push",
            Self::PullPartial(_) => "pull-partial",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Version => "version",
        }
    }
}

fn dispatch(command: Command, session: &mut Session) -> Result<u8, Error> {
    match command {
        Command::Lock(args) => lock::run(&args, session),
        Command::Pull(args) => pull::run(&args, session),
        Command::Encrypt(args) => encrypt::run(&args, session),
        Command::Decrypt(args) => decrypt::run(&args, session),
        Command::Push(args) => push::run(&args, session),
        Command::PullPartial(args) => pull_partial::run(&args, session),
        Command::Completions(args) => Ok(completions::run(&args, Cli::command(), &mut session.ui)),
        Command::Man(args) => man::run(&args, Cli::command(), &mut session.ui),
        Command::Version => Ok(commands::version(&mut session.ui)),
    }
}

/// Runs the command line of this process; gives the exit code: 0, 1 (refused or failed), 2 (usage) or 130 (interrupted).
pub fn main() -> i32 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that left early does not change what was asked for.
            let _ = error.print();
            return error.exit_code();
        }
    };
    let (env, lost_folder) = match Env::capture() {
        Ok(env) => (env, None),
        Err(error) => (Env::default(), Some(Error::CurrentFolder(error))),
    };
    let ui = Ui::new(cli.global.ui_options(), &env);
    let mut session = Session { env, ui, global: cli.global };
    let name = cli.command.name();
    let ended = match lost_folder {
        Some(error) => Err(error),
        None => dispatch(cli.command, &mut session),
    };
    let code = ended.unwrap_or_else(|error| {
        session.ui.failure(name, &error);
        1
    });
    let code = match session.ui.broken() {
        Some(error) => {
            session.ui.error(&Error::Output(error));
            1
        }
        None => i32::from(code),
    };
    if interrupt::pressed() { INTERRUPTED } else { code }
}

/// The command tree, for tests and documentation.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Renders something that writes into a buffer.
pub(crate) fn rendered(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    write(&mut bytes).and_then(|()| bytes.flush()).map_err(Error::Output)?;
    Ok(bytes)
}
