//! What every form of both headers means.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::{
    derive::{Derived, Notice, derive},
    error::ForwardingError::{self, Absent, Disagreement, Malformed, OnlyProxies, Unidentified},
};

/// The proxy that connects.
const PROXY: &str = "10.0.0.1";
const TRUSTED: &str = "10.0.0.0/24, 2001:db8:ffff::/48";

const F: &str = "forwarded";
const X: &str = "x-forwarded-for";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn derived(peer: &str, lines: &[(&'static str, &str)]) -> Derived {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    derive(ip(peer), &headers, &TRUSTED.parse().unwrap())
}

#[track_caller]
fn assert_named(lines: &[(&'static str, &str)], address: &str) {
    let expected = Derived { address: ip(address), notice: None };
    assert_eq!(derived(PROXY, lines), expected, "{lines:?}");
}

/// The proxy is counted itself.
#[track_caller]
fn assert_unnamed(lines: &[(&'static str, &str)], error: ForwardingError) {
    let expected = Derived { address: ip(PROXY), notice: Some(Notice::Unnamed(error)) };
    assert_eq!(derived(PROXY, lines), expected, "{lines:?}");
}

#[test]
fn an_entry_of_x_forwarded_for_is_an_address_in_any_form_that_proxies_send() {
    for (value, address) in [
        ("192.0.2.1", "192.0.2.1"),
        (" \t192.0.2.1\t ", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("192.0.2.1:_port", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:DB8:0::0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
        // Not a port: without brackets it is a part of the address.
        ("2001:db8::1:4711", "2001:db8::1:4711"),
    ] {
        assert_named(&[(X, value)], address);
    }
}

#[test]
fn an_entry_that_is_no_address_counts_the_proxy() {
    for (value, error) in [
        ("", Malformed),
        (" ", Malformed),
        (",", Malformed),
        ("192.0.2.1,", Malformed),
        ("192.0.2.1, ", Malformed),
        ("localhost", Malformed),
        ("192.0.2.1 192.0.2.2", Malformed),
        ("192.0.2.1;192.0.2.2", Malformed),
        ("192.0.2", Malformed),
        ("192.0.2.256", Malformed),
        ("0300.0.2.1", Malformed),
        ("3221225985", Malformed),
        ("192.0.2.1:", Malformed),
        ("192.0.2.1:+80", Malformed),
        ("192.0.2.1:65536", Malformed),
        ("192.0.2.1:000080", Malformed),
        ("192.0.2.1:_", Malformed),
        ("192.0.2.1/24", Malformed),
        ("\"192.0.2.1\"", Malformed),
        ("[192.0.2.1]", Malformed),
        ("[2001:db8::1", Malformed),
        ("2001:db8::1]", Malformed),
        ("[2001:db8::1]4711", Malformed),
        ("[2001:db8::1]:", Malformed),
        ("[2001:db8::1]]:80", Malformed),
        ("[fe80::1%eth0]", Malformed),
        ("fe80::1%eth0", Malformed),
        ("unix:", Malformed),
        ("for=192.0.2.1", Malformed),
        ("unknown", Unidentified),
        ("Unknown", Unidentified),
        ("unknown:80", Unidentified),
        ("_hidden", Unidentified),
        ("_hidden:_port", Unidentified),
        ("_", Malformed),
        ("_hid/den", Malformed),
    ] {
        assert_unnamed(&[(X, value)], error);
    }
}

#[test]
fn an_element_of_forwarded_follows_its_grammar() {
    for (value, address) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("FOR=192.0.2.1", "192.0.2.1"),
        ("for=\"192.0.2.1\"", "192.0.2.1"),
        ("for=\"192.0.2.1:4711\"", "192.0.2.1"),
        ("for=\"\\1\\9\\2.0.2.1\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]\"", "2001:db8::1"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=\"[::ffff:192.0.2.1]\"", "192.0.2.1"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("proto=https;host=\"mcp.example.com:443\";for=192.0.2.60;", "192.0.2.60"),
        (";;for=192.0.2.1", "192.0.2.1"),
        ("for=198.51.100.1, for=192.0.2.1", "192.0.2.1"),
        ("for=198.51.100.1\t,\tfor=192.0.2.1\t", "192.0.2.1"),
        // What is quoted is neither an element nor a parameter.
        ("for=192.0.2.1;host=\", for=198.51.100.1\"", "192.0.2.1"),
        ("for=192.0.2.1;host=\"\\\", for=198.51.100.1\"", "192.0.2.1"),
        ("for=192.0.2.1;by=198.51.100.1", "192.0.2.1"),
    ] {
        assert_named(&[(F, value)], address);
    }
    for (value, error) in [
        ("", Unidentified),
        (",", Unidentified),
        (";", Unidentified),
        ("proto=https", Unidentified),
        ("for=192.0.2.1, proto=https", Unidentified),
        ("for=192.0.2.1,", Unidentified),
        ("for=unknown", Unidentified),
        ("for=\"UNKNOWN\"", Unidentified),
        ("for=_gazonk", Unidentified),
        ("for=\"_gazonk:_port\"", Unidentified),
        ("192.0.2.1", Malformed),
        ("for", Malformed),
        ("for=", Malformed),
        ("for=\"\"", Malformed),
        ("for=\"", Malformed),
        ("for=\"192.0.2.1", Malformed),
        ("for=\"192.0.2.1\\\"", Malformed),
        ("for=\"192.0.2.1\"x", Malformed),
        ("for=192.0.2.1:80", Malformed),
        ("for=[2001:db8::1]", Malformed),
        ("for=\"2001:db8::1\"", Malformed),
        ("for=2001:db8::1", Malformed),
        ("for=\" 192.0.2.1\"", Malformed),
        ("for = 192.0.2.1", Malformed),
        ("for= 192.0.2.1", Malformed),
        ("for=192.0.2.1 ;proto=https", Malformed),
        ("for=192.0.2.1; proto=https", Malformed),
        ("for=192.0.2.1 for=192.0.2.2", Malformed),
        ("for=192.0.2.1;for=192.0.2.1", Malformed),
        ("for=192.0.2.1;For=192.0.2.2", Malformed),
        ("for=192.0.2.1;=x", Malformed),
        ("for=192.0.2.1;proto", Malformed),
    ] {
        assert_unnamed(&[(F, value)], error);
    }
}

#[test]
fn text_that_is_not_ascii_is_malformed() {
    for (name, value) in [(X, &b"192.0.2.1\xe9"[..]), (F, b"for=192.0.2.1;host=\"\xe9\"")] {
        let headers = HeaderMap::from_iter([(
            name.parse().unwrap(),
            http::HeaderValue::from_bytes(value).unwrap(),
        )]);
        let derived = derive(ip(PROXY), &headers, &TRUSTED.parse().unwrap());
        assert_eq!(derived.notice, Some(Notice::Unnamed(Malformed)));
    }
}

#[test]
fn the_rightmost_address_that_is_no_proxy_is_the_caller() {
    for (value, address) in [
        ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("192.0.2.1,10.0.0.2,10.0.0.3:80,2001:db8:ffff::1", "192.0.2.1"),
        // Left of it a caller may have written anything.
        ("198.51.100.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("10.0.0.9, 192.0.2.1", "192.0.2.1"),
        ("unknown, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("<script>, \", 192.0.2.1", "192.0.2.1"),
        (",,,192.0.2.1", "192.0.2.1"),
        // In the range as IPv6 writes it.
        ("192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"),
        // Private, and no proxy.
        ("192.0.2.1, 10.0.1.1", "10.0.1.1"),
    ] {
        assert_named(&[(X, value)], address);
    }
    assert_named(&[(F, "for=198.51.100.1, for=192.0.2.1;by=x, for=10.0.0.2")], "192.0.2.1");
    assert_named(&[(F, "for=nonsense, for=192.0.2.1")], "192.0.2.1");
    // An unknown hop before the first proxy that is known.
    assert_unnamed(&[(X, "192.0.2.1, unknown, 10.0.0.2")], Unidentified);
    assert_unnamed(&[(X, "192.0.2.1, nonsense, 10.0.0.2")], Malformed);
    assert_unnamed(&[(F, "for=192.0.2.1, for=_x, for=10.0.0.2")], Unidentified);
    // Which of the proxies began the request, or which of them is none, cannot be known.
    assert_unnamed(&[(X, "10.0.0.3, 10.0.0.2")], OnlyProxies);
    assert_unnamed(&[(F, "for=10.0.0.3, for=10.0.0.2")], OnlyProxies);
}

#[test]
fn several_lines_are_read_from_the_last() {
    assert_named(&[(X, "198.51.100.1"), (X, "192.0.2.1")], "192.0.2.1");
    assert_named(&[(X, "192.0.2.1"), (X, "10.0.0.2"), (X, "10.0.0.3, 10.0.0.4")], "192.0.2.1");
    assert_named(&[(X, "nonsense"), (X, "192.0.2.1")], "192.0.2.1");
    assert_unnamed(&[(X, "192.0.2.1"), (X, "nonsense")], Malformed);
    assert_unnamed(&[(X, "192.0.2.1"), (X, "")], Malformed);
    assert_unnamed(&[(X, "10.0.0.3"), (X, "10.0.0.2")], OnlyProxies);
    assert_named(&[(F, "for=\"open"), (F, "for=192.0.2.1")], "192.0.2.1");
    assert_named(&[(F, "for=192.0.2.1"), (F, "for=10.0.0.2, for=10.0.0.3")], "192.0.2.1");
    assert_unnamed(&[(F, "for=192.0.2.1"), (F, "for=\"open")], Malformed);
}

#[test]
fn both_headers_must_agree() {
    assert_named(&[(F, "for=192.0.2.1"), (X, "192.0.2.1")], "192.0.2.1");
    assert_named(&[(F, "for=192.0.2.1;by=x, for=10.0.0.2"), (X, "::ffff:192.0.2.1")], "192.0.2.1");
    assert_unnamed(&[(F, "for=192.0.2.2"), (X, "192.0.2.1")], Disagreement);
    assert_unnamed(&[(F, "for=unknown"), (X, "192.0.2.1")], Unidentified);
    assert_unnamed(&[(F, "for=192.0.2.1"), (X, "nonsense")], Malformed);
    assert_unnamed(&[(F, "for=10.0.0.2"), (X, "192.0.2.1")], OnlyProxies);
    assert_unnamed(&[], Absent);
    // Others of the kind are no such headers.
    assert_unnamed(&[("x-real-ip", "192.0.2.1"), ("cf-connecting-ip", "192.0.2.1")], Absent);
}

#[test]
fn what_others_than_proxies_say_is_ignored() {
    let lines: &[&[(&'static str, &str)]] =
        &[&[(X, "192.0.2.1")], &[(F, "for=192.0.2.1")], &[(F, "for="), (X, "")]];
    for lines in lines {
        let public = Derived { address: ip("198.51.100.7"), notice: None };
        assert_eq!(derived("198.51.100.7", lines), public);
        assert_eq!(derived("::ffff:198.51.100.7", lines), public);
        // Here an operator may have forgotten to name a proxy.
        for local in ["10.0.1.1", "127.0.0.1", "::1"] {
            let ignored = Derived { address: ip(local), notice: Some(Notice::Ignored) };
            assert_eq!(derived(local, lines), ignored);
        }
    }
    assert_eq!(derived("10.0.1.1", &[]), Derived { address: ip("10.0.1.1"), notice: None });
    // The proxy itself, as a socket for both families reports it.
    let named = Derived { address: ip("192.0.2.1"), notice: None };
    assert_eq!(derived("::ffff:10.0.0.1", &[(X, "192.0.2.1")]), named);
}

/// What a caller's part of a header is made of.
const PIECES: [&str; 20] = [
    "for=",
    "For",
    "=",
    "\"",
    "\\",
    ",",
    ", ",
    ";",
    " ",
    "\t",
    "203.0.113.9",
    "10.0.0.2",
    "[",
    "]",
    "2001:db8:bad::1",
    ":80",
    "unknown",
    "_x",
    "proto=https",
    "x",
];

#[test]
fn nothing_that_a_caller_writes_becomes_its_address() {
    // A generator of numbers that are always the same (Knuth's MMIX).
    let mut state: u64 = 1;
    let mut next = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let (mut named, seen) = (0, ip("2001:db8::1"));
    for _ in 0..20_000 {
        let text: String = (0..next(12)).map(|_| PIECES[next(PIECES.len())]).collect();
        // The proxy adds what it has seen, to the same line.
        for lines in [
            [(X, format!("{text}, 2001:db8::1"))],
            [(F, format!("{text}, for=\"[2001:db8::1]:80\";proto=https"))],
            [(F, format!("{text}, proto=\"https\";for=\"[2001:db8::1]\""))],
        ] {
            let [(name, value)] = &lines;
            let found = derived(PROXY, &[(name, value)]).address;
            assert!(found == seen || found == ip(PROXY), "{found}: {value}");
            named += usize::from(found == seen);
        }
    }
    assert!(named > 24_000, "{named}");
}
