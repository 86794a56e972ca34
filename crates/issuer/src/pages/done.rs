//! Pages at the end of something.

use std::borrow::Cow;

use askama::Template;

use super::{Frame, Label, Page, Sentence, asker::the_program, path, text};

/// The page at the end of something.
#[derive(Debug, Clone, Template)]
#[template(path = "done.html")]
pub struct DonePage {
    /// What is around it.
    pub frame: Frame,
    /// What is done.
    pub done: Done,
}

/// What is done.
#[derive(Debug, Clone)]
pub enum Done {
    /// A device was connected; what its program calls itself.
    DeviceApproved(Label),
    /// A device was declined; what its program calls itself.
    DeviceDenied(Label),
    /// The browser session has ended.
    SignedOut,
}

impl DonePage {
    fn what(&self) -> Sentence {
        match &self.done {
            Done::DeviceApproved(name) => {
                Sentence::new(text::DEVICE_APPROVED, &[("program", &the_program(name))])
            }
            Done::DeviceDenied(name) => {
                Sentence::new(text::DEVICE_DENIED, &[("program", &the_program(name))])
            }
            Done::SignedOut => Sentence::new(text::SIGNED_OUT, &[]),
        }
    }
}

impl Page for DonePage {
    fn heading(&self) -> Cow<'static, str> {
        let heading = match self.done {
            Done::DeviceApproved(_) => text::DEVICE_APPROVED_TITLE,
            Done::DeviceDenied(_) => text::DEVICE_DENIED_TITLE,
            Done::SignedOut => text::SIGNED_OUT_TITLE,
        };
        heading.into()
    }

    fn keeps_opener(&self) -> bool {
        false
    }
}
