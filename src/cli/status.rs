//! `causeway status`: how a running server is.

use serde_json::Value;

use super::Global;
use super::client::{Client, wait_for};
use super::failure::Failure;
use super::output::{Output, Tone};

/// `causeway status`.
pub(super) fn status(global: &Global, output: &Output) -> Result<(), Failure> {
    let client = Client::new(global)?;
    let status: Value = wait_for(client.get("/status", &[]))?;
    if output.is_json() {
        output.json_pretty(&status);
        return Ok(());
    }
    let ready = status["ready"] == true;
    let word = if ready { output.paint(Tone::Good, "ready") } else { output.paint(Tone::Warn, "not ready") };
    output.line(&format!("Causeway {}  {word}", text(&status, "version")));
    output.line(&format!("pages       {}", text(&status, "url")));
    output.line(&format!("gearman     {}", text(&status, "gearman")));
    output.line(&format!(
        "builds      {} running, {} waiting",
        status["builds_running"], status["builds_waiting"]
    ));
    output.line(&format!("jobs        {}, {} of them run here", status["jobs"], status["jobs_owned"]));
    for trouble in status["troubles"].as_array().into_iter().flatten() {
        output.line(&format!("not ready   {}", text(trouble, "detail")));
    }
    for provider in status["providers"].as_array().into_iter().flatten() {
        let up = if provider["healthy"] == true { "up" } else { "not up" };
        let line = format!(
            "provider    {}  {up}  {} of {} nodes  {}",
            text(provider, "name"),
            provider["nodes"],
            provider["max_nodes"],
            text(provider, "summary")
        );
        output.line(line.trim_end());
    }
    for label in status["labels"].as_array().into_iter().flatten() {
        output.line(&format!(
            "label       {}  {} ready of {}, {} being made, {} in use",
            text(label, "name"),
            label["ready"],
            label["wanted"],
            label["launching"],
            label["leased"]
        ));
    }
    Ok(())
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
