//! Pages of the device grant (RFC 8628 §3.3): the code, and the decision.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Asker, Frame, Hidden, Label, Page, Scopes, Sentence, field, path, text};

/// The page for the code that a device shows.
#[derive(Debug, Clone, Template)]
#[template(path = "device_code.html")]
pub struct DeviceCodePage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its form.
    pub form: Hidden,
    /// The code, if it is known: from the query, or from the attempt before.
    pub code: Label,
    /// Why the attempt before failed.
    pub error: Option<DeviceCodeError>,
}

/// Why a code leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceCodeError {
    /// It is wrong, was used or has expired; which one is not said.
    Unknown,
    /// Too many attempts: seconds until the next one.
    TooMany(u64),
}

/// The decision about a device.
#[derive(Debug, Clone, Template)]
#[template(path = "device_confirm.html")]
pub struct DeviceConfirmPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its forms.
    pub form: Hidden,
    /// Who asks; its destination is [`Destination::Device`](super::Destination::Device).
    pub client: Asker,
    /// Who is signed in.
    pub user: Label,
    /// The resource that access is for.
    pub resource: Label,
    /// The code as the device shows it, with its hyphen.
    pub code: String,
    /// What may be allowed.
    pub scopes: Scopes,
}

impl DeviceCodePage {
    fn fault(&self) -> Option<Sentence> {
        Some(match self.error? {
            DeviceCodeError::Unknown => Sentence::new(text::DEVICE_UNKNOWN, &[]),
            DeviceCodeError::TooMany(seconds) => Sentence::new(&text::too_many(seconds), &[]),
        })
    }
}

impl Page for DeviceCodePage {
    fn heading(&self) -> Cow<'static, str> {
        text::DEVICE_TITLE.into()
    }

    fn status(&self) -> StatusCode {
        match self.error {
            Some(DeviceCodeError::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        }
    }

    fn keeps_opener(&self) -> bool {
        false
    }

    fn retry_after(&self) -> Option<u64> {
        match self.error {
            Some(DeviceCodeError::TooMany(seconds)) => Some(seconds),
            _ => None,
        }
    }
}

impl Page for DeviceConfirmPage {
    fn heading(&self) -> Cow<'static, str> {
        text::DEVICE_CONFIRM_TITLE.into()
    }

    fn keeps_opener(&self) -> bool {
        false
    }
}
