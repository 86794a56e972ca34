//! Label values that are known when this is compiled.

/// Defines an enum whose variants are the values that a label can have, and no others. One of them
/// is `Other`.
macro_rules! closed {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visibility enum $name { $($variant,)* }

        impl $name {
            /// The value that is written as `text`, or `Other`.
            pub(crate) fn of_text(text: &str) -> Self {
                let all = [$(Self::$variant),*];
                all.into_iter().find(|value| value.text() == text).unwrap_or(Self::Other)
            }

            /// As it is written.
            pub(crate) const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl prometheus_client::encoding::EncodeLabelValue for $name {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> std::fmt::Result {
                std::fmt::Write::write_str(encoder, self.text())
            }
        }
    };
}

pub(crate) use closed;
