//! Which options the help of a command shows.

/// The path of a command (`users show`), options in its help, and options that are not there.
pub type ShownOptions = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Asserts that `help`, the help of the command at a path, shows options and not others.
///
/// # Panics
/// An option is missing, or is shown.
#[track_caller]
pub fn assert_options(help: &dyn Fn(&str) -> String, cases: &[ShownOptions]) {
    for (path, shown, hidden) in cases {
        let help = help(path);
        let has = |option: &str| {
            help.split([' ', ',', '\n', '=', '[', ']', '.']).any(|word| word == option)
        };
        for option in *shown {
            assert!(has(option), "{path} {option}: {help}");
        }
        for option in *hidden {
            assert!(!has(option), "{path} {option}: {help}");
        }
    }
}
