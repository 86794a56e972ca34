//! What a server asks of a client during a call: whose question it is, and where the call waits for
//! the answer.
//!
//! An old server (before 2026-07-28) asks with a request of its own. Over stdio nothing in it says
//! which call it belongs to. A client of the new generation cannot be sent a request: its call is
//! answered with `input_required`, and the client repeats it with the answers. Meanwhile the
//! server's call is parked here.
//!
//! 1. **Whose it is** (`whose`): of the call that the transport names; of the task that the
//!    question names; of the only call whose client can be asked anything. Otherwise it is of no
//!    one.
//! 2. A question that is no one's, or that its caller cannot answer, is refused to the server. The
//!    call goes on: it is never the fault of a call.
//! 3. **One at a time** (`turn`): on a server that has asked, calls that can be asked wait for
//!    each other, so that there is only one to ask.
//! 4. **Parked** ([`parking`]) calls are bounded in number and in time. What the client gives back
//!    is sealed to its owner, opens the same request only, once, and names the node that has it.
//! 5. **Rounds** (`rounds`) are bounded. They end with the call.
//!
//! **Invariant:** an answer reaches the server only in the call that was asked, from the owner of
//! that call.

pub mod parking;
pub(crate) mod rounds;
pub(crate) mod turn;
pub(crate) mod whose;
