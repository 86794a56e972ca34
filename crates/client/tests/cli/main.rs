//! The real binary against real HTTP servers on the loopback interface.

// `cfg(test)` always holds here; clippy learns from it that the helpers, too, are tests.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod arguments;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod completion;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod rich;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tasks;
// It needs `script`, which takes other options elsewhere.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod verbs;
