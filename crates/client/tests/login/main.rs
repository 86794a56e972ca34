//! The real binary against a protected MCP server and its issuer, both on the loopback interface.
//! The tests are the browser: they follow the address that the program prints.

// `cfg(test)` always holds here; clippy learns from it that the helpers, too, are tests.
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod explain;
#[cfg(test)]
#[cfg(unix)]
mod forgotten;
#[cfg(test)]
mod grants;
#[cfg(test)]
#[cfg(unix)]
mod interrupted;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod keychain;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod parallel;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod safety;
#[cfg(test)]
#[cfg(target_os = "linux")]
mod session;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod step_up;
#[cfg(test)]
mod strict;
#[cfg(test)]
mod support;
#[cfg(test)]
mod world;
