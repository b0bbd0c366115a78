//! `FILE.pcap.meta.json`: what a classic pcap cannot say.
