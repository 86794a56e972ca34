//! Every text that a person reads on a page.
//!
//! # How to translate
//!
//! 1. Translate the texts between double quotes, and nothing else. Set [`LANG`] to the language tag
//!    (RFC 5646), and [`DIR`] to `rtl` for a language that is written from right to left.
//! 2. A word in braces, such as `{name}`, is replaced. It may be anywhere in the sentence; a test
//!    fails if one is missing or misspelt.
//! 3. The functions at the end choose between forms of a sentence by a number. Add the forms that
//!    the language has.
//! 4. The texts are plain: no markup, and `&` and `<` are written as they are.
//! 5. Names of programs are untrusted. Keep the words that say so, such as "calls itself".
//! 6. Build, then run the browser check: it measures all pages at 320 pixels.

pub(crate) const LANG: &str = "en";
pub(crate) const DIR: &str = "ltr";

// All pages.
pub(crate) const TITLE: &str = "{page} – {server}";
pub(crate) const ERROR_PREFIX: &str = "Error:";
/// The subject of sentences with `{program}`.
pub(crate) const THE_PROGRAM: &str = "The program that calls itself {name}";
pub(crate) const THE_UNNAMED_PROGRAM: &str = "The program";
pub(crate) const FIVE_MINUTES: &str =
    "Most programs stop waiting after 5 minutes. If yours has, start again from there.";

// Who asks: sign-in, consent, devices.
pub(crate) const CALLS_ITSELF: &str = "Calls itself";
pub(crate) const NO_NAME: &str = "It gives no name";
pub(crate) const PROVEN_DOMAIN: &str = "Proven domain";
pub(crate) const NOT_PROVEN: &str = "Not proven";
pub(crate) const NOT_PROVEN_HINT: &str = "Any program can use this name.";
pub(crate) const OPERATOR: &str = "Registered by the operator of this server";
pub(crate) const GOES_BACK_TO: &str = "Goes back to";
pub(crate) const THIS_COMPUTER: &str = "{host}, a program on this computer";
pub(crate) const SCHEME: &str = "the app that opens {scheme} links on this device";
pub(crate) const ACCESS_TO: &str = "Access to";
pub(crate) const SIGNED_IN_AS: &str = "Signed in as";
pub(crate) const OTHER_ACCOUNT: &str = "Use another account";

// Sign-in.
pub(crate) const SIGN_IN: &str = "Sign in";
pub(crate) const SIGN_IN_FOR_PROGRAM: &str = "A program asks for access to {server}.";
pub(crate) const SIGN_IN_FOR_DEVICE: &str = "Sign in to connect a device to {server}.";
pub(crate) const SIGN_IN_FOR_ACCOUNT: &str = "Sign in to see your account at {server}.";
pub(crate) const SIGN_IN_WITH: &str = "Continue with {provider}";
pub(crate) const OR: &str = "or";
pub(crate) const USER_NAME: &str = "User name";
pub(crate) const SECRET: &str = "Password or one-time code";
pub(crate) const SECRET_HINT: &str =
    "No password yet? The operator of this server can give you a one-time code.";
pub(crate) const NO_WAY_TO_SIGN_IN: &str =
    "No way to sign in is set up. Ask the operator of this server.";
pub(crate) const SIGN_IN_WRONG: &str =
    "The user name or the password or code is wrong. Check both and try again.";
pub(crate) const SIGN_IN_EXPIRED: &str = "This page was open for too long. Please sign in again.";
pub(crate) const SIGN_IN_UNAVAILABLE: &str =
    "Sign-in does not work at the moment. This is not your fault. Try again in a minute.";
pub(crate) const SIGN_IN_PROVIDER_FAILED: &str =
    "{provider} did not confirm who you are. Try again, or sign in another way.";

// A sign-in link.
pub(crate) const LINK_TITLE: &str = "Sign in with this link";
pub(crate) const LINK_LEAD: &str =
    "You opened a sign-in link for {user} at {server}. It works once.";
pub(crate) const LINK_WARNING: &str =
    "Go on only if you asked for this link, or the operator of this server gave it to you.";
pub(crate) const LINK_BUTTON: &str = "Sign in as {user}";

// Second step.
pub(crate) const SECOND_TITLE: &str = "Second step";
pub(crate) const SECOND_LEAD: &str =
    "{user}, enter the code that your authenticator app shows for {server}.";
