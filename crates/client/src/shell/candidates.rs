//! What may come next on a command line, beside the verbs and options: names of servers, and what
//! the server in question listed when it was last asked.

use std::ffi::OsStr;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::typed::Typed;
use crate::{
    cache::{Cache, Known},
    sanitize::Sanitizer,
};

/// Where candidates come from.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    /// What the server listed; `None`: no server is named.
    pub(super) cache: Option<Cache>,
    /// Names of servers, and their URLs.
    pub(super) servers: Vec<(String, String)>,
    pub(super) typed: Typed,
}

/// Which of them a word may be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Server,
    Tool,
    Resource,
    Prompt,
    /// A name of an argument, with `=` behind it.
    Key,
}

impl Candidates {
    /// The definition of the command line with candidates for its values.
    pub(super) fn added_to(&self, definition: Command) -> Command {
        let each = |verb: Command, kinds: &'static [(&'static str, Kind)]| {
            // `mut_arg` would put the argument last.
            verb.mut_args(|arg| self.added_to_arg(arg, kinds))
        };
        definition
            .mut_subcommand("call", |it| {
                each(it, &[("tool", Kind::Tool), ("arguments", Kind::Key)])
            })
            .mut_subcommand("explain", |it| each(it, &[("tool", Kind::Tool)]))
            .mut_subcommand("read", |it| each(it, &[("uri", Kind::Resource)]))
            .mut_subcommand("listen", |it| each(it, &[("resources", Kind::Resource)]))
            .mut_subcommand("prompt", |it| {
                each(it, &[("name", Kind::Prompt), ("arguments", Kind::Key)])
            })
            .mut_subcommand("complete", |it| {
                each(it, &[("name", Kind::Prompt), ("argument", Kind::Key), ("known", Kind::Key)])
            })
            .mut_subcommand("bridge", |it| each(it, &[("address", Kind::Server)]))
            .mut_subcommand("servers", |it| {
                it.mut_subcommand("remove", |it| each(it, &[("name", Kind::Server)]))
            })
            .mut_args(|arg| self.added_to_arg(arg, &[("url", Kind::Server)]))
    }

    fn added_to_arg(&self, arg: Arg, kinds: &[(&str, Kind)]) -> Arg {
        let Some((_, kind)) = kinds.iter().find(|(id, _)| arg.get_id() == id) else { return arg };
        let (all, kind) = (self.clone(), *kind);
        arg.add(ArgValueCompleter::new(move |begun: &OsStr| all.beginning(kind, begun)))
    }

    /// Those that begin so.
    fn beginning(&self, kind: Kind, begun: &OsStr) -> Vec<CompletionCandidate> {
        let begun = begun.to_string_lossy();
        let all = self.all(kind);
        let fitting = all.into_iter().filter(|(name, _)| name.starts_with(&*begun));
        fitting
            .map(|(name, about)| {
                let about = about.as_deref().and_then(|about| about.lines().next());
                let about = about.map(|about| Sanitizer::default().one_line(about));
                CompletionCandidate::new(name).help(about.map(Into::into))
            })
            .collect()
    }

    fn all(&self, kind: Kind) -> Vec<(String, Option<String>)> {
        let Some(cache) = &self.cache else {
            return if matches!(kind, Kind::Server) { self.servers() } else { Vec::new() };
        };
        let named = |known: Vec<Known>, others: &str| {
            let known = known.into_iter().filter(|it| is_plain(&it.name, others));
            known.map(|it| (it.name, it.about)).collect()
        };
        match kind {
            Kind::Server => self.servers(),
            Kind::Tool => named(cache.tools(), "_-./"),
            Kind::Prompt => named(cache.prompts(), "_-./"),
            Kind::Resource => named(cache.resources(), "_-./:+@"),
            Kind::Key => self.keys(cache),
        }
    }

    fn servers(&self) -> Vec<(String, Option<String>)> {
        self.servers.iter().map(|(name, url)| (name.clone(), Some(url.clone()))).collect()
    }

    /// The arguments of the tool or prompt that is named, without those that are given.
    fn keys(&self, cache: &Cache) -> Vec<(String, Option<String>)> {
        let Some(name) = self.typed.name.as_deref().filter(|_| !self.typed.is_in_value()) else {
            return Vec::new();
        };
        let known = if self.typed.is_prompt { cache.prompts() } else { cache.tools() };
        let found = known.into_iter().find(|it| it.name == name);
        let arguments = found.map(|it| it.arguments).unwrap_or_default().into_iter();
        let left = arguments.filter(|(key, _)| is_plain(key, "_-.") && !self.typed.has(key));
        left.map(|(key, about)| (key + "=", about)).collect()
    }
}

/// Whether a shell, or we, would take the name for nothing else; `others` are characters that it
/// may have beside letters and digits.
fn is_plain(name: &str, others: &str) -> bool {
    !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}
