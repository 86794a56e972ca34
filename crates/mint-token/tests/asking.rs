//! Somebody sits at the terminal: what is asked, and what comes of each answer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a function of a test fails with it")]

use std::{collections::VecDeque, fs, io, path::Path};

use auth_core::{Clock, NumericDate};
use mint_token::{Ask, Exit, World, run};
use settings::Environment;
use tempfile::TempDir;
use zeroize::Zeroizing;

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";
const QUESTION: &str = "Mint it all the same? [y/N] ";
const POLICY: &str =
    "[scopes]\n\"User.Read\" = \"Read your own data\"\n[roles]\nuser = [\"User.Read\"]\n";
const PASSPHRASE: &str = "Zq7 open sesame";
const SEALED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// 2027-01-15T08:00:00Z, for ever.
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
    /// The terminal went away, or Ctrl-D was pressed.
    Fails,
}
use Person::{Fails, Says};

/// How a run ended, and what was seen of it.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    out: String,
    err: String,
    /// The questions with an answer that may be seen, and those with one that may not.
    questions: Vec<String>,
    secrets: Vec<String>,
}

/// Runs with `args` in front of somebody who answers with `answers`, or of nobody.
fn run_asked(args: &[&str], answers: Option<&[Person]>) -> Ended {
    let mut answers: Option<VecDeque<_>> = answers.map(|some| some.iter().copied().collect());
    let (mut questions, mut secrets) = (Vec::new(), Vec::new());
    let mut out = anstream::StripStream::new(Vec::new());
    let mut err = anstream::StripStream::new(Vec::new());
    let is_attended = answers.is_some();
    let mut ask = |what: Ask<'_>| -> io::Result<Zeroizing<String>> {
        match what {
            Ask::Question(text) => questions.push(text.to_owned()),
            Ask::Secret(text) => secrets.push(text.to_owned()),
        }
        match answers.as_mut().and_then(VecDeque::pop_front) {
            Some(Says(text)) => Ok(Zeroizing::new(text.to_owned())),
            Some(Fails) => Err(io::ErrorKind::UnexpectedEof.into()),
            None => panic!("asked once more than there are answers"),
        }
    };
    let mut world = World {
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
        err: &mut err,
    };
    let args = std::iter::once("mint-token").chain(args.iter().copied());
    let exit = run(args.map(Into::into), &mut world);
    if let Some(left) = &answers {
        assert!(left.is_empty(), "answers that nobody asked for: {left:?}");
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ended = Ended {
        exit,
        out: text(out.into_inner()),
        err: text(err.into_inner()),
        questions,
        secrets,
    };
    assert!(!format!("{ended:?}").contains(PASSPHRASE), "the passphrase is shown: {ended:?}");
    ended
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

    /// Mints with a scope that the policy does not know, and stores it where nobody said no.
    fn mint_doubtful(&self, more: &[&str], answers: Option<&[Person]>) -> Ended {
        let (policy, env) = (self.path("policy.toml"), self.path(".env"));
        let args = ["--policy", &policy, "--scope", "Moon.Land", "--env-file", &env, "--save"];
        run_asked(&[&args[..], more].concat(), answers)
    }

    /// `keygen --encrypt` in front of somebody.
    fn keygen(&self, answers: Option<&[Person]>) -> Ended {
        run_asked(&["keygen", "--encrypt", "--out", &self.path("key.pem")], answers)
    }

    fn doubt(&self) -> String {
        format!("{} knows no scope Moon.Land: it grants nothing", self.path("policy.toml"))
    }
}

#[test]
fn a_person_who_says_yes_gets_the_doubtful_token() {
    for answer in ["y", "Y", "yes", "YES", " y "] {
        let folder = Folder::new();
        let ended = folder.mint_doubtful(&[], Some(&[Says(answer)]));
        assert_eq!(ended.exit, Exit::Done, "{answer:?} {ended:?}");
        assert_eq!(ended.questions, [QUESTION]);
        assert!(ended.secrets.is_empty());
        assert!(ended.err.starts_with(&format!("warning: {}\n", folder.doubt())), "{ended:?}");
        assert_eq!(ended.out.split('.').count(), 3, "{ended:?}");
        assert!(fs::read_to_string(folder.path(".env")).unwrap().contains(ended.out.trim()));
    }
}

#[test]
fn a_person_who_says_anything_else_gets_nothing() {
    for answer in [Says(""), Says("n"), Says("no"), Says("ye"), Says("yep"), Says("yy"), Fails] {
        let folder = Folder::new();
        let ended = folder.mint_doubtful(&[], Some(&[answer]));
        assert_eq!((ended.exit, ended.out.as_str()), (Exit::Usage, ""), "{answer:?} {ended:?}");
        assert_eq!(ended.questions, [QUESTION]);
        let doubt = folder.doubt();
        assert_eq!(
            ended.err,
            format!(
                "warning: {doubt}\nerror: nothing was minted: {doubt}. Say --yes to mint it all the same\n"
            )
        );
        assert!(!folder.has(".env"), "it was stored all the same");
    }
}

