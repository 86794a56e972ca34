//! What is printed: results on stdout, everything else on stderr, for a person or as JSON.

mod log;
mod media;
mod progress;
mod result;
mod table;
mod text;
mod value;

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

use auth_core::AccessToken;
use rmcp::model::{ProgressNotificationParam, ServerNotification};
use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Invocation, OutputFormat, help::filled, report};

use crate::{
    Exit,
    console::Console,
    failure::Failure,
    progress::Progress,
    report::Report,
    request::{Answer, Capability},
    sanitize::{OwnedSanitizer, Sanitizer},
};
use table::lines;
use text::Writer;

/// Prints how a run goes and how it ended.
pub(crate) struct Printer<'a> {
    format: OutputFormat,
    sanitizer: Sanitizer<'a>,
    console: &'a Console,
    invocation: &'a Invocation,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
    /// Whether a bar is on stderr.
    drawn: bool,
}

impl<'a> Printer<'a> {
    /// A printer.
    pub(crate) fn new(
        format: OutputFormat,
        sanitizer: Sanitizer<'a>,
        console: &'a Console,
        invocation: &'a Invocation,
        stdout: &'a mut dyn Write,
        stderr: &'a mut dyn Write,
    ) -> Self {
        Self { format, sanitizer, console, invocation, stdout, stderr, drawn: false }
    }

    /// Prints a report of our own, and the fault that it ends with.
    pub(crate) fn report(&mut self, report: &Report) -> Exit {
        let text = match self.format {
            OutputFormat::Text if report.is_sanitized => report.text.clone(),
            OutputFormat::Text => self.sanitizer.text(&report.text),
            OutputFormat::Json => self.rendered(&report.json),
        };
        let written = self.result_text(&text);
        if let Some(warning) = &report.warning {
            self.warning(warning);
        }
        match &report.failure {
            Some(failure) if written == Exit::Ok => self.failure(failure),
            _ => written,
        }
    }

    /// Prints what the server answered, and saves what is to be saved.
    ///
    /// The words of a tool that failed are a message, so in text they go to stderr: a script that
    /// takes stdout for the result must not get them. In JSON `isError` distinguishes them.
    pub(crate) fn answer(&mut self, answer: &Answer, save: Option<&Path>) -> Exit {
        if let Some(path) = save
            && let Err(failure) = self.save(answer, path)
        {
            return self.failure(&failure);
        }
        let failure = match answer {
            Answer::Call { tool, result } if result.is_error == Some(true) => {
                Some(Failure::tool(tool))
            }
            _ => None,
        };
        if self.format != OutputFormat::Text {
            let written = self.machine(answer);
            return match failure {
                Some(failure) if written == Exit::Ok => self.failure(&failure),
                _ => written,
            };
        }
        let text = self.text(answer);
        if let Some(failure) = failure {
            let exit = self.failure(&failure);
            write_all(self.stderr, &text);
            return exit;
        }
        if text.is_empty() && !matches!(answer, Answer::Printed | Answer::Call { .. }) {
            write_all(self.stderr, &nothing(answer));
        }
        let written = self.result_text(&text);
        if let Answer::Call { result, .. } = answer
            && written == Exit::Ok
            && Writer::hides(result)
        {
            let more = "the result has structured content, too: --output json prints it";
            write_all(self.stderr, &report::note(&more));
        }
        written
    }

