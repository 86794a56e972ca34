//! What a server says about itself: what it offers, by the list that it is in, and its
//! instructions.

use auth_core::Action;

/// A kind of definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An entry of `tools/list`.
    Tool,
    /// An entry of `resources/list`.
    Resource,
    /// An entry of `resources/templates/list`.
    Template,
    /// An entry of `prompts/list`.
    Prompt,
    /// An entry of `skills/list`, of the extension `io.modelcontextprotocol/skills`.
    Skill,
    /// The `instructions` for models in the answer to `initialize` or `server/discover`: at most
    /// one, in no list.
    Instructions,
}

impl Kind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Tool, Self::Resource, Self::Template, Self::Prompt, Self::Skill, Self::Instructions];

    /// Those that are in lists.
    pub const LISTED: [Self; 5] =
        [Self::Tool, Self::Resource, Self::Template, Self::Prompt, Self::Skill];

    /// The method whose result has them.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/list",
            Self::Resource => "resources/list",
            Self::Template => "resources/templates/list",
            Self::Prompt => "prompts/list",
            Self::Skill => "skills/list",
            Self::Instructions => "initialize",
        }
    }

    /// The member of the list's result; also the section of the lock file.
    #[must_use]
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Resource => "resources",
            Self::Template => "resourceTemplates",
            Self::Prompt => "prompts",
            Self::Skill => "skills",
            Self::Instructions => "instructions",
        }
    }

    /// The member of an entry that it goes by.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tool | Self::Prompt | Self::Instructions => "name",
            Self::Resource | Self::Skill => "uri",
            Self::Template => "uriTemplate",
        }
    }

    /// The capability of a server that has such a list.
    #[must_use]
    pub const fn capability(self) -> &'static str {
        match self {
            Self::Tool => "tools",
            Self::Resource | Self::Template => "resources",
            Self::Prompt => "prompts",
            Self::Skill => "extensions",
            Self::Instructions => "instructions",
        }
    }

    /// The word for one of them.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Template => "template",
            Self::Prompt => "prompt",
            Self::Skill => "skill",
            Self::Instructions => "instructions",
        }
    }

    /// What using the one that goes by `key` is, which a policy has a rule for. Instructions are
    /// not used: each caller gets them.
    #[must_use]
    pub fn action(self, key: &str) -> Option<Action> {
        Some(match self {
            Self::Tool => Action::CallTool(key.to_owned()),
            Self::Prompt => Action::GetPrompt(key.to_owned()),
            Self::Resource | Self::Template | Self::Skill => Action::ReadResource(key.to_owned()),
            Self::Instructions => return None,
        })
    }

    pub(super) fn of_member(member: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.member() == member)
    }
}