#[test]
fn nobody_is_a_no_and_yes_is_a_flag() {
    let folder = Folder::new();
    let nobody = folder.mint_doubtful(&[], None);
    assert_eq!((nobody.exit, nobody.out.as_str()), (Exit::Usage, ""));
    assert!(nobody.err.ends_with("Say --yes to mint it all the same\n"), "{nobody:?}");
    assert!(!folder.has(".env"));
    for person in [None, Some(&[][..])] {
        let flag = folder.mint_doubtful(&["--yes"], person);
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
fn one_question_is_asked_about_all_the_doubts() {
    let folder = Folder::new();
    let ended = folder.mint_doubtful(&["--role", "astronaut"], Some(&[Says("n")]));
    assert_eq!(ended.questions.len(), 1);
    let role = "knows no role astronaut: it grants nothing";
    assert_eq!(ended.err.matches("warning: ").count(), 2, "{ended:?}");
    assert!(ended.err.contains(role) && ended.err.contains(&folder.doubt()), "{ended:?}");
}

#[test]
fn a_new_passphrase_is_asked_for_twice_and_a_known_one_once() {
    let folder = Folder::new();
    let made = folder.keygen(Some(&[Says(PASSPHRASE), Says(PASSPHRASE)]));
    assert_eq!(made.exit, Exit::Done, "{made:?}");
    assert_eq!(made.secrets, ["Passphrase: ", "The same once more: "]);
    assert!(made.questions.is_empty());
    let key = folder.path("key.pem");
    assert!(fs::read_to_string(&key).unwrap().starts_with(SEALED));

    let signed = run_asked(&["--key", &key], Some(&[Says(PASSPHRASE)]));
    assert_eq!(signed.exit, Exit::Done, "{signed:?}");
    assert_eq!(signed.secrets, ["Passphrase: "]);
    // The `kid` in the token's header is the one that keygen told.
    let kid = made.out.split_whitespace().nth(1).unwrap();
    let token = signed.out.trim();
    fs::write(folder.path("token.txt"), token).unwrap();
    let seen = run_asked(&["inspect", &folder.path("token.txt")], None);
    assert!(seen.out.contains(kid), "{kid} {seen:?}");

    let keys = folder.path("keys");
    fs::create_dir(&keys).unwrap();
    fs::rename(&key, Path::new(&keys).join("key.pem")).unwrap();
    let set = run_asked(&["jwks", &keys], Some(&[Says(PASSPHRASE)]));
    assert_eq!((set.exit, set.secrets.len()), (Exit::Done, 1), "{set:?}");
    assert!(set.out.contains(kid) && !set.out.contains("\"d\""), "{set:?}");
}

#[test]
fn no_key_is_made_without_two_equal_passphrases() {
    for (answers, asked, why) in [
        (&[Says(PASSPHRASE), Says("Zq7 open sesam")][..], 2, "the two passphrases differ"),
        (&[Says(PASSPHRASE), Says("")], 2, "the two passphrases differ"),
        (&[Says(""), Says(PASSPHRASE)], 2, "the two passphrases differ"),
        (&[Says(""), Says("")], 2, "the passphrase is empty"),
        (&[Fails], 1, "a passphrase is needed: name its file with --passphrase-file"),
        (
            &[Says(PASSPHRASE), Fails],
            2,
            "a passphrase is needed: name its file with --passphrase-file",
        ),
    ] {
        let folder = Folder::new();
        let ended = folder.keygen(Some(answers));
        assert_eq!((ended.exit, ended.out.as_str()), (Exit::Usage, ""), "{answers:?} {ended:?}");
        assert_eq!(ended.err, format!("error: {why}\n"), "{answers:?}");
        assert_eq!(ended.secrets.len(), asked, "{answers:?}");
        assert!(!folder.has("key.pem"), "{answers:?}: a key was written");
    }
}

#[test]
fn nobody_to_ask_makes_no_key_and_opens_none() {
    let folder = Folder::new();
    let why = "a passphrase is needed: name its file with --passphrase-file\n";
    let ended = folder.keygen(None);
    assert_eq!((ended.exit, ended.err), (Exit::Usage, format!("error: {why}")));
    assert!(!folder.has("key.pem"));

    assert_eq!(folder.keygen(Some(&[Says(PASSPHRASE); 2])).exit, Exit::Done);
    let key = folder.path("key.pem");
    let ended = run_asked(&["--key", &key], None);
    assert_eq!((ended.exit, ended.out.as_str()), (Exit::Usage, ""));
    assert!(ended.err.starts_with(&format!("error: --key {why}")), "{ended:?}");
}

#[test]
fn a_wrong_passphrase_or_none_opens_no_key() {
    let folder = Folder::new();
    assert_eq!(folder.keygen(Some(&[Says(PASSPHRASE); 2])).exit, Exit::Done);
    let key = folder.path("key.pem");
    for (answer, why) in [
        (Says("open says me"), format!("{key}: the passphrase does not open it")),
        (Says(""), "the passphrase is empty".to_owned()),
        (Fails, "a passphrase is needed: name its file with --passphrase-file".to_owned()),
    ] {
        // Asked once, and not until it fits.
        let ended = run_asked(&["--key", &key], Some(&[answer]));
        assert_eq!((ended.exit, ended.out.as_str()), (Exit::Usage, ""), "{answer:?} {ended:?}");
        assert!(ended.err.starts_with(&format!("error: --key {why}\n")), "{ended:?}");
    }
}

#[test]
fn a_file_with_the_passphrase_is_not_asked_about() {
    let folder = Folder::new();
    let file = folder.path("pass.txt");
    fs::write(&file, format!("{PASSPHRASE}\n")).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let key = folder.path("key.pem");
    let made = run_asked(&["keygen", "--out", &key, "--passphrase-file", &file], Some(&[]));
    assert_eq!(made.exit, Exit::Done, "{made:?}");
    let signed = run_asked(&["--key", &key, "--passphrase-file", &file], Some(&[]));
    assert_eq!(signed.exit, Exit::Done, "{signed:?}");
}
