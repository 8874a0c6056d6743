//! Zuul's JSON, both directions.

use causeway::model::{ParameterValue, Parameters, ResultWord};
use causeway::zuul::wire::{
    ArgumentError, Ended, Function, Passed, Started, WorkerFacts, build_function, is_build_of_zuul,
    parse_description, parse_parameters, parse_target, pass_to_zuul, set_description_function, stop_function,
};
use serde_json::{Map, Value};

/// Deeper JSON than this makes Python's reader, and so Zuul's handler, throw; the program's own limit is far below.
const DEEP: usize = 900;

/// The same bytes as arguments of a build, of `stop:` and `set_description:`, as a function's name, as a worker's data, and as
/// texts in what Zuul hears of a build.
pub(super) fn json(bytes: &[u8]) {
    parameters(bytes);
    targets(bytes);
    function(bytes);
    launched(bytes);
    passing(bytes);
    answers(bytes);
}

fn parameters(bytes: &[u8]) {
    let parsed = parse_parameters(bytes);
    let object = serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    match parsed {
        Ok(parameters) => {
            let size: usize = parameters.0.iter().map(|p| p.name.len() + p.value.text().len()).sum();
            assert!(size <= 1 << 20);
            assert!(parameters.0.iter().all(|p| !p.name.is_empty() && !p.name.contains(['=', '\0'])));
            assert!(parameters.0.iter().all(|p| !p.value.text().contains('\0')));
            let names: std::collections::HashSet<_> = parameters.0.iter().map(|p| &p.name).collect();
            assert_eq!(names.len(), parameters.0.len(), "a name twice");
            if let Some(object) = object {
                assert!(object.keys().eq(parameters.0.iter().map(|p| &p.name)), "other names");
            }
            assert_eq!(parse_parameters(written(&parameters).as_bytes()).as_ref(), Ok(&parameters));
        }
        Err(ArgumentError::NotAnObject(_)) => assert!(object.is_none(), "an object was refused"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn written(parameters: &Parameters) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let entries: Vec<String> = parameters
        .0
        .iter()
        .map(|p| {
            let value = match &p.value {
                ParameterValue::Text(text) => quoted(text),
                ParameterValue::Number(number) => number.clone(),
                ParameterValue::Bool(value) => value.to_string(),
                ParameterValue::Null => "null".to_owned(),
            };
            format!("{}:{value}", quoted(&p.name))
        })
        .collect();
    format!("{{{}}}", entries.join(","))
}

fn targets(bytes: &[u8]) {
    let target = parse_target(bytes);
    if let Some(target) = &target {
        let again = serde_json::json!({ "name": target.job.as_str(), "number": target.number });
        assert_eq!(parse_target(again.to_string().as_bytes()).as_ref(), Some(target));
    }
    if let Some(description) = parse_description(bytes) {
        assert_eq!(target.as_ref(), Some(&description.target));
        assert!(description.text.len() <= bytes.len());
    }
}

fn function(bytes: &[u8]) {
    let again = match Function::parse(bytes) {
        Some(Function::Build(rest)) => build_function(rest),
        Some(Function::Stop(manager)) => stop_function(manager),
        Some(Function::SetDescription(manager)) => set_description_function(manager),
        None => return,
    };
    assert_eq!(again.as_bytes(), bytes);
}

/// What reaches Zuul for a build is nothing or an object that Python reads (zuul-Z-4); the end always comes.
fn passing(bytes: &[u8]) {
    for last in [false, true] {
        match pass_to_zuul(last, bytes) {
            Passed::Unchanged => assert!(bytes.is_empty() || python_reads(bytes), "Zuul would throw"),
            Passed::Dropped => assert!(!last, "an end was dropped"),
            Passed::Instead(data) => {
                assert!(last && python_reads(&data));
                assert_eq!(pass_to_zuul(last, &data), Passed::Unchanged);
            }
        }
    }
}

/// Only what may be Zuul's own arguments makes a job a build of Zuul's (zuul-gearman 5.5).
fn launched(bytes: &[u8]) {
    assert!(!is_build_of_zuul(b"merger:merge", bytes));
    if is_build_of_zuul(b"build:unit", bytes) {
        assert!(bytes.trim_ascii().starts_with(b"{") && bytes.trim_ascii().ends_with(b"}"));
    }
    if serde_json::from_slice::<Map<String, Value>>(bytes).is_ok() {
        assert!(is_build_of_zuul(b"build:unit", bytes), "an object is not taken for Zuul's");
    }
}

fn python_reads(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let (mut depth, mut deepest, mut inside, mut escaped) = (0usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' | b'[' if !inside => depth += 1,
            b'}' | b']' if !inside => depth = depth.saturating_sub(1),
            // Python's JSON takes no control characters in strings.
            0..0x20 if inside => return false,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest <= DEEP && depth == 0 && !inside && text.trim_start().starts_with('{')
}

/// Whatever is in the texts, Zuul hears one JSON object that says just them (zuul-Z-5).
fn answers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (name, url) = text.split_at(middle);
    let worker = WorkerFacts {
        manager: url.to_owned(),
        worker_hostname: name.to_owned(),
        worker_program: "causeway".to_owned(),
        worker_version: "1".to_owned(),
    };
    let labels = [name.to_owned(), url.to_owned()];
    let number = bytes.len() as u64;
    let started = Started {
        name,
        number,
        url,
        worker: &worker,
        worker_name: name,
        node_name: number.is_multiple_of(2).then_some(url),
        node_labels: &labels[..bytes.len() % 3],
    };
    let said = started.to_json();
    check_answer(&said, name, url, number);
    let words = [Some(ResultWord::Success), Some(ResultWord::ConfigError), None];
    for result in words {
        let said = Ended { started: started.clone(), result }.to_json();
        let object = check_answer(&said, name, url, number);
        assert_eq!(object.get("result").and_then(Value::as_str), result.map(ResultWord::as_str));
    }
}

fn check_answer(said: &[u8], name: &str, url: &str, number: u64) -> Map<String, Value> {
    let object: Map<String, Value> = serde_json::from_slice(said).expect("one object");
    assert_eq!(object["name"], name);
    assert_eq!(object["url"], url);
    assert_eq!(object["manager"], url);
    assert_eq!(object["number"], number);
    assert_eq!(pass_to_zuul(false, said), Passed::Unchanged);
    object
}
