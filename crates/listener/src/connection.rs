//! How a connection is set up before HTTP is spoken on it.

use std::time::Duration;

use tokio::net::TcpStream;

use super::{progress::Progress, stream::Stream};

pub(super) fn configured(stream: Stream, write_timeout: Duration) -> Progress {
    if let Stream::Tcp(stream) = &stream {
        configure_tcp(stream, write_timeout);
    }
    Progress::new(stream, write_timeout)
}

fn configure_tcp(stream: &TcpStream, write_timeout: Duration) {
    // Without this every answer that is written in two parts waits for the client's delayed ACK.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    if let Err(error) = detect_lost_peer(stream, write_timeout) {
        tracing::debug!(%error, "Keep-alive could not be set");
    }
}

/// Lets the system end a connection whose peer disappeared without closing it, after about
/// `patience`: a stream with occasional writes would stay open, and counted, for a quarter of an
/// hour.
fn detect_lost_peer(stream: &TcpStream, patience: Duration) -> rustix::io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(stream, true)?;
    #[cfg(target_os = "linux")]
    {
        sockopt::set_tcp_keepidle(stream, patience / 2)?;
        sockopt::set_tcp_keepintvl(stream, (patience / 6).max(Duration::from_secs(1)))?;
        let millis = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        sockopt::set_tcp_user_timeout(stream, millis)?;
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_system_detects_a_lost_peer() {
        use rustix::net::sockopt;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        detect_lost_peer(&stream, Duration::from_secs(30)).unwrap();
        assert!(sockopt::socket_keepalive(&stream).unwrap());
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 30_000);
        assert_eq!(sockopt::tcp_keepidle(&stream).unwrap(), Duration::from_secs(15));
    }
}
