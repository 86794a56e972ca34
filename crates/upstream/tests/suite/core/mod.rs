//! The front before servers of its clients' own generation.

mod confirmed;
mod fake;
mod new;
mod old;
mod roots;
mod silence;
