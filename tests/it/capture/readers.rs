//! Every kind of file that is written is read by tshark, capinfos and tcpdump.

use nix::sys::signal::Signal;

use super::records::all_read;
use super::{counted, folder, start, stop};
use crate::must;
use crate::net::{Namespace, exchange, knock, random_port, tshark, veth};

#[test]
fn each_kind_of_file_is_read_without_a_complaint() {
    let (here, there, folder, port) = (Namespace::new(), Namespace::new(), folder(), random_port());
    let (near, far) = veth(&here, &there);
    here.ip(&["addr", "add", "10.9.2.1/24", "dev", &near]);
    there.ip(&["addr", "add", "10.9.2.2/24", "dev", &far]);
    let port_text = port.to_string();
    let any = &["-i", "any"][..];
    let both = &["-i", "lo", "-i", &near][..];
    let kinds: [(&str, &[&str], &[&str]); 7] = [
        ("a.pcap", any, &[]),
        ("b.pcap", any, &["--micro"]),
        ("c.pcapng", any, &["--micro", "-s", "64"]),
        ("d", any, &["-F", "pcapng", "-c", "3"]),
        ("e.pcap", both, &[]),
        ("f.pcapng", both, &[]),
        ("g.pcapng", &["-i", "lo"], &[]),
    ];
    for (name, device, words) in kinds {
        let file = folder.path().join(name);
        let words = [device, words, &["--port", &port_text]].concat();
        let program = start(&here, &words, &file);
        exchange(&here, "127.0.0.1", port);
        knock(&here, "10.9.2.2", port, 2);
        let errors = if name == "d" {
            program.end().1
        } else {
            stop(program, Signal::SIGTERM)
        };
        let count = all_read(&file);
        assert_eq!(count, counted(&errors, "captured"), "{words:?}: {errors}");
        if name.contains("pcapng") {
            names_are_right(&file, device, &near);
        }
    }
}

#[test]
fn a_file_without_packets_is_read_as_well() {
    let (namespace, folder) = (Namespace::new(), folder());
    for (name, device) in [("a.pcap", "any"), ("b.pcapng", "any"), ("c.pcapng", "lo")] {
        let file = folder.path().join(name);
        let words = ["-i", device, "--port", "7"];
        let errors = stop(start(&namespace, &words, &file), Signal::SIGTERM);
        assert_eq!((all_read(&file), counted(&errors, "captured")), (0, 0));
    }
}

fn names_are_right(file: &std::path::Path, device: &[&str], near: &str) {
    let names = tshark(file, &["frame.interface_name"]);
    let of = |name: &str| names.iter().filter(|it| *it == name).count();
    let other = if device == ["-i", "lo"] { 0 } else { 4 };
    assert_eq!(of(near), other, "{names:?}");
    assert!(
        of("lo") >= 10 && of("lo") + other == names.len(),
        "{names:?}"
    );
}

#[test]
fn a_pcap_file_of_two_link_types_is_refused_before_it_is_made() {
    let (namespace, folder) = (Namespace::new(), folder());
    let mut command = namespace.command(super::CAPTURE);
    command
        .args(["-i", "any", "-i", "lo", "-w", "a.pcap"])
        .current_dir(folder.path());
    let output = command.output().expect("run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("any and lo have different link types") && errors.contains(".pcapng"));
    assert!(!folder.path().join("a.pcap").exists());
    let file = folder.path().join("a.pcapng");
    let program = start(&namespace, &["-i", "any", "-i", "lo", "--port", "7"], &file);
    knock(&namespace, "127.0.0.1", 7, 3);
    stop(program, Signal::SIGTERM);
    let ids = tshark(&file, &["frame.interface_id"]);
    assert_eq!(ids.len(), 12, "each packet by each of both");
    assert!(must(std::process::Command::new("capinfos").arg(&file)).contains("lo"));
}
