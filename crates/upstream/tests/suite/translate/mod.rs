//! Servers of one generation for callers of the other. The servers are in this process, behind a
//! [`Link`](upstream::link::Link).

mod down;
mod fake;
mod front;
mod new_server;
mod old_server;
mod tasks;
mod up;
