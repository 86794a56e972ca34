//! Who reaches the admin listener.

/// Who reaches the admin listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Who may open the file of a Unix socket: the user whom the server runs as.
    Owner,
    /// Every program on this machine.
    Loopback,
    /// Other machines.
    Network,
}

impl Reach {
    /// The paths that are served.
    pub(crate) const fn paths(self) -> &'static [&'static str] {
        match self {
            Self::Owner | Self::Loopback => {
                &["/metrics", "/healthz", "/readyz", "/explain", "/reload", "/drain"]
            }
            Self::Network => &["/metrics", "/healthz", "/readyz"],
        }
    }
}
