//! What holds for every redirect URI, every form, every family of refresh tokens and every code.

use std::{collections::BTreeMap, time::Duration};

use auth_core::{
    NumericDate,
    oauth::{
        AccessTokenRequest, AuthorizationRequest, CodeChallenge, CodeDecision, CodeState,
        CodeVerifier, DeviceState, Form, GrantType, MetadataUrl, PollDecision, Polling,
        PresentedClient, REFRESH_GRACE, RedirectTarget, RedirectUri, RefreshDecision,
        RefreshFamily, RefreshToken, Rotation, SecretDigest, State, StoredCode, UserCode, encode,
        parse_document, parse_registration,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, prelude::*, sample::select};
use url::Url;

const IDLE: Duration = Duration::from_hours(24);

fn at(secs: u64) -> NumericDate {
    NumericDate::EPOCH.plus(Duration::from_secs(1_800_000_000 + secs))
}

/// A store of one family: what a server writes down, and no token.
struct Store {
    family: RefreshFamily,
    generations: BTreeMap<[u8; 32], u64>,
    salt: [u8; 32],
    randomness: u8,
}

impl Store {
    fn new(first: &RefreshToken) -> Self {
        let generations = BTreeMap::from([(*first.digest().as_bytes(), 0)]);
        Self { family: RefreshFamily::new(at(0)), generations, salt: [0; 32], randomness: 0 }
    }

    /// The token endpoint: the successor, or `None` for `invalid_grant`.
    fn refresh(&mut self, token: &RefreshToken, now: NumericDate) -> Option<RefreshToken> {
        let generation = *self.generations.get(token.digest().as_bytes())?;
        match self.family.present(generation, Rotation::Rotate, IDLE, now) {
            RefreshDecision::Rotate(family) => {
                self.randomness = self.randomness.wrapping_add(1);
                self.salt = [self.randomness; 32];
                let next = token.successor(self.salt);
                self.generations.insert(*next.digest().as_bytes(), family.generation());
                self.family = family;
                Some(next)
            }
            RefreshDecision::Repeat => Some(token.successor(self.salt)),
            RefreshDecision::Keep(_) => panic!("a public client's token was kept"),
            RefreshDecision::End(family) => {
                self.family = family;
                None
            }
            RefreshDecision::Refuse => None,
        }
    }
}

/// A process: each reads the token that it shares with the others, and refreshes a while later.
#[derive(Debug, Clone)]
struct Race {
    /// Seconds from the first refresh to each of the others.
    delays: Vec<u64>,
    /// Seconds until all of them refresh again.
    pause: u64,
}

fn race() -> impl Strategy<Value = Race> {
    (vec(0..=REFRESH_GRACE.as_secs(), 8), 1..IDLE.as_secs() - 60)
        .prop_map(|(delays, pause)| Race { delays, pause })
}

proptest! {
    #[test]
    fn nine_processes_that_race_keep_one_family(races in vec(race(), 1..6)) {
        let mut token = RefreshToken::from_random([7; 32]);
        let mut store = Store::new(&token);
        let mut now = 0;
        for Race { mut delays, pause } in races {
            delays.sort_unstable();
            let next = store.refresh(&token, at(now)).unwrap();
            for delay in &delays {
                let same = store.refresh(&token, at(now + delay)).unwrap();
                prop_assert_eq!(same.digest(), next.digest());
            }
            now += delays.last().unwrap() + pause;
            token = next;
        }
        prop_assert!(!store.family.has_ended());
    }

    #[test]
    fn a_replay_ends_the_family_for_every_token(
        uses in 1..6_usize,
        replayed in 0..5_usize,
        later in 0..600_u64,
    ) {
        let mut tokens = vec![RefreshToken::from_random([7; 32])];
        let mut store = Store::new(&tokens[0]);
        for secs in 0..uses {
            let next = store.refresh(&tokens[secs], at(secs as u64)).unwrap();
            tokens.push(next);
        }
        let replayed = replayed.min(uses - 1);
        let is_previous = replayed + 1 == uses;
        let now = uses as u64 - 1 + later;
        let answer = store.refresh(&tokens[replayed], at(now));
        let in_grace = is_previous && later <= REFRESH_GRACE.as_secs();
        prop_assert_eq!(answer.is_some(), in_grace);
        prop_assert_eq!(store.family.has_ended(), !in_grace);
        if !in_grace {
            for token in &tokens {
                prop_assert!(store.refresh(token, at(now)).is_none());
            }
        }
    }

    /// Whatever happens, at most two generations are usable, and what has ended stays ended.
    #[test]
    fn a_family_never_goes_back(events in vec((0..8_u64, 0..100_u64), 0..40)) {
        let mut family = RefreshFamily::new(at(0));
        let mut now = 0;
        for (generation, pause) in events {
            now += pause;
            let before = family;
            let decision = family.present(generation, Rotation::Rotate, IDLE, at(now));
            let behind = before.generation().checked_sub(generation);
            match decision {
                RefreshDecision::Rotate(next) => {
                    prop_assert_eq!(behind, Some(0));
                    prop_assert_eq!(next.generation(), before.generation() + 1);
                    family = next;
                }
                RefreshDecision::Repeat => {
                    prop_assert_eq!(behind, Some(1));
                    prop_assert!(at(now).since(before.issued_at()) <= REFRESH_GRACE);
                }
                RefreshDecision::End(next) => {
                    prop_assert!(behind >= Some(1) && next.has_ended());
                    family = next;
                }
                RefreshDecision::Refuse => {
                    prop_assert!(before.has_ended() || behind.is_none());
                }
                RefreshDecision::Keep(_) => prop_assert!(false, "rotated clients keep no token"),
            }
            prop_assert!(!before.has_ended() || family == before);
        }
    }
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

proptest! {
    /// However requests for one code follow each other, tokens are issued at most once, only for a
    /// valid one in time, and are revoked by the next valid one and by nothing else.
    #[test]
    fn a_code_is_exchanged_at_most_once(
        events in vec((any::<bool>(), any::<bool>(), any::<bool>(), 0..30_u64), 0..12),
    ) {
        let query = [
            ("response_type", "code"), ("client_id", "c1"), ("redirect_uri", "app:/cb"),
            ("code_challenge", CHALLENGE), ("code_challenge_method", "S256"),
        ];
        let registration = br#"{"redirect_uris":["app:/cb"]}"#;
        let client = parse_registration(registration, &GrantType::ALL.into()).unwrap();
        let served = ["https://mcp.example".parse().unwrap()];
        let request = AuthorizationRequest::parse(encode(query).as_bytes()).unwrap();
        let authorization = request.check(&client, &served).unwrap();
        let mut code = StoredCode::new(&authorization, at(0));
        let (mut now, mut issued) = (0, 0);
        for (is_client, is_verifier, is_uri, pause) in events {
            now += pause;
            let form = encode([
                ("grant_type", "authorization_code"),
                ("code", "c"),
                ("code_verifier", if is_verifier { VERIFIER } else { CHALLENGE }),
                ("redirect_uri", if is_uri { "app:/cb" } else { "app:/other" }),
            ]);
            let form = Form::parse(form.as_bytes()).unwrap();
            let request = AccessTokenRequest::parse(&form).unwrap();
            let client_id = if is_client { "c1" } else { "c2" }.parse().unwrap();
            let is_valid = is_client && is_verifier && is_uri;
            match code.exchange(&client_id, &request, at(now)) {
                CodeDecision::Issue => {
                    prop_assert!(is_valid && now < 60);
                    issued += 1;
                    code.state = CodeState::Exchanged;
                }
                CodeDecision::Revoke(_) => prop_assert!(is_valid && issued == 1),
                CodeDecision::Refuse(_) => prop_assert!(!is_valid || (issued == 0 && now >= 60)),
            }
        }
        prop_assert!(issued <= 1);
    }

    #[test]
    fn an_interval_never_shrinks_and_a_patient_device_gets_its_answer(
        pauses in vec(0..90_u64, 0..30),
    ) {
        let (mut polling, mut now) = (Polling::default(), 0);
        for pause in pauses {
            now += pause;
            match polling.poll(DeviceState::Pending, at(10_000), at(now)) {
                PollDecision::Wait(next, _) => {
                    prop_assert!(next.interval() >= polling.interval());
                    prop_assert!(next.interval() <= Duration::from_mins(1));
                    polling = next;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let answer = polling.poll(DeviceState::Approved, at(10_000), at(now));
        prop_assert_eq!(answer, PollDecision::Issue);
    }
}

/// Texts that are nearly redirect URIs.
fn near_uri() -> impl Strategy<Value = String> {
    let scheme = select(vec!["http", "https", "app", "javascript", "data", "HTTP", "ms-x", ""]);
    let separator = select(vec!["://", ":/", ":", ":///", ":\\\\", "%3A//"]);
    let host = select(vec![
        "localhost",
        "127.0.0.1",
        "[::1]",
        "client.example",
        "a@client.example",
        "LOCALHOST",
        "127.1",
        "xn--bcher-kva.example",
        "localhost.evil.example",
        "",
        "client.example\\",
        "cl%69ent.example",
    ]);
    let port = select(vec!["", ":80", ":443", ":8080", ":0", ":", ":99999", ":8a"]);
    let path = "(/|\\.|\\.\\.|%2e|a|cb|\\?|#|&|=|%0a|@|\\\\|é| ){0,6}";
    (scheme, separator, host, port, path)
        .prop_map(|parts| [parts.0, parts.1, parts.2, parts.3, &parts.4].concat())
}

proptest! {
    /// What is accepted is what a browser goes to: same scheme, same host, no other path.
    #[test]
    fn a_redirect_uri_means_to_a_browser_what_it_says(text in near_uri()) {
        let Ok(uri) = text.parse::<RedirectUri>() else { return Ok(()) };
        prop_assert_eq!(uri.as_str(), &text);
        prop_assert!(text.bytes().all(|byte| matches!(byte, b'!'..=b'~')));
        let url = Url::parse(&text).unwrap();
        prop_assert!(url.fragment().is_none() && url.username().is_empty());
        let path = text.split_once("://").map_or(&*text, |(_, rest)| rest);
        let path = path.find('/').map_or("/", |start| &path[start..]);
        match uri.target() {
            RedirectTarget::Web(host) => {
                prop_assert_eq!((url.scheme(), url.host_str()), ("https", Some(host)));
                prop_assert_eq!(url.path(), path.split('?').next().unwrap());
            }
            RedirectTarget::Loopback(host) => {
                prop_assert_eq!((url.scheme(), url.host_str()), ("http", Some(host)));
                prop_assert!(["localhost", "127.0.0.1", "[::1]"].contains(&host));
            }
            RedirectTarget::PrivateUse(scheme) => {
                prop_assert_eq!((url.scheme(), url.as_str()), (scheme, &*text));
            }
        }
    }

    /// A registered URI permits itself; what it permits beside itself is another port on the same
    /// loopback host.
    #[test]
    fn a_registered_uri_permits_a_port_and_nothing_else(one in near_uri(), other in near_uri()) {
        let (Ok(one), Ok(other)) = (one.parse::<RedirectUri>(), other.parse::<RedirectUri>()) else {
            return Ok(());
        };
        prop_assert!(one.permits(&one));
        prop_assert_eq!(one.permits(&other), other.permits(&one));
        if one.permits(&other) && one != other {
            prop_assert!(matches!(one.target(), RedirectTarget::Loopback(_)));
            let without_port = |uri: &RedirectUri| {
                let mut url = Url::parse(uri.as_str()).unwrap();
                url.set_port(None).unwrap();
                url
            };
            prop_assert_eq!(without_port(&one), without_port(&other));
        }
    }

    #[test]
    fn forms_read_back_as_they_were_written(pairs in vec(("[a-z]{1,8}", "\\PC{1,20}"), 0..20)) {
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        let text = encode(pairs.iter().map(|(name, value)| (&**name, &**value)));
        prop_assert!(text.bytes().all(|byte| byte != b'+' && byte != b' ' && byte.is_ascii()));
        let form = Form::parse(text.as_bytes()).unwrap();
        for (name, value) in &pairs {
            prop_assert_eq!(form.get(name), Some(&**value));
        }
    }

    /// A state comes back byte for byte, whatever the client's own decoder is.
    #[test]
    fn a_state_comes_back_as_it_was(text in "[ -~]{1,80}") {
        let state: State = text.parse().unwrap();
        let uri: RedirectUri = "app:/cb".parse().unwrap();
        let location = uri.with_query(&encode([("state", state.as_str())]));
        let url = Url::parse(&location).unwrap();
        let read = url.query_pairs().next().unwrap();
        prop_assert_eq!((&*read.0, &*read.1), ("state", &*text));
        // A decoder that leaves `+` as it is reads the same.
        prop_assert!(!location.contains('+'));
    }

    #[test]
    fn user_codes_read_back_however_they_are_typed(
        random in any::<[u8; 16]>(),
        seed in any::<u8>(),
    ) {
        let code = UserCode::from_random(random);
        let typed: String = code
            .to_string()
            .chars()
            .enumerate()
            .flat_map(|(place, c)| {
                let bit = seed >> (place % 8) & 1 == 1;
                let c = if bit { c.to_ascii_lowercase() } else { c };
                [Some(c), bit.then_some(' ')]
            })
            .flatten()
            .collect();
        prop_assert_eq!(typed.parse(), Ok(code));
    }

    #[test]
    fn a_verifier_meets_its_own_challenge_only(
        one in "[A-Za-z0-9._~-]{43,128}",
        other in "[A-Za-z0-9._~-]{43,128}",
    ) {
        let digest = sha256(&one);
        let challenge: CodeChallenge = URL_SAFE_NO_PAD.encode(digest).parse().unwrap();
        let verifier = |text: &str| text.parse::<CodeVerifier>().unwrap();
        prop_assert!(challenge.is_met_by(&verifier(&one)));
        prop_assert_eq!(challenge.is_met_by(&verifier(&other)), one == other);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..200), text in "\\PC{0,100}") {
        let supported = GrantType::ALL.into();
        let url: MetadataUrl = "https://client.example/client.json".parse().unwrap();
        let served = ["https://mcp.example".parse().unwrap()];
        for bytes in [&bytes, text.as_bytes()] {
            let _ = parse_registration(bytes, &supported);
            let _ = parse_document(&url, bytes, &supported);
            let _ = AuthorizationRequest::parse(bytes).map(drop);
            let Ok(form) = Form::parse(bytes) else { continue };
            let _ = AccessTokenRequest::parse(&form);
            let _ = PresentedClient::parse([bytes], &form);
            let _ = auth_core::oauth::DeviceAuthorizationRequest::parse(&form, &served);
        }
        let _ = text.parse::<RedirectUri>();
        let _ = text.parse::<MetadataUrl>();
        let _ = text.parse::<UserCode>();
    }

    /// A request that is nearly right never redirects to what was not registered.
    #[test]
    fn an_answer_goes_to_a_registered_uri_only(
        uri in near_uri(),
        names in vec(select(vec!["state", "scope", "resource", "response_type", "client_id",
            "redirect_uri", "code_challenge", "prompt", "x"]), 0..4),
        value in "\\PC{0,10}",
    ) {
        let registration = br#"{
            "redirect_uris": ["http://localhost/cb", "https://client.example/cb", "app:/cb"]
        }"#;
        let client = parse_registration(registration, &GrantType::ALL.into()).unwrap();
        let served = ["https://mcp.example".parse().unwrap()];
        let good = [("client_id", "c1"), ("redirect_uri", &*uri), ("response_type", "code"),
            ("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let more = names.iter().map(|name| (*name, &*value));
        let query = encode(good.into_iter().chain(more));
        let issuer = "https://as.example".parse().unwrap();
        let Ok(request) = AuthorizationRequest::parse(query.as_bytes()) else { return Ok(()) };
        let target = match request.check(&client, &served) {
            Ok(authorization) => authorization.redirect_uri().clone(),
            Err(auth_core::oauth::RequestError::Redirected(error)) => {
                prop_assert!(error.location(&issuer).starts_with(error.redirect_uri().as_str()));
                error.redirect_uri().clone()
            }
            Err(auth_core::oauth::RequestError::Page(_)) => return Ok(()),
        };
        prop_assert_eq!(target.as_str(), &uri);
        prop_assert!(client.redirect_uris().iter().any(|registered| registered.permits(&target)));
    }
}

/// SHA-256, by a type that has it.
fn sha256(text: &str) -> [u8; 32] {
    let token: RefreshToken = text.parse().unwrap();
    let digest: SecretDigest = token.digest();
    *digest.as_bytes()
}