pub(crate) const SECOND_CODE: &str = "6-digit code";
pub(crate) const SECOND_RECOVERY: &str = "Use a recovery code instead";
pub(crate) const RECOVERY_CODE: &str = "Recovery code";
pub(crate) const RECOVERY_HINT: &str = "Each recovery code works once.";
pub(crate) const CONTINUE: &str = "Continue";
pub(crate) const SECOND_WRONG: &str =
    "This code is wrong or was used already. Wait for the next one and try again.";

// Consent.
pub(crate) const CONSENT_TITLE: &str = "Allow access?";
pub(crate) const CONSENT_LEAD: &str = "A program asks to act for you at {server}.";
pub(crate) const CONSENT_AGAIN_TITLE: &str = "Continue?";
pub(crate) const CONSENT_AGAIN_LEAD: &str =
    "You allowed this before. The program asks for the same access again.";
pub(crate) const CONSENT_UNPROVEN: &str =
    "Nothing proves which program this is. Go on only if you started it yourself, just now.";
pub(crate) const CONSENT_DECLINED_TITLE: &str = "You declined";
pub(crate) const CONSENT_DECLINED: &str = "You declined this program a moment ago, and it asks \
    again. You do not have to answer: close this page, or decline again.";
pub(crate) const CONSENT_MOVED_TITLE: &str = "The program goes back to another place";
pub(crate) const CONSENT_MOVED: &str = "You allowed this program before. Nothing here says that it \
    went back to {place} then. Go on only if you expect to go there.";
pub(crate) const CONSENT_NARROWED_TITLE: &str = "Why you see this page again";
pub(crate) const CONSENT_NARROWED: &str = "You did not allow {scopes} before. The program asks \
    again: it tried something that needs it. For the program to go on with that, tick the box. If \
    you leave it out again, that one action does not work; what you allowed before stays.";
pub(crate) const CONSENT_GREW_TITLE: &str = "The program asks for more";
pub(crate) const CONSENT_GREW: &str = "It did not ask for this before: {scopes}. Untick what you \
    do not want to allow.";
pub(crate) const SCOPES_LEGEND: &str = "What it may do";
pub(crate) const SCOPES_NONE: &str = "It asks for nothing but to know that you signed in.";
pub(crate) const SCOPE_NEW: &str = "new";
pub(crate) const SCOPE_LEFT_OUT: &str = "left out before";
pub(crate) const SCOPE_OPENS_NOTHING: &str = "Opens no tool at present.";
pub(crate) const TOOLS: &str = "Tools";
pub(crate) const RESOURCES: &str = "Resources";
pub(crate) const PROMPTS: &str = "Prompts";
pub(crate) const UNAVAILABLE: &str = "Not available to you";
pub(crate) const UNAVAILABLE_ROLE: &str = "Your roles do not allow it.";
pub(crate) const UNAVAILABLE_UNKNOWN: &str = "This server does not have it.";
pub(crate) const SCOPE_CHANGE: &str = "Change what it may do";
pub(crate) const ALLOW: &str = "Allow";
pub(crate) const ALLOW_CHANGED: &str = "Allow what is ticked";
pub(crate) const READ_ONLY: &str = "Allow reading only";
pub(crate) const DENY: &str = "Decline";
pub(crate) const CONSENT_LATER: &str = "You can end this access at any time on your account page.";

// On the way back to a program, or to an identity provider.
pub(crate) const ONWARD_ALLOWED: &str = "Access allowed";
pub(crate) const ONWARD_DENIED: &str = "Access declined";
pub(crate) const ONWARD_PROGRAM: &str =
    "You go back to the program now. When it says that it is connected, you can close this page.";
pub(crate) const ONWARD_DECLINED: &str =
    "You go back to the program now. It has no access. You can close this page.";
pub(crate) const ONWARD_REFUSED_TITLE: &str =
    "The program asked for something that is not possible";
pub(crate) const ONWARD_REFUSED: &str = "Nothing was allowed. If you do not know where this link \
     leads, close this page. It goes back to: {place}";
pub(crate) const ONWARD_PROVIDER_TITLE: &str = "Continue with {provider}";
pub(crate) const ONWARD_PROVIDER: &str = "You go to {provider} now, to sign in there.";
pub(crate) const ONWARD_BUTTON: &str = "Continue";
pub(crate) const ONWARD_HINT: &str = "If nothing happens, use this button.";

// Devices.
pub(crate) const DEVICE_TITLE: &str = "Connect a device";
pub(crate) const DEVICE_LEAD: &str = "Enter the code that your device or program shows.";
pub(crate) const DEVICE_CODE: &str = "Code";
pub(crate) const DEVICE_CODE_HINT: &str =
    "Eight letters, such as WDJB-MJHT. Lower case and spaces are fine.";
