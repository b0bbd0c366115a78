//! Names of link types, and of what kind each is.

/// What a link type is recorded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A network, which may carry IP.
    Network,
    /// A bus, a device or a program's log: no network.
    Bus,
    /// What the values for private use stand for, only their users know.
    Private,
    /// Not in the registry as it was when this was written.
    Unknown,
}

use LinkKind::{Bus, Network, Private};

/// The LINKTYPE registry of tcpdump.org, by value; of values that it no longer lists, the names
/// that libpcap's `dlt.h` has.
const NAMES: &[(u32, &str, LinkKind)] = &[
    (0, "NULL", Network),
    (1, "ETHERNET", Network),
    (2, "EXP_ETHERNET", Network),
    (3, "AX25", Network),
    (4, "PRONET", Network),
    (5, "CHAOS", Network),
    (6, "IEEE802_5", Network),
    (7, "ARCNET_BSD", Network),
    (8, "SLIP", Network),
    (9, "PPP", Network),
    (10, "FDDI", Network),
    (11, "ATM_RFC1483", Network),
    (12, "RAW", Network),
    (14, "RAW", Network),
    (50, "PPP_HDLC", Network),
    (51, "PPP_ETHER", Network),
    (99, "SYMANTEC_FIREWALL", Network),
    (100, "ATM_RFC1483", Network),
    (101, "RAW", Network),
    (102, "SLIP_BSDOS", Network),
    (103, "PPP_BSDOS", Network),
    (104, "C_HDLC", Network),
    (105, "IEEE802_11", Network),
    (106, "ATM_CLIP", Network),
    (107, "FRELAY", Network),
    (108, "LOOP", Network),
    (109, "ENC", Network),
    (110, "LANE8023", Network),
    (111, "HIPPI", Network),
    (112, "NETBSD_HDLC", Network),
    (113, "LINUX_SLL", Network),
    (114, "LTALK", Network),
    (115, "ECONET", Network),
    (116, "IPFILTER", Network),
    (117, "PFLOG", Network),
    (118, "CISCO_IOS", Network),
    (119, "IEEE802_11_PRISM", Network),
    (120, "AIRONET_HEADER", Network),
    (121, "HHDLC", Network),
    (122, "IP_OVER_FC", Network),
    (123, "SUNATM", Network),
    (124, "RIO", Bus),
    (125, "PCI_EXP", Bus),
    (126, "AURORA", Bus),
    (127, "IEEE802_11_RADIOTAP", Network),
    (128, "TZSP", Network),
    (129, "ARCNET_LINUX", Network),
    (130, "JUNIPER_MLPPP", Network),
    (131, "JUNIPER_MLFR", Network),
    (132, "JUNIPER_ES", Network),
    (133, "JUNIPER_GGSN", Network),
    (134, "JUNIPER_MFR", Network),
    (135, "JUNIPER_ATM2", Network),
    (136, "JUNIPER_SERVICES", Network),
    (137, "JUNIPER_ATM1", Network),
    (138, "APPLE_IP_OVER_IEEE1394", Network),
    (139, "MTP2_WITH_PHDR", Network),
    (140, "MTP2", Network),
    (141, "MTP3", Network),
    (142, "SCCP", Network),
    (143, "DOCSIS", Network),
    (144, "LINUX_IRDA", Network),
    (145, "IBM_SP", Network),
    (146, "IBM_SN", Network),
    (147, "USER0", Private),
    (148, "USER1", Private),
    (149, "USER2", Private),
    (150, "USER3", Private),
    (151, "USER4", Private),
    (152, "USER5", Private),
    (153, "USER6", Private),
    (154, "USER7", Private),
    (155, "USER8", Private),
    (156, "USER9", Private),
    (157, "USER10", Private),
    (158, "USER11", Private),
    (159, "USER12", Private),
    (160, "USER13", Private),
    (161, "USER14", Private),
    (162, "USER15", Private),
    (163, "IEEE802_11_AVS", Network),
    (164, "JUNIPER_MONITOR", Network),
    (165, "BACNET_MS_TP", Bus),
    (166, "PPP_PPPD", Network),
    (167, "JUNIPER_PPPOE", Network),
    (168, "JUNIPER_PPPOE_ATM", Network),
    (169, "GPRS_LLC", Network),
    (170, "GPF_T", Network),
    (171, "GPF_F", Network),
    (172, "GCOM_T1E1", Network),
    (173, "GCOM_SERIAL", Network),
    (174, "JUNIPER_PIC_PEER", Network),
    (175, "ERF_ETH", Network),
    (176, "ERF_POS", Network),
    (177, "LINUX_LAPD", Network),
    (178, "JUNIPER_ETHER", Network),
    (179, "JUNIPER_PPP", Network),
    (180, "JUNIPER_FRELAY", Network),
    (181, "JUNIPER_CHDLC", Network),
    (182, "MFR", Network),
    (183, "JUNIPER_VP", Network),
    (184, "A429", Bus),
    (185, "A653_ICM", Bus),
    (186, "USB_FREEBSD", Bus),
    (187, "BLUETOOTH_HCI_H4", Bus),
    (188, "IEEE802_16_MAC_CPS", Network),
    (189, "USB_LINUX", Bus),
    (190, "CAN20B", Bus),
    (191, "IEEE802_15_4_LINUX", Network),
    (192, "PPI", Network),
    (193, "IEEE802_16_MAC_CPS_RADIO", Network),
    (194, "JUNIPER_ISM", Network),
    (195, "IEEE802_15_4_WITHFCS", Network),
    (196, "SITA", Network),
    (197, "ERF", Network),
    (198, "RAIF1", Network),
    (199, "IPMB_KONTRON", Bus),
    (200, "JUNIPER_ST", Network),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR", Bus),
    (202, "AX25_KISS", Network),
    (203, "LAPD", Network),
    (204, "PPP_WITH_DIR", Network),
    (205, "C_HDLC_WITH_DIR", Network),
    (206, "FRELAY_WITH_DIR", Network),
    (207, "LAPB_WITH_DIR", Network),
    (209, "IPMB_LINUX", Bus),
    (210, "FLEXRAY", Bus),
    (211, "MOST", Bus),
    (212, "LIN", Bus),
    (213, "X2E_SERIAL", Bus),
    (214, "X2E_XORAYA", Bus),
    (215, "IEEE802_15_4_NONASK_PHY", Network),
    (216, "LINUX_EVDEV", Bus),
    (217, "GSMTAP_UM", Network),
    (218, "GSMTAP_ABIS", Network),
    (219, "MPLS", Network),
    (220, "USB_LINUX_MMAPPED", Bus),
    (221, "DECT", Network),
    (222, "AOS", Network),
    (223, "WIHART", Network),
    (224, "FC_2", Network),
    (225, "FC_2_WITH_FRAME_DELIMS", Network),
    (226, "IPNET", Network),
    (227, "CAN_SOCKETCAN", Bus),
    (228, "IPV4", Network),
    (229, "IPV6", Network),
    (230, "IEEE802_15_4_NOFCS", Network),
    (231, "DBUS", Bus),
    (232, "JUNIPER_VS", Network),
    (233, "JUNIPER_SRX_E2E", Network),
    (234, "JUNIPER_FIBRECHANNEL", Network),
    (235, "DVB_CI", Bus),
    (236, "MUX27010", Network),
    (237, "STANAG_5066_D_PDU", Network),
    (238, "JUNIPER_ATM_CEMIC", Network),
    (239, "NFLOG", Network),
    (240, "NETANALYZER", Network),
    (241, "NETANALYZER_TRANSPARENT", Network),
    (242, "IPOIB", Network),
    (243, "MPEG_2_TS", Bus),
    (244, "NG40", Network),
    (245, "NFC_LLCP", Bus),
    (246, "PFSYNC", Network),
    (247, "INFINIBAND", Network),
    (248, "SCTP", Network),
    (249, "USBPCAP", Bus),
    (250, "RTAC_SERIAL", Bus),
    (251, "BLUETOOTH_LE_LL", Bus),
    (252, "WIRESHARK_UPPER_PDU", Network),
    (253, "NETLINK", Network),
    (254, "BLUETOOTH_LINUX_MONITOR", Bus),
    (255, "BLUETOOTH_BREDR_BB", Bus),
    (256, "BLUETOOTH_LE_LL_WITH_PHDR", Bus),
    (257, "PROFIBUS_DL", Bus),
    (258, "PKTAP", Network),
    (259, "EPON", Network),
    (260, "IPMI_HPM_2", Bus),
    (261, "ZWAVE_R1_R2", Bus),
    (262, "ZWAVE_R3", Bus),
    (263, "WATTSTOPPER_DLM", Bus),
    (264, "ISO_14443", Bus),
    (265, "RDS", Bus),
    (266, "USB_DARWIN", Bus),
    (267, "OPENFLOW", Network),
    (268, "SDLC", Network),
    (269, "TI_LLN_SNIFFER", Bus),
    (270, "LORATAP", Network),
    (271, "VSOCK", Network),
    (272, "NORDIC_BLE", Bus),
    (273, "DOCSIS31_XRA31", Network),
    (274, "ETHERNET_MPACKET", Network),
    (275, "DISPLAYPORT_AUX", Bus),
    (276, "LINUX_SLL2", Network),
    (277, "SERCOS_MONITOR", Bus),
    (278, "OPENVIZSLA", Bus),
    (279, "EBHSCR", Bus),
    (280, "VPP_DISPATCH", Network),
    (281, "DSA_TAG_BRCM", Network),
    (282, "DSA_TAG_BRCM_PREPEND", Network),
    (283, "IEEE802_15_4_TAP", Network),
    (284, "DSA_TAG_DSA", Network),
    (285, "DSA_TAG_EDSA", Network),
    (286, "ELEE", Network),
    (287, "Z_WAVE_SERIAL", Bus),
    (288, "USB_2_0", Bus),
    (289, "ATSC_ALP", Network),
    (290, "ETW", Bus),
    (291, "NETANALYZER_NG", Network),
    (292, "ZBOSS_NCP", Bus),
    (293, "USB_2_0_LOW_SPEED", Bus),
    (294, "USB_2_0_FULL_SPEED", Bus),
    (295, "USB_2_0_HIGH_SPEED", Bus),
    (296, "AUERSWALD_LOG", Bus),
    (297, "ZWAVE_TAP", Bus),
    (298, "SILABS_DEBUG_CHANNEL", Bus),
    (299, "FIRA_UCI", Bus),
    (300, "MDB", Bus),
    (301, "DECT_NR", Network),
    (302, "EDK2_MM", Network),
    (303, "DEBUG_ONLY", Network),
    (304, "DECT_NR_TAP", Network),
];

