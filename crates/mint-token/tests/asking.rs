//! Questions on the terminal, and what each answer does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a function of a test fails with it")]

use std::{collections::VecDeque, fs, io, path::Path};

use auth_core::{Clock, NumericDate};
use mint_token::{Exit, World, run};
use settings::Environment;
use tempfile::TempDir;
use terminal::{Invocation, Program};

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";
const QUESTION: &str = "Mint anyway? [y/N] ";
const POLICY: &str =
    "[scopes]\n\"User.Read\" = \"Read your own data\"\n[roles]\nuser = [\"User.Read\"]\n";

/// Always 2027-01-15T08:00:00Z.
#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> NumericDate {
        NumericDate::from_secs(1_800_000_000).unwrap()
    }
}

/// What the person does when asked.
#[derive(Debug, Clone, Copy)]
enum Person {
    Says(&'static str),
    /// The terminal was closed.
    Fails,
    /// Ctrl-D was pressed.
    Ends,
}
use Person::{Ends, Fails, Says};

/// How a run ended, and what was seen of it.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    out: String,
    err: String,
    questions: Vec<String>,
}

/// Runs with `args` on a terminal where `answers` are typed, or without one.
fn run_asked(args: &[&str], answers: Option<&[Person]>) -> Ended {
    let mut answers: Option<VecDeque<_>> = answers.map(|some| some.iter().copied().collect());
    let mut questions = Vec::new();
    let mut out = anstream::StripStream::new(Vec::new());
    let mut err = anstream::StripStream::new(Vec::new());
    let is_attended = answers.is_some();
    let mut ask = |question: &str| -> io::Result<Option<String>> {
        questions.push(question.to_owned());
        match answers.as_mut().and_then(VecDeque::pop_front) {
            Some(Says(text)) => Ok(Some(text.to_owned())),
            Some(Ends) => Ok(None),
            Some(Fails) => Err(io::ErrorKind::UnexpectedEof.into()),
            None => panic!("asked once more than there are answers"),
        }
    };
    let mut world = World {
        invocation: Invocation::workspace(Program::MintToken),
        environment: &|_| Ok(Environment::from_pairs([("JWT_SECRET".into(), SECRET.into())])),
        clock: &FixedClock,
        random: &mut |buffer| {
            buffer.fill(7);
            Ok(())
        },
        stdin: &mut io::empty(),
        ask: if is_attended { Some(&mut ask) } else { None },
        fetch: &mint_token::fetch,
        out: &mut out,
        out_columns: None,
        err: &mut err,
    };
    let args = std::iter::once("mint-token").chain(args.iter().copied());
    let exit = run(args.map(Into::into), &mut world);
    if let Some(left) = &answers {
        assert!(left.is_empty(), "answers that were not asked for: {left:?}");
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { exit, out: text(out.into_inner()), err: text(err.into_inner()), questions }
}

/// A folder with a policy that knows one scope.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("policy.toml"), POLICY).unwrap();
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.path(name)).exists()
    }

    /// Mints with a scope that the policy does not have, and stores it if that is confirmed.
    fn mint_without_effect(&self, more: &[&str], answers: Option<&[Person]>) -> Ended {
        let (policy, env) = (self.path("policy.toml"), self.path(".env"));
        let args = ["--policy", &policy, "--scope", "Moon.Land", "--env-file", &env, "--save"];
        run_asked(&[&args[..], more].concat(), answers)
    }

    fn warning(&self) -> String {
        format!("{} has no scope Moon.Land: it grants nothing", self.path("policy.toml"))
    }
}

#[test]
fn a_person_who_says_yes_gets_the_token() {
    for answer in ["y", "Y", "yes", "YES", " y "] {
        let folder = Folder::new();
        let ended = folder.mint_without_effect(&[], Some(&[Says(answer)]));
        assert_eq!(ended.exit, Exit::Done, "{answer:?} {ended:?}");
        assert_eq!(ended.questions, [QUESTION]);
        assert!(ended.err.starts_with(&format!("warning: {}\n", folder.warning())), "{ended:?}");
        assert_eq!(ended.out.split('.').count(), 3, "{ended:?}");
        assert!(fs::read_to_string(folder.path(".env")).unwrap().contains(ended.out.trim()));
    }
}

#[test]
fn a_person_who_says_anything_else_gets_nothing() {
    for answer in
        [Says(""), Says("n"), Says("no"), Says("ye"), Says("yep"), Says("yy"), Fails, Ends]
    {
        let folder = Folder::new();
        let ended = folder.mint_without_effect(&[], Some(&[answer]));
        assert_eq!((ended.exit, ended.out.as_str()), (Exit::Usage, ""), "{answer:?} {ended:?}");
        assert_eq!(ended.questions, [QUESTION]);
        let warning = folder.warning();
        assert_eq!(
            ended.err,
            format!(
                "warning: {warning}\nerror: nothing was minted: {warning}. Use --yes to mint anyway\n"
            )
        );
        assert!(!folder.has(".env"), "it was stored");
    }
}

#[test]
fn without_a_terminal_the_answer_is_the_flag_yes() {
    let folder = Folder::new();
    let unconfirmed = folder.mint_without_effect(&[], None);
    assert_eq!((unconfirmed.exit, unconfirmed.out.as_str()), (Exit::Usage, ""));
    assert!(unconfirmed.err.ends_with("Use --yes to mint anyway\n"), "{unconfirmed:?}");
    assert!(!folder.has(".env"));
    for person in [None, Some(&[][..])] {
        let flag = folder.mint_without_effect(&["--yes"], person);
        assert_eq!(flag.exit, Exit::Done, "{flag:?}");
        assert!(!flag.err.contains("Moon.Land: it grants nothing"), "{flag:?}");
        assert!(flag.questions.is_empty());
    }
}

#[test]
fn a_person_is_not_asked_about_what_the_policy_knows() {
    let folder = Folder::new();
    let policy = folder.path("policy.toml");
    let ended = run_asked(&["--policy", &policy, "--scope", "User.Read"], Some(&[]));
    assert_eq!(ended.exit, Exit::Done, "{ended:?}");
    assert!(ended.questions.is_empty() && !ended.err.contains("warning"), "{ended:?}");
}

#[test]
fn one_question_is_asked_about_all_the_warnings() {
    let folder = Folder::new();
    let ended = folder.mint_without_effect(&["--role", "astronaut"], Some(&[Says("n")]));
    assert_eq!(ended.questions.len(), 1);
    let role = "has no role astronaut: it grants nothing";
    assert_eq!(ended.err.matches("warning: ").count(), 2, "{ended:?}");
    assert!(ended.err.contains(role) && ended.err.contains(&folder.warning()), "{ended:?}");
}