pub(crate) const DEVICE_UNKNOWN: &str =
    "This code is wrong, was used or has expired. Check it, or start again on your device.";
pub(crate) const DEVICE_CONFIRM_TITLE: &str = "Connect this device?";
pub(crate) const DEVICE_CONFIRM_LEAD: &str = "Compare this code with your own device:";
pub(crate) const DEVICE_WARNING: &str = "Go on only if a device in front of you shows the same \
    code, and you started it yourself. If someone sent you the code, decline: they would get your \
    access.";
pub(crate) const DEVICE_GOES_BACK: &str = "the device that shows the code";

// Done.
pub(crate) const DONE_CLOSE: &str = "You can close this page.";
pub(crate) const DEVICE_APPROVED_TITLE: &str = "Device connected";
pub(crate) const DEVICE_APPROVED: &str = "{program} has access now. Your device goes on by itself.";
pub(crate) const DEVICE_DENIED_TITLE: &str = "Device declined";
pub(crate) const DEVICE_DENIED: &str = "{program} gets no access. Nothing else changed.";
pub(crate) const SIGNED_OUT_TITLE: &str = "Signed out";
pub(crate) const SIGNED_OUT: &str = "You are signed out in this browser. Programs that you \
    connected stay connected: end them on your account page.";

// Account.
pub(crate) const ACCOUNT_TITLE: &str = "Your account";
pub(crate) const ACCOUNT: &str = "Account page";
pub(crate) const SIGN_OUT: &str = "Sign out";
pub(crate) const CONNECTIONS: &str = "Connected programs";
pub(crate) const CONNECTIONS_LEAD: &str =
    "These programs may act for you. An ended connection stops working within a second.";
pub(crate) const CONNECTIONS_NONE: &str = "No program is connected.";
pub(crate) const CONNECTION_GRANTED: &str = "Allowed";
pub(crate) const CONNECTION_USED: &str = "Last used";
pub(crate) const CONNECTION_SCOPES: &str = "May do";
pub(crate) const NEVER_USED: &str = "never";
pub(crate) const END: &str = "End";
pub(crate) const END_CONNECTION: &str = "End the connection of {name}, allowed {granted}";
pub(crate) const END_ALL_CONNECTIONS: &str = "End all connections";
pub(crate) const SESSIONS: &str = "Browsers";
pub(crate) const SESSIONS_LEAD: &str = "You are signed in to this page in these browsers.";
pub(crate) const SESSION_THIS: &str = "This browser";
pub(crate) const SESSION_UNKNOWN: &str = "Unknown browser";
pub(crate) const SESSION_SINCE: &str = "Signed in";
pub(crate) const END_SESSION: &str = "Sign out {browser}, signed in {since}";
pub(crate) const END_OTHER_SESSIONS: &str = "Sign out all other browsers";
pub(crate) const PASSWORD: &str = "Password";
pub(crate) const PASSWORD_SET: &str = "Set a password";
pub(crate) const PASSWORD_CHANGE: &str = "Change password";
pub(crate) const PASSWORD_NONE: &str = "You have no password here.";
pub(crate) const PASSWORD_CURRENT: &str = "Current password";
pub(crate) const PASSWORD_NEW: &str = "New password";
pub(crate) const PASSWORD_REPEAT: &str = "New password again";
pub(crate) const PASSWORD_AFTER: &str =
    "All other browsers are signed out. Programs stay connected.";
pub(crate) const PASSWORD_WRONG: &str = "The current password is wrong.";
pub(crate) const PASSWORD_COMMON: &str =
    "This password is on lists that attackers try first. Choose another one.";
pub(crate) const PASSWORD_DIFFERENT: &str = "The two new passwords differ. Type them again.";
pub(crate) const SECOND_FACTOR: &str = "Second step at sign-in";
pub(crate) const SECOND_FACTOR_OFF: &str =
    "Off. Turn it on, and a stolen password is not enough to sign in.";
pub(crate) const SECOND_FACTOR_ON: &str = "On: sign-in asks for a code of your authenticator app.";
pub(crate) const SECOND_FACTOR_REQUIRED: &str =
    "The operator of this server requires it, so it cannot be turned off.";
