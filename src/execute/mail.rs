//! The `email-ext` publisher (jjb 23): a mail about the build. Whether it can be sent changes nothing of the result.

use async_trait::async_trait;

use super::run::Trouble;
use super::steps::Steps;
use crate::catalog::recipe::Mail;
use crate::model::ResultWord;

/// What the plugin has for a subject that is not set.
const SUBJECT: &str = "$PROJECT_NAME - Build # $BUILD_NUMBER - $BUILD_STATUS!";
/// What it has for a text.
const BODY: &str = "$PROJECT_NAME - Build # $BUILD_NUMBER - $BUILD_STATUS:\n\nCheck console output at $BUILD_URL to view the results.\n";
/// Recipients of one mail; a longer list is a mistake.
const RECIPIENTS_MAX: usize = 100;

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Stays the same when a build says it again after a restart.
    pub id: String,
    /// Plain addresses.
    pub to: Vec<String>,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// Whether it is HTML.
    pub html: bool,
}

/// Sends mail.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Hands the mail over to a server.
    ///
    /// # Errors
    /// Why it was not taken, for people.
    async fn send(&self, message: &Message) -> Result<(), String>;
}

impl Steps<'_> {
    /// Sends a mail, when the result so far is one of its own.
    pub async fn mail(&self, index: u32, mail: &Mail, result: ResultWord) -> Result<(), Trouble> {
        if !mail.on.iter().any(|word| word == result.as_str()) {
            return Ok(());
        }
        let message = self.message(index, mail, result);
        let line = if message.to.is_empty() {
            "Mail: there is no recipient\n".to_owned()
        } else {
            let to = message.to.join(", ");
            match &self.context().mailer {
                None => "Mail: there is no mail server ('mail' in the configuration)\n".to_owned(),
                Some(mailer) => match mailer.send(&message).await {
                    Ok(()) => format!("Sent mail to {to}\n"),
                    Err(why) => format!("Mail to {to} was not sent: {why}\n"),
                },
            }
        };
        self.say(&line).await;
        Ok(())
    }

    fn message(&self, index: u32, mail: &Mail, result: ResultWord) -> Message {
        let tokens = vec![
            ("PROJECT_NAME".to_owned(), self.record().request.job.to_string()),
            ("BUILD_STATUS".to_owned(), words(result).to_owned()),
        ];
        // What a build knows may be a secret; mail leaves the house.
        let text = |text: &str| self.secrets().masks.hide(&self.expand_with(text, &tokens));
        let subject = mail.subject.replace("$DEFAULT_SUBJECT", SUBJECT);
        let body = mail.body.replace("$DEFAULT_CONTENT", BODY);
        Message {
            id: format!("{}.{index}@causeway", self.record().id),
            to: addresses(&text(&mail.recipients)),
            reply_to: addresses(&text(&mail.reply_to)).into_iter().next(),
            subject: text(&subject).split_whitespace().collect::<Vec<_>>().join(" "),
            body: text(&body),
            html: mail.html,
        }
    }
}

/// The plugin's words for results.
fn words(result: ResultWord) -> &'static str {
    match result {
        ResultWord::Success => "Successful",
        ResultWord::Unstable => "Unstable",
        ResultWord::Failure => "Failure",
        ResultWord::Aborted => "Aborted",
        _ => "Not Built",
    }
}

/// Addresses that a server can be told: what is none, is left out.
fn addresses(text: &str) -> Vec<String> {
    let words = text.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
    let words = words.map(|word| word.trim_start_matches("cc:").trim_start_matches("bcc:"));
    let plain = |word: &&str| {
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
            && word.chars().all(|letter| letter.is_ascii_graphic() && !"<>\"\\".contains(letter))
    };
    words.filter(plain).take(RECIPIENTS_MAX).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jjb_23_only_plain_addresses_are_written_to() {
        let text = "a@example b@example.org, cc:c@example $DEFAULT_RECIPIENTS x@y>\r\nDATA d@";
        assert_eq!(addresses(text), ["a@example", "b@example.org", "c@example"]);
    }
}