    /// Prints what went wrong. Returns the exit code for it.
    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        let text = match self.format {
            OutputFormat::Text => self.failure_text(failure),
            OutputFormat::Json => self.rendered(&failure.to_json(&self.sanitizer, self.invocation)),
        };
        // Without stderr the exit code is all there is.
        write_all(self.stderr, &text);
        failure.exit()
    }

    fn save(&mut self, answer: &Answer, path: &Path) -> Result<(), Failure> {
        let saved = media::save(&media::pieces(answer), path)?;
        if self.format == OutputFormat::Text {
            let about = |saved: &media::Saved| {
                let file = saved.file.display();
                self.sanitizer
                    .one_line(&format!("saved {}, {} bytes: {file}", saved.kind, saved.bytes))
            };
            let text = match saved.as_slice() {
                [] => "there is nothing to save\n".to_owned(),
                all => lines(all.iter().map(about)),
            };
            write_all(self.stderr, &text);
        }
        Ok(())
    }

    fn text(&self, answer: &Answer) -> String {
        let (sanitizer, columns) = (&self.sanitizer, self.console.columns);
        let writer = Writer { sanitizer, columns, invocation: self.invocation };
        match answer {
            Answer::Tools(list) => writer.tools(list),
            Answer::ToolHelp(tool) => writer.tool_help(tool),
            Answer::Call { result, .. } => writer.result(result),
            Answer::Resources(list, templates) => writer.resources(list, templates),
            Answer::Read(read) => writer.read(read),
            Answer::Prompts(list) => writer.prompts(list),
            Answer::Prompt(prompt) => writer.prompt(prompt),
            Answer::Complete(found) => {
                lines(found.completion.values.iter().map(|value| self.sanitizer.one_line(value)))
            }
            Answer::Info(info) => writer.info(info),
            Answer::Ping(time) => format!("answered in {:.1} ms\n", time.as_secs_f64() * 1000.0),
            Answer::NotOffered(_) | Answer::Printed => String::new(),
        }
    }

    fn machine(&mut self, answer: &Answer) -> Exit {
        let text = match answer {
            Answer::Tools(list) => self.rendered(list),
            Answer::ToolHelp(tool) => self.rendered(tool),
            Answer::Call { result, .. } => self.rendered(result),
            Answer::Resources(list, templates) => self.rendered(&json!({
                "resources": list.resources,
                "resourceTemplates": templates.resource_templates,
            })),
            Answer::Read(read) => self.rendered(read),
            Answer::Prompts(list) => self.rendered(list),
            Answer::Prompt(prompt) => self.rendered(prompt),
            Answer::Complete(found) => self.rendered(found),
            Answer::Info(info) => {
                let mut all = json!({ "server": info.server });
                if let (Some(all), Some(caller)) = (all.as_object_mut(), &info.caller) {
                    let said = serde_json::to_value(caller).unwrap_or_default();
                    all.insert("caller".to_owned(), said);
                }
                self.rendered(&all)
            }
            Answer::Ping(time) => self.rendered(&json!({ "seconds": time.as_secs_f64() })),
            Answer::NotOffered(Capability::Resources) => {
                self.rendered(&json!({ "resources": [], "resourceTemplates": [] }))
            }
            Answer::NotOffered(lacking) => self.rendered(&json!({ lacking.name(): [] })),
            Answer::Printed => return Exit::Ok,
        };
        self.result_text(&text)
    }

    /// A value in the format of a program.
    fn rendered(&self, value: &impl Serialize) -> String {
        // Serializing these cannot fail: their keys are strings. Were it to, an empty object says
        // so.
        let json = serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".to_owned());
        self.sanitizer.json(&format!("{json}\n"))
    }

    fn result_text(&mut self, text: &str) -> Exit {
        match write_all(self.stdout, text) {
            Exit::Output => self.failure(&Failure::output()),
            exit => exit,
        }
    }

    fn failure_text(&self, failure: &Failure) -> String {
        let line = |text: &str| self.sanitizer.one_line(text);
        let mut text = report::error(&line(failure.message()));
        if let Some(words) = failure.server() {
            let _ = writeln!(text, "the server says: {}", line(words));
        }
        for page in failure.pages() {
            let _ = writeln!(text, "  {}", self.sanitizer.full(page));
        }
        for fault in failure.fields() {
            let _ = writeln!(text, "  {}", line(&fault.to_string()));
        }
        let scopes = [("needed", failure.required()), ("granted", failure.granted())];
        for (name, scopes) in scopes {
            if let Some(scopes) = scopes {
                let scopes =
                    if scopes.is_empty() { "(none)".to_owned() } else { line(&scopes.to_string()) };
                let _ = writeln!(text, "  {name:<7}  {scopes}");
            }
        }
        if let Some(id) = failure.request_id() {
            let _ = writeln!(text, "  request  {}", line(id));
        }
        if let Some(hint) = failure.hint() {
            text.push_str(&report::hint(&line(&filled(hint, self.invocation))));
        }
        text
    }
}

