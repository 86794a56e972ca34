//! Where the process runs: what it was started with, and no file can set.
//!
//! A `.env` file may be in a folder that another user has made. It says which server and which
//! token; it must not say which program is started or where secrets are kept.

/// One variable of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surrounding {
    /// The user's folder.
    Home,
    /// Where programs keep what they remember (XDG Base Directory).
    StateHome,
    /// Where programs keep what can be made again (XDG Base Directory).
    CacheHome,
    /// Both on Windows.
    LocalAppData,
    /// The program that opens a web page.
    Browser,
    /// An X11 screen.
    Display,
    /// A Wayland screen.
    WaylandDisplay,
    /// What runs the program: `just` sets it in its recipes.
    RunBy,
    /// Who called `sudo`, as it says.
    SudoUser,
}

impl Surrounding {
    /// Every one of them.
    pub const ALL: [Self; 9] = [
        Self::Home,
        Self::StateHome,
        Self::CacheHome,
        Self::LocalAppData,
        Self::Browser,
        Self::Display,
        Self::WaylandDisplay,
        Self::RunBy,
        Self::SudoUser,
    ];

    /// The name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "HOME",
            Self::StateHome => "XDG_STATE_HOME",
            Self::CacheHome => "XDG_CACHE_HOME",
            Self::LocalAppData => "LOCALAPPDATA",
            Self::Browser => "BROWSER",
            Self::Display => "DISPLAY",
            Self::WaylandDisplay => "WAYLAND_DISPLAY",
            Self::RunBy => "BARTIZAN_RUN_BY",
            Self::SudoUser => "SUDO_USER",
        }
    }

    /// Its value in this process, for what is needed before there is an
    /// [`Environment`](crate::Environment).
    #[must_use]
    pub fn of_process(self) -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "before the command line is read")]
        std::env::var(self.name()).ok().filter(|value| !value.is_empty())
    }
}
