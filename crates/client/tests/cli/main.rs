//! The real binary against real HTTP servers on the loopback interface.

// `cfg(test)` always holds here; it tells clippy that the helpers, too, are tests.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod usage;