impl Progress for Printer<'_> {
    /// A program that reads stderr gets none of it.
    fn progress(&mut self, progress: &ProgressNotificationParam) {
        let text = match self.console.error_columns {
            Some(columns) => {
                self.drawn = true;
                progress::bar(progress, columns, &self.sanitizer)
            }
            None if self.format == OutputFormat::Text => progress::line(progress, &self.sanitizer),
            None => return,
        };
        write_all(self.stderr, &text);
    }

    fn task_status(&mut self, status: &str) {
        let text = match self.console.error_columns {
            Some(columns) => {
                self.drawn = true;
                progress::status(status, columns, &self.sanitizer)
            }
            None if self.format == OutputFormat::Text => {
                format!("task: {}\n", self.sanitizer.one_line(status))
            }
            None => return,
        };
        write_all(self.stderr, &text);
    }

    /// A program that reads stderr gets none of it.
    fn log(&mut self, notification: &ServerNotification) {
        let Some(line) = log::line(notification, &self.sanitizer) else {
            return;
        };
        if self.format == OutputFormat::Text {
            self.clear();
            write_all(self.stderr, &line);
        }
    }

    /// A program that reads stderr gets none of it.
    fn warning(&mut self, text: &str) {
        if self.format == OutputFormat::Text || self.console.error_columns.is_some() {
            self.clear();
            write_all(self.stderr, &report::warning(&self.sanitizer.one_line(text)));
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            write_all(self.stderr, progress::CLEAR_LINE);
        }
    }

    /// One line, or one document.
    fn notification(&mut self, notification: &ServerNotification) -> io::Result<()> {
        let value = serde_json::to_value(notification).unwrap_or_default();
        let text = match self.format {
            OutputFormat::Json => format!("{}\n", self.sanitizer.json(&value.to_string())),
            OutputFormat::Text => {
                let method = value.get("method").and_then(Value::as_str).unwrap_or_default();
                let name = method.strip_prefix("notifications/").unwrap_or(method);
                let mut params = value.get("params").cloned().unwrap_or_default();
                if let Some(params) = params.as_object_mut() {
                    params.remove("_meta");
                }
                let words = match params {
                    Value::Object(params) if !params.is_empty() => {
                        format!("  {}", Value::Object(params))
                    }
                    _ => String::new(),
                };
                format!("{}\n", self.sanitizer.text(&format!("{name}{words}")).replace('\n', " "))
            }
        };
        match write_all(self.stdout, &text) {
            Exit::Ok => Ok(()),
            _ => Err(io::Error::other("stdout cannot be written")),
        }
    }

    fn redact(&mut self, token: Option<&AccessToken>) {
        self.sanitizer = Sanitizer::of(token);
    }

    fn sanitizer(&self) -> OwnedSanitizer {
        self.sanitizer.to_owned()
    }
}

/// What is said where there is nothing to print.
fn nothing(answer: &Answer) -> Cow<'static, str> {
    match answer {
        Answer::NotOffered(lacking) => {
            return Cow::Owned(format!("the server offers no {}\n", lacking.name()));
        }
        Answer::Tools(_) => "the server shows you no tools\n",
        Answer::Resources(..) => "the server shows you no resources\n",
        Answer::Prompts(_) => "the server shows you no prompts\n",
        Answer::Complete(_) => "no completions\n",
        _ => "there is nothing in it\n",
    }
    .into()
}

/// Writes a text. A reader that has closed the pipe has seen enough.
pub(crate) fn write_all(writer: &mut dyn Write, text: &str) -> Exit {
    let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Output,
        _ => Exit::Ok,
    }
}
