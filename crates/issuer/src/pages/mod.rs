//! The pages that a person sees: plain data in, an HTML response out.
//!
//! Each page is a struct. A handler fills it and returns [`Page::response`]. All pages work without
//! script, at 320 pixels, in dark mode, by keyboard and with a screen reader.
//!
//! | page | at |
//! |---|---|
//! | [`SignInPage`] | `GET /authorize`, `/device`, `/account` without a session; `POST /sign-in` |
//! | [`SignInLinkPage`] | `GET /sign-in/link` |
//! | [`SecondStepPage`] | `POST /sign-in`, `POST /sign-in/second` |
//! | [`ConsentPage`] | `GET /authorize` with a session |
//! | [`OnwardPage`] | in place of a redirect that `form-action` would stop |
//! | [`DeviceCodePage`], [`DeviceConfirmPage`] | `/device` |
//! | [`DonePage`] | `POST /device`, `POST /sign-out` |
//! | [`AccountPage`], [`SetUpPage`], [`RecoveryCodesPage`] | `/account` |
//! | [`ProviderProblemPage`] | `/sign-in/with/NAME`, `/sign-in/callback/NAME` |
//! | [`ErrorPage`] | everywhere |
//!
//! 1. Texts are in one file, `text.rs`, for translation.
//! 2. Text from outside is a [`Label`]: one line, cut, without what is not seen. It is escaped, and
//!    isolated from the text around it. A name that a program gives itself is shown as a claim.
//! 3. Forms have the fields of [`field`] and lead to the addresses of [`path`].
//! 4. Nothing is loaded but the style sheet; nothing runs; no page is framed, cached or sends its
//!    address on ([`Page::response`]).
//!
//! **Invariant:** markup comes from templates and [`Sentence`] only.

mod account;
mod asker;
mod consent;
mod device;
mod done;
mod error;
pub mod field;
mod form_target;
mod frame;
mod label;
mod onward;
mod page;
pub mod path;
mod provider_problem;
mod scopes;
mod second_factor;
mod second_step;
mod sentence;
mod sign_in;
mod sign_in_link;
mod style;
mod text;
mod when;

pub use account::{
    AccountPage, Connection, Notice, PasswordError, PasswordState, SecondFactorState, Session,
};
pub use asker::{Asker, Destination, Proof};
pub use consent::{ConsentPage, ConsentReason};
pub use device::{DeviceCodeError, DeviceCodePage, DeviceConfirmPage};
pub use done::{Done, DonePage};
pub use error::{ErrorPage, Problem};
pub use form_target::FormTarget;
pub use frame::{Frame, Hidden};
pub use label::Label;
pub use onward::{Onward, OnwardPage};
pub use page::Page;
pub use provider_problem::{ProviderProblem, ProviderProblemPage};
pub use scopes::{Offer, OfferKind, ScopeAvailability, ScopeChoice, Scopes};
pub use second_factor::{RecoveryCodesPage, SetUpPage};
pub use second_step::{SecondStepError, SecondStepPage};
pub use sentence::Sentence;
pub use sign_in::{Provider, Purpose, SignInError, SignInPage};
pub use sign_in_link::SignInLinkPage;
pub use style::style;
pub use when::When;
