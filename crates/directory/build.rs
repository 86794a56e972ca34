//! Builds the crate again when a migration is changed or added: they are part of the program.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
