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
}

/// How many connections each class has: 532 in all.
pub(crate) const CAST: [(Class, usize); 17] = [
    (Class::Valid, 120),
    (Class::NoToken, 60),
    (Class::BadSignature, 70),
    (Class::Expired, 60),
    (Class::OtherAudience, 50),
    (Class::MissingScope, 50),
    (Class::LongAnnounced, 20),
    (Class::LongStreamed, 10),
    (Class::LongAnonymous, 10),
    (Class::SlowHead, 20),
    (Class::SlowBody, 20),
    (Class::SlowAnonymous, 5),
    (Class::Idle, 5),
    (Class::Deaf, 2),
    (Class::Pipelined, 5),
    (Class::Opaque, 20),
    (Class::LongAllowed, 5),
];
