//! The envdrift binary: a snapshot of the environment, one command, one exit code.

#[expect(clippy::disallowed_methods, reason = "this is the one place that ends the process")]
fn main() {
    std::process::exit(envdrift::cli::main());
}
