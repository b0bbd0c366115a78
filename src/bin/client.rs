//! The program `client`.

fn main() -> std::process::ExitCode {
    echotrace::cli::client::main().into()
}
