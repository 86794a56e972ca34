//! The `WWW-Authenticate` challenge of RFC 6750 §3, with `resource_metadata` of RFC 9728 §5.1:
//! printed by the server, parsed by the client.
//!
//! ```text
//! header     = #challenge                                         ; RFC 9110 §11.6.1
//! challenge  = scheme [ 1*SP ( token68 / #auth-param ) ]          ; RFC 9110 §11.3
//! auth-param = token BWS "=" BWS ( token / quoted-string )        ; RFC 9110 §11.2
//! ```
//!
//! 1. Members are printed in one fixed order, each at most once, all quoted.
//! 2. Parsing refuses a member that appears twice (RFC 9110 §11.2) and ignores unknown members.
//! 3. An answer may have several header lines, and each line several challenges of several schemes.
//!    [`Challenge::from_lines`] finds the `Bearer` one. A line that breaks the grammar is skipped,
//!    and spoils no other.
//! 4. Of several `Bearer` challenges the first that says anything counts, else the first.

use std::{fmt, str::FromStr};

use crate::{Scope, ScopeSet};

/// The error codes of RFC 6750 §3.1. There are no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BearerError {
    /// The request is malformed: 400.
    InvalidRequest,
    /// The token is expired, revoked, malformed or otherwise invalid: 401.
    InvalidToken,
    /// The token lacks a scope that a new token could have: 403.
    InsufficientScope,
}

impl BearerError {
    /// The code as it is written.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
        }
    }
}

/// A `Bearer` challenge.
///
/// ```
/// # use auth_core::{BearerError, Challenge};
/// let challenge = Challenge {
///     error: Some(BearerError::InsufficientScope),
///     scope: Some("Admin.Write".parse()?),
///     ..Challenge::default()
/// };
/// let text = r#"Bearer error="insufficient_scope", scope="Admin.Write""#;
/// assert_eq!(challenge.to_string(), text);
/// assert_eq!(text.parse::<Challenge>()?, challenge);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// What was wrong; absent when no token came (RFC 6750 §3.1).
    pub error: Option<BearerError>,
    /// For the developer: `%x20-21 / %x23-5B / %x5D-7E` only; other characters are printed as `?`.
    pub error_description: Option<String>,
    /// All scopes that this operation needs.
    pub scope: Option<ScopeSet>,
    /// Where the protected resource metadata lies (RFC 9728 §5.1).
    pub resource_metadata: Option<String>,
}