pub(crate) const SECOND_FACTOR_TURN_ON: &str = "Turn on";
pub(crate) const SECOND_FACTOR_TURN_OFF: &str = "Turn off";
pub(crate) const SECOND_FACTOR_NEW_CODES: &str = "Make new recovery codes";
pub(crate) const SECOND_FACTOR_PROVE: &str = "Code of your app, or a recovery code";
pub(crate) const NOTICE_CONNECTION_ENDED: &str = "The connection has ended.";
pub(crate) const NOTICE_CONNECTIONS_ENDED: &str = "All connections have ended.";
pub(crate) const NOTICE_SESSION_ENDED: &str = "That browser is signed out.";
pub(crate) const NOTICE_SESSIONS_ENDED: &str = "All other browsers are signed out.";
pub(crate) const NOTICE_PASSWORD_CHANGED: &str =
    "Your password has changed. All other browsers are signed out.";
pub(crate) const NOTICE_SECOND_FACTOR_OFF: &str = "The second step is off.";
pub(crate) const NOTICE_WRONG_CODE: &str = "The code was wrong. Nothing has changed.";
pub(crate) const NOTICE_EXPIRED: &str =
    "The page was open for too long, so nothing has changed. Please try again.";

// Second factor.
pub(crate) const SET_UP_TITLE: &str = "Set up the second step";
pub(crate) const SET_UP_SCAN: &str = "Scan this picture with an authenticator app.";
pub(crate) const SET_UP_QR: &str = "QR code with the key that is written below it";
pub(crate) const SET_UP_KEY: &str = "Or type this key into the app:";
pub(crate) const SET_UP_CODE: &str = "6-digit code that the app shows now";
pub(crate) const SET_UP_WRONG: &str =
    "This code does not fit. Check that the clock of your phone is right, and try the next code.";
pub(crate) const CANCEL: &str = "Cancel";
pub(crate) const CODES_TITLE: &str = "Your recovery codes";
pub(crate) const CODES_LEAD: &str = "Keep these codes in a safe place, such as a password manager. \
    Each one replaces your authenticator app once, if you lose it.";
pub(crate) const CODES_ONCE: &str = "They are shown only now. Older codes no longer work.";
pub(crate) const CODES_DONE: &str = "I have saved them";

// Errors: what happened, and what to do.
pub(crate) const TODO: &str = "What to do";
pub(crate) const DETAILS: &str = "Details";
pub(crate) const ERROR_PROGRAM: &str = "Program";
pub(crate) const ERROR_CLIENT_ID: &str = "Client ID";
pub(crate) const ERROR_ADDRESS: &str = "Address";
pub(crate) const ERROR_MESSAGE: &str = "Message";

pub(crate) const UNKNOWN_CLIENT_TITLE: &str = "This program is not known here";
pub(crate) const UNKNOWN_CLIENT_WHAT: &str = "{program} uses a registration that this server does not \
    have. It may have expired, or it is for another server.";
pub(crate) const UNKNOWN_CLIENT_PLACE: &str =
    "{what} The program asks to send you back to {place}.";
pub(crate) const UNKNOWN_CLIENT_TODO: &str = "In the program, remove this server and add it again, \
    or delete what the program stored for it: its client ID below and the tokens. Then connect \
    again. Nothing is wrong with your account.";
pub(crate) const REDIRECT_TITLE: &str = "This address is not registered";
pub(crate) const REDIRECT_WHAT: &str = "{program} wants you to be sent to an address that it has not \
    registered. You stay here, because the address could belong to someone else.";
pub(crate) const REDIRECT_TODO: &str = "Close this page and connect again from the program. If that does not help, update the program.";
pub(crate) const REQUEST_TITLE: &str = "The program made a mistake";
pub(crate) const REQUEST_WHAT: &str =
    "{program} sent a request that this server cannot answer. You did nothing wrong.";
pub(crate) const REQUEST_TODO: &str = "Close this page and connect again from the program. If that does not help, update the program.";
pub(crate) const DOCUMENT_TITLE: &str = "The program could not be checked";
pub(crate) const DOCUMENT_WHAT: &str =
    "The program names a description of itself at {host}. This server could not use it.";
pub(crate) const DOCUMENT_TODO: &str =
    "Try again in a minute. If that does not help, ask the makers of the program.";
pub(crate) const EXPIRED_TITLE: &str = "This page is too old";
pub(crate) const EXPIRED_WHAT: &str = "It was open for more than 10 minutes, or this browser has another sign-in now. Nothing changed.";
pub(crate) const EXPIRED_TODO: &str = "Connect again from the program.";
pub(crate) const COOKIES_TITLE: &str = "This browser sent no cookie";
pub(crate) const COOKIES_WHAT: &str = "This page could not be matched with your browser. Cookies \
    are blocked, or the page was opened from somewhere else. Nothing changed.";
