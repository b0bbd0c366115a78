//! The program `analyze`.

/// Threads share what is known of a capture, and take turns in giving memory back that others
/// took. The allocator of libc has them wait for each other then, and asks the kernel for each
/// further page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ! {
    echotrace::cli::analyze::main().leave()
}
