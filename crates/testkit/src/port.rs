//! A port for a server whose address must be known before it listens.

use std::{io, net::TcpListener, ops::Range};

/// Below the ports that systems give to outgoing connections and to listeners on port 0 (32768 and
/// above on Linux, 49152 and above elsewhere): none of those takes the port before the server does.
const PORTS: Range<u16> = 15_000..30_000;

/// A port of the loopback address that no process listens on, also for a server that stops and
/// comes back.
///
/// # Errors
///
/// None of a hundred ports was free.
pub fn free_port() -> io::Result<u16> {
    for _ in 0..100 {
        let mut random = [0; 2];
        aws_lc_rs::rand::fill(&mut random).map_err(io::Error::other)?;
        let port = PORTS.start + u16::from_le_bytes(random) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no free port"))
}
