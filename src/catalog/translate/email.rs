//! Publisher `email`: the classic mail about a bad build. Options: `recipients` (required), `notify-every-unstable-build` (true),
//! `send-to-individuals` (false). Not carried: what needs the build before (mail about the first UNSTABLE build only, mail that all is
//! well again) and who is behind a change.

use jjb_compat::Component;

use super::email_ext;
use super::options::Options;
use super::scope::Scope;
use crate::catalog::finding::Weight;
use crate::catalog::recipe::Mail;
use crate::model::Problem;

/// The plugin's subject.
const SUBJECT: &str = "Build failed in Jenkins: $PROJECT_NAME #$BUILD_NUMBER";
/// The first line of the plugin's text.
const BODY: &str = "See <$BUILD_URL>\n";

pub(super) fn translate(scope: &Scope<'_>, component: &Component) -> Option<Mail> {
    let mut options = Options::of(scope, component);
    let recipients = options.need("recipients");
    options.not_carried("notify-every-unstable-build", "true");
    options.not_carried("send-to-individuals", "false");
    options.close();
    email_ext::needs_server(scope, component);
    let problem = Problem::note("mail-differs", "the mail is shorter, and none says that all is well again")
        .because("builds here do not look at the one before, and a mail has no lines of the log");
    scope.find(Weight::Difference, component, component.place, problem);
    Some(Mail {
        recipients: recipients?,
        reply_to: String::new(),
        subject: SUBJECT.to_owned(),
        body: BODY.to_owned(),
        html: false,
        on: ["UNSTABLE", "FAILURE"].map(str::to_owned).to_vec(),
        place: scope.place(component.place),
    })
}
