//! The program `capture`.

fn main() -> std::process::ExitCode {
    echotrace::cli::capture::main()
}
