//! Publisher `email-ext`: a mail by the result. Options: `recipients`, `reply-to`, `content-type` (`default`: text; `text`, `html`),
//! `subject` ($DEFAULT_SUBJECT), `body` ($DEFAULT_CONTENT), `always`, `unstable`, `not-built`, `aborted`, `success` (all false),
//! `failure` (true), `disable-publisher` (false). Not carried: what needs the build before (`fixed`, `still-failing`, `first-failure`
//! and their like), `pre-build`, attachments, scripts, and tokens with arguments (`${SCRIPT, …}`).

use jjb_compat::Component;

use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::Mail;
use crate::model::Problem;

/// Switches by result, their defaults, and the words.
const RESULTS: [(&str, bool, &str); 5] = [
    ("success", false, "SUCCESS"),
    ("unstable", false, "UNSTABLE"),
    ("failure", true, "FAILURE"),
    ("not-built", false, "NOT_BUILT"),
    ("aborted", false, "ABORTED"),
];

/// Switches that are not carried; all are off by default.
const OTHERS: [&str; 17] = [
    "first-failure",
    "first-unstable",
    "regression",
    "second-failure",
    "improvement",
    "still-failing",
    "fixed",
    "fixed-unhealthy",
    "still-unstable",
    "pre-build",
    "trigger-script",
    "presend-script",
    "postsend-script",
    "attach-build-log",
    "compress-log",
    "attachments",
    "save-output",
];

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<Mail> {
    let mut options = Options::of(scope, component);
    let always = options.flag("always", false);
    let mut on = Vec::new();
    for (key, default, word) in RESULTS {
        if options.flag(key, default) || always {
            on.push(word.to_owned());
        }
    }
    for key in OTHERS {
        // An empty text is what upstream has for none.
        if options.text(key).is_some_and(|text| !text.is_empty() && !text.eq_ignore_ascii_case("false")) {
            options.not_carried(key, "false");
        }
    }
    let html = match options.text_or("content-type", "default").as_str() {
        "default" | "text" => false,
        "html" => true,
        other => {
            options.find(Weight::Stays, "content-type", unknown("content-type", other));
            false
        }
    };
    let recipients = options.text_or("recipients", "$DEFAULT_RECIPIENTS");
    let reply_to = options.text_or("reply-to", "");
    let texts = [
        ("subject", options.text_or("subject", "$DEFAULT_SUBJECT")),
        ("body", options.text_or("body", "$DEFAULT_CONTENT")),
    ];
    for (key, text) in &texts {
        tokens(&options, key, text);
    }
    options.not_carried("from", "");
    options.without_effect("matrix-trigger", "it only matters for matrix jobs");
    send_to(&mut options);
    let disabled = options.flag("disable-publisher", false);
    options.close();
    if !disabled {
        needs_server(scope, component);
    }
    let [(_, subject), (_, body)] = texts;
    let place = scope.place(component.place);
    (!disabled).then_some(Mail { recipients, reply_to, subject, body, html, on, place })
}

/// Says so when a mail has nowhere to go.
pub(super) fn needs_server(scope: &Scope<'_>, component: &Component) {
    if scope.config.site.as_ref().is_some_and(|site| !site.mail) {
        let problem = Problem::error("no-mail-server", "the job sends mail, and there is no mail server")
            .cure("add 'mail' with 'server' and 'from' to the configuration");
        scope.find(Weight::Stays, component, component.place, problem);
    }
}

fn unknown(key: &str, word: &str) -> Problem {
    Problem::error("option-not-carried", format!("'{key}: {}' is not carried", word.escape_debug()))
        .cure("use text or html")
}

/// A token with arguments is a small program.
fn tokens(options: &Options<'_>, key: &str, text: &str) {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let name = after.split(['}', '\n']).next().unwrap_or_default();
        if name.contains([',', ' ', '=']) {
            let problem =
                Problem::error("token-not-carried", format!("the token '${{{name}}}' is not carried"))
                    .because("tokens with arguments are programs of the plugin")
                    .cure("write the text with variables of the build only");
            options.find(Weight::Stays, key, problem);
            return;
        }
        rest = after;
    }
}

/// Only the listed recipients are written to.
fn send_to(options: &mut Options<'_>) {
    let groups = options.list("send-to");
    if groups.iter().any(|group| super::options::text(group) != "recipients") {
        let problem = Problem::error("option-not-carried", "'send-to' is only carried for 'recipients'")
            .because("who is behind a change is not known here")
            .cure("name the addresses under 'recipients'");
        options.find(Weight::Stays, "send-to", problem);
    }
}
