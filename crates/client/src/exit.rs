//! How a run ends: the one table of exit codes, shown by `--help`.

use std::process::ExitCode;

/// The ways to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The server answered.
    Ok,
    /// The tool answered with an error (`isError`).
    ToolError,
    /// The command line or the configuration is wrong; nothing was sent.
    Usage,
    /// No connection: refused, no such name, TLS.
    Unreachable,
    /// HTTP 401: no token, or one that the server refuses.
    Unauthorized,
    /// HTTP 403: the token or its user may not do this.
    Forbidden,
    /// An answer that is a JSON-RPC error, not MCP, or an unexpected HTTP status.
    Protocol,
    /// No answer in time.
    Timeout,
    /// The server asked for something, and there was no terminal to ask on.
    InputRequired,
    /// The answer could not be written (`EX_IOERR` of sysexits).
    Output,
    /// Ctrl-C.
    Cancelled,
}

impl Exit {
    /// Every way to end, in the order of the codes.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::ToolError,
        Self::Usage,
        Self::Unreachable,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Protocol,
        Self::Timeout,
        Self::InputRequired,
        Self::Output,
        Self::Cancelled,
    ];

    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::ToolError => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Unauthorized => 4,
            Self::Forbidden => 5,
            Self::Protocol => 6,
            Self::Timeout => 7,
            Self::InputRequired => 8,
            Self::Output => 74,
            Self::Cancelled => 130,
        }
    }

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Protocol => "protocol",
            Self::Timeout => "timeout",
            Self::InputRequired => "input_required",
            Self::Output => "output",
            Self::Cancelled => "cancelled",
        }
    }

    /// What it means, for `--help`.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Ok => "the server answered",
            Self::ToolError => "the tool answered with an error",
            Self::Usage => "the command line or the configuration is wrong",
            Self::Unreachable => "the server cannot be reached (refused, unknown name, TLS)",
            Self::Unauthorized => "401: no token, or one that the server refuses",
            Self::Forbidden => "403: the token's scopes or the user's roles do not allow it",
            Self::Protocol => {
                "a protocol error: JSON-RPC error, not MCP, unexpected status, not offered by the server"
            }
            Self::Timeout => "no answer within --timeout",
            Self::InputRequired => {
                "the server asks for something, and there is no terminal to ask on"
            }
            Self::Output => "the answer could not be written",
            Self::Cancelled => "cancelled with Ctrl-C",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
