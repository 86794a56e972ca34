//! The front before servers of its clients' own generation.

mod fake;
mod new;
mod old;
mod roots;
