//! The issuer's codes and tokens.

use std::collections::{HashMap, HashSet};

use reqwest::Url;
use serde_json::{Value, json};

use super::{
    http::Pairs,
    knobs::{Knobs, TurnsAway},
};

/// What the issuer knows.
#[derive(Default)]
pub(super) struct Inner {
    pub(super) knobs: Knobs,
    pub(super) log: Vec<String>,
    pub(super) count: usize,
    pub(super) codes: HashMap<String, (String, String)>,
    pub(super) tokens: HashMap<String, Vec<String>>,
    pub(super) refresh: HashMap<String, String>,
    pub(super) spent: HashSet<String>,
    pub(super) calls: HashMap<String, usize>,
    pub(super) secrets: HashMap<String, String>,
    /// What each client that registered may do.
    pub(super) grants: HashMap<String, String>,
    /// Clients that are not known any more.
    pub(super) gone: HashSet<String>,
}

impl Inner {
    pub(super) fn next(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}-{:08}", self.count, self.count * 7919)
    }

    pub(super) fn issue(&mut self, scope: &str, with_refresh: bool) -> Value {
        let granted = scope.split(' ').filter(|scope| !scope.is_empty());
        let granted = granted.filter(|scope| !self.knobs.withheld.contains(scope));
        let granted: Vec<String> = granted.map(str::to_owned).collect();
        let access = self.next("access");
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "scope": granted.join(" "),
            "expires_in": self.knobs.life.unwrap_or(3600),
        });
        if with_refresh && !self.knobs.no_refresh {
            let refresh = self.next("refresh");
            answer["refresh_token"] = refresh.clone().into();
            self.refresh.insert(refresh, granted.join(" "));
        }
        self.tokens.insert(access, granted);
        for (name, value) in self.knobs.tokens.clone() {
            answer[name] = value;
        }
        let object = answer.as_object_mut().unwrap();
        object.retain(|_, value| !value.is_null());
        answer
    }

    pub(super) fn authorize(&mut self, query: &Pairs, origin: &str) -> String {
        let get = |name: &str| query.get(name).cloned().unwrap_or_default();
        if get("prompt") == "none" {
            self.log.push("probe".to_owned());
        } else {
            self.log.push(format!("authorize {} {}", get("scope"), get("resource")));
        }
        let mut redirect = Url::parse(&get("redirect_uri")).unwrap();
        assert_eq!(get("code_challenge_method"), "S256");
        let iss = self.knobs.iss.clone().unwrap_or_else(|| origin.to_owned());
        let code = self.next("code");
        redirect.query_pairs_mut().append_pair("state", &get("state")).append_pair("iss", &iss);
        if self.gone.contains(&get("client_id")) && self.knobs.turns_away == TurnsAway::Back {
            redirect.query_pairs_mut().append_pair("error", "unauthorized_client");
        } else if self.knobs.refuses {
            let pairs = [("error", "access_denied"), ("error_description", "not today")];
            redirect.query_pairs_mut().extend_pairs(pairs);
        } else {
            redirect.query_pairs_mut().append_pair("code", &code);
            self.codes.insert(code, (get("scope"), get("redirect_uri")));
        }
        redirect.into()
    }

    /// Takes note of how the client shows who it is.
    pub(super) fn authenticated(&mut self, form: &Pairs) -> Result<Value, &'static str> {
        let method = match (form.get("method"), form.get("client_secret")) {
            (Some(_), _) => "basic",
            (None, Some(_)) => "post",
            (None, None) => "none",
        };
        self.log.push(format!("by {method}"));
        self.token(form)
    }

    pub(super) fn token(&mut self, form: &Pairs) -> Result<Value, &'static str> {
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        let grant = get("grant_type");
        let short = grant.rsplit(':').next().unwrap_or_default().to_owned();
        self.log.push(format!("token {short} {}", get("resource")));
        if self.gone.contains(&get("client_id")) {
            return Err("invalid_client");
        }
        match short.as_str() {
            "authorization_code" => {
                assert!(!get("code_verifier").is_empty());
                let (scope, redirect) = self.codes.remove(&get("code")).ok_or("invalid_grant")?;
                assert_eq!(redirect, get("redirect_uri"));
                Ok(self.issue(&scope, true))
            }
            "refresh_token" => {
                let token = get("refresh_token");
                if self.spent.contains(&token) {
                    self.log.push("reuse".to_owned());
                }
                let scope = self.refresh.remove(&token).ok_or("invalid_grant")?;
                self.spent.insert(token);
                Ok(self.issue(&scope, true))
            }
            "client_credentials" => {
                let secret = self.secrets.get(&get("client_id")).ok_or("invalid_client")?;
                if *secret != get("client_secret") {
                    return Err("invalid_client");
                }
                Ok(self.issue(&get("scope"), false))
            }
            "device_code" if self.knobs.pending > 0 => {
                self.knobs.pending -= 1;
                Err("authorization_pending")
            }
            "device_code" if self.knobs.refuses => Err("access_denied"),
            "device_code" => {
                let (scope, _) = self.codes.remove(&get("device_code")).ok_or("expired_token")?;
                Ok(self.issue(&scope, true))
            }
            "jwt-bearer" if get("assertion") == "platform-jwt" => {
                Ok(self.issue(&get("scope"), false))
            }
            "jwt-bearer" => Err("invalid_grant"),
            _ => Err("unsupported_grant_type"),
        }
    }
}
