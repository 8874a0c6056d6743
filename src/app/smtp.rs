//! Hands mail over to a server, in plain SMTP: the relay of the machine or of the house.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::config::MailConfig;
use crate::execute::{Mailer, Message};

/// How long a server may take for one mail; a build's end waits for it.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes of a server's answers: more is no mail server.
const ANSWERS_MAX: u64 = 64 * 1024;
/// Letters of base64 in a line.
const LINE: usize = 76;

/// The server of the configuration.
pub(super) struct Smtp(pub MailConfig);

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, message: &Message) -> Result<(), String> {
        match tokio::time::timeout(LIMIT, self.talk(message)).await {
            Ok(sent) => sent,
            Err(_) => Err(format!("{} did not take it within {} s", self.0.server, LIMIT.as_secs())),
        }
    }
}

impl Smtp {
    async fn talk(&self, message: &Message) -> Result<(), String> {
        let lost = |error: std::io::Error| format!("{}: {error}", self.0.server);
        let stream = TcpStream::connect(&self.0.server).await.map_err(lost)?;
        let (read, mut write) = stream.into_split();
        let mut answers = BufReader::new(read.take(ANSWERS_MAX));
        let mut lines = vec!["EHLO causeway".to_owned(), format!("MAIL FROM:<{}>", self.0.from)];
        lines.extend(message.to.iter().map(|to| format!("RCPT TO:<{to}>")));
        lines.push("DATA".to_owned());
        lines.push(format!("{}\r\n.", self.text(message)));
        answer(&mut answers).await.map_err(lost)?;
        for line in lines {
            write.write_all(format!("{line}\r\n").as_bytes()).await.map_err(lost)?;
            let said = answer(&mut answers).await.map_err(lost)?;
            if !said.starts_with(['2', '3']) {
                let what = line.split(['\r', ':']).next().unwrap_or_default();
                return Err(format!("{} answered '{}' to {what}", self.0.server, said.trim_end()));
            }
        }
        // The mail is taken; how the server says goodbye is its own affair.
        let _ = write.write_all(b"QUIT\r\n").await;
        Ok(())
    }

    /// Header and text. In base64 nothing of it can end the mail.
    fn text(&self, message: &Message) -> String {
        let kind = if message.html { "html" } else { "plain" };
        let mut text = format!("From: {}\r\nTo: {}\r\n", self.0.from, message.to.join(", "));
        if let Some(reply_to) = &message.reply_to {
            text.push_str(&format!("Reply-To: {reply_to}\r\n"));
        }
        let subject = STANDARD.encode(&message.subject);
        let now = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC);
        text.push_str(&format!(
            "Subject: =?utf-8?B?{subject}?=\r\nDate: {}\r\nMessage-ID: <{}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
            now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            message.id
        ));
        let body = STANDARD.encode(&message.body);
        for line in body.as_bytes().chunks(LINE) {
            text.push_str("\r\n");
            text.push_str(&String::from_utf8_lossy(line));
        }
        text
    }
}

/// One answer, of one line or several; the last one.
async fn answer(from: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<String> {
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).await? == 0 {
            return Err(std::io::Error::other("the server ended the connection"));
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(line);
        }
    }
}