pub(crate) const COOKIES_TODO: &str =
    "Allow cookies for this address, then connect again from the program.";
pub(crate) const LINK_USED_TITLE: &str = "This link no longer works";
pub(crate) const LINK_USED_WHAT: &str = "A sign-in link works once and for a short time.";
pub(crate) const LINK_USED_TODO: &str = "Ask the operator of this server for a new one.";
pub(crate) const PROVIDER_TITLE: &str = "Sign-in did not work";
pub(crate) const PROVIDER_WHAT: &str = "{provider} did not confirm who you are.";
pub(crate) const PROVIDER_TODO: &str =
    "Connect again from the program. If that does not help, ask the operator of this server.";
pub(crate) const PROVIDER_OVER_TITLE: &str = "This sign-in is over";
pub(crate) const PROVIDER_OVER_WHAT: &str = "It took longer than 10 minutes, was finished already, \
    or began in another browser. You were not signed in.";
pub(crate) const PROVIDER_TOO_LONG_WHAT: &str =
    "The program sent a request that is too long to be taken to {provider} and back.";
pub(crate) const PROVIDER_DENIED_WHAT: &str =
    "{provider} says that the sign-in was declined: by you, or by a rule there.";
pub(crate) const PROVIDER_DENIED_TODO: &str = "Go back and try again, or sign in another way.";
pub(crate) const PROVIDER_UNAVAILABLE_WHAT: &str =
    "{provider} does not answer. Nothing is wrong with your account.";
pub(crate) const PROVIDER_UNAVAILABLE_TODO: &str = "Try again in a minute, or sign in another way.";
pub(crate) const PROVIDER_NOT_ADMITTED_TITLE: &str = "This account may not sign in here";
pub(crate) const PROVIDER_NOT_ADMITTED_WHAT: &str =
    "{provider} knows you, but this server does not admit this account.";
pub(crate) const PROVIDER_DISABLED_TITLE: &str = "Your account here is disabled";
pub(crate) const PROVIDER_DISABLED_WHAT: &str =
    "{provider} knows you, but your account at this server is disabled.";
pub(crate) const PROVIDER_DISABLED_TODO: &str = "Ask the operator of this server.";
pub(crate) const PROVIDER_USER: &str = "Your name here";
pub(crate) const PROVIDER_BACK: &str = "Back to sign-in";
pub(crate) const ACCOUNT_MISSING_TITLE: &str = "You have no account here";
pub(crate) const ACCOUNT_MISSING_WHAT: &str =
    "{provider} knows you, but this server has no account for you.";
pub(crate) const ACCOUNT_MISSING_TODO: &str =
    "Ask the operator of this server to add you, or sign in with another account.";
pub(crate) const TOO_MANY_TITLE: &str = "Too many attempts";
pub(crate) const TOO_MANY_WHAT: &str =
    "There were too many attempts, from you or from someone else at the same network.";
pub(crate) const UNAVAILABLE_TITLE: &str = "This does not work at the moment";
pub(crate) const UNAVAILABLE_WHAT: &str =
    "The server could not complete your request. This is not your fault, and nothing is lost.";
pub(crate) const UNAVAILABLE_TODO: &str = "Try again in a minute.";
pub(crate) const NOT_FOUND_TITLE: &str = "There is no such page";
pub(crate) const NOT_FOUND_WHAT: &str = "Nothing is at this address.";
pub(crate) const NOT_FOUND_TODO: &str = "Check the address, or go to your account page.";

/// After too many attempts.
pub(crate) fn try_again_in(seconds: u64) -> String {
    match seconds.div_ceil(60) {
        0 | 1 => "Try again in a minute.".to_owned(),
        minutes => format!("Try again in {minutes} minutes."),
    }
}

/// Too many attempts, on the page itself.
pub(crate) fn too_many(seconds: u64) -> String {
    format!("There were too many attempts. {}", try_again_in(seconds))
}

/// A time that has passed, in seconds.
pub(crate) fn ago(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    match count {
        1 => format!("1 {unit} ago"),
        _ => format!("{count} {unit}s ago"),
    }
}

/// What a list leaves out.
pub(crate) fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// How many recovery codes are left.
pub(crate) fn codes_left(count: usize) -> String {
    match count {
        0 => "No recovery code is left. Make new ones now.".to_owned(),
        1 => "1 recovery code is left.".to_owned(),
        _ => format!("{count} recovery codes are left."),
    }
}

/// What a new password must have.
pub(crate) fn password_length(least: usize) -> String {
    format!("At least {least} characters. A few words in a row are good.")
}
