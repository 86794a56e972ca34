//! The real binary as a bridge, between a program of the test and an HTTP server that does what a
//! test wants, and much that it should not.

// `cfg(test)` always holds here; clippy learns from it that the helpers, too, are tests.
#[cfg(test)]
mod endings;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod listen;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod program;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod stateless;
