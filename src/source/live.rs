//! Packets as libpcap takes them from the kernel.
