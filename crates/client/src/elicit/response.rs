//! The response of a person to a question.

/// The response of a person to a question.
pub(super) enum Response<T> {
    /// An answer.
    Yes(T),
    /// The question is declined.
    No,
    /// The call is to stop.
    Stop,
}
