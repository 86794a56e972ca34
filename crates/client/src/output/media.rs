//! What of an answer is no text, and how it is saved.
//!
//! 1. A file's name comes from the command line, or is made of a number and the type: never from
//!    what the server says, which could lead anywhere.
//! 2. In a folder nothing is overwritten. A file that is named is.

use std::{
    fs,
    io::{self, Write},
    path::{MAIN_SEPARATOR, Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rmcp::model::{ContentBlock, ResourceContents};

use crate::{failure::Failure, request::Answer};

/// The most files of one type that a folder can take.
const MAX_FILES: usize = 10_000;
/// Types and how their files end.
const TYPES: [(&str, &str); 18] = [
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/webp", "webp"),
    ("text/css", "css"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
    ("video/mp4", "mp4"),
];

/// Something that can be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    kind: &'a str,
    data: Data<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data<'a> {
    Base64(&'a str),
    Text(&'a str),
}

/// A piece that was saved.
#[derive(Debug)]
pub(super) struct Saved {
    pub(super) kind: String,
    pub(super) bytes: usize,
    pub(super) file: PathBuf,
}

/// Everything in an answer that can be saved, in its order: of a result its texts, where it has
/// nothing else.
pub(super) fn pieces(answer: &Answer) -> Vec<Piece<'_>> {
    match answer {
        Answer::Call { result, .. } => {
            let found: Vec<_> = result.content.iter().filter_map(in_block).collect();
            if found.is_empty() {
                result.content.iter().filter_map(in_text).collect()
            } else {
                found
            }
        }
        Answer::Prompt(prompt) => {
            prompt.messages.iter().filter_map(|message| in_block(&message.content)).collect()
        }
        Answer::Read(read) => read.contents.iter().filter_map(in_contents).collect(),
        _ => Vec::new(),
    }
}

fn in_block(block: &ContentBlock) -> Option<Piece<'_>> {
    match block {
        ContentBlock::Image(image) => {
            Some(Piece { kind: &image.mime_type, data: Data::Base64(&image.data) })
        }
        ContentBlock::Audio(audio) => {
            Some(Piece { kind: &audio.mime_type, data: Data::Base64(&audio.data) })
        }
        ContentBlock::Resource(embedded) => in_contents(&embedded.resource),
        _ => None,
    }
}

fn in_text(block: &ContentBlock) -> Option<Piece<'_>> {
    match block {
        ContentBlock::Text(text) => {
            Some(Piece { kind: "text/plain", data: Data::Text(&text.text) })
        }
        _ => None,
    }
}

fn in_contents(contents: &ResourceContents) -> Option<Piece<'_>> {
    match contents {
        ResourceContents::TextResourceContents { mime_type, text, .. } => {
            let kind = mime_type.as_deref().unwrap_or("text/plain");
            Some(Piece { kind, data: Data::Text(text) })
        }
        ResourceContents::BlobResourceContents { mime_type, blob, .. } => {
            let kind = mime_type.as_deref().unwrap_or("application/octet-stream");
            Some(Piece { kind, data: Data::Base64(blob) })
        }
        _ => None,
    }
}

/// Saves pieces: one to a file, any number to a folder.
pub(super) fn save(pieces: &[Piece<'_>], path: &Path) -> Result<Vec<Saved>, Failure> {
    let folder = path.is_dir() || path.to_string_lossy().ends_with(['/', MAIN_SEPARATOR]);
    if folder {
        fs::create_dir_all(path).map_err(|fault| unwritten(path, &fault))?;
    } else if pieces.len() > 1 {
        let message = format!(
            "there are {} pieces, and --save-to {} is one file: give a folder, with / at its end",
            pieces.len(),
            path.display()
        );
        return Err(Failure::save(message));
    }
    pieces.iter().map(|piece| piece.save(path, folder)).collect()
}

impl Piece<'_> {
    fn save(&self, path: &Path, folder: bool) -> Result<Saved, Failure> {
        let bytes = match self.data {
            Data::Text(text) => text.as_bytes().to_vec(),
            Data::Base64(text) => STANDARD
                .decode(text)
                .map_err(|_| Failure::save("the server's data is not base64, and is not saved"))?,
        };
        let (mut file, path) = if folder {
            self.new_file(path).map_err(|fault| unwritten(path, &fault))?
        } else {
            let file = fs::File::create(path).map_err(|fault| unwritten(path, &fault))?;
            (file, path.to_owned())
        };
        file.write_all(&bytes).map_err(|fault| unwritten(&path, &fault))?;
        Ok(Saved { kind: self.kind.to_owned(), bytes: bytes.len(), file: path })
    }

    /// A file with the first number that is free.
    fn new_file(&self, folder: &Path) -> io::Result<(fs::File, PathBuf)> {
        let kind = self.kind.split(';').next().unwrap_or_default().trim();
        let known = TYPES.iter().find(|(name, _)| kind.eq_ignore_ascii_case(name));
        let ending = known.map_or("bin", |(_, ending)| ending);
        for number in 1..=MAX_FILES {
            let path = folder.join(format!("{number}.{ending}"));
            match fs::File::create_new(&path) {
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
                result => return Ok((result?, path)),
            }
        }
        Err(io::Error::other("the folder is full"))
    }
}

fn unwritten(path: &Path, fault: &io::Error) -> Failure {
    Failure::save(format!("--save-to {}: {fault}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: Piece<'_> = Piece { kind: "image/png", data: Data::Base64("aGVsbG8=") };
    const UNKNOWN: Piece<'_> = Piece { kind: "../../etc/passwd", data: Data::Text("x") };

    #[test]
    fn a_folder_takes_many_and_overwrites_none() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("new/");
        let names = |pieces| {
            let saved = save(pieces, &into).unwrap();
            saved.iter().map(|saved| saved.file.strip_prefix(&into).unwrap().to_owned()).collect()
        };
        let first: Vec<PathBuf> = names(&[PNG, PNG, UNKNOWN]);
        assert_eq!(first, [PathBuf::from("1.png"), "2.png".into(), "1.bin".into()]);
        assert_eq!(names(&[PNG]) as Vec<PathBuf>, [PathBuf::from("3.png")]);
        assert_eq!(fs::read(into.join("1.png")).unwrap(), b"hello");
    }

    #[test]
    fn a_file_takes_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("it");
        save(&[PNG], &file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"hello");
        assert!(save(&[PNG, PNG], &file).is_err());
        let broken = Piece { kind: "image/png", data: Data::Base64("*") };
        assert!(save(&[broken], &file).is_err());
        assert!(save(&[PNG], &folder.path().join("none/it")).is_err());
    }
}
