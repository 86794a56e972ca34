//! What a person who starts a server at a terminal does next.

use std::net::SocketAddr;

use settings::Variable;
use terminal::{Invocation, Program};

/// How the server ends, and the command that calls it; nothing where no person reads it, and no
/// command where the server is not on this machine alone. `tls` is the URL that clients use where
/// there is a certificate, which is for the host of that URL.
pub(super) fn next_step(
    address: SocketAddr,
    path: &str,
    tls: Option<&str>,
    is_terminal: bool,
    invocation: &Invocation,
) -> String {
    if !is_terminal {
        return String::new();
    }
    if !address.ip().is_loopback() {
        return "Ctrl-C stops it\n".to_owned();
    }
    let url = format!("http://localhost:{}{path}", address.port());
    let is_default = Variable::McpUrl.setting().default == Some(url.as_str());
    let flag = match tls {
        Some(url) => &format!("--url {url}"),
        None if is_default => "",
        None => &format!("--url http://{address}{path}"),
    };
    let call = invocation.command(Program::Client, flag);
    format!("Ctrl-C stops it. In another terminal, `{call}` calls it\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_at_a_terminal_reads_how_to_stop_and_to_call_it() {
        let invocation = Invocation::workspace(Program::Server);
        let next = |address: &str, is_terminal| {
            next_step(address.parse().unwrap(), "/mcp", None, is_terminal, &invocation)
        };
        let start = "Ctrl-C stops it. In another terminal, ";
        assert_eq!(next("127.0.0.1:8000", true), format!("{start}`client` calls it\n"));
        let elsewhere = format!("{start}`client --url http://127.0.0.1:8001/mcp` calls it\n");
        assert_eq!(next("127.0.0.1:8001", true), elsewhere);
        let url = Some("https://mcp.example:8443/mcp");
        let address = "127.0.0.1:8443".parse().unwrap();
        let tls = next_step(address, "/mcp", url, true, &invocation);
        assert_eq!(tls, format!("{start}`client --url https://mcp.example:8443/mcp` calls it\n"));
        assert_eq!(next("0.0.0.0:8000", true), "Ctrl-C stops it\n");
        assert_eq!(next("127.0.0.1:8000", false), "");
    }
}
