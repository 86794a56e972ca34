//! Which revision a request names: read only to word a refusal, never to decide.

use serde::Deserialize;

/// The first revision without `resources/subscribe` and `resources/unsubscribe`, and the first whose
/// requests name it. Revisions are dates, which compare as texts do.
const WITHOUT_SUBSCRIBE: &str = "2026-07-28";

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    params: Params<'a>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "_meta")]
    meta: Meta<'a>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    revision: &'a str,
}

/// Whether `body`, which was read strictly before, names a revision without these methods.
pub(super) fn is_without_subscribe(body: &[u8]) -> bool {
    serde_json::from_slice::<Request<'_>>(body)
        .is_ok_and(|request| request.params.meta.revision >= WITHOUT_SUBSCRIBE)
}
