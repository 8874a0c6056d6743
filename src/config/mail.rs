//! `mail`: the server that takes mail of builds (jjb 23 `email-ext`).

use super::section::Section;
use crate::model::Problem;

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// `HOST:PORT` of a server that takes mail without a password, as the one of the machine does.
    pub server: String,
    /// The sender's address.
    pub from: String,
}

/// Nothing of it: no mail is sent.
pub(super) fn read(mut section: Section<'_>) -> Option<MailConfig> {
    let (server, from) = (section.get::<String>("server"), section.get::<String>("from"));
    if server.is_some() != from.is_some() {
        let problem = Problem::error("mail-incomplete", "'mail' needs both 'server' and 'from'");
        let problem = problem.cure("write server: HOST:25 and from: ci@example");
        section.report().add(section.at(), problem);
    }
    section.close();
    let config = MailConfig { server: server?, from: from? };
    Some(config)
}