/// Why a header value holds no readable `Bearer` challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// No challenge of the scheme `Bearer`.
    #[error("no Bearer challenge")]
    NoBearer,
    /// Not the grammar of RFC 9110 §11.6.1.
    #[error("not a list of challenges (RFC 9110 section 11.6.1)")]
    Syntax,
    /// One member twice.
    #[error("a member of the challenge appears twice")]
    Repeated,
    /// `scope` is not a list of scopes.
    #[error("the challenge's scope is not a list of scopes")]
    Scope,
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope.as_ref().map(ToString::to_string);
        let members = [
            ("error", self.error.map(BearerError::code)),
            ("error_description", self.error_description.as_deref()),
            ("scope", scope.as_deref()),
            ("resource_metadata", self.resource_metadata.as_deref()),
        ];
        f.write_str("Bearer")?;
        let mut separator = " ";
        for (name, value) in members {
            let Some(value) = value else { continue };
            write!(f, "{separator}{name}=\"")?;
            for c in value.chars() {
                // RFC 6750 §3: neither quotes nor backslashes, so nothing ever needs escaping.
                let c = if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl FromStr for Challenge {
    type Err = ChallengeError;

    fn from_str(header: &str) -> Result<Self, ChallengeError> {
        Self::from_lines([header])
    }
}

impl Challenge {
    /// The `Bearer` challenge of an answer whose `WWW-Authenticate` lines are these.
    ///
    /// ```
    /// # use auth_core::{BearerError, Challenge};
    /// let lines = ["DPoP algs=\"ES256\"", "Basic realm=\"x\", Bearer error = invalid_token"];
    /// let challenge = Challenge::from_lines(lines)?;
    /// assert_eq!(challenge.error, Some(BearerError::InvalidToken));
    /// # Ok::<(), auth_core::ChallengeError>(())
    /// ```
    pub fn from_lines<'a>(
        lines: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ChallengeError> {
        let mut bare = None;
        let mut fault = None;
        for line in lines {
            let challenges = match all(line) {
                Ok(challenges) => challenges,
                Err(error) => {
                    fault.get_or_insert(error);
                    continue;
                }
            };
            for (scheme, members) in challenges {
                if !scheme.eq_ignore_ascii_case("Bearer") {
                    continue;
                }
                match Self::from_members(members) {
                    Ok(challenge) if challenge == Self::default() => {
                        bare.get_or_insert(challenge);
                    }
                    Ok(challenge) => return Ok(challenge),
                    Err(error) => {
                        fault.get_or_insert(error);
                    }
                }
            }
        }
        bare.ok_or(fault.unwrap_or(ChallengeError::NoBearer))
    }

    fn from_members(members: Vec<(String, String)>) -> Result<Self, ChallengeError> {
        let mut challenge = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in members {
            if seen.contains(&name) {
                return Err(ChallengeError::Repeated);
            }
            match name.as_str() {
                "error" => {
                    challenge.error = [
                        BearerError::InvalidRequest,
                        BearerError::InvalidToken,
                        BearerError::InsufficientScope,
                    ]
                    .into_iter()
                    .find(|error| error.code() == value);
                }
                "error_description" => challenge.error_description = Some(value),
                "scope" => {
                    // One space between two scopes is the rule; more of them change no meaning.
                    let scopes = value.split(' ').filter(|scope| !scope.is_empty());
                    let scopes: Result<ScopeSet, _> = scopes.map(str::parse::<Scope>).collect();
                    challenge.scope = Some(scopes.map_err(|_| ChallengeError::Scope)?);
                }
                "resource_metadata" => challenge.resource_metadata = Some(value),
                _ => {}
            }
            seen.push(name);
        }
        Ok(challenge)
    }
}

/// The members of a challenge, their names in lower case.
type Members = Vec<(String, String)>;

/// Every challenge of one header line: its scheme and its members.
fn all(line: &str) -> Result<Vec<(&str, Members)>, ChallengeError> {
    let mut rest = Cursor(line);
    let mut challenges = Vec::new();
    loop {
        rest.skip_separators();
        if rest.0.is_empty() {
            return Ok(challenges);
        }
        let scheme = rest.token()?;
        if !at_list_end(rest.0) && !rest.0.starts_with([' ', '\t']) {
            return Err(ChallengeError::Syntax);
        }
        challenges.push((scheme, rest.members()?));
    }
}

/// What is left to read of a header line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// Returns whether a comma was among them.
    fn skip_separators(&mut self) -> bool {
        let rest = self.0.trim_start_matches([' ', '\t', ',']);
        let skipped = self.0.len() - rest.len();
        let has_comma = self.0.get(..skipped).is_some_and(|skipped| skipped.contains(','));
        self.0 = rest;
        has_comma
    }

    fn skip_spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, c: char) -> bool {
        self.0.strip_prefix(c).is_some_and(|rest| {
            self.0 = rest;
            true
        })
    }

    /// `1*tchar` (RFC 9110 §5.6.2).
    fn token(&mut self) -> Result<&'a str, ChallengeError> {
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_tchar(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at(end);
        self.0 = rest;
        if token.is_empty() { Err(ChallengeError::Syntax) } else { Ok(token) }
    }

    /// The members of one challenge, up to the next challenge's scheme or the end.
    fn members(&mut self) -> Result<Members, ChallengeError> {
        let mut members = Vec::new();
        self.skip_spaces();
        if self.skip_token68() {
            return Ok(members);
        }
        loop {
            let before = self.0;
            let has_comma = self.skip_separators();
            if self.0.is_empty() {
                return Ok(members);
            }
            let name = self.token()?;
            self.skip_spaces();
            if !self.eat('=') {
                // This was the next challenge's scheme, which only a comma can introduce.
                self.0 = before;
                return if has_comma { Ok(members) } else { Err(ChallengeError::Syntax) };
            }
            self.skip_spaces();
            let value =
                if self.eat('"') { self.quoted()? } else { self.token().map(str::to_owned)? };
            members.push((name.to_ascii_lowercase(), value));
            if !at_list_end(self.0) {
                return Err(ChallengeError::Syntax);
            }
        }
    }

    /// Skips what other schemes have in place of members (RFC 9110 §11.2), as in `Negotiate
    /// YII/a==`.
    fn skip_token68(&mut self) -> bool {
        let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let padding = self.0.trim_start_matches(is_token68);
        let rest = padding.trim_start_matches('=');
        let found = padding.len() < self.0.len() && at_list_end(rest);
        if found {
            self.0 = rest;
        }
        found
    }

    /// The rest of a quoted-string (RFC 9110 §5.6.4), the opening quote already read.
    fn quoted(&mut self) -> Result<String, ChallengeError> {
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        while let Some((index, c)) = chars.next() {
            let c = match c {
                '"' => {
                    self.0 = self.0.get(index + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => chars.next().ok_or(ChallengeError::Syntax)?.1,
                c => c,
            };
            if c != '\t' && c.is_ascii_control() {
                return Err(ChallengeError::Syntax);
            }
            value.push(c);
        }
        Err(ChallengeError::Syntax)
    }
}

/// Whether a challenge or a member may end here.
fn at_list_end(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Challenge, ChallengeError> {
        text.parse()
    }

    #[test]
    fn a_full_challenge_prints_in_one_order_and_reads_back() {
        let challenge = Challenge {
            error: Some(BearerError::InvalidToken),
            error_description: Some("The token is not valid".into()),
            scope: Some("b a".parse().unwrap()),
            resource_metadata: Some("https://mcp.example/.well-known/x".into()),
        };
        let text = r#"Bearer error="invalid_token", error_description="The token is not valid", scope="a b", resource_metadata="https://mcp.example/.well-known/x""#;
        assert_eq!(challenge.to_string(), text);
        assert_eq!(parse(text), Ok(challenge));
        assert_eq!(Challenge::default().to_string(), "Bearer");
        for bare in ["Bearer", "bearer ", "Basic, Bearer", "Basic , Bearer", "Basic a==\t,Bearer"] {
            assert_eq!(parse(bare), Ok(Challenge::default()), "{bare}");
        }
    }

    #[test]
    fn hostile_text_cannot_break_out_of_its_quotes() {
        let challenge = Challenge {
            error_description: Some("a\", scope=\"root\r\nX: y\\é".into()),
            ..Challenge::default()
        };
        let text = challenge.to_string();
        assert_eq!(text, r#"Bearer error_description="a?, scope=?root??X: y??""#);
        assert_eq!(parse(&text).unwrap().scope, None);
    }

    #[test]
    fn other_spellings_are_read() {
        let challenge = parse(r#"Bearer , error="invalid_token""#).unwrap();
        assert_eq!(challenge.error, Some(BearerError::InvalidToken));
        let challenge = parse(r#"bearer ERROR = invalid_token ,, scope="a \b",foo=bar"#).unwrap();
        assert_eq!(challenge.error, Some(BearerError::InvalidToken));
        assert_eq!(challenge.scope, Some("a b".parse().unwrap()));
        assert_eq!(parse(r#"Bearer error="other""#).unwrap().error, None);
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        for header in [
            r#"Basic realm="x", Bearer error="invalid_token""#,
            r#"Bearer error="invalid_token", Basic realm="x""#,
            r#"Negotiate abc==, Bearer error="invalid_token""#,
            r#"Negotiate abc, Bearer error="invalid_token""#,
            r#"Negotiate, Bearer error="invalid_token""#,
            r#"Negotiate , Bearer error="invalid_token""#,
            r#"Negotiate YII/a+b=, Bearer error="invalid_token""#,
            "Bearer error=invalid_token , Negotiate YII/a+b=",
        ] {
            let error = parse(header).unwrap_or_else(|fault| panic!("{header}: {fault}")).error;
            assert_eq!(error, Some(BearerError::InvalidToken), "{header}");
        }
    }

    #[test]
    fn faults_are_named() {
        assert_eq!(parse(""), Err(ChallengeError::NoBearer));
        assert_eq!(parse(r#"Basic realm="x""#), Err(ChallengeError::NoBearer));
        assert_eq!(parse(r#"Bearer error="a", error="b""#), Err(ChallengeError::Repeated));
        assert_eq!(parse(r#"Bearer foo="a", Foo="b""#), Err(ChallengeError::Repeated));
        assert_eq!(parse(r#"Bearer scope="a é""#), Err(ChallengeError::Scope));
        assert_eq!(parse(r#"Bearer error="a"#), Err(ChallengeError::Syntax));
        assert_eq!(parse(r#"Bearer error="a\"#), Err(ChallengeError::Syntax));
        assert_eq!(parse(r#"Bearer error="a" scope="b""#), Err(ChallengeError::Syntax));
        for broken in [
            "Bearer \"x\"",
            "Bearer x y",
            "Basic a b, Bearer",
            "Bearer/x",
            "Bearer error=\"a\u{7}\"",
        ] {
            assert_eq!(parse(broken), Err(ChallengeError::Syntax), "{broken}");
        }
    }

    #[test]
    fn white_space_changes_nothing() {
        for header in [
            r#"Bearer error="invalid_token",scope="a b""#,
            r#"Bearer error = "invalid_token" , scope = "a b""#,
            "Bearer\terror\t=\t\"invalid_token\"\t,\tscope=\"a b\"",
            r#"  , Bearer error= invalid_token,scope =" a  b ""#,
        ] {
            let challenge = parse(header).unwrap_or_else(|fault| panic!("{header}: {fault}"));
            assert_eq!(challenge.error, Some(BearerError::InvalidToken), "{header}");
            assert_eq!(challenge.scope, Some("a b".parse().unwrap()), "{header}");
        }
    }

    #[test]
    fn every_line_is_read_and_a_broken_one_spoils_no_other() {
        let ours = r#"Bearer error="insufficient_scope", scope="write""#;
        for lines in [
            vec![ours],
            vec!["DPoP algs=\"ES256\"", ours],
            vec![ours, "DPoP algs=\"ES256\""],
            vec!["Bearer", ours],
            vec!["Bearer realm=\"x\"", "Negotiate", ours],
            vec!["Bearer, Bearer error=\"insufficient_scope\", scope=\"write\""],
            vec!["Basic realm=\"open", ours],
            vec!["Bearer error=\"a\", error=\"b\"", ours],
        ] {
            let read = Challenge::from_lines(lines.iter().copied());
            assert_eq!(read, parse(ours), "{lines:?}");
        }
        assert_eq!(Challenge::from_lines([]), Err(ChallengeError::NoBearer));
        assert_eq!(Challenge::from_lines(["Basic", "Bearer"]), Ok(Challenge::default()));
        assert_eq!(Challenge::from_lines(["Basic", "a=b"]), Err(ChallengeError::Syntax));
    }
}
