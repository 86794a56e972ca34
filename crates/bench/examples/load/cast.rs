//! The kinds of callers, and how many there are of each.

/// A kind of caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Calls `get_time` with a good token.
    Valid,
    NoToken,
    BadSignature,
    Expired,
    OtherAudience,
    MissingScope,
    /// Announces a body that is too long, and sends none of it.
    LongAnnounced,
    /// Sends one in chunks.
    LongStreamed,
    /// The same, without a token.
    LongAnonymous,
    /// Sends half a head, and then a byte now and then.
    SlowHead,
    /// The same with the body.
    SlowBody,
    /// The same without a token.
    SlowAnonymous,
    /// Makes one call and then says nothing more.
    Idle,
    /// Asks again and again, and reads none of the answers.
    Deaf,
    /// Sends many calls at once, and reads the answers afterwards.
    Pipelined,
    /// A token of the issuer that has to be asked, which it does not know.
    Opaque,
    /// The longest body that is read, of a caller who may not do what it asks for.
    LongAllowed,
    /// As `Valid`, with many calls at once over HTTP/2.
    Http2,
    /// As `NoToken`, the same.
    Http2NoToken,
    /// Asks over HTTP/2, and opens no window for the answers.
    Http2Deaf,
    /// Makes requests over HTTP/2, and gives each up at once.
    Http2Resets,
}

impl Class {
    /// Whether it waits a little before it comes again.
    pub(crate) const fn pauses(self) -> bool {
        matches!(
            self,
            Self::NoToken
                | Self::BadSignature
                | Self::Expired
                | Self::OtherAudience
                | Self::MissingScope
                | Self::LongAnnounced
                | Self::LongStreamed
                | Self::LongAnonymous
                | Self::LongAllowed
                | Self::Http2NoToken
                | Self::Http2Resets
        )
    }

    /// Whether it speaks HTTP/2.
    pub(crate) const fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2NoToken | Self::Http2Deaf | Self::Http2Resets)
    }
}

/// How many connections each class has: 443 in all. Those without `Http2` in their name speak
/// HTTP/1.1.
pub(crate) const CAST: [(Class, usize); 21] = [
    (Class::Valid, 100),
    (Class::NoToken, 40),
    (Class::BadSignature, 50),
    (Class::Expired, 40),
    (Class::OtherAudience, 40),
    (Class::MissingScope, 40),
    (Class::LongAnnounced, 20),
    (Class::LongStreamed, 6),
    (Class::LongAnonymous, 6),
    (Class::SlowHead, 20),
    (Class::SlowBody, 20),
    (Class::SlowAnonymous, 5),
    (Class::Idle, 5),
    (Class::Deaf, 2),
    (Class::Pipelined, 5),
    (Class::Opaque, 20),
    (Class::LongAllowed, 3),
    (Class::Http2, 10),
    (Class::Http2NoToken, 6),
    (Class::Http2Deaf, 2),
    (Class::Http2Resets, 3),
];
