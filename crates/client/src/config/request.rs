//! The request that the command line makes, and where its answer is saved.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use rmcp::model::Reference;

use super::ConfigError;
use crate::{
    args::{Completed, Verb},
    request::{Arguments, Listening, Request, ToolCall},
};

/// The tool that is called when no command is given: `client` alone ends the walk-through.
const DEFAULT_TOOL: &str = "get_time";
/// The longest JSON text that is read, in bytes.
const MAX_JSON: u64 = 16 << 20;

/// The request of a verb, and the file or folder for what is not text in its answer.
pub(super) fn requested(
    verb: Option<Verb>,
    stdin: &mut dyn Read,
) -> Result<(Request, Option<PathBuf>), ConfigError> {
    let texts = |texts: &[String]| Arguments::parse(texts, None)?.texts();
    let request = match verb {
        // The other two need no server.
        None | Some(Verb::Completions { .. } | Verb::Man { .. }) => {
            Request::Call(ToolCall::new(DEFAULT_TOOL))
        }
        // Whether a token is accepted shows with any request: this one has no effect.
        Some(Verb::Tools | Verb::Tokens(_) | Verb::Bridge(_)) => Request::Tools,
        Some(Verb::Call(call)) => {
            let tool = call.tool.unwrap_or_default();
            if call.help {
                return Ok((Request::ToolHelp(tool), None));
            }
            let object = call.json.map(|text| json_text(text, stdin)).transpose()?;
            let arguments = Arguments::parse(&call.arguments, object.as_deref())?;
            let call_it = Request::Call(ToolCall { tool, arguments, checked: true });
            return Ok((call_it, call.save.path));
        }
        Some(Verb::Resources) => Request::Resources,
        Some(Verb::Read { uri, save }) => return Ok((Request::Read(uri), save.path)),
        Some(Verb::Prompts) => Request::Prompts,
        Some(Verb::Prompt { name, arguments, save }) => {
            let arguments = texts(&arguments)?;
            return Ok((Request::Prompt { name, arguments }, save.path));
        }
        Some(Verb::Complete { of, name, argument, known }) => {
            let of = match of {
                Completed::Prompt => Reference::for_prompt(name),
                Completed::Resource => Reference::for_resource(name),
            };
            let argument = texts(&[argument])?.into_iter().next().unwrap_or_default();
            Request::Complete { of, argument, known: texts(&known)? }
        }
        Some(Verb::Info) => Request::Info,
        Some(Verb::Ping) => Request::Ping,
        Some(Verb::Listen { resources, count }) => Request::Listen(Listening { resources, count }),
    };
    Ok((request, None))
}

/// The text that `--json` means: itself, or the contents of a file or of stdin.
fn json_text(text: String, stdin: &mut dyn Read) -> Result<String, ConfigError> {
    let mut read = String::new();
    let (name, result) = match text.strip_prefix('@') {
        Some(path) => (path, File::open(path).and_then(|file| limited(file, &mut read))),
        None if text == "-" => ("-", limited(stdin, &mut read)),
        None => return Ok(text),
    };
    let source_name = format!("--json {name}");
    result.map_err(|fault| ConfigError::File { source_name, fault })?;
    Ok(read)
}

fn limited(source: impl Read, text: &mut String) -> io::Result<()> {
    let read = source.take(MAX_JSON).read_to_string(text)?;
    if u64::try_from(read).is_ok_and(|read| read < MAX_JSON) {
        return Ok(());
    }
    Err(io::Error::other("it is too long"))
}
