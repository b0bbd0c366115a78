//! The program `server`.

fn main() -> std::process::ExitCode {
    echotrace::cli::server::main().into()
}
