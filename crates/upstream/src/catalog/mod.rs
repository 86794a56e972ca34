//! What a server says about itself: its definitions, and which of them the operator has accepted.
//!
//! What a tool says about itself steers the models that read it. So a definition is shown and can
//! be used only as it was when the operator accepted it.
//!
//! 1. A definition is one entry of a list: a tool, a resource, a template, a prompt, a skill. Its
//!    digest covers its canonical form, with every member that a client can see ([`Json`]).
//! 2. The digests of what was accepted are in a lock file beside the policy ([`Lock`]). It also has
//!    the definitions themselves, so that a change can be shown ([`changes`]).
//! 3. What is new or has changed is taken out of lists, and a call of it is refused, until the
//!    operator accepts it ([`Catalog`]). The other entries stay the bytes that the server sent.
//! 4. A name that differs from another one in letter case or in its Unicode form alone is never
//!    accepted ([`twins`]).
//! 5. Characters that are not seen, or turn text around, are reported ([`Definition::hidden`]).
//! 6. A list is kept for as long as the server permits, for one owner or for all ([`ListCache`]).
//!
//! **Invariant:** what was not accepted reaches no client, whichever list it is in.

mod definition;
mod definitions;
mod diff;
mod digest;
mod json;
mod kind;
mod known_pages;
mod list_cache;
mod live;
mod lock;
mod offered;
mod page;
mod pins;
mod twins;

pub use self::{
    definition::{Definition, DefinitionError, Hidden, Hints},
    diff::{Change, changes},
    digest::{Digest, InvalidDigestError},
    json::{Json, JsonError},
    kind::Kind,
    list_cache::{Asked, CacheBounds, ListCache, ListKey},
    live::{Catalog, NotAcceptedError, Quarantine},
    lock::{Lock, LockError},
    offered::{ListBounds, Lists, Offered, OfferedError},
    page::{ListError, Page},
    pins::{Pins, Standing},
    twins::twins,
};
