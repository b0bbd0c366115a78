//! The program `analyze`.

fn main() -> std::process::ExitCode {
    echotrace::cli::analyze::main().into()
}
