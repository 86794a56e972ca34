//! Passwords that are guessed first.
//!
//! Lists of passwords that were stolen hold few of fifteen characters, and those are short ones
//! drawn out: a word twice, a word and digits, the keys of a row. So there is no list of them here.
//! Instead what costs a guesser nothing is taken out, and what is left is counted:
//!
//! 1. A word of the list counts as two characters, a name of the user as none; letter case and the
//!    usual digits for letters (`p4ssw0rd`) do not matter.
//! 2. Three or more characters that follow each other in the alphabet, in the digits or on a row of
//!    keys, forwards or backwards, count as one.
//! 3. A character that is like one of the two before it counts as none.
//! 4. A part that has occurred before counts as none.
//!
//! A password is easy to guess if its first [`MOST`] characters count less than [`LEAST`].

/// What a password has to count.
const LEAST: usize = 8;

/// How many characters are counted: the time that it takes grows with their cube.
const MOST: usize = 128;

/// The words that most stolen passwords are made of, and names of this program.
const WORDS: &str = "password passwort passw0rd pass word admin administrator root user login \
    welcome qwerty azerty qwertz letmein iloveyou monkey dragon football baseball basketball \
    soccer hockey master sunshine princess shadow superman batman pokemon starwars trustno1 \
    whatever freedom mustang michael jennifer jordan jessica ashley daniel charlie thomas robert \
    andrew matthew joshua george hannah samantha nicole secret default changeme change test \
    testing guest access server system computer internet google facebook microsoft windows linux \
    oracle company summer winter spring autumn january february march april june july august \
    september october november december monday tuesday wednesday thursday friday saturday sunday \
    hello world love lovely angel baby family forever friends flower cookie chocolate cheese \
    banana orange purple yellow silver golden diamond killer hunter ranger tigger ginger pepper \
    buster thunder phoenix eagle liverpool chelsea arsenal manchester barcelona america london \
    berlin paris mexico canada russia china india please enter open sesame \
    bartizan token oauth claude chatgpt cursor example private temporary temp demo";

/// Rows of keys, the alphabet and the digits.
const ROWS: [&str; 8] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "!@#$%^&*()",
];

/// Whether a password is one of those that are guessed first, for the user who has these names.
pub(super) fn is_easy(password: &str, names: &[&str]) -> bool {
    count(password, names) < LEAST
}

fn count(password: &str, names: &[&str]) -> usize {
    let plain: Vec<char> = password.chars().flat_map(char::to_lowercase).take(MOST).collect();
    let letters: Vec<char> = plain.iter().copied().map(letter_for).collect();
    let names = names.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()));
    let known = Known { words: spelled(WORDS.split_whitespace()), names: spelled(names) };
    let (mut total, mut at) = (0, 0);
    while let Some((before, rest)) = plain.split_at_checked(at)
        && let Some(first) = rest.first()
    {
        let letters = letters.get(at..).unwrap_or_default();
        let alone = !before.iter().rev().take(2).any(|c| c == first);
        let (length, worth) =
            part(before, rest, letters, &known).unwrap_or((1, usize::from(alone)));
        total += worth;
        at += length;
    }
    total
}

/// What a guesser knows.
struct Known {
    words: Vec<Vec<char>>,
    names: Vec<Vec<char>>,
}

/// Words of four letters and more, spelled as passwords are compared.
fn spelled<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Vec<char>> {
    let spell = |word: &str| word.chars().flat_map(char::to_lowercase).map(letter_for).collect();
    words.map(spell).filter(|word: &Vec<char>| word.len() >= 4).collect()
}

/// The longest part at the beginning of `rest` that costs little to guess: its length, and what it
/// counts.
fn part(before: &[char], rest: &[char], letters: &[char], known: &Known) -> Option<(usize, usize)> {
    let longest = |words: &[Vec<char>]| {
        words.iter().filter(|word| letters.starts_with(word)).map(Vec::len).max()
    };
    let repeated = (3..=rest.len().min(before.len())).rev().find(|length| {
        let piece = rest.get(..*length).unwrap_or_default();
        before.windows(*length).any(|window| window == piece)
    });
    let parts = [
        (repeated, 0),
        (longest(&known.names), 0),
        (run_of_keys(rest), 1),
        (longest(&known.words), 2),
    ];
    let parts = parts.into_iter().filter_map(|(length, worth)| Some((length?, worth)));
    // Of two that are as long, the one that counts less.
    parts.max_by_key(|(length, worth)| (*length, usize::MAX - worth))
}

/// How many characters follow each other on one of the rows, if at least three do.
fn run_of_keys(text: &[char]) -> Option<usize> {
    let on = |row: Vec<char>| {
        let next = |a: char| row.iter().position(|c| *c == a).and_then(|at| row.get(at + 1));
        let pairs = text.iter().zip(text.iter().skip(1));
        1 + pairs.take_while(|(a, b)| next(**a) == Some(*b)).count()
    };
    let both_ways = ROWS.iter().flat_map(|row| {
        let forwards: Vec<char> = row.chars().collect();
        let backwards: Vec<char> = row.chars().rev().collect();
        [forwards, backwards]
    });
    both_ways.map(on).max().filter(|longest| *longest >= 3)
}

/// The letter that a digit or sign is used for.
fn letter_for(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_easy() {
        for easy in [
            "aaaaaaaaaaaaaaa",
            "abababababababab",
            "passwordpassword",
            "PasswordPassword1!",
            "p4ssw0rdp4ssw0rd",
            "Password123456789",
            "123456789012345",
            "1234567890123456",
            "987654321098765",
            "qwertyuiopasdfgh",
            "qwertyuiopasdfghjkl",
            "zxcvbnmasdfghjklq",
            "abcdefghijklmnop",
            "1q1q1q1q1q1q1q1q",
            "iloveyouiloveyou",
            "adminadminadmin1",
            "letmeinletmeinletmein",
            "alicealicealice1",
            "Alice Liddell 2024!",
            "bartizan-bartizan",
            "welcome2welcome2",
            "Summer2024Summer2024",
            "monkeydragonmonkey",
            "!@#$%^&*()!@#$%^",
            "               ",
        ] {
            assert!(
                is_easy(easy, &["alice", "Alice Liddell"]),
                "{easy}: {}",
                count(easy, &["alice"])
            );
        }
    }

    #[test]
    fn what_takes_many_guesses_is_not() {
        for hard in [
            "correct horse battery staple",
            "violet kettle sings at noon",
            "Tr0ub4dor&3 and a cat",
            "mein Fahrrad hat 3 Räder",
            "kQ8#vT2!mZ5&wR9",
            "8462 1907 5538 2210",
            "我的自行车有三个轮子而且很快很快真的",
        ] {
            assert!(!is_easy(hard, &["alice"]), "{hard}: {}", count(hard, &["alice"]));
        }
    }

    #[test]
    fn short_names_are_not_searched_for() {
        assert!(!is_easy("violet kettle sings", &["e", "et", ""]));
    }
}