fn find(link_type: u32) -> Option<&'static (u32, &'static str, LinkKind)> {
    let at = NAMES.binary_search_by_key(&link_type, |entry| entry.0);
    at.ok().map(|at| &NAMES[at])
}

/// Name of a LINKTYPE value in the registry, without its prefix; for one not known here, `LINKTYPE 9999`.
#[must_use]
pub fn link_name(link_type: u32) -> String {
    find(link_type).map_or_else(
        || format!("LINKTYPE {link_type}"),
        |entry| entry.1.to_owned(),
    )
}

/// What a link type is recorded on.
#[must_use]
pub fn link_kind(link_type: u32) -> LinkKind {
    find(link_type).map_or(LinkKind::Unknown, |entry| entry.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_rise_and_names_are_words() {
        assert!(NAMES.is_sorted_by(|one, next| one.0 < next.0));
        for (_, name, _) in NAMES {
            let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            assert!(!name.is_empty() && name.chars().all(word), "{name}");
        }
    }

    #[test]
    fn names_are_the_registry_s() {
        for (link_type, name) in [
            (0, "NULL"),
            (1, "ETHERNET"),
            (6, "IEEE802_5"),
            (101, "RAW"),
            (113, "LINUX_SLL"),
            (127, "IEEE802_11_RADIOTAP"),
            (162, "USER15"),
            (189, "USB_LINUX"),
            (227, "CAN_SOCKETCAN"),
            (276, "LINUX_SLL2"),
            (9999, "LINKTYPE 9999"),
        ] {
            assert_eq!(link_name(link_type), name);
        }
        assert_eq!(link_kind(1), Network);
        assert_eq!(link_kind(220), Bus);
        assert_eq!(link_kind(147), Private);
        assert_eq!(link_kind(9999), LinkKind::Unknown);
    }
}
